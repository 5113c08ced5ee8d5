"""The objects behind facets: tables, columns, constraints and indexes of the models, by their keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, MetaData, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import conv, quoted_name

from ..schema import facets
from ..schema.facets import qualified
from ..schema.filters import Filters

Key = tuple[str, str, str]
"""kind, table, name."""


class ModelObjects:
    """The tables, columns, constraints and indexes of the models, by the key of their facet."""

    def __init__(self, metadata: Sequence[MetaData], dialect: Dialect):
        self.dialect = dialect
        self._metadata = metadata
        self._reader = facets.FacetReader(dialect, Filters({}))
        self._tables = {facets.table_key(table): table for item in metadata for table in item.tables.values()}
        self._parts: dict[str, dict[Key, Any]] = {}

    def table(self, key: str) -> Table | None:
        """The table ``schema.name``."""
        return self._tables.get(key)

    def column(self, table: str, name: str) -> Column[Any] | None:
        """The column as the database knows it, not by its key in Python."""
        found = self.table(table)
        return (
            next((column for column in found.columns if column.name == name), None)
            if found is not None
            else None
        )

    def part(self, key: Key) -> Any:
        """The constraint or index of a facet, or None."""
        if key[1] not in self._parts:
            self._parts[key[1]] = dict(self._read(key[1]))
        return self._parts[key[1]].get(key)

    def columns_of_type(self, name: str) -> list[Column[Any]]:
        """The columns whose type is the named enumeration or domain, arrays of it included."""
        return [
            column
            for table in self._tables.values()
            for column in table.columns
            for found in facets.named_types(column.type, self.dialect)
            if getattr(found, "name", None) and qualified(found) == name
        ]

    @contextmanager
    def renamed(self, tables: dict[str, str]) -> Iterator[None]:
        """Have tables under other names, old key to new, for as long as the block lasts."""
        names: dict[str, Any] = {}
        try:
            for old, new in tables.items():
                found: Any = self._tables.pop(old, None)
                if found is not None:
                    names[new] = found.name
                    found.name = quoted_name(split(new)[1], None)
                    self._tables[new] = found
            yield
        finally:
            for new, name in names.items():
                self._tables[new].name = name

    @contextmanager
    def final_names(self, wanted: bool) -> Iterator[None]:
        """Have no naming convention applied to any name, for as long as the block lasts."""
        tables = self._tables.values() if wanted else ()
        named = [
            (item, item.name)
            for table in tables
            for item in (*table.constraints, *table.indexes, *_of_columns(table))
            if isinstance(item.name, str)
        ]
        items: Any
        for items, name in named:
            items.name = conv(name)
        try:
            yield
        finally:
            for items, name in named:
                items.name = name

    @contextmanager
    def renamed_columns(self, rows: Iterable[Sequence[str]]) -> Iterator[None]:
        """Have columns under other names, rows ``[table, old, new]``, for as long as the block lasts.

        What is looked up by its columns' names goes on having the old ones.
        """
        found = []
        for table, old, new in rows:
            column: Any = self.column(table, old)
            if column is not None:
                self.parts_of(table)
                found.append((column, column.name, new))
        for column, _, new in found:
            column.name = quoted_name(new, None)
        try:
            yield
        finally:
            for column, name, _ in found:
                column.name = name

    def quoted(self, key: str) -> str:
        """``schema.table`` as SQL has it, quoted where that is needed."""
        preparer = self.dialect.identifier_preparer
        return ".".join(preparer.quote(part) for part in split(key) if part)

    def quoted_name(self, name: str) -> str:
        """One name as SQL has it."""
        return self.dialect.identifier_preparer.quote(name)

    def column_ddl(self, column: Column[Any]) -> str:
        """A column as its facet has it."""
        return self._reader._column_ddl(column)

    def literal(self, text: str) -> str:
        """Text as an SQL literal."""
        return self._reader._literal(text)

    def ddl(self, item: Any) -> str | None:
        """The dialect's text for a constraint."""
        return self._reader._process(item)

    def parts_of(self, key: str) -> dict[Key, Any]:
        """Every constraint and index of a table."""
        self.part(("", key, ""))
        return self._parts[key]

    def tables(self) -> list[Table]:
        """All tables."""
        return list(self._tables.values())

    def _read(self, key: str) -> Iterable[tuple[Key, Any]]:
        table = self.table(key)
        if table is None:
            return
        for index in table.indexes:
            for facet in self._reader._index(key, table, index):
                yield facet[:3], index
        for constraint in table.constraints:
            yield from self._keyed(self._reader.constraint(key, table, constraint), constraint)
        for column in table.columns:
            for constraint in column.constraints:
                if hasattr(constraint, "_should_create_for_compiler"):
                    yield from self._keyed(
                        self._reader.constraint(key, table, constraint, str(column.name)), constraint
                    )

    @staticmethod
    def _keyed(found: Iterable[facets.Facet], constraint: Any) -> Iterable[tuple[Key, Any]]:
        return ((facet[:3], constraint) for facet in found if facet[0] != "comment")


def _of_columns(table: Table) -> Iterator[Any]:
    for column in table.columns:
        yield from (item for item in column.constraints if hasattr(item, "_should_create_for_compiler"))


def conventions(metadata: Sequence[MetaData]) -> list[dict[str, str]]:
    """The naming conventions, so that those of two processes can be compared."""
    return [{str(key): str(value) for key, value in item.naming_convention.items()} for item in metadata]


def split(key: str) -> tuple[str | None, str]:
    """Schema and name of ``schema.name``."""
    schema, _, name = key.rpartition(".")
    return schema or None, name


def condition(sql: str) -> str:
    """What is checked in ``CONSTRAINT x CHECK (…)``."""
    match = re.search(r"\bCHECK\s*\((.*)\)", sql, re.DOTALL)
    return match.group(1) if match else sql
