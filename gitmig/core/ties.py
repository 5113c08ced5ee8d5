"""Ties: which commits hold the models of a state of the database. Pure: facts of history in, ties out.

The rules are those of the design's "Tie". The models of a state are those of a commit that has just its
revisions. If no commit has, those come into question that have its heads and more, or other revisions below
them: what they hold is a guess.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gitmig.core.replay import Candidate, Replayed, state_key
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import Header
from gitmig.wire.values import CommitId, RevisionId


class TieState(StrEnum):
    """How sure a tie is; see the design's "Tie"."""

    VERIFIED = "verified"
    APPROXIMATE = "approximate"
    UNTIED = "untied"
    UNCOMMITTED = "uncommitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """A revision and the commits of its models, derived from history."""

    revision: RevisionId
    state: TieState
    introduced: CommitId | None = None
    models_commit: CommitId | None = None
    candidates: tuple[CommitId, ...] = ()
    """The commits from ``introduced`` to just before a child arrives, oldest first: of commits in a
    row whose models are the same bytes, only the first."""
    undecided: tuple[CommitId, ...] = ()
    """The candidates whose schema would have to be computed to settle the tie, newest first."""
    re_parented: bool = False
    """Whether it is verified by what the revision changes alone: its record was written on another parent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSchema:
    """The schema that models of one content digest are known to have."""

    dialect: str
    sqlalchemy: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """What ties are derived from."""

    graph: Graph
    replayed: Replayed
    schemas: Mapping[str, KnownSchema]
    """Content digests of models to schemas that were computed before."""
    silent: frozenset[RevisionId] = frozenset()
    """Revisions that do nothing: their models are those of what they follow."""

    def all(self) -> Mapping[RevisionId, Tie]:
        """The tie of every revision of the graph."""
        return {revision: self.of((revision,)) for revision in self.graph.scripts}

    def of(self, heads: Sequence[RevisionId]) -> Tie:
        """The tie of the state with these heads.

        A candidate whose schema could still change the answer is in the tie's ``undecided``.
        """
        introduced = self.replayed.introduced
        if any(head not in introduced for head in heads):
            return Tie(revision=heads[0], state=TieState.UNCOMMITTED)
        candidates = self._candidates(heads)
        if not candidates:
            return Tie(revision=heads[0], state=TieState.UNTIED, introduced=introduced[heads[0]])
        choice = self._by_records(heads, candidates) or _by_introduction(candidates, self.schemas)
        return Tie(
            revision=heads[0],
            state=choice.state,
            introduced=introduced[heads[0]],
            models_commit=choice.commit,
            candidates=tuple(dict.fromkeys(candidate.commit for candidate in candidates)),
            undecided=tuple(candidate.commit for candidate in reversed(choice.undecided)),
        )

    def speaks_for(self, head: RevisionId, heads: Sequence[RevisionId]) -> bool:
        """Whether the record of a head was written for the state with these heads, or is in no commit yet."""
        if len(heads) == 1:
            return head in self.replayed.trusted
        written = self.replayed.written.get(head, frozenset())
        return written <= {self._key(heads)}

    def _key(self, heads: Sequence[RevisionId]) -> int:
        if len(heads) == 1 and heads[0] in self.replayed.alone:
            return self.replayed.alone[heads[0]]
        return state_key(self.graph, heads, self.silent)

    def _candidates(self, heads: Sequence[RevisionId]) -> tuple[Candidate, ...]:
        found = self.replayed
        exact = found.states.get(self._key(heads), ())
        if exact or len(heads) > 1:
            return exact or found.headed.get(frozenset(heads), ())
        return found.beside.get(heads[0], ()) or found.loose.get(heads[0], ())

    def _by_records(self, heads: Sequence[RevisionId], candidates: Sequence[Candidate]) -> _Choice | None:
        """By the record of one of the heads; None if there is none that a candidate bears out or may."""
        maybe: _Choice | None = None
        for head in heads:
            valid = [c for c in candidates if self._counts(head, heads, c)]
            choice = _by_header(self.graph.scripts[head].header, valid, candidates, self.schemas)
            if choice is not None and choice.state is TieState.VERIFIED:
                return choice
            maybe = maybe or choice
        return maybe

    def _counts(self, head: RevisionId, heads: Sequence[RevisionId], candidate: Candidate) -> bool:
        """Whether the record of a head speaks of all the revisions that a commit has.

        It was written for what its commit had then. Somebody may have put the revision on another parent
        since, or merged it with what others made: then the models of its record lack a side.
        """
        written = self.replayed.written.get(head, frozenset())
        if len(heads) == 1 and candidate.key == self._key(heads):
            return head in self.replayed.trusted
        return written == {candidate.key}


@dataclass(frozen=True, slots=True)
class _Choice:
    state: TieState
    commit: CommitId
    undecided: Sequence[Candidate] = ()


def _by_header(
    header: Header,
    valid: Sequence[Candidate],
    candidates: Sequence[Candidate],
    schemas: Mapping[str, KnownSchema],
) -> _Choice | None:
    wanted = _recorded(header)
    known = [schemas.get(candidate.models) for candidate in valid]
    places = range(len(valid))
    # A record whose own models are known to have another schema proves nothing by its content.
    same = [
        place
        for place in places
        if valid[place].models == header.models and not _contradict(known[place], wanted)
    ]
    equal = [place for place in places if wanted is not None and known[place] == wanted]
    open_ = [place for place in places if wanted is not None and not _comparable(known[place], wanted)]
    if equal or same:
        chosen = max(equal + same)
        later = [valid[place] for place in open_ if place > chosen]
        return _Choice(TieState.VERIFIED, valid[chosen].commit, later)
    if open_:
        undecided = [valid[place] for place in open_]
        return _Choice(TieState.APPROXIMATE, _first(candidates).commit, undecided)
    return None


def _first(candidates: Sequence[Candidate]) -> Candidate:
    """The first one of the line, if there is one.

    On its branch a revision may have been worked on until the merge, and its models with it.
    """
    return next((each for each in candidates if each.order[0]), candidates[0])


def _by_introduction(candidates: Sequence[Candidate], schemas: Mapping[str, KnownSchema]) -> _Choice:
    """The latest candidate whose content or schema is the first one's: a good guess, and never more."""
    first = _first(candidates).models
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
