"""Rows in the tables of a scratch database: made up before a proof, and read after it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from .values import OMITTED, made_up

_ROWS = 2
"""How many rows each table gets: one alone would not show that two were taken for one."""


def fill(connection: Connection, metadata: Iterable[MetaData]) -> None:
    """Insert rows into every table, those that are referred to first."""
    made: dict[tuple[Table, int], dict[str, Any]] = {}
    for item in metadata:
        for table in item.sorted_tables:
            for number in range(1, _ROWS + 1):
                values = {column.name: _value(column, number, made) for column in table.columns}
                if _insert(connection, table, values):
                    made[table, number] = values


def _insert(connection: Connection, table: Table, values: dict[str, Any]) -> bool:
    given = {name: value for name, value in values.items() if value is not OMITTED}
    try:
        with connection.begin_nested():
            connection.execute(table.insert().values(given))
    except Exception:  # a type or a constraint of the project's own: then there is no such row
        return False
    return True


def _value(column: Column[Any], number: int, made: dict[tuple[Table, int], dict[str, Any]]) -> Any:
    for key in column.foreign_keys:
        parent = made.get((key.column.table, number), {}).get(key.column.name)
        return None if parent is OMITTED else parent
    if column.computed is not None or column.identity is not None:
        return OMITTED
    members = getattr(column.type, "enum_class", None) or getattr(column.type, "enums", None)
    if members:
        return list(members)[number % len(members)]
    value = made_up(column.type, "plain", number)
    return None if value is OMITTED else value


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
