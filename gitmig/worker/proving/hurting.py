"""Rows that hurt: NULLs, duplicates, empty strings, long texts, keys that are referenced.

They are made from what the database says of its tables, never from the models. If a constraint does not let a
row in, the next one is tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, insert, inspect, select, text, types
from sqlalchemy.exc import SQLAlchemyError, StatementError

from .values import OMITTED, made_up

_ROUNDS = 3
"""As often as a table is tried: the rows that it refers to may come later."""
_WORDS = re.compile(r"'((?:[^']|'')*)'")
_NUMBERS = re.compile(r"(?<![\w.'])-?\d+(?![\w.'])")
_LEAST = 4
"""The columns of a key take numbers that no sequence has reached."""


@dataclass
class Rows:
    """The rows of one scratch database."""

    connection: Connection
    seeds: list[str] = field(default_factory=list)
    """Statements of the user's that could not be run so far: their tables are not there yet."""
    _filled: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _count: int = 1000

    def fill(self, tables: Mapping[str, tuple[str, ...]]) -> None:
        """Put rows into the tables (with their columns) that are new, or have other columns than before."""
        waiting = [table for table, columns in tables.items() if self._filled.get(table) != columns]
        for _ in range(_ROUNDS):
            waiting = [table for table in waiting if not self._put(table)]
        self._filled = dict(tables)
        self.seeds = [statement for statement in self.seeds if not self._run(statement)]

    def _run(self, statement: str) -> bool:
        savepoint = self.connection.begin_nested()
        try:
            self.connection.exec_driver_sql(statement)
        except SQLAlchemyError:
            savepoint.rollback()
            return False
        savepoint.commit()
        return True

    def _put(self, key: str) -> bool:
        """Put the rows of one table; whether there is at least one now."""
        schema, _, name = key.rpartition(".")
        try:
            found = _Found.of(self.connection, name, schema or None)
        except (SQLAlchemyError, KeyError, ValueError):
            return True  # a table that cannot be read by SQLAlchemy: its rows are none of ours
        done = False
        for values in found.rows(self._next):
            done = self._insert(found.table, values) or done
        return done

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _insert(self, table: Table, values: Mapping[str, Any]) -> bool:
        savepoint = self.connection.begin_nested()
        try:
            statement = insert(table).values(dict(values)) if values else text(_defaults(table))
            self.connection.execute(statement)
        except (SQLAlchemyError, StatementError, TypeError, ValueError, OverflowError):
            savepoint.rollback()
            return False
        savepoint.commit()
        return True


def _defaults(table: Table) -> str:
    name = f'"{table.name}"' if table.schema is None else f'"{table.schema}"."{table.name}"'
    return f"INSERT INTO {name} DEFAULT VALUES"


@dataclass
class _Found:
    """A table as the database has it."""

    connection: Connection
    table: Table
    unique: tuple[frozenset[str], ...]
    """The columns of each key."""
    keys: Mapping[str, tuple[str | None, str, str]]
    """A column to the one that it refers to: schema, table, column."""
    words: Mapping[str, tuple[str, ...]]
    """The texts that a CHECK compares a column with."""
    numbers: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, connection: Connection, name: str, schema: str | None) -> _Found:
        """What the catalog says of a table."""
        inspector: Any = inspect(connection)  # one for both: it remembers what it has read
        table = Table(name, MetaData(), schema=schema, autoload_with=inspector, resolve_fks=False)
        keys = [frozenset(str(column.name) for column in table.primary_key)]
        keys += [frozenset(u["column_names"]) for u in inspector.get_unique_constraints(name, schema=schema)]
        keys += [
            frozenset(str(column) for column in index["column_names"] if column)
            for index in inspector.get_indexes(name, schema=schema)
            if index["unique"]
        ]
        referring = {
            column: (item["referred_schema"], item["referred_table"], other)
            for item in inspector.get_foreign_keys(name, schema=schema)
            for column, other in zip(item["constrained_columns"], item["referred_columns"], strict=False)
        }
        checks = [item["sqltext"] for item in inspector.get_check_constraints(name, schema=schema)]
        about = {
            str(c.name): [t for t in checks if re.search(rf"\b{re.escape(c.name)}\b", t)] for c in table.c
        }
        return cls(
            connection=connection,
            table=table,
            unique=tuple(key for key in keys if key),
            keys=referring,
            words={name: tuple(w for t in texts for w in _WORDS.findall(t)) for name, texts in about.items()},
            numbers={
                name: tuple(int(n) + more for t in texts for n in _NUMBERS.findall(t) for more in (1, 0, -1))
                for name, texts in about.items()
            },
        )

    def rows(self, count: Any) -> Iterator[dict[str, Any]]:
        """The rows to try, each several times with other numbers, for CHECKs that want some."""
        for kind in ("plain", "again", "empty", "long"):
            for attempt in range(_LEAST):
                yield self._row(kind, attempt, count)
                if attempt == 0 and not any(self.words.values()) and not any(self.numbers.values()):
                    break

    def _row(self, kind: str, attempt: int, count: Any) -> dict[str, Any]:
        single = {name for key in self.unique for name in key if len(key) == 1}
        single |= {min(key) for key in self.unique if len(key) > 1 and not key & single}
        row: dict[str, Any] = {}
        for column in self.table.columns:
            name = str(column.name)
            if column.computed is not None or column.identity is not None or _is_numbered(column, self.table):
                continue
            value = self._value(column, kind, attempt, count() if name in single else None)
            if value is not OMITTED:
                row[name] = value
        return row

    def _value(self, column: Column[Any], kind: str, attempt: int, number: int | None) -> Any:
        name = str(column.name)
        if kind == "empty" and column.nullable and number is None:
            return None
        if name in self.keys:
            return self._referred(column, number)
        if number is None and kind in ("plain", "again") and column.server_default is not None:
            return OMITTED
        words, numbers = self.words.get(name) or (), self.numbers.get(name) or ()
        if words and isinstance(column.type, (types.String, types.Enum)):
            return words[attempt % len(words)]
        if numbers and number is None and isinstance(column.type, types.Integer):
            return numbers[attempt % len(numbers)]
        value = made_up(column.type, kind, number)
        if value is OMITTED and not column.nullable and column.server_default is None:
            return "x"
        return value

    def _referred(self, column: Column[Any], number: int | None) -> Any:
        schema, table, other = self.keys[str(column.name)]
        target = Table(table, MetaData(), Column(other, column.type), schema=schema)
        found = self.connection.execute(select(target.c[other]).where(target.c[other].is_not(None)).limit(9))
        values = found.scalars().all()
        if values:
            return values[(number or 0) % len(values)]
        return None if column.nullable else OMITTED


def _is_numbered(column: Column[Any], table: Table) -> bool:
    """Whether the database itself gives out the numbers of a key."""
    if not column.primary_key or not isinstance(column.type, types.Integer):
        return False
    return column.server_default is not None or len(table.primary_key.columns) == 1


def statements_of(scripts: Iterable[str]) -> Sequence[str]:
    """The statements of SQL files, split at the semicolons that end a line."""
    found = [part.strip() for script in scripts for part in re.split(r";[ \t]*(?:\n|$)", script)]
    return [part for part in found if part]


def columns_of(facets: Iterable[tuple[str, str, str, str]]) -> dict[str, tuple[str, ...]]:
    """The tables of a description with their columns."""
    tables: dict[str, list[str]] = {}
    for kind, table, name, ddl in facets:
        if kind == "table":
            tables.setdefault(table, [])
        if kind == "column":
            tables.setdefault(table, []).append(f"{name} {ddl}")
    return {table: tuple(columns) for table, columns in tables.items()}
