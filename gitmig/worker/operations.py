"""Which facets an operation touches, and which of Alembic's operations a draft keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from alembic.operations import ops

from .objects import Key

Change = tuple[str | None, str | None]
"""DDL before and after; None where there is none."""

_KINDS: dict[type, str] = {
    ops.CreateIndexOp: "index",
    ops.DropIndexOp: "index",
    ops.CreateUniqueConstraintOp: "unique",
    ops.CreateForeignKeyOp: "foreign key",
    ops.CreateCheckConstraintOp: "check",
    ops.CreatePrimaryKeyOp: "primary key",
}
_DROPPED = {"unique": "unique", "foreignkey": "foreign key", "check": "check", "primary": "primary key"}


@dataclass
class Changes:
    """The schema difference that a draft is for; what an operation covers is taken out of ``open``."""

    all: dict[Key, Change]
    default_schema: str | None = None
    open: dict[Key, Change] = field(init=False)
    stuck: set[Key] = field(default_factory=set)
    """Constraints that the database does not name: nothing can drop them."""

    def __post_init__(self) -> None:
        self.open = dict(self.all)

    def cover(self, *keys: Key) -> None:
        """An operation does this."""
        for key in keys:
            self.open.pop(key, None)

    def cover_table(self, table: str, *, created: bool) -> None:
        """A table is made or dropped with everything that belongs to it."""
        for key, (before, after) in list(self.open.items()):
            if key[1] == table and (before is None if created else after is None):
                self.cover(key)

    def tables(self, schema: str | None, name: str) -> tuple[str, ...]:
        """How the facets may spell a table: the default schema can be named or not."""
        if schema is not None:
            return (f"{schema}.{name}",)
        return (name, f"{self.default_schema}.{name}") if self.default_schema else (name,)


def keep(operation: ops.MigrateOperation, changes: Changes) -> bool:
    """Whether an operation touches the difference; if so, what it does is covered.

    Kept as well is what facets know nothing of (views and functions of a plugin, say).
    """
    if isinstance(operation, ops.CreateTableOp | ops.DropTableOp):
        return _keep_table(operation, changes)
    if isinstance(operation, ops.AddColumnOp | ops.DropColumnOp):
        return _keep_column(operation, changes)
    if isinstance(operation, ops.AlterColumnOp):
        # Written anew out of the facets: Alembic's holds the database's drift too, and misses much.
        return False
    if isinstance(operation, ops.CreateTableCommentOp | ops.DropTableCommentOp):
        return _keep_keys([("comment", table, "") for table in _tables(operation, changes)], changes)
    keys = list(_constraint_keys(operation, changes))
    if not keys:
        return True
    dropped = isinstance(operation, ops.DropIndexOp | ops.DropConstraintOp)
    return _keep_keys(
        [key for key in keys if changes.all.get(key, (None, None))[not dropped] is not None], changes
    )


def find_stuck(operation: ops.MigrateOperation, changes: Changes) -> None:
    """Note what cannot be dropped, before anything is kept that would put something in its place."""
    if isinstance(operation, ops.DropConstraintOp) and operation.constraint_name is None:
        changes.stuck.update(_constraint_keys(operation, changes))


def columns_of(operation: ops.MigrateOperation) -> tuple[str, ...]:
    """The columns of an index or constraint operation."""
    item: Any = None
    try:
        if isinstance(operation, ops.DropConstraintOp | ops.AddConstraintOp):
            item = operation.to_constraint()
        elif isinstance(operation, ops.CreateIndexOp | ops.DropIndexOp):
            item = operation.to_index()
    except ValueError:
        return ()
    return tuple(str(column.name) for column in item.columns) if hasattr(item, "columns") else ()


def _keep_table(operation: ops.CreateTableOp | ops.DropTableOp, changes: Changes) -> bool:
    created = isinstance(operation, ops.CreateTableOp)
    for table in _tables(operation, changes):
        change = changes.all.get(("table", table, ""))
        if change is not None and change[0 if created else 1] is None:
            changes.cover_table(table, created=created)
            return True
    return False


def _keep_column(operation: ops.AddColumnOp | ops.DropColumnOp, changes: Changes) -> bool:
    added = isinstance(operation, ops.AddColumnOp)
    name = str(operation.column.name) if isinstance(operation, ops.AddColumnOp) else operation.column_name
    for table in _tables(operation, changes):
        change = changes.all.get(("column", table, name))
        if change is not None and change[0 if added else 1] is None:
            changes.cover(("column", table, name), ("comment", table, name))
            return True
    return False


def _keep_keys(keys: list[Key], changes: Changes) -> bool:
    touched = [key for key in keys if key in changes.all and key not in changes.stuck]
    changes.cover(*touched)
    return bool(touched)


def _constraint_keys(operation: ops.MigrateOperation, changes: Changes) -> Iterator[Key]:
    if isinstance(operation, ops.DropConstraintOp):
        kind = _DROPPED.get(operation.constraint_type or "")
        name: object = operation.constraint_name
    elif isinstance(operation, ops.CreateIndexOp | ops.DropIndexOp):
        kind, name = "index", operation.index_name
    elif isinstance(operation, ops.AddConstraintOp):
        kind, name = _KINDS.get(type(operation)), getattr(operation, "constraint_name", None)
    else:
        return
    if kind is None:
        return
    names = {str(name)} if name is not None else set()
    names.add("" if kind == "primary key" else ",".join(columns_of(operation)))
    for table in _tables(operation, changes):
        for each in names:
            yield (kind, table, each)


def _tables(operation: Any, changes: Changes) -> tuple[str, ...]:
    name = getattr(operation, "table_name", None) or getattr(operation, "source_table", None)
    schema = getattr(operation, "schema", None) or operation.__dict__.get("kw", {}).get("source_schema")
    return changes.tables(schema, str(name))
