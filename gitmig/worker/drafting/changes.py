"""The schema difference that a draft is for, and what of it an operation covers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .columns import with_parts
from .objects import Key, ModelObjects

if TYPE_CHECKING:
    from .parents import Parent

Change = tuple[str | None, str | None]
"""DDL before and after; None if there is none."""

_PARTS = ("primary key", "foreign key", "unique", "check", "index")


@dataclass
class Changes:
    """What an operation covers is taken out of ``open``."""

    all: dict[Key, Change]
    open: dict[Key, Change] = field(init=False)

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

    def tables(self, *, created: bool) -> list[str]:
        """The tables that come, or go."""
        return sorted(
            key[1]
            for key, (before, after) in self.all.items()
            if key[0] == "table" and (before is None if created else after is None)
        )

    def spell_out(self, models: ModelObjects, parent: Parent, uncompared: Iterable[str]) -> None:
        """Give columns the parts that env.py does not compare: they do not differ, but have to be written."""
        for key, (before, after) in list(self.all.items()):
            column = models.column(key[1], key[2]) if key[0] == "column" else None
            if after is not None and column is not None:
                after = models.column_ddl(column)
            if before is not None and key[0] == "column":
                before = parent.facts(key).get("ddl", before)
            if before is not None and after is not None:
                before = with_parts(before, after, uncompared)
            self.all[key] = before, after
            if key in self.open:
                self.open[key] = before, after

    def of_the_parent(self) -> set[Key]:
        """What has to be known of the old models: what goes, and the columns that change."""
        gone = set(self.tables(created=False))
        wanted: set[Key] = {("table", table, "") for table in gone}
        for key, (before, _) in self.all.items():
            if before is not None and key[1] not in gone and (key[0] == "column" or key[0] in _PARTS):
                wanted.add(key)
            elif key[0] == "comment" and key[2] and key[1] not in gone and before is None:
                wanted.add(("column", key[1], key[2]))
        return wanted
