"""The commits of a history, each at its state: which revisions it has, as today's graph counts them.

A *state* is a set of revisions that is closed downward; its heads name it. A commit is at a state if it
has just these revisions. Commits form a tree by their first parents; one walk visits it and takes every
step back again, so that nothing is held but the state of the commit at hand.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from gitmig.core.commits import Fact, History, Placed
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import Header
from gitmig.wire.values import CommitId, RevisionId

_K = TypeVar("_K")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A commit that may hold the models of a state."""

    commit: CommitId
    models: str
    key: int
    """The key of the revisions that it has."""
    order: tuple[bool, int]
    """Commits of the first-parent line come after all others, later ones after earlier ones."""


Candidates = Mapping[RevisionId, tuple[Candidate, ...]]
Marks = Mapping[RevisionId, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What the walk has found. Candidates are sorted by their order."""

    states: Mapping[int, tuple[Candidate, ...]]
    """By the key of a state: the commits that are at it."""
    beside: Candidates
    """By revision: the commits of which it is one of several heads, with all that is below it today."""
    loose: Candidates
    """By revision: the commits of which it is a head, with other revisions below it than today."""
    headed: Mapping[frozenset[RevisionId], tuple[Candidate, ...]]
    """By heads, if there are several: the commits with just these, whatever is below them."""
    heads: Mapping[int, tuple[RevisionId, ...]]
    """The heads of each state that a commit is at, sorted."""
    trusted: frozenset[RevisionId]
    """The revisions whose record was never written on top of other revisions than it follows today."""
    written: Mapping[RevisionId, frozenset[int]]
    """By revision: the keys of the commits that brought its record."""
    alone: Mapping[RevisionId, int]
    """By revision of the graph: the key of the state whose only head it is."""
    introduced: Mapping[RevisionId, CommitId | None]
    """For the revisions that the head has: the commit of its line that brought it; None: before a cut."""


def replay(graph: Graph, history: History, silent: frozenset[RevisionId] = frozenset()) -> Replayed:
    """Walk a history once, and sort its commits by the states of ``graph``.

    ``silent`` are revisions that do nothing: a state with them and one without are the same.
    """
    walk = _Walk(graph, history, silent)
    walk.run()
    return walk.found()


def state_key(graph: Graph, heads: Iterable[RevisionId], silent: frozenset[RevisionId]) -> int:
    """The key of the state with these heads."""
    key = 0
    for revision in graph.ancestors(heads) - silent:
        key ^= _mark(revision)
    return key


def _mark(revision: RevisionId) -> int:
    data = revision.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=16).digest(), "big")


def _keys(graph: Graph, marks: Marks) -> dict[RevisionId, int]:
    """For each revision: the key of the state whose only head it is."""
    keys: dict[RevisionId, int] = {}
    for revision in graph.topological():
        parents = graph.parents[revision]
        if len(parents) > 1 or any(parent not in keys for parent in parents):
            keys[revision] = 0
            for each in graph.ancestors([revision]):
                keys[revision] ^= marks[each]
        else:
            keys[revision] = marks[revision] ^ (keys[parents[0]] if parents else 0)
    return keys


@dataclass(frozen=True, slots=True)
class _Offer:
    """What a fact offered: of commits in a row that offer the same, only the first is taken."""

    key: int
    models: str | None
    heads: frozenset[RevisionId]


class _Place:
    """The commit at hand: its revisions, by its own files and as today's graph has them."""

    def __init__(self, graph: Graph, replaced: Mapping[RevisionId, frozenset[RevisionId]], marks: Marks):
        self.key = 0
        self.silent = 0
        """How many of those that are there do nothing: the key does not tell of them."""
        self.here: dict[RevisionId, Placed] = {}
        self.there: set[RevisionId] = set()
        """The revisions of today's graph that are here, themselves or in the shape of those replaced."""
        self.heads: set[RevisionId] = set()
        """The heads by the files as they are here."""
        self.unreviewed_scripts = 0
        """How many revisions are here that today's graph does not have."""
        self._graph = graph
        self._marks = marks
        self._replaced = replaced
        self._children: Counter[RevisionId] = Counter()
        self._olds_here: Counter[RevisionId] = Counter()
        self._successors: dict[RevisionId, list[RevisionId]] = defaultdict(list)
        for new, olds in replaced.items():
            for old in olds:
                self._successors[old].append(new)

    def apply(self, fact: Fact) -> dict[RevisionId, Placed | None]:
        """Move to a fact; what has to be put to take it back."""
        touched = [*fact.left, *fact.placed]
        undo = {revision: self.here.get(revision) for revision in touched}
        for revision in touched:
            self.put(revision, fact.placed.get(revision))
        return undo

    def put(self, revision: RevisionId, placed: Placed | None) -> None:
        """Place a revision as given, or take it away."""
        old = self.here.pop(revision, None)
        if placed is not None:
            self.here[revision] = placed
        for parent in self._named(old):
            self._children[parent] -= 1
            self._reopen(parent)
        for parent in self._named(placed):
            self._children[parent] += 1
            self._reopen(parent)
        self._reopen(revision)
        if (old is None) == (placed is None):
            return
        if revision in self._graph.scripts:
            self._settle(revision)
        else:
            self.unreviewed_scripts += 1 if placed is not None else -1
        for new in self._successors.get(revision, ()):
            self._olds_here[new] += 1 if placed is not None else -1
            self._settle(new)

    def _named(self, placed: Placed | None) -> Iterator[RevisionId]:
        for name in placed.parents if placed is not None else ():
            yield self._graph.labels.get(name, RevisionId(name))

    def _reopen(self, revision: RevisionId) -> None:
        if revision in self.here and not self._children[revision]:
            self.heads.add(revision)
        else:
            self.heads.discard(revision)

    def _settle(self, revision: RevisionId) -> None:
        olds = self._replaced.get(revision)
        there = revision in self.here or (olds is not None and self._olds_here[revision] == len(olds))
        if there != (revision in self.there):
            (self.there.add if there else self.there.remove)(revision)
            self.key ^= self._marks[revision]
            self.silent += 0 if self._marks[revision] else 1 if there else -1

    @property
    def strange(self) -> bool:
        """Whether a head is no revision of today's graph, nor one that was replaced."""
        return any(
            head not in self._graph.scripts and not self.there.intersection(self._successors.get(head, ()))
            for head in self.heads
        )

    def is_of(self, revision: RevisionId, key: int) -> bool:
        """Whether all that is here is a revision and what is below it, by the files and by this key."""
        return self.key == key and self.heads == {revision} and not self.unreviewed_scripts

    def below(self, revision: RevisionId) -> frozenset[RevisionId]:
        """A revision and all below it by the files as they are here; those replaced by what replaced them."""
        seen, pending = {revision}, [revision]
        while pending:
            for parent in self._named(self.here.get(pending.pop())):
                if parent in self.here and parent not in seen:
                    seen.add(parent)
                    pending.append(parent)
        for new, olds in self._replaced.items():
            if olds <= seen:
                seen = (seen - olds) | {new}
        return frozenset(seen)


class _Walk:
    """One visit of all facts, and what was found so far."""

    def __init__(self, graph: Graph, history: History, silent: frozenset[RevisionId]):
        self._graph = graph
        self._history = history
        self._silent = silent
        marks = {revision: 0 if revision in silent else _mark(revision) for revision in graph.scripts}
        replaced = {new: olds for new, olds in history.replaced.items() if new in graph.scripts}
        self._place = _Place(graph, replaced, marks)
        self._keys = _keys(graph, marks)
        self._ancestors: dict[RevisionId, frozenset[RevisionId]] = {}
        self._line = frozenset(history.line)
        self._offers: dict[int, _Offer] = {}
        self._states: dict[int, list[Candidate]] = defaultdict(list)
        self._beside: dict[RevisionId, list[Candidate]] = defaultdict(list)
        self._loose: dict[RevisionId, list[Candidate]] = defaultdict(list)
        self._headed: dict[frozenset[RevisionId], list[Candidate]] = defaultdict(list)
        self._heads: dict[int, tuple[RevisionId, ...]] = {}
        self._written: dict[RevisionId, set[int]] = defaultdict(set)
        self._distrusted: set[RevisionId] = set()

    def run(self) -> None:
        """Visit all facts, first parents before their children; each step is taken back on the way out."""
        above: dict[int | None, list[int]] = defaultdict(list)
        for place, fact in enumerate(self._history.facts):
            above[fact.before].append(place)
        pending: list[tuple[int, dict[RevisionId, Placed | None] | None]] = [
            (place, None) for place in reversed(above[None])
        ]
        while pending:
            place, undo = pending.pop()
            if undo is not None:
                for revision, old in undo.items():
                    self._place.put(revision, old)
                continue
            fact = self._history.facts[place]
            pending.append((place, self._place.apply(fact)))
            self._judge_records(fact)
            self._look(place, fact)
            pending += [(each, None) for each in reversed(above[place])]

    def _look(self, place: int, fact: Fact) -> None:
        here = self._place
        offer = _Offer(here.key, fact.models, frozenset(here.heads))
        self._offers[place] = offer
        if fact.models is None or (fact.before is not None and offer == self._offers[fact.before]):
            return
        candidate = Candidate(
            commit=fact.commit, models=fact.models, key=here.key, order=(place in self._line, place)
        )
        strange = here.strange
        if not strange:
            if here.key not in self._heads:
                self._heads[here.key] = self._tips()
            self._states[here.key].append(candidate)
        if len(offer.heads) > 1:
            self._headed[offer.heads].append(candidate)
        for head in offer.heads & self._graph.scripts.keys():
            if here.is_of(head, self._keys[head]):
                continue
            whole = self._below(head) <= here.there
            if not whole:
                self._loose[head].append(candidate)
            elif strange or len(offer.heads) > 1:
                self._beside[head].append(candidate)

    def _tips(self) -> tuple[RevisionId, ...]:
        """The heads of the state that the commit at hand is at, as today's graph has them."""
        here = self._place
        if len(here.heads) == 1 and not here.silent:
            (head,) = here.heads
            # Of ten thousand states most are of one line: nobody has to walk down from each.
            if here.key == self._keys.get(head):
                return (head,)
        return self._graph.tips(here.there)

    def _below(self, revision: RevisionId) -> frozenset[RevisionId]:
        if revision not in self._ancestors:
            self._ancestors[revision] = self._graph.ancestors([revision])
        return self._ancestors[revision]

    def _judge_records(self, fact: Fact) -> None:
        for revision, placed in fact.placed.items():
            script = self._graph.scripts.get(revision)
            if script is None or placed.header != script.header or placed.header == Header():
                continue
            self._written[revision].add(self._place.key)
            if not self._has_its_ancestors(revision):
                self._distrusted.add(revision)

    def _has_its_ancestors(self, revision: RevisionId) -> bool:
        here = self._place
        # Most often all there is was asked for: then nobody has to walk down.
        return here.is_of(revision, self._keys[revision]) or here.below(revision) == self._below(revision)

    def found(self) -> Replayed:
        """What the walk has found; to be asked when it is over."""
        return Replayed(
            states=_sorted(self._states),
            beside=_sorted(self._beside),
            loose=_sorted(self._loose),
            headed=_sorted(self._headed),
            heads=self._heads,
            trusted=frozenset(self._graph.scripts) - self._distrusted,
            written={revision: frozenset(keys) for revision, keys in self._written.items()},
            alone=self._keys,
            introduced=_introduced(self._history),
        )


def _sorted(found: Mapping[_K, list[Candidate]]) -> dict[_K, tuple[Candidate, ...]]:
    return {key: tuple(_distinct(sorted(each, key=_order))) for key, each in found.items()}


def _order(candidate: Candidate) -> tuple[bool, int]:
    return candidate.order


def _distinct(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Of candidates in a row with the same models only the first; the line's apart from the others."""
    last: tuple[str, bool] | None = None
    for candidate in candidates:
        now = (candidate.models, candidate.order[0])
        if now != last:
            yield candidate
        last = now


def _introduced(history: History) -> dict[RevisionId, CommitId | None]:
    """For each revision that the end of the line has: the fact of the line that brought it first."""
    introduced: dict[RevisionId, CommitId | None] = {}
    present: set[RevisionId] = set()
    for place in history.line:
        fact = history.facts[place]
        present.difference_update(fact.left)
        present.update(fact.placed)
        for revision in fact.placed:
            introduced.setdefault(revision, None if place in history.cut_off else fact.commit)
    return {revision: commit for revision, commit in introduced.items() if revision in present}
