"""The operations that make a table, a column, a constraint or an index, out of the models' object."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from alembic.operations import ops
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy import (
    Sequence as DatabaseSequence,
)
from sqlalchemy.schema import CreateIndex, SetConstraintComment, sort_tables_and_constraints

from .code import Code, Spelling, WrittenOp, call, escaped_colons, execute
from .items import Items, name_code
from .naming import given_name, table_of
from .objects import ModelObjects

_sorted: Any = sort_tables_and_constraints


class Maker:
    """Makes operations for one dialect. They hold the way back as well."""

    def __init__(self, models: ModelObjects, items: Items):
        self._models = models
        self._dialect: Any = models.dialect
        self._items = items
        make: Any = self._dialect.ddl_compiler
        self._compiler: Any = make(self._dialect, None)
        self._preparer = self._compiler.preparer

    def ordered(self, tables: Iterable[Table]) -> tuple[list[Table], set[ForeignKeyConstraint]]:
        """The tables, each after those that it refers to, and the foreign keys that close a circle."""
        wanted = set(tables)
        order: list[Table] = []
        apart: set[ForeignKeyConstraint] = set()
        for table, constraints in _sorted(sorted(wanted, key=lambda one: str(one.key))):
            if table is not None:
                order.append(table)
            else:
                apart.update(constraints)
        return order, set() if self._dialect.name == "sqlite" else apart

    def table(self, table: Table, apart: set[ForeignKeyConstraint]) -> ops.CreateTableOp:
        """A table without its indexes and without the foreign keys ``apart``."""
        made = ops.CreateTableOp.from_table(table)
        made.info = {}  # whatever the project keeps there is no part of a script
        made._namespace_metadata = table.metadata
        items = [self._in_table(item, table, apart) for item in made.columns]
        items += [
            self._of_column(item)
            for column in table.columns
            for item in column.constraints
            if isinstance(item, CheckConstraint)
        ]
        made.columns = [item for item in items if item is not None]
        return made

    def _in_table(self, item: Any, table: Table, apart: set[ForeignKeyConstraint]) -> Any:
        if isinstance(item, Column):
            return self.column_of(item)
        if item in apart or not item._should_create_for_compiler(self._compiler):
            return None
        if self.is_of_its_own(item):
            return None
        if isinstance(item, ForeignKeyConstraint) and item.use_alter:
            copied: Any = item._copy()
            copied.use_alter = False
            return copied
        return item

    @staticmethod
    def _of_column(item: CheckConstraint) -> Any:
        copied: Any = item._copy()
        return copied

    def is_of_its_own(self, item: Any) -> bool:
        """Whether Alembic has no words for a constraint in a table: SQL makes it afterwards."""
        if self._dialect.name == "sqlite":
            return False
        known = (ForeignKeyConstraint, UniqueConstraint, PrimaryKeyConstraint, CheckConstraint)
        if not isinstance(item, known):
            return True
        if isinstance(item, CheckConstraint | ForeignKeyConstraint):
            return bool(item.dialect_kwargs)
        if isinstance(item, PrimaryKeyConstraint):
            return bool(item.deferrable or item.initially or item.dialect_kwargs) and len(item.columns) > 0
        return bool(item.dialect_kwargs)

    def exists(self, item: Any) -> bool:
        """Whether this database makes a constraint at all."""
        return bool(item._should_create_for_compiler(self._compiler))

    def column_of(self, column: Column[Any]) -> Column[Any]:
        """The column as it is to be rendered: alone, what its table says of it is lost."""
        copied = column._copy()
        copied.type = column.type
        table: Any = column.table
        from_sequence = isinstance(column.default, DatabaseSequence)
        alone = len(table.primary_key.columns) == 1
        refers = alone and column.foreign_keys and table.autoincrement_column is not column
        if column.primary_key and column.autoincrement in (True, "auto") and (from_sequence or refers):
            # Alone it would look like one that counts by itself.
            copied.autoincrement = False
        return copied

    def index(self, index: Index) -> ops.MigrateOperation:
        """An index: Alembic's operation where it says all, else SQL."""
        if self._says_all(index):
            made = ops.CreateIndexOp.from_index(index)
            made.kw.pop("postgresql_concurrently", None)  # how it is built is for a person to say
            return made
        table: Any = index.table
        text = self._compiler.process(CreateIndex(index)).replace("INDEX CONCURRENTLY ", "INDEX ", 1)
        return WrittenOp(execute(text), self.without_index(str(index.name), table.schema, str(table.name)))

    @staticmethod
    def without_index(name: str, schema: str | None, table: str) -> Code:
        """What drops an index; it is never left to a batch."""
        more = f", schema={str(schema)!r}" if schema else ""
        return Code(
            lambda spelling: [
                f"{spelling.op}drop_index({name_code(name, spelling)}, table_name={table!r}{more})"
            ]
        )

    def _says_all(self, index: Index) -> bool:
        if not all(isinstance(item, Column) for item in index.expressions):
            return False
        for key, value in index.dialect_kwargs.items():
            if key.endswith("_where"):
                text = self._items.sql(value) if value is not None else ""
                if escaped_colons(text) != text:
                    return False
            elif not _is_plain(value):
                return False
        return True

    def constraint(self, item: Any) -> ops.MigrateOperation | None:
        """A constraint of a table that is there; None if SQLite could make it only without a name."""
        table, name = table_of(item), given_name(item, self._dialect.name)
        if name is None:
            return None
        schema, plain = table.schema, str(table.name)
        spelled = self._spelled(item, name)
        kind = constraint_kind(item)
        there = self.spelled(item) or ""
        drop = call("drop_constraint", f"type_={kind!r}", table=plain, schema=schema, first=there)
        if self._is_text(item):
            ddl = self._models.ddl(item) or ""
            if not ddl.startswith("CONSTRAINT "):
                ddl = f"CONSTRAINT {self._preparer.quote(name)} {ddl}"
            full = self._preparer.format_table(table)
            without = execute(f"ALTER TABLE {full} DROP CONSTRAINT {self._preparer.quote(name)}")
            down = without if kind is None else drop
            return WrittenOp(execute(f"ALTER TABLE {full} ADD {ddl}"), down, rebuilds=True)
        return WrittenOp(self._making(item, spelled), drop, rebuilds=True)

    def _is_text(self, item: Any) -> bool:
        if self.is_of_its_own(item):
            return True
        deferred = item.deferrable is not None or item.initially
        return bool(deferred) and isinstance(item, CheckConstraint) and self._dialect.name != "sqlite"

    def _spelled(self, item: Any, name: str) -> str:
        if not name:
            return "None"
        # With a convention every name that a script gives is a matter of it, unless it says otherwise.
        final = bool(_convention(table_of(item)))
        return name_code(name, Spelling("{op}", "{sa}"), final=final)

    def _making(self, item: Any, spelled: str) -> Code:
        table = table_of(item)
        schema, plain = table.schema, str(table.name)
        columns = [str(column.name) for column in getattr(item, "columns", ())]
        options = [
            f"{option}={value!r}"
            for option in ("deferrable", "initially")
            if (value := getattr(item, option, None)) is not None
        ]
        match item:
            case ForeignKeyConstraint():
                return self._foreign_key(item, spelled, options)
            case UniqueConstraint():
                made = [repr(columns), *options]
                return call("create_unique_constraint", *made, table=plain, schema=schema, first=spelled)
            case PrimaryKeyConstraint():
                return call("create_primary_key", repr(columns), table=plain, schema=schema, first=spelled)
        text = escaped_colons(self._items.sql(item.sqltext))
        return call("create_check_constraint", repr(text), table=plain, schema=schema, first=spelled)

    def _foreign_key(self, item: ForeignKeyConstraint, spelled: str, options: list[str]) -> Code:
        target_schema, target, remote = target_of(item)
        local = [str(column.name) for column in item.columns]
        more = [
            f"{option}={value!r}"
            for option in ("ondelete", "onupdate", "match")
            if (value := getattr(item, option)) is not None
        ]
        table: Any = item.table

        def lines(spelling: Spelling) -> Sequence[str]:
            name = spelled.replace("{op}", spelling.op)
            given = [name, *([] if spelling.batch else [repr(str(table.name))]), repr(target)]
            given += [repr(local), repr(remote), *more, *options]
            if table.schema and not spelling.batch:
                given.append(f"source_schema={str(table.schema)!r}")
            if target_schema:
                given.append(f"referent_schema={target_schema!r}")
            return [f"{spelling.on_table}create_foreign_key({', '.join(given)})"]

        return Code(lines)

    def comment(self, item: Any) -> str | None:
        """What says the comment of a constraint again, or None."""
        if getattr(item, "comment", None) is None or not self._dialect.supports_constraint_comments:
            return None
        return str(self._compiler.process(SetConstraintComment(item)))

    def spelled(self, item: Any) -> str | None:
        """How a script writes the name of a constraint that is there."""
        name = given_name(item, self._dialect.name)
        return None if name is None else self._spelled(item, name) if name else _looked_up(item)


