"""Do two changes of a schema commute? Answered from their facets alone. Pure."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gitmig.core.schema.facets import FacetChange, FacetKey, render


class Relation(enum.StrEnum):
    """How two changes stand to each other."""

    DISJOINT = "disjoint"
    """Neither touches anything that the other needs: both orders lead to the same schema."""
    CONFLICT = "conflict"
    """Both change the same facet: a person has to decide."""
    TRY = "try"
    """One touches what the other is made of: only running both orders can tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """A facet that both sides change."""

    ours: FacetChange
    theirs: FacetChange

    @property
    def lines(self) -> tuple[str, str]:
        """What each side does to it."""
        return f"ours:   {render(self.ours)}", f"theirs: {render(self.theirs)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the facets of two changes say."""

    relation: Relation
    clashes: tuple[Clash, ...] = ()
    reason: str | None = None
    """Why both orders have to be tried."""


def compare(ours: Sequence[FacetChange], theirs: Sequence[FacetChange]) -> Comparison:
    """Whether two changes that start from one schema can follow each other in either order.

    A facet that both change is a conflict, also if both do the same to it: the second of the two
    scripts would find it done. A table that one side drops and the other changes is one, too.
    """
    clashes = _clashes(ours, theirs)
    if clashes:
        return Comparison(relation=Relation.CONFLICT, clashes=clashes)
    reason = _entangled(ours, theirs) or _entangled(theirs, ours)
    if reason is not None:
        return Comparison(relation=Relation.TRY, reason=reason)
    return Comparison(relation=Relation.DISJOINT)


def _clashes(ours: Sequence[FacetChange], theirs: Sequence[FacetChange]) -> tuple[Clash, ...]:
    other = {change.key: change for change in theirs}
    same = [Clash(ours=change, theirs=other[change.key]) for change in ours if change.key in other]
    dropped = [
        Clash(ours=change, theirs=drop) for change in ours if (drop := _drop_of(change, theirs)) is not None
    ]
    theirs_dropped = [
        Clash(ours=drop, theirs=change) for change in theirs if (drop := _drop_of(change, ours)) is not None
    ]
    found = [*same, *dropped, *theirs_dropped]
    # A new table is one clash, and not one more for each of its columns.
    tables = {clash.ours.key.table for clash in same if clash.ours.key.kind == "table"}
    return tuple(
        clash for clash in found if clash.ours.key.kind == "table" or clash.ours.key.table not in tables
    )


def _drop_of(change: FacetChange, others: Iterable[FacetChange]) -> FacetChange | None:
    """The drop of the table that a change belongs to, unless the change drops it itself."""
    if not change.key.table or change.after is None:
        return None
    return next(
        (
            other
            for other in others
            if other.key.kind == "table" and other.key.table == change.key.table and other.after is None
        ),
        None,
    )


def _entangled(ones: Iterable[FacetChange], others: Sequence[FacetChange]) -> str | None:
    """What of ``ones`` changes or drops something that one of ``others`` mentions."""
    for one in ones:
        if one.before is None:
            continue
        for other in others:
            if _needs(other, one.key):
                return f"{render(one)} / {render(other)}"
    return None


def _needs(change: FacetChange, key: FacetKey) -> bool:
    """Whether a change may depend on a facet that the other side changes or drops."""
    if key.kind == "table":
        return _mentions(change, key.table or key.name)
    if key.kind == "column":
        return change.key.table == key.table and change.key.kind != "column" and _mentions(change, key.name)
    if key.kind in ("enum", "sequence", "schema"):
        return _mentions(change, key.name)
    # A foreign key needs the key or the unique columns of the table that it refers to.
    if key.kind in ("primary key", "unique"):
        return change.key.kind == "foreign key" and _mentions(change, key.table)
    return False


def _mentions(change: FacetChange, name: str) -> bool:
    word = re.compile(rf"(?<!\w){re.escape(name.rpartition('.')[2])}(?!\w)")
    return any(text is not None and word.search(text) for text in (change.before, change.after))
