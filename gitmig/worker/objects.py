"""The objects behind facets: those of the models by facet key, and those of the database by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Enum,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
    UniqueConstraint,
    inspect,
)
from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError
from sqlalchemy.types import ARRAY, TypeEngine

from . import facets
from .ddl_text import qualified
from .filters import Filters

Key = tuple[str, str, str]
"""kind, table, name."""


class ModelObjects:
    """The tables, columns, constraints and indexes of the models, by the key of their facet."""

    def __init__(self, metadata: Sequence[MetaData], connection: Connection):
        self._metadata = metadata
        self._reader = facets.Reader(facets.plain_dialect(connection.dialect), Filters({}))
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

    def is_of_column(self, item: Any) -> bool:
        """Whether a constraint was given to a column and not to its table; Alembic leaves those out."""
        return any(item in column.constraints for table in self._tables.values() for column in table.columns)

    def enum_columns(self, name: str) -> list[Column[Any]]:
        """The columns whose type is the named enumeration, arrays of it included."""
        return [
            column
            for table in self._tables.values()
            for column in table.columns
            if any(qualified(enum) == name for enum in enums_of(column.type))
        ]

    def enum(self, name: str) -> Enum | None:
        """The type of that name."""
        for column in self.enum_columns(name):
            return next(enum for enum in enums_of(column.type) if qualified(enum) == name)
        for item in self._metadata:
            for type_ in getattr(item, "_objects", ()):
                if isinstance(type_, Enum) and qualified(type_) == name:
                    return type_
        return None

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


def enums_of(type_: TypeEngine[Any]) -> list[Enum]:
    """The named native enumerations that a column's type is made of."""
    inner = getattr(type_, "impl_instance", None) or type_
    if isinstance(inner, ARRAY):
        return enums_of(inner.item_type)
    return [inner] if isinstance(inner, Enum) and inner.native_enum and inner.name else []


class DatabaseObjects:
    """What the database has now: the old side of the drafted revision."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._inspector = inspect(connection)
        self.default_schema = connection.dialect.default_schema_name
        self._tables: dict[str, Table | None] = {}

    def table(self, key: str) -> Table | None:
        """The table as reflected, or None where there is none."""
        if key not in self._tables:
            schema, name = split(key)
            try:
                self._tables[key] = Table(
                    name, MetaData(), schema=schema, autoload_with=self._connection, resolve_fks=False
                )
            except NoSuchTableError:
                self._tables[key] = None
        return self._tables[key]

    def column(self, table: str, name: str) -> Column[Any] | None:
        """One of its columns."""
        found = self.table(table)
        return found.columns.get(name) if found is not None else None

    def index(self, table: str, name: str) -> Index | None:
        """An index by its name."""
        found = self.table(table)
        return (
            next((item for item in found.indexes if item.name == name), None) if found is not None else None
        )

    def constraint(self, key: Key) -> UniqueConstraint | ForeignKeyConstraint | None:
        """A unique or foreign key by its name, or by its columns where the models do not name it."""
        kind, table, name = key
        found = self.table(table)
        if found is None:
            return None
        wanted = UniqueConstraint if kind == "unique" else ForeignKeyConstraint
        for item in found.constraints:
            columns = ",".join(column.name for column in item.columns) if isinstance(item, wanted) else None
            if isinstance(item, wanted) and name in (item.name, columns):
                return item
        return None

    def primary_key_name(self, table: str) -> str | None:
        """The name of the primary key's constraint."""
        schema, name = split(table)
        try:
            return self._inspector.get_pk_constraint(name, schema=schema)["name"]
        except SQLAlchemyError:
            return None

    def check_name(self, table: str, name: str, sql: str) -> str | None:
        """The name under which the database has a CHECK, found by its name or else by its text."""
        checks = self._checks(table)
        if any(check["name"] == name for check in checks):
            return name
        same = [check["name"] for check in checks if plain(check["sqltext"]) == plain(condition(sql))]
        return same[0] if len(same) == 1 else None

    def unnamed_checks(self, table: str) -> list[str]:
        """The conditions of the CHECKs that have no name."""
        return [str(check["sqltext"]) for check in self._checks(table) if check["name"] is None]

    def _checks(self, table: str) -> Sequence[Any]:
        schema, name = split(table)
        try:
            return self._inspector.get_check_constraints(name, schema=schema)
        except (SQLAlchemyError, NotImplementedError):
            return []


def split(key: str) -> tuple[str | None, str]:
    """Schema and name of ``schema.name``."""
    schema, _, name = key.rpartition(".")
    return schema or None, name


def condition(sql: str) -> str:
    """What is checked in ``CONSTRAINT x CHECK (…)``."""
    match = re.search(r"\bCHECK\s*\((.*)\)", sql, re.DOTALL)
    return match.group(1) if match else sql


def plain(sql: str) -> str:
    """A condition without what a database adds to it: casts, parentheses, blanks, quotes."""
    return re.sub(r"::[\w ]+|[\s()\"`\[\]]", "", sql).lower()
