"""The operations of a draft, in phases."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from alembic.operations import ops

from .code import Code


@dataclass
class TableSteps:
    """What becomes of a table that stays, in the order in which it is done."""

    key: str
    without_indexes: list[ops.MigrateOperation] = field(default_factory=list)
    without: list[ops.MigrateOperation] = field(default_factory=list)
    renamed: list[ops.MigrateOperation] = field(default_factory=list)
    added: list[ops.MigrateOperation] = field(default_factory=list)
    filled: list[ops.MigrateOperation] = field(default_factory=list)
    altered: list[ops.MigrateOperation] = field(default_factory=list)
    dropped: list[ops.MigrateOperation] = field(default_factory=list)
    made: list[ops.MigrateOperation] = field(default_factory=list)
    indexed: list[ops.MigrateOperation] = field(default_factory=list)
    refilled: list[ops.MigrateOperation] = field(default_factory=list)
    """What the way back begins with: values for the rows that are there."""
    rejoined: list[Code] = field(default_factory=list)
    """The columns that it adds."""

    @property
    def inner(self) -> list[ops.MigrateOperation]:
        """What one batch does."""
        return [*self.without, *self.renamed, *self.added, *self.altered, *self.dropped, *self.made]


@dataclass
class Steps:
    """All operations, in phases."""

    renamed: list[ops.MigrateOperation] = field(default_factory=list)
    schemas: list[ops.MigrateOperation] = field(default_factory=list)
    first: list[ops.MigrateOperation] = field(default_factory=list)
    unlinked: list[tuple[str, ops.MigrateOperation]] = field(default_factory=list)
    created: list[ops.MigrateOperation] = field(default_factory=list)
    tables: dict[str, TableSteps] = field(default_factory=dict)
    linked: list[tuple[str, ops.MigrateOperation]] = field(default_factory=list)
    dropped: list[ops.MigrateOperation] = field(default_factory=list)
    last: list[ops.MigrateOperation] = field(default_factory=list)
    schemas_gone: list[ops.MigrateOperation] = field(default_factory=list)

    def of(self, table: str) -> TableSteps:
        """The steps of a table that stays."""
        return self.tables.setdefault(table, TableSteps(table))


class Unnamed(ops.MigrateOperation):
    """A rebuild alone: the table is given what it has without a name."""

    def __init__(self, table: str):
        self.table = table

    def reverse(self) -> Unnamed:
        """A rebuild again."""
        return self

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """For hooks that look at differences."""
        return ("gitmig", self.table)


class OneWay(ops.MigrateOperation):
    """An operation with another way back than its own: None for nothing."""

    def __init__(self, operation: ops.MigrateOperation | None, back: ops.MigrateOperation | None = None):
        self.operation = operation
        self.back = back

    def reverse(self) -> OneWay:
        """The two exchanged."""
        return OneWay(self.back, self.operation)

    def to_diff_tuple(self) -> tuple[Any, ...]:
        """For hooks that look at differences."""
        return ("gitmig", "one way")
