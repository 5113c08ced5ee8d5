"""Which revisions of a graph go on top of which others. Pure: what git and history say comes as facts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gitmig.core.revisions.graph import Graph
from gitmig.errors import Refused
from gitmig.wire.values import RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Two parallel lines of revisions, each oldest first."""

    ours: tuple[RevisionId, ...]
    """What is put on top."""
    theirs: tuple[RevisionId, ...]
    """What the other side added meanwhile; it stays as it is."""
    onto: tuple[RevisionId, ...]
    """The head of theirs, which the first of ours is to follow; one for each permanent branch."""
    forks: tuple[RevisionId, ...]
    """What the first of ours follow now."""
    parents: Mapping[RevisionId, tuple[RevisionId, ...]]
    """The new parents of those of ours that get others."""


def sides(
    graph: Graph,
    ours: Collection[RevisionId],
    *,
    published: Collection[RevisionId] = (),
    arrived: Sequence[RevisionId] = (),
    several: bool = False,
) -> Sides | None:
    """The two sides of a graph, of which ``ours`` and what follows them are to move.

    Lines of ours that have nothing to do with each other come one on top of the other, in the order in which
    history brought them (``arrived``). None if there is nothing to move. Raises Refused if one of ours is
    ``published``, or if what stays has several heads that they could follow, unless ``several`` is said: then
    they follow all of these, as far as anybody only asks.
    """
    chosen = graph.descendants(ours)
    held = [revision for revision in graph.topological(chosen) if revision in published]
    if held:
        raise Refused(
            f"the revision {held[0]} is published: others may have applied it as it is", hint="gitmig merge"
        )
    kept = frozenset(graph.scripts) - chosen
    below = {tip: graph.line_below(tip) for tip in _tips(graph, kept)}
    moved: list[RevisionId] = []
    parents: dict[RevisionId, tuple[RevisionId, ...]] = {}
    onto: dict[RevisionId, None] = {}
    for line in _lines(graph, chosen, arrived):
        tips = _tips_to_follow(below, _outside(graph, line))
        if len(tips) > 1 and not several:
            raise _which(tips, line, published)
        tips = tips or _outside(graph, line)
        found = _reparented(graph, line, tips)
        if found:
            moved += line
            onto |= dict.fromkeys(tip for tip in tips if tip not in moved)
            parents |= found
        # The next line goes on top of this one, unless it is of another permanent branch.
        under = frozenset(line).union(*(below.pop(tip, frozenset()) for tip in tips))
        below |= dict.fromkeys(_tips(graph, line), under)
    if not moved:
        return None
    forks = _outside(graph, moved)
    others = graph.ancestors(onto) - frozenset(moved) - graph.ancestors(forks)
    return Sides(
        ours=tuple(moved),
        theirs=graph.topological(others),
        onto=tuple(onto),
        forks=forks,
        parents=parents,
    )


def _lines(
    graph: Graph, chosen: frozenset[RevisionId], arrived: Sequence[RevisionId]
) -> list[tuple[RevisionId, ...]]:
    """The connected parts of ``chosen``, each oldest first, the one that came first before the others."""
    order = {revision: place for place, revision in enumerate(arrived)}
    left, lines = set(chosen), []
    for revision in graph.topological(chosen):
        if revision not in left:
            continue
        part, todo = {revision}, [revision]
        while todo:
            one = todo.pop()
            near = {*graph.line_parents[one], *graph.line_children[one]} & left
            todo += near - part
            part |= near
        left -= part
        lines.append(graph.topological(part))
    return sorted(lines, key=lambda line: min(order.get(revision, len(order)) for revision in line))


def _tips_to_follow(
    below: Mapping[RevisionId, frozenset[RevisionId]], forks: Sequence[RevisionId]
) -> tuple[RevisionId, ...]:
    """The heads that a line can follow: of permanent branches, those of its own; none if it joins them."""
    tips = tuple(below)
    if len(tips) > 1 and forks:
        tips = tuple(tip for tip in tips if below[tip].issuperset(forks))
    return tips


