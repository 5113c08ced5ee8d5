"""Facets out of MetaData objects: each thing that a database would hold, with the dialect's own DDL for it.

No DDL event is run and nothing connects. The order of tables, columns and constraints is not part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias, cast

from sqlalchemy import Column, Computed, Enum, ForeignKeyConstraint, Index, MetaData, Table, UniqueConstraint
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.exc import CompileError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.schema import (
    CheckConstraint,
    Constraint,
    CreateIndex,
    CreateSchema,
    CreateSequence,
    PrimaryKeyConstraint,
    SetColumnComment,
    SetConstraintComment,
    SetTableComment,
)
from sqlalchemy.types import ARRAY, String, TypeDecorator, TypeEngine

from .column_parts import without
from .filters import Filters as Filters
from .filters import table_key as table_key

Facet: TypeAlias = "tuple[str, str, str, str]"
"""kind, table (``schema.table``), name, DDL."""


def plain_dialect(dialect: Dialect) -> Dialect:
    """The dialect without its driver's ways, so that two drivers of one database give the same text."""
    try:
        kind = URL.create(dialect.name).get_dialect()
    except (NoSuchModuleError, SQLAlchemyError):
        kind = type(dialect)
    make: Any = kind
    try:
        return cast("Dialect", make(paramstyle="named"))  # "pyformat" would double every percent sign
    except TypeError:
        return kind()


def facets_of(metadata: Sequence[MetaData], dialect: Dialect, filters: Filters) -> list[Facet]:
    """Every facet, sorted; keys are unique (`` (2)`` tells apart what has the same name)."""
    found: set[Facet] = set()
    keys: set[str] = set()
    tables: list[Table] = []
    for item in metadata:
        doubled = keys.intersection(item.tables)
        if doubled:
            raise ValueError(f"Duplicate table keys across multiple MetaData objects: {min(doubled)}")
        keys.update(item.tables)
        tables += [table for table in item.tables.values() if not getattr(table, "is_view", False)]
    reader = FacetReader(dialect, filters)
    included = [table for table in tables if filters.table(table)]
    for table in included:
        found.update(reader.table(table))
    excluded = set(tables).difference(included)
    for item in metadata:
        found.update(reader.objects(item, excluded))
    for schema in {table.schema for table in included if table.schema}:
        found.add(("schema", "", str(schema), reader.ddl(CreateSchema(schema))))
    return _with_unique_keys(sorted(found))


def _with_unique_keys(facets: list[Facet]) -> list[Facet]:
    seen: dict[tuple[str, str, str], int] = {}
    unique = []
    for kind, table, name, ddl in facets:
        count = seen[kind, table, name] = seen.get((kind, table, name), 0) + 1
        unique.append((kind, table, name if count == 1 else f"{name} ({count})", ddl))
    return unique


