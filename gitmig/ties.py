"""Ties: which commits hold the models of a revision. Pure: facts of history in, ties out.

The rules are those of the design's "Tie". A *line* is a first-parent line as a list of facts: only
the commits at which a revision file or the models' content changed, since the others hold the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from gitmig.graph import Graph
from gitmig.model import CommitId, Header, RevisionId, Tie, TieState


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What one commit of a line changed, against the one before it (the first: against nothing)."""

    commit: CommitId
    arrived: frozenset[RevisionId] = frozenset()
    left: frozenset[RevisionId] = frozenset()
    models: str | None = None
    """The content digest of the models files in this commit; None when it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The first-parent line of a commit, oldest first."""

    facts: tuple[Fact, ...]
    cut_off: bool = False
    """Whether history before the first fact is missing (a shallow clone)."""
    sides: Mapping[CommitId, tuple[Line, ...]] = field(default_factory=dict)
    """For merges that brought a revision together with a child of it: the lines that were merged."""
    former_children: Mapping[RevisionId, frozenset[RevisionId]] = field(default_factory=dict)
    """Children by every version of every revision file in the line, squashed and re-parented ones too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSchema:
    """The schema that models of one content digest are known to have."""

    dialect: str
    sqlalchemy: str
    digest: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A commit that may hold the models of a revision."""

    commit: CommitId
    models: str


@dataclass(frozen=True, slots=True)
class _Interval:
    introduced: CommitId | None
    candidates: tuple[Candidate, ...]


def derive(
    graph: Graph, line: Line, schemas: Mapping[str, KnownSchema] | None = None
) -> Mapping[RevisionId, Tie]:
    """The tie of every revision of a graph.

    ``schemas`` maps content digests of models to schemas that were computed before. A candidate whose
    schema could still change the answer is in the tie's ``undecided``.
    """
    blockers = _blockers(graph, line)
    intervals = _intervals(line, blockers)
    return {
        revision: _tie(revision, script.header, intervals.get(revision), schemas or {})
        for revision, script in graph.scripts.items()
    }


def _blockers(graph: Graph, line: Line) -> dict[RevisionId, frozenset[RevisionId]]:
    """The revisions whose presence ends the interval of each."""
    blockers = {}
    for revision in graph.scripts:
        children = frozenset(graph.children(revision))
        if former := line.former_children.get(revision, frozenset()) - children:
            # A former child that is now elsewhere in the graph says something only from below.
            below = frozenset(graph.descendants([revision]))
            children |= {child for child in former if child not in graph.scripts or child in below}
        blockers[revision] = children - {revision}
    return blockers


def _intervals(line: Line, blockers: Mapping[RevisionId, Set[RevisionId]]) -> dict[RevisionId, _Interval]:
    """For each revision that the end of the line has: where it came, and its candidates."""
    walk = _Walk(line, blockers)
    for position, fact in enumerate(line.facts):
        walk.step(position, fact)
    return {revision: walk.interval(revision) for revision in walk.present if revision in blockers}


class _Walk:
    """One pass along a line."""

    def __init__(self, line: Line, blockers: Mapping[RevisionId, Set[RevisionId]]):
        self._line = line
        self._blockers = blockers
        self._blocked_by: dict[RevisionId, list[RevisionId]] = defaultdict(list)
        for revision, children in blockers.items():
            for child in children:
                self._blocked_by[child].append(revision)
        self.present: set[RevisionId] = set()
        self._children: dict[RevisionId, int] = defaultdict(int)
        self._open: dict[RevisionId, None] = {}
        self._introduced: dict[RevisionId, int] = {}
        self._candidates: dict[RevisionId, list[Candidate]] = defaultdict(list)

    def step(self, position: int, fact: Fact) -> None:
        for revision in fact.left:
            self._move(revision, -1)
            self.present.discard(revision)
        for revision in fact.arrived:
            self._move(revision, +1)
            self.present.add(revision)
            self._introduced.setdefault(revision, position)
        for revision in fact.left:
            self._settle(revision)
        for revision in sorted(fact.arrived):
            self._settle(revision)
        if fact.models is not None:
            self._offer(Candidate(fact.commit, fact.models))

    def _move(self, child: RevisionId, count: int) -> None:
        for parent in self._blocked_by.get(child, ()):
            self._children[parent] += count

    def _settle(self, revision: RevisionId) -> None:
        for one in (revision, *self._blocked_by.get(revision, ())):
            if one in self.present and one in self._blockers and not self._children[one]:
                self._open[one] = None
            else:
                self._open.pop(one, None)

    def _offer(self, candidate: Candidate) -> None:
        for revision in self._open:
            candidates = self._candidates[revision]
            if not candidates or candidates[-1].models != candidate.models:
                candidates.append(candidate)

    def interval(self, revision: RevisionId) -> _Interval:
        position = self._introduced[revision]
        fact = self._line.facts[position]
        known = position > 0 or not self._line.cut_off
        own = _Interval(
            introduced=fact.commit if known else None,
            candidates=tuple(self._candidates[revision]),
        )
        return own if own.candidates else self._along_sides(revision, own)

    def _along_sides(self, revision: RevisionId, own: _Interval) -> _Interval:
        """The interval on a line that was merged: the revision and its child came with one merge."""
        if own.introduced is None:
            return own
        for side in self._line.sides.get(own.introduced, ()):
            there = _intervals(side, {revision: self._blockers[revision]}).get(revision)
            if there is not None and there.candidates:
                return _Interval(own.introduced, there.candidates)
        return own


