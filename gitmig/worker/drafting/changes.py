"""The schema difference that a draft is for, and what of it an operation covers."""

from __future__ import annotations

from dataclasses import dataclass, field

from .objects import Key

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
