"""All operations in their order; on SQLite tables are rebuilt where it has no ALTER TABLE.

Alembic rebuilds a table from what reflection tells. What that does not tell is said here: CHECKs and other
constraints without a name, collations, AUTOINCREMENT. Triggers, views and indexes come back as they were.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _render_column, render_op
from alembic.operations import ops
from sqlalchemy.sql.elements import ClauseElement

from .code import Code, DropColumnOp, RenameColumnOp, Spelling, WrittenOp
from .objects import split
from .steps import OneWay, Steps, TableSteps, Unnamed

_KEPT = (
    "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND ",
    "(type IN ('trigger', 'view') OR type = 'index' AND tbl_name = {table}) ",
    "ORDER BY rowid",
)


class RebuildOps(ops.ModifyTableOps):
    """A table that SQLite rebuilds. ``source`` and ``target``: what reflection leaves out, see tables.py."""

    def __init__(
        self,
        table: str,
        operations: Sequence[ops.MigrateOperation],
        source: dict[str, Any],
        target: dict[str, Any],
        *,
        schema: str | None = None,
        joined: Sequence[ops.AddColumnOp | Code] = (),
        rejoined: Sequence[Code] = (),
    ):
        super().__init__(table, operations, schema=schema)
        self.source = source
        self.target = target
        self.joined = joined
        """The columns that were added before, to be filled."""
        self.rejoined = rejoined
        """The same for the way back."""

    def reverse(self) -> RebuildOps:
        """The way back, in the opposite order."""
        back = [operation.reverse() for operation in reversed(self.ops)]
        return RebuildOps(
            self.table_name, back, self.target, self.source, schema=self.schema, joined=self.rejoined
        )

    @property
    def copies(self) -> bool:
        """Whether something without a name goes: nothing can name it, so the rest is spelled out."""
        if self.source.get("key") and self.target.get("key") is None:
            return True
        return any(key not in self._unnamed(self.target) for key in self._unnamed(self.source))

    def copied(self, context: AutogenContext) -> str:
        """The table without what goes."""
        kept = [
            code
            for key, code in sorted(self._unnamed(self.source).items())
            if key in self._unnamed(self.target)
        ]
        if self.source.get("key") and self.target.get("key") is not None:
            kept.append(str(self.source["key"]))
        joined = [
            each.write(Spelling.of(context))[0]
            if isinstance(each, Code)
            else str(_render_column(each.column, context))
            for each in self.joined
        ]
        table = str(self.source["table"])
        return ", ".join([table.removesuffix(")"), *joined, *kept]) + ")"

    @property
    def added(self) -> list[str]:
        """What has no name and comes: CHECKs are always said again, foreign keys come with a name."""
        key = self.target.get("key") if not self.source.get("key") else None
        return [
            *([key] if key else []),
            *self.target.get("checks", ()),
            *(
                code
                for key, code in sorted(self._unnamed(self.target).items())
                if key not in self._unnamed(self.source) and key.startswith("Unique")
            ),
        ]

    @staticmethod
    def _unnamed(side: dict[str, Any]) -> dict[str, str]:
        found: dict[str, str] = side.get("unnamed", {})
        return found


@renderers.dispatch_for(RebuildOps)
def _rebuild(context: AutogenContext, operation: RebuildOps) -> list[str]:
    if all(isinstance(each, OneWay) and each.operation is None for each in operation.ops):
        return []  # its way back: the column goes by itself
    spelling = Spelling.of(context)
    context.imports.update(operation.target.get("imports", ()))
    inner = _computed(operation)
    context._has_batch = True
    for each in operation.ops:
        inner += render_op(context, each)
    inner += _collated(operation)
    context._has_batch = False
    table = repr(operation.table_name)
    name = "'" + operation.table_name.replace("'", "''") + "'"
    kept = [f"    {piece.replace('{table}', name)!r}" for piece in _KEPT]
    arguments = _arguments(operation, context)
    return [
        "# A rebuild would lose these, or fail because of them.",
        f"kept = {spelling.op}get_bind().exec_driver_sql(",
        *kept,
        ").all()",
        "for kind, name, _ in kept:",
        f"{spelling.op}get_bind().exec_driver_sql(f'DROP {{kind}} IF EXISTS \"{{name}}\"')",
        "",
        f"with {spelling.op}batch_alter_table({table}{arguments}) as batch_op:",
        *(inner or ["pass"]),
        "",
        "for _, _, sql in kept:",
        f"{spelling.op}get_bind().exec_driver_sql(sql)",
        "",
    ]


def _arguments(operation: RebuildOps, context: AutogenContext) -> str:
    given = []
    if operation.schema:
        given.append(f"schema={operation.schema!r}")
    args = operation.added
    if operation.copies:
        given.append(f"copy_from={operation.copied(context)}")
    given.append("recreate='always'")
    if args:
        given.append(f"table_args=({', '.join(args)},)")
    # What reflection finds is kept, unless it is said otherwise.
    gone = dict.fromkeys(operation.source.get("kwargs", ()), False)
    if gone.pop("sqlite_with_rowid", True) is False:
        gone["sqlite_with_rowid"] = True
    kwargs = gone | operation.target.get("kwargs", {})
    if kwargs:
        given.append(f"table_kwargs={kwargs!r}")
    return "".join(f", {each}" for each in given)


def _computed(operation: RebuildOps) -> list[str]:
    """Alembic would copy the values of computed columns, which no INSERT can give: they are made again."""
    said = {
        str(each.column_name)
        for each in operation.ops
        if isinstance(each, (ops.AlterColumnOp, ops.DropColumnOp))
    }
    lines = []
    for name, code in sorted(operation.target.get("computed", {}).items()):
        if name not in said and name in operation.source.get("computed", {}):
            lines += [f"batch_op.drop_column({name!r})", f"batch_op.add_column({code})"]
    return lines


def _collated(operation: RebuildOps) -> list[str]:
    """Columns keep their collation only if they are said to have one."""
    if operation.copies:
        return []
    said = {
        str(each.column_name)
        for each in operation.ops
        if isinstance(each, (ops.AlterColumnOp, ops.DropColumnOp))
    } | {str(each.column.name) for each in operation.ops if isinstance(each, ops.AddColumnOp)}
    return [
        f"batch_op.alter_column({name!r}, existing_type={code}, type_={code})"
        for name, code in sorted(operation.target.get("collated", {}).items())
        if name not in said and name in operation.source.get("collated", {})
    ]


@renderers.dispatch_for(Unnamed)
def _unnamed(context: AutogenContext, operation: Unnamed) -> list[str]:
    return []


@renderers.dispatch_for(OneWay)
def _one_way(context: AutogenContext, operation: OneWay) -> list[str]:
    return render_op(context, operation.operation) if operation.operation is not None else []


def in_order(steps: Steps, dialect: str, *, batches: bool) -> list[ops.MigrateOperation]:
    """All operations. ``batches``: whether Alembic writes each table's in a batch."""
    flat = steps.tables.values()
    if dialect == "sqlite":
        return [
            *steps.renamed,
            *steps.schemas,
            *steps.first,
            *steps.created,
            *_plain(flat, batches),
            *steps.dropped,
            *steps.last,
            *steps.schemas_gone,
        ]
    return [
        *steps.renamed,
        *steps.schemas,
        *steps.first,
        *_grouped(steps.unlinked),
        *_plain(flat, batches),
        *steps.created,
        *_grouped(steps.linked),
        *steps.dropped,
        *steps.last,
        *steps.schemas_gone,
    ]


