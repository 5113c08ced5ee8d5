"""What a live database differs in from what it should be, and where that comes from. Pure.

The *wanted* schema and the one *found* are descriptions by one kind of database. A difference is looked up
among what each revision changed by what it is of (table, column, name).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gitmig.core.codes import Finding, Severity
from gitmig.core.revisions.graph import Graph
from gitmig.core.schema.facets import FacetChange, FacetKey, Schema, difference, render
from gitmig.wire.values import CommitId, RevisionId

Changes = Callable[[RevisionId], Sequence[FacetChange] | None]
"""What a revision changed, None if nobody knows."""


class Kind(StrEnum):
    """How the database differs."""

    EXTRA = "extra"
    MISSING = "missing"
    DIFFERENT = "different"


class Way(StrEnum):
    """What a revision did to something."""

    MADE = "made"
    DROPPED = "dropped"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftOrigin:
    """Where a difference comes from: a revision, or the models of a commit that no revision made."""

    revision: RevisionId | None = None
    commit: CommitId | None = None
    way: Way = Way.MADE
    later: bool = False
    """Whether the revision comes after those of the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """One thing in which the database differs; ``change`` leads from what is wanted to what was found."""

    change: FacetChange
    origin: DriftOrigin | None = None

    @property
    def kind(self) -> Kind:
        """Whether it is extra, missing or different."""
        return {"+": Kind.EXTRA, "-": Kind.MISSING}.get(self.change.sign, Kind.DIFFERENT)


def drifted(wanted: Schema, found: Schema) -> tuple[FacetChange, ...]:
    """The differences, without what is in tables that nothing is known of."""
    unknown = frozenset(unknown_tables(wanted, found))
    return tuple(change for change in difference(wanted, found) if change.key.table not in unknown)


def unknown_tables(wanted: Schema, found: Schema) -> tuple[str, ...]:
    """The tables of the database that are not wanted, sorted."""
    return tuple(sorted(_tables(found) - _tables(wanted)))


def inside(table: str, wanted: Schema, found: Schema) -> tuple[FacetChange, ...]:
    """All that there is in such a table."""
    return tuple(change for change in difference(wanted, found) if change.key.table == table)


def origin_of(
    change: FacetChange, at: Sequence[RevisionId], graph: Graph, changes: Changes
) -> DriftOrigin | None:
    """The revision that a difference comes from, the nearest first; None if no revision is known for it.

    What is extra was made by a later revision, or should have been dropped by an earlier one. What is missing
    was dropped by a later one, or should have been made. ``at``: where the database says it is.
    """
    applied = graph.applied(at)
    order = graph.topological()
    later = [revision for revision in order if revision not in applied]
    earlier = [revision for revision in reversed(order) if revision in applied]
    for revisions, is_later in ((later, True), (earlier, False)):
        for revision in revisions:
            way = _way(change.key, changes(revision) or ())
            if way is not None and _explains(change, way, is_later):
                return DriftOrigin(revision=revision, way=way, later=is_later)
    return None


def candidates(lines: Sequence[Drifted], at: RevisionId | None, graph: Graph) -> tuple[RevisionId, ...]:
    """The revisions that the database may really be at, the likeliest first.

    The last of the later ones that something comes from; or the one before the first that is missing.
    """
    order = {revision: place for place, revision in enumerate(graph.topological())}
    origins = [line.origin for line in lines if line.origin is not None and line.origin.revision is not None]
    later = [o.revision for o in origins if o.later and o.revision is not None]
    before = [
        parent
        for o in origins
        if not o.later and o.revision is not None
        for parent in graph.line_parents[o.revision]
    ]
    ranked = [*sorted(set(later), key=lambda r: -order[r]), *sorted(set(before), key=lambda r: order[r])]
    return tuple(revision for revision in dict.fromkeys(ranked) if revision != at)


def words(line: Drifted, messages: Callable[[RevisionId], str]) -> str:
    """Where a line comes from, in words; empty if nobody knows."""
    origin = line.origin
    if origin is None:
        return ""
    if origin.revision is None:
        return f"as in the models of {(origin.commit or '')[:8]}"
    name = f"{origin.revision} {messages(origin.revision)}".rstrip()
    return f"{origin.way.value} by {name}{', which is not applied' if origin.later else ''}"


def finding(database: str, place: str, lines: Sequence[Drifted], like: str | None, hint: str) -> Finding:
    """GM021."""
    counts = [f"{count} {kind.value}" for kind in Kind if (count := sum(line.kind is kind for line in lines))]
    said = f": stamped {place}, has what {like} made" if like is not None else ""
    return Finding(
        code="GM021",
        severity=Severity.ERROR,
        message=f"{database} is not what {place} says ({', '.join(counts)}){said}",
        hint=hint,
        details=tuple(render(line.change) for line in lines),
    )


def _way(key: FacetKey, changes: Sequence[FacetChange]) -> Way | None:
    for change in changes:
        if change.key == key:
            return {"+": Way.MADE, "-": Way.DROPPED}.get(change.sign, Way.CHANGED)
    return None


def _explains(change: FacetChange, way: Way, later: bool) -> bool:
    match change.sign:
        case "+":
            return way is (Way.MADE if later else Way.DROPPED)
        case "-":
            return way is (Way.DROPPED if later else Way.MADE)
    return way is Way.CHANGED or (not later and way is Way.MADE)


def _tables(schema: Schema) -> frozenset[str]:
    return frozenset(key.table for key in schema.facets if key.kind == "table")