def _looked_up(item: ForeignKeyConstraint | UniqueConstraint) -> str:
    """Code for the name that the database has given, which nothing else tells."""
    table: Any = item.table
    links = isinstance(item, ForeignKeyConstraint)
    found, columns = (
        ("foreign_keys", "constrained_columns") if links else ("unique_constraints", "column_names")
    )
    schema = f", schema={str(table.schema)!r}" if table.schema else ""
    wanted = [str(column.name) for column in item.columns]
    asked = f"{{sa}}inspect({{op}}get_bind()).get_{found}({str(table.name)!r}{schema})"
    return f"next(one['name'] for one in {asked} if one[{columns!r}] == {wanted!r})"


def constraint_kind(item: Any) -> str | None:
    """What Alembic calls the kind of a constraint."""
    match item:
        case ForeignKeyConstraint():
            return "foreignkey"
        case UniqueConstraint():
            return "unique"
        case PrimaryKeyConstraint():
            return "primary"
        case CheckConstraint():
            return "check"
    return None


def target_of(item: ForeignKeyConstraint) -> tuple[str | None, str, list[str]]:
    """Schema, table and columns that a foreign key refers to, also if no metadata here has them."""
    remote = []
    schema: str | None = None
    table = ""
    for element in item.elements:
        try:
            column = element.column
            remote.append(str(column.name))
            schema, table = column.table.schema, str(column.table.name)
        except Exception:  # the table is in no metadata here
            full, _, name = element.target_fullname.rpartition(".")
            before, _, table = full.rpartition(".")
            schema = before or None
            remote.append(name)
    return (str(schema) if schema else None), table, remote


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_plain, (*value.keys(), *value.values())))
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return value is None or type(value) in (str, bool, int, float)


def _convention(table: Any) -> dict[Any, Any]:
    found = dict(table.metadata.naming_convention or {})
    found.pop("ix", None)
    return found