def _tie(
    revision: RevisionId, header: Header, interval: _Interval | None, schemas: Mapping[str, KnownSchema]
) -> Tie:
    if interval is None:
        return Tie(revision=revision, state=TieState.UNCOMMITTED)
    candidates = interval.candidates
    if not candidates:
        return Tie(revision=revision, state=TieState.UNTIED, introduced=interval.introduced)
    choice = _by_header(header, candidates, schemas) or _by_introduction(candidates, schemas)
    return Tie(
        revision=revision,
        state=choice.state,
        introduced=interval.introduced,
        models_commit=choice.commit,
        candidates=tuple(candidate.commit for candidate in candidates),
        undecided=tuple(candidate.commit for candidate in reversed(choice.undecided)),
    )


@dataclass(frozen=True, slots=True)
class _Choice:
    state: TieState
    commit: CommitId
    undecided: Sequence[Candidate] = ()


def _by_header(
    header: Header, candidates: Sequence[Candidate], schemas: Mapping[str, KnownSchema]
) -> _Choice | None:
    """By the record; None when there is none, or none that a candidate bears out or may bear out."""
    wanted = _recorded(header)
    known = [schemas.get(candidate.models) for candidate in candidates]
    places = range(len(candidates))
    # A record whose own models are known to have another schema proves nothing by its content.
    same = [
        place
        for place in places
        if candidates[place].models == header.models and not _contradict(known[place], wanted)
    ]
    equal = [place for place in places if wanted is not None and known[place] == wanted]
    open_ = [place for place in places if wanted is not None and not _comparable(known[place], wanted)]
    if equal or same:
        chosen = max(equal + same)
        later = [candidates[place] for place in open_ if place > chosen]
        return _Choice(TieState.VERIFIED, candidates[chosen].commit, later)
    if open_:
        return _Choice(TieState.APPROXIMATE, candidates[0].commit, [candidates[place] for place in open_])
    return None


def _by_introduction(candidates: Sequence[Candidate], schemas: Mapping[str, KnownSchema]) -> _Choice:
    """The latest candidate whose content or schema is the first one's: a good guess, and never more."""
    first = candidates[0].models
    made_for = schemas.get(first)
    known = [schemas.get(candidate.models) for candidate in candidates]
    equal = [
        place
        for place, candidate in enumerate(candidates)
        if candidate.models == first or (made_for is not None and known[place] == made_for)
    ]
    chosen = max(equal)
    later = range(chosen + 1, len(candidates))
    undecided = [
        candidates[place] for place in later if not _comparable(known[place], made_for or known[place])
    ]
    if made_for is None and later:
        undecided = [candidates[chosen], *undecided]
    return _Choice(TieState.APPROXIMATE, candidates[chosen].commit, undecided)


def _recorded(header: Header) -> KnownSchema | None:
    if header.dialect is None or header.sqlalchemy is None or header.schema is None:
        return None
    return KnownSchema(dialect=header.dialect, sqlalchemy=header.sqlalchemy, digest=header.schema)


def _comparable(one: KnownSchema | None, other: KnownSchema | None) -> bool:
    """Whether both are known, for one dialect and one SQLAlchemy."""
    if one is None or other is None:
        return False
    return (one.dialect, one.sqlalchemy) == (other.dialect, other.sqlalchemy)


def _contradict(one: KnownSchema | None, other: KnownSchema | None) -> bool:
    return _comparable(one, other) and one != other