def _which(
    tips: Sequence[RevisionId], line: Sequence[RevisionId], published: Collection[RevisionId]
) -> Refused:
    """Nobody said which of several heads a line is to follow."""
    closed = [tip for tip in tips if tip in published]
    first = (closed or tips)[0]
    others = (*(tip for tip in tips if tip != first), line[-1])
    command = f"merge {' '.join(closed)}" if len(closed) > 1 else f"rebase {' '.join(others)}"
    return Refused(f"what stays has {len(tips)} heads: {', '.join(tips)}", hint=f"gitmig {command}")


def _reparented(
    graph: Graph, line: Sequence[RevisionId], onto: tuple[RevisionId, ...]
) -> dict[RevisionId, tuple[RevisionId, ...]]:
    members = frozenset(line)
    roots = [revision for revision in line if not members.intersection(graph.line_parents[revision])]
    if all(set(graph.line_parents[root]) == set(onto) for root in roots):
        return {}
    found = {}
    for revision in line:
        # A merge of ours with what is now below it anyway needs that parent no more.
        inside = tuple(parent for parent in graph.line_parents[revision] if parent in members)
        if (inside or onto) != graph.line_parents[revision]:
            found[revision] = inside or onto
    return found


def _outside(graph: Graph, revisions: Iterable[RevisionId]) -> tuple[RevisionId, ...]:
    """The parents of some revisions that are not among them."""
    members = tuple(revisions)
    found = dict.fromkeys(parent for revision in members for parent in graph.line_parents[revision])
    return tuple(parent for parent in found if parent not in members)


def _tips(graph: Graph, revisions: Collection[RevisionId]) -> tuple[RevisionId, ...]:
    return tuple(sorted(r for r in revisions if not any(c in revisions for c in graph.line_children[r])))


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What git says of where the parallel revisions come from."""

    published: frozenset[RevisionId] = frozenset()
    """The revisions that others have."""
    here: frozenset[RevisionId] | None = None
    """Those of the first parent of a merge, made or in progress; None if there is none."""
    there: frozenset[RevisionId] = frozenset()
    """Those of the other parents."""
    base: frozenset[RevisionId] | None = None
    """Those of the commit that ``git rebase`` is putting ours on, or that the person named."""
    on_default: bool = False
    """Whether the branch that is checked out is the one that others build on."""
    default: frozenset[RevisionId] = frozenset()
    """Those of that branch, if another one is checked out."""


def whole_lines(graph: Graph, named: Collection[RevisionId]) -> frozenset[RevisionId]:
    """The named revisions with those below them that no other head has: they cannot move without these."""
    after = graph.descendants(named)
    others = [head for head in graph.heads if head not in after]
    if not others:
        return frozenset(named)
    below = frozenset(revision for one in named for revision in graph.line_below(one))
    return frozenset(named) | below.difference(*(graph.line_below(head) for head in others))


def to_move(graph: Graph, facts: Circumstances) -> frozenset[RevisionId]:
    """Which revisions go on top of the others, if nobody said which. Raises Refused if neither side may."""
    everything = frozenset(graph.scripts)
    if facts.base is not None:
        return everything - facts.base
    common = frozenset.intersection(*(graph.ancestors([head]) for head in graph.heads)) if graph.heads else ()
    open_ = everything - facts.published - frozenset(common)
    if len(graph.heads) > 1 and not open_:
        raise Refused("the revisions of both sides are published", hint="gitmig merge")
    ours = open_ - facts.default
    if ours and ours != open_ and len(_tips(graph, everything - graph.descendants(ours))) < len(graph.heads):
        # What others build on stays, also if it came here by other ways than a merge.
        return ours
    if facts.here is None:
        return open_
    ours, theirs = open_ & facts.here - facts.there, open_ & facts.there - facts.here
    if not ours or not theirs:
        return open_
    moved = open_ - (ours if facts.on_default else theirs)
    # An octopus: theirs are several lines, which go on top of each other too.
    return min((moved, open_), key=lambda some: len(_tips(graph, everything - graph.descendants(some))))