def _grouped(pairs: Sequence[tuple[str, ops.MigrateOperation]]) -> list[ops.MigrateOperation]:
    tables: dict[str, list[ops.MigrateOperation]] = {}
    for table, operation in pairs:
        tables.setdefault(table, []).append(operation)
    # Written by us: they are in no batch.
    return [operation for operations in tables.values() for operation in operations]


def _plain(tables: Any, batches: bool) -> list[ops.MigrateOperation]:
    made: list[ops.MigrateOperation] = []
    for table in sorted(tables, key=lambda one: one.key):
        made += _of_table(table, batches)
    return made


def _of_table(steps: TableSteps, batches: bool) -> list[ops.MigrateOperation]:
    schema, name = split(steps.key)
    before = [*steps.without_indexes, *steps.without, *steps.renamed, *steps.added, *steps.filled]
    every = [*before, *steps.altered, *steps.dropped, *steps.made, *steps.indexed, *steps.refilled]
    if not batches or not any(isinstance(each, WrittenOp | OneWay) for each in every):
        return [ops.ModifyTableOps(name, every, schema=schema)] if every else []
    return every


def rebuilt(steps: TableSteps, source: dict[str, Any], target: dict[str, Any]) -> list[ops.MigrateOperation]:
    """What becomes of an SQLite table that is rebuilt: indexes, names and values are no part of the batch."""
    schema, name = split(steps.key)
    inner = [*steps.without, *steps.added, *steps.altered, *steps.dropped, *steps.made]
    joined = [each for each in steps.filled if isinstance(each, ops.AddColumnOp)]
    return [
        *steps.without_indexes,
        *steps.renamed,
        *steps.filled,
        RebuildOps(name, inner, source, target, schema=schema, joined=joined, rejoined=steps.rejoined),
        *steps.indexed,
        *steps.refilled,
    ]


def needs_rebuild(operation: ops.MigrateOperation) -> bool:
    """Whether SQLite has no ALTER TABLE for an operation, in either direction."""
    match operation:
        case RenameColumnOp():
            return False
        case OneWay():
            return operation.operation is not None and needs_rebuild(operation.operation)
        case Unnamed():
            return True
        case WrittenOp():
            return operation.rebuilds
        case DropColumnOp():
            return operation.rebuilds or sqlite3.sqlite_version_info < (3, 35)
        case ops.AddColumnOp():
            column: Any = operation.column
            default: Any = getattr(column.server_default, "arg", None)
            old = sqlite3.sqlite_version_info < (3, 35)
            return old or isinstance(default, ClauseElement) or bool(column.computed)
        case ops.AlterColumnOp():
            return True
        case _:
            return False
