"""Whether tables and columns that are dropped hold rows: an EXISTS and an estimate, never a count."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ColumnClause, Connection, Select, column, exists, inspect, literal, select, table, text
from sqlalchemy.exc import DBAPIError

_SECONDS = 2.0
_AT_ONCE = 100


def find_losses(connection: Connection, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of ``[{table, column, schema}]`` those that hold rows, with ``rows``: the planner's estimate or None.

    What is not known within two seconds counts as rows. A table that is not there holds none. A column
    of nothing but NULL loses nothing, and neither does a generated one.
    """
    return [
        {**drop, "rows": None if drop["table"] is None else _estimate(connection, drop)}
        for drop, holds in zip(wanted, _hold(connection, wanted), strict=True)
        if holds
    ]


def _hold(connection: Connection, wanted: list[dict[str, Any]]) -> list[bool]:
    """Of each whether it holds rows: all of them at once, and where that fails one after the other."""
    try:
        with _limited(connection):
            return _Tables(connection).hold(wanted)
    except DBAPIError:
        return [_holds(connection, drop) for drop in wanted]


def _holds(connection: Connection, drop: dict[str, Any]) -> bool:
    try:
        with _limited(connection):
            return _Tables(connection).hold([drop])[0]
    except DBAPIError:
        return True


class _Tables:
    """The tables that are there, listed once for each schema."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._inspector = inspect(connection)
        self._names: dict[str | None, set[str]] = {}

    def hold(self, wanted: Sequence[dict[str, Any]]) -> list[bool]:
        """Whether each table, or its column, has anything in it; so has what is not known by name."""
        rows = [self._rows(drop) for drop in wanted]
        found = self._found([each for each in rows if not isinstance(each, bool)])
        return [each if isinstance(each, bool) else next(found) for each in rows]

    def _found(self, rows: list[Select[Any]]) -> Iterator[bool]:
        """Whether there are any, asked in few statements: at a hundred tables each one's way there counts."""
        for start in range(0, len(rows), _AT_ONCE):
            several = select(*(exists(each) for each in rows[start : start + _AT_ONCE]))
            yield from map(bool, self._connection.execute(several).one())

    def _rows(self, drop: dict[str, Any]) -> Select[Any] | bool:
        """What asks for the rows, or the answer where nothing has to be asked."""
        name, schema = drop["table"], drop["schema"]
        if name is None:
            return True
        if not self._has(name, schema):
            return False
        there = table(name, schema=schema)
        rows = select(literal(1)).select_from(there)
        if drop["column"] is not None:
            columns = {each["name"]: each for each in self._inspector.get_columns(name, schema=schema)}
            found = columns.get(drop["column"])
            # What a generated column has, the database makes from the others.
            if found is None or "computed" in found:
                return False
            value: ColumnClause[Any] = column(drop["column"], _selectable=there)
            # PostgreSQL takes a value of several parts for NULL and for not NULL as its parts are.
            several = self._connection.dialect.name == "postgresql"
            rows = rows.where(value.is_distinct_from(None) if several else value.is_not(None))
        return rows

    def _has(self, name: str, schema: str | None) -> bool:
        if schema not in self._names:
            self._names[schema] = set(self._inspector.get_table_names(schema=schema))
        # What is no ordinary table can be asked for all the same.
        return name in self._names[schema] or self._inspector.has_table(name, schema=schema)


@contextmanager
def _limited(connection: Connection) -> Iterator[None]:
    """At most two seconds, and a failure takes nothing else of the transaction with it."""
    backend = connection.dialect.name
    if backend == "sqlite":
        driver: Any = connection.connection.driver_connection
        end = time.monotonic() + _SECONDS
        handler = getattr(driver, "set_progress_handler", None)
        if handler is not None:
            handler(lambda: time.monotonic() > end, 10_000)
        try:
            yield
        finally:
            if handler is not None:
                handler(None, 0)
        return
    if backend == "postgresql":
        nested = connection.begin_nested()
        try:
            connection.execute(text(f"SET LOCAL statement_timeout = {int(_SECONDS * 1000)}"))
            # Rows that this user may not see are lost as well: asking about those fails.
            connection.execute(text("SET LOCAL row_security = off"))
            yield
        finally:
            nested.rollback()  # and with it the limit
        return
    if getattr(connection.dialect, "is_mariadb", False):
        before = connection.execute(text("SELECT @@session.max_statement_time")).scalar()
        connection.execute(text(f"SET SESSION max_statement_time = {_SECONDS}"))
        try:
            yield
        finally:
            connection.execute(text(f"SET SESSION max_statement_time = {before}"))
        return
    yield


def _estimate(connection: Connection, drop: dict[str, Any]) -> int | None:
    if connection.dialect.name != "postgresql":
        return None
    statement = text("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(:name)")
    quoted = connection.dialect.identifier_preparer
    name = quoted.quote(drop["table"])
    if drop["schema"]:
        name = f"{quoted.quote_schema(drop['schema'])}.{name}"
    rows = connection.execute(statement, {"name": name}).scalar()
    return rows if rows is not None and rows > 0 else None
