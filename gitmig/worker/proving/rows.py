"""Rows in the tables of a scratch database: made up before a proof, and read after it."""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, inspect, text
from sqlalchemy.exc import SQLAlchemyError

_ROWS = 2
"""How many rows each table gets: one alone would not show that two were taken for one."""


def fill(connection: Connection, metadata: Iterable[MetaData]) -> list[str]:
    """Insert rows into every table, those that are referred to first. Returns the tables that took none."""
    empty = []
    made: dict[tuple[Table, int], dict[str, Any]] = {}
    for item in metadata:
        for table in item.sorted_tables:
            for number in range(1, _ROWS + 1):
                values = {column.name: _value(column, number, made) for column in table.columns}
                if _insert(connection, table, values):
                    made[table, number] = values
            if (table, 1) not in made:
                empty.append(str(table))
    return empty


def _insert(connection: Connection, table: Table, values: dict[str, Any]) -> bool:
    given = {name: value for name, value in values.items() if value is not _DEFAULT}
    try:
        with connection.begin_nested():
            connection.execute(table.insert().values(given))
    except Exception:  # a type or a constraint of the project's own: then there is no such row
        return False
    return True


_DEFAULT = object()
"""The database, or the column, has a value of its own."""


def _value(column: Column[Any], number: int, made: dict[tuple[Table, int], dict[str, Any]]) -> Any:
    for key in column.foreign_keys:
        parent = made.get((key.column.table, number), {}).get(key.column.name)
        return None if parent is _DEFAULT else parent
    if column.computed is not None or column.identity is not None:
        return _DEFAULT
    try:
        kind = column.type.python_type
    except NotImplementedError:
        kind = type(None)
    return _of_type(column, kind, number)


def _of_type(column: Column[Any], kind: type, number: int) -> Any:
    labels = getattr(column.type, "enums", None)
    if labels:
        members = getattr(column.type, "enum_class", None)
        chosen = list(members) if members is not None else list(labels)
        return chosen[number % len(chosen)]
    if issubclass(kind, bool):
        return bool(number % 2)
    if issubclass(kind, int):
        return number
    if issubclass(kind, (float, decimal.Decimal)):
        return kind(number)
    if issubclass(kind, str):
        length = getattr(column.type, "length", None)
        return f"{number} {column.name}"[:length]
    if issubclass(kind, bytes):
        return f"{number}".encode()
    return _moment(kind, number)


def _moment(kind: type, number: int) -> Any:
    moment = datetime.datetime(2026, 1, number)
    if issubclass(kind, datetime.datetime):
        return moment
    if issubclass(kind, datetime.date):
        return moment.date()
    if issubclass(kind, datetime.time):
        return moment.time()
    if issubclass(kind, datetime.timedelta):
        return datetime.timedelta(hours=number)
    if issubclass(kind, uuid.UUID):
        return uuid.UUID(int=number)
    if issubclass(kind, (dict, list)):
        return kind()
    return None if not issubclass(kind, enum.Enum) else list(kind)[number % len(kind)]


def rows(connection: Connection, schemas: Iterable[str | None]) -> dict[str, list[list[list[str]]]]:
    """The rows of every table as texts: of each row its columns with their values, all sorted.

    Alembic's version table is left out.
    """
    found: dict[str, list[list[list[str]]]] = {}
    inspector = inspect(connection)
    for schema in {*schemas, None}:
        for name in inspector.get_table_names(schema=schema):
            if name == "alembic_version":
                continue
            found[f"{schema}.{name}" if schema else name] = _rows(connection, schema, name)
    return found


def _rows(connection: Connection, schema: str | None, name: str) -> list[list[list[str]]]:
    quoted = connection.dialect.identifier_preparer.format_table(Table(name, MetaData(), schema=schema))
    try:
        result = connection.execute(text(f"SELECT * FROM {quoted}"))
    except SQLAlchemyError:
        return []
    return sorted(sorted([key, repr(value)] for key, value in row.items()) for row in result.mappings())
