"""The difference of two schemas as people read it: table by table, with what looks like a rename.

Pure: changes in, lines and suggestions out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gitmig.core.schema.facets import FacetChange, FacetKey, render_inside


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChanges:
    """What changes in one table, or (``table`` empty) outside of all tables."""

    table: str
    sign: str
    """``+`` a new table, ``-`` one that goes, ``~`` one that stays."""
    changes: tuple[FacetChange, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """One line for each change, without the table's name; that a table is new is said by ``sign``."""
        return tuple(render_inside(change) for change in self.changes if not self._is_table(change))

    def _is_table(self, change: FacetChange) -> bool:
        return change.key.kind == "table" and self.sign != "~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """A column (``table`` is its table) or a table (``table`` is empty) that may have been renamed."""

    table: str
    old: str
    new: str


def by_table(changes: Sequence[FacetChange]) -> tuple[TableChanges, ...]:
    """The changes in groups, in the order in which they come."""
    groups: dict[str, list[FacetChange]] = {}
    for change in changes:
        groups.setdefault(change.key.table, []).append(change)
    signs = {change.key.table: change.sign for change in changes if change.key.kind == "table"}
    return tuple(
        TableChanges(table=table, sign=signs.get(table, "~"), changes=tuple(inside))
        for table, inside in groups.items()
    )


def renames(changes: Sequence[FacetChange]) -> tuple[Rename, ...]:
    """What may be a rename: of one definition, exactly one goes and one comes.

    A table: its columns are the same. A column: in one table, of one type with its default and nullability.
    """
    found = list(_pairs(_tables(changes, "-"), _tables(changes, "+")))
    taken = {name for pair in found for name in pair}
    result = [Rename(table="", old=old, new=new) for old, new in found]
    for group in by_table(changes):
        if group.sign == "~" and group.table not in taken:
            old, new = (_columns(group.changes, sign) for sign in "-+")
            result += [Rename(table=group.table, old=one, new=other) for one, other in _pairs(old, new)]
    return tuple(result)


def _pairs(old: dict[str, object], new: dict[str, object]) -> Iterable[tuple[str, str]]:
    for name, what in old.items():
        same = [other for other, also in new.items() if also == what]
        if len(same) == 1 and list(old.values()).count(what) == 1:
            yield name, same[0]


def _tables(changes: Sequence[FacetChange], sign: str) -> dict[str, object]:
    return {
        group.table: frozenset(_columns(group.changes, sign).items())
        for group in by_table(changes)
        if group.table and group.sign == sign and _columns(group.changes, sign)
    }


def _columns(changes: Sequence[FacetChange], sign: str) -> dict[str, object]:
    return {
        change.key.name: change.after if sign == "+" else change.before
        for change in changes
        if change.key.kind == "column" and change.sign == sign
    }


def facet_name(key: FacetKey) -> str:
    """A facet in words that stay the same: ``column user.name``, ``table user``."""
    place = ".".join(part for part in (key.table, key.name) if part)
    return f"{key.kind} {place}"
