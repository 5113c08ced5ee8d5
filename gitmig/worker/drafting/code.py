"""Code of a revision: lines with the prefixes of the project and their imports, for both directions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops


@dataclass(frozen=True)
class Spelling:
    """How a script names Alembic's operations and SQLAlchemy, and whether the lines stand in a batch."""

    op: str = "op."
    sa: str = "sa."
    batch: bool = False

    @property
    def on_table(self) -> str:
        """The prefix of an operation on a table."""
        return "batch_op." if self.batch else self.op

    @classmethod
    def of(cls, context: AutogenContext) -> Spelling:
        """What env.py says, and where the rendering stands."""
        options = context.opts
        return cls(
            op=options.get("alembic_module_prefix") or "",
            sa=options.get("sqlalchemy_module_prefix") or "",
            batch=bool(getattr(context, "_has_batch", False)),
        )


@dataclass(frozen=True)
class Code:
    """Lines of Python, and the imports that they need."""

    write: Callable[[Spelling], Sequence[str]]
    imports: tuple[str, ...] = ()


NOTHING = Code(lambda spelling: ())


def execute(statement: str) -> Code:
    """``op.execute()`` of SQL text."""
    escaped = escaped_colons(statement)
    return Code(lambda spelling: [f"{spelling.on_table}execute({escaped!r})"])


def call(
    name: str, *arguments: str, table: str | None = None, schema: str | None = None, first: str = ""
) -> Code:
    """A call of ``op.name(first, 'table', *arguments, schema=…)``; a batch knows its table and schema.

    In ``first`` and in the arguments ``{op}`` and ``{sa}`` stand for the prefixes.
    """

    def lines(spelling: Spelling) -> list[str]:
        given = [first] if first else []
        if table is not None and not spelling.batch:
            given.append(repr(table))
        given += arguments
        if schema is not None and not spelling.batch:
            given.append(f"schema={schema!r}")
        listed = ", ".join(given).replace("{op}", spelling.op).replace("{sa}", spelling.sa)
        return [f"{spelling.on_table}{name}({listed})"]

    return Code(lines)


def together(codes: Iterable[Code]) -> Code:
    """One after the other."""
    each = tuple(codes)
    return Code(
        lambda spelling: [line for code in each for line in code.write(spelling)],
        tuple(dict.fromkeys(name for code in each for name in code.imports)),
    )


def escaped_colons(sql: str) -> str:
    """SQL for ``sqlalchemy.text()``, which takes ``:name`` for a parameter."""
    return re.sub(r"(?<![:\w\\]):(?=\w)", r"\\:", sql)


class WrittenOp(ops.MigrateOperation):
    """An operation that Alembic renders not at all or not in every version: code for both directions.

    ``rebuilds`` says that SQLite has no ALTER TABLE for it.
    """

    def __init__(self, up: Code, down: Code, *, rebuilds: bool = False):
        self.up = up
        self.down = down
        self.rebuilds = rebuilds

    def reverse(self) -> WrittenOp:
        """The same with the directions exchanged."""
        return WrittenOp(self.down, self.up, rebuilds=self.rebuilds)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """For hooks that look at differences."""
        return ("gitmig", tuple(self.up.write(Spelling())))


class OpenOp(ops.MigrateOperation):
    """A change that nobody can write but a person: a line in upgrade()."""

    def __init__(self, line: str = ""):
        self.line = line

    def reverse(self) -> OpenOp:
        """Nothing to say in downgrade()."""
        return OpenOp()

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """For hooks that look at differences."""
        return ("gitmig", self.line)


class RenameColumnOp(ops.AlterColumnOp):
    """A column's new name; Alembic's own reverse forgets it."""

    def reverse(self) -> RenameColumnOp:
        """The old name again."""
        return RenameColumnOp(
            self.table_name,
            str(self.modify_name),
            schema=self.schema,
            modify_name=self.column_name,
        )


class RenameTableOp(ops.MigrateOperation):
    """A table's new name; Alembic renders none."""

    def __init__(self, old: str, new: str, *, schema: str | None):
        self.old = old
        self.new = new
        self.schema = schema

    def reverse(self) -> RenameTableOp:
        """The old name again."""
        return RenameTableOp(self.new, self.old, schema=self.schema)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """For hooks that look at differences."""
        return ("rename_table", self.old, self.new)


class DropTableOp(ops.DropTableOp):
    """A table that goes; how it is made again is the code of the old models' own worker."""

    back: Code

    def reverse(self) -> WrittenOp:  # type: ignore[override]
        """It is made again."""
        return WrittenOp(self.back, NOTHING)


class DropColumnOp(ops.DropColumnOp):
    """A column that goes; ``rebuilds``: SQLite cannot add it again without a rebuild."""

    back: Code
    rebuilds = False

    def reverse(self) -> WrittenOp:  # type: ignore[override]
        """It is added again."""
        return WrittenOp(self.back, NOTHING)


class DropIndexOp(ops.DropIndexOp):
    """An index that goes."""

    back: Code

    def reverse(self) -> WrittenOp:  # type: ignore[override]
        """It is made again."""
        return WrittenOp(self.back, NOTHING)


class DropConstraintOp(ops.DropConstraintOp):
    """A constraint that goes."""

    back: Code

    def reverse(self) -> WrittenOp:  # type: ignore[override]
        """It is made again."""
        return WrittenOp(self.back, NOTHING, rebuilds=True)


@renderers.dispatch_for(WrittenOp)
def _written(context: AutogenContext, operation: WrittenOp) -> list[str]:
    if context.imports is not None:
        context.imports.update(operation.up.imports)
    return list(operation.up.write(Spelling.of(context)))


@renderers.dispatch_for(RenameColumnOp)
def _renamed_column(context: AutogenContext, operation: RenameColumnOp) -> list[str]:
    old, new = operation.column_name, f"new_column_name={str(operation.modify_name)!r}"
    code = call("alter_column", repr(old), new, table=operation.table_name, schema=operation.schema)
    return list(code.write(Spelling.of(context)))


@renderers.dispatch_for(RenameTableOp)
def _renamed(context: AutogenContext, operation: RenameTableOp) -> list[str]:
    schema = f", schema={operation.schema!r}" if operation.schema else ""
    return [f"{Spelling.of(context).op}rename_table({operation.old!r}, {operation.new!r}{schema})"]


@renderers.dispatch_for(OpenOp)
def _open(context: AutogenContext, operation: OpenOp) -> list[str]:
    # On one line: the next one would be code.
    return [f"# gitmig: write by hand: {' '.join(operation.line.split())}"] if operation.line else []