class FacetReader:
    """Reads tables for one dialect."""

    def __init__(self, dialect: Dialect, filters: Filters):
        self._dialect = dialect
        self._filters = filters
        self._compiler: Any = dialect.ddl_compiler(dialect, None)  # type: ignore[arg-type]
        self._preparer = self._compiler.preparer

    def ddl(self, element: Any) -> str:
        """The dialect's text for a DDL element, on one line."""
        return one_line(self._compiler.process(element))

    def table(self, table: Table) -> Iterator[Facet]:
        """The facets of a table and of all that is in it, as far as the filters let them pass."""
        key = table_key(table)
        yield "table", key, "", self._table_ddl(table)
        for column in table.columns:
            if not column.system and self._filters.part(column, column.name, "column", table):
                yield from self._column(key, column)
        for constraint in table.constraints:
            yield from self.constraint(key, table, constraint)
        for index in table.indexes:
            yield from self._index(key, table, index)
        if table.comment is not None and self._dialect.supports_comments:
            yield "comment", key, "", self._comment(table.comment, SetTableComment(table))

    def objects(self, metadata: MetaData, excluded: set[Table]) -> Iterator[Facet]:
        """What a MetaData holds beside its tables: sequences, and types that no column has to use."""
        for sequence in metadata._sequences.values():
            column = getattr(sequence, "column", None)
            optional = sequence.optional and self._dialect.sequences_optional
            if (
                self._dialect.supports_sequences
                and not optional
                and getattr(column, "table", None) not in excluded
            ):
                yield "sequence", "", qualified(sequence), self.ddl(CreateSequence(sequence))
        for type_ in getattr(metadata, "_objects", ()):  # SQLAlchemy 2.1
            if isinstance(type_, Enum) and not _used(metadata, type_):
                yield from self._types(type_)

    def _table_ddl(self, table: Table) -> str:
        prefixes = "".join(f"{prefix} " for prefix in table._prefixes)
        suffix = self._compiler.create_table_suffix(table)
        options = self._compiler.post_create_table(table)
        if table.comment is not None and self._dialect.inline_comments:
            options = options.replace(f" COMMENT={self._literal(table.comment)}", "")
            options = options.replace(f"COMMENT={self._literal(table.comment)}", "")
        return one_line(f"CREATE {prefixes}TABLE {self._preparer.format_table(table)} {suffix} {options}")

    def _column(self, key: str, column: Column[Any]) -> Iterator[Facet]:
        yield "column", key, str(column.name), without(self._column_ddl(column), self._filters.uncompared)
        for constraint in column.constraints:
            if not isinstance(constraint, Computed):
                yield from self.constraint(key, column.table, constraint, str(column.name))
        yield from self._types(column.type)
        if column.comment is not None and self._dialect.supports_comments:
            yield "comment", key, str(column.name), self._comment(column.comment, SetColumnComment(column))

    def _column_ddl(self, column: Column[Any]) -> str:
        try:
            text: str = self._compiler.get_column_specification(column)
        except (CompileError, NotImplementedError):
            # A type that this dialect has not, JSONB on SQLite say. It can be compared all the same.
            default = self._compiler.get_column_default_string(column)
            text = f"{self._preparer.format_column(column)} {column.type!r}"
            text += f" DEFAULT {default}" if default is not None else ""
            text += "" if column.nullable else " NOT NULL"
        if column.comment is not None and self._dialect.inline_comments:
            text = text.replace(f" COMMENT {self._literal(column.comment)}", "")
        return one_line(text.removeprefix(self._preparer.format_column(column)))

    def constraint(self, key: str, table: Table, constraint: Any, column: str = "") -> Iterator[Facet]:
        """The facets of a constraint of a table or column; none where the dialect does not make it."""
        if not constraint._should_create_for_compiler(self._compiler):
            return
        name = self._name(constraint)
        columns = (
            ",".join(str(item.name) for item in constraint.columns) if hasattr(constraint, "columns") else ""
        )
        match constraint:
            case PrimaryKeyConstraint():
                if len(constraint.columns):
                    yield from self._some("primary key", key, "", self._primary_key(constraint))
            case ForeignKeyConstraint():
                if self._filters.part(constraint, constraint.name, "foreign_key_constraint", table):
                    yield from self._some("foreign key", key, name or columns, self._foreign_key(constraint))
            case UniqueConstraint():
                if self._filters.part(constraint, constraint.name, "unique_constraint", table):
                    yield from self._some("unique", key, name or columns, self._process(constraint))
            case CheckConstraint():
                text = self._process(constraint)
                yield from self._some("check", key, name or column or columns or text or "", text)
            case _:  # EXCLUDE of PostgreSQL: a rule for the rows, as a CHECK is
                text = self._process(constraint)
                yield from self._some("check", key, name or columns or text or "", text)
        if (
            getattr(constraint, "comment", None) is not None
            and self._dialect.supports_constraint_comments
            and name
        ):
            ddl = self._comment(str(constraint.comment), SetConstraintComment(constraint))
            yield "comment", key, f"constraint {name}", ddl

    def _primary_key(self, constraint: PrimaryKeyConstraint) -> str | None:
        text = self._process(constraint)
        if text is not None and getattr(constraint, "_implicit_generated", False):
            ordered = [self._preparer.quote(column.name) for column in constraint.columns_autoinc_first]
            text = text.replace(", ".join(ordered), ", ".join(sorted(ordered)))
        return text

    def _foreign_key(self, constraint: ForeignKeyConstraint) -> str | None:
        try:
            return self._process(constraint)
        except SQLAlchemyError:
            # The table it refers to is in no metadata here.
            targets = ", ".join(element.target_fullname for element in constraint.elements)
            options = [("ON DELETE", constraint.ondelete), ("ON UPDATE", constraint.onupdate)]
            clauses = "".join(f" {word} {value}" for word, value in options if value)
            return f"FOREIGN KEY({', '.join(constraint.column_keys)}) REFERENCES {targets}{clauses}"

    def _index(self, key: str, table: Table, index: Index) -> Iterator[Facet]:
        if not self._filters.part(index, index.name, "index", table):
            return
        element = CreateIndex(index)
        rule = getattr(index, "_ddl_if", None)
        if rule is not None and not rule._should_execute(element, index, None, compiler=self._compiler):
            return
        name = self._name(index) or ",".join(str(getattr(item, "name", item)) for item in index.expressions)
        try:
            text = self._process(element) or ""
        except CompileError:
            text = f"CREATE INDEX ON {key} ({name})"
        # How it is built is no property of the index that is there afterwards.
        yield "index", key, name, text.replace("INDEX CONCURRENTLY ", "INDEX ", 1)

    def _types(self, type_: TypeEngine[Any]) -> Iterator[Facet]:
        """The types that the database knows by name: enumerations and domains of PostgreSQL."""
        for found in named_types(type_, self._dialect):
            word = found.__visit_name__.lower()
            if not getattr(found, "name", None) or not hasattr(self._compiler, f"visit_create_{word}_type"):
                continue
            from sqlalchemy.dialects import postgresql

            create = getattr(postgresql, "CreateEnumType" if word == "enum" else "CreateDomainType")
            yield "enum", "", qualified(found), self.ddl(create(found))

    def _comment(self, comment: str, element: Any) -> str:
        if self._dialect.inline_comments:
            return one_line(f"COMMENT {self._literal(comment)}")
        return self.ddl(element)

    def _literal(self, text: str) -> str:
        literal: str = self._compiler.sql_compiler.render_literal_value(text, String())
        return literal

    def _name(self, item: Constraint | Index) -> str | None:
        """The name the database would have it under, naming conventions applied; None if it chooses."""
        if item.name is None:
            return None
        name = self._preparer.format_constraint(item, _alembic_quote=False)
        return None if name is None else str(name)

    def _process(self, element: Any) -> str | None:
        text = self._compiler.process(element)
        return None if text is None else one_line(text)

    def _some(self, kind: str, key: str, name: str, ddl: str | None) -> Iterator[Facet]:
        if ddl is not None:  # None: the dialect writes it with the column, or not at all
            yield kind, key, name, ddl


def named_types(type_: TypeEngine[Any], dialect: Dialect) -> Iterator[Any]:
    """What a column's type is made of: enumerations and domains, inside of arrays as well."""
    found: Any = type_.dialect_impl(dialect)
    while isinstance(found, TypeDecorator):
        found = found.impl_instance.dialect_impl(dialect)
    if isinstance(found, ARRAY):
        yield from named_types(found.item_type, dialect)
    elif not isinstance(found, Enum) or found.native_enum:
        yield found


def _used(metadata: MetaData, type_: Enum) -> bool:
    return any(column.type is type_ for table in metadata.tables.values() for column in table.columns)


_TOKENS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\s+")


def one_line(text: str) -> str:
    """The text on one line: white space outside of quotes is one blank, line ends inside are ``\\n``."""

    def replaced(match: re.Match[str]) -> str:
        token = match.group()
        return " " if token.isspace() else token.replace("\r", "\\r").replace("\n", "\\n")

    return _TOKENS.sub(replaced, text).strip()


def qualified(item: Any) -> str:
    """``schema.name`` of a type or sequence, or the name alone where no schema is set."""
    return f"{item.schema}.{item.name}" if item.schema else str(item.name)
