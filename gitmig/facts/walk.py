"""What each commit of a history holds, and all of them as one history.

A commit's fact depends on the commit and on the places alone, and so does the order of the facts. If those
of old commits are known, a walk over the new ones gives the same result.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass

from gitmig.core.commits import Fact, History, Placed
from gitmig.core.paths import below as lies_below
from gitmig.facts.places import ModelsLines, TrackedPlaces
from gitmig.git.history import Change, Changed
from gitmig.git.objects import Entry
from gitmig.wire.values import BlobId, CommitId, RevisionId

Identity = tuple[RevisionId, Placed]
"""A revision, and what its file says of it."""
Identities = MutableMapping[BlobId, Identity | None]
"""What each blob of a versions folder is; None for what is no readable revision file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a commit is in the order of all, and the nearest fact at or below it on its first-parent line.

    A date is never before those of the commit's parents; it depends on nothing but the commit.
    """

    date: int
    nearest: CommitId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A fact, whatever else is in a history with it."""

    fact: Fact
    spot: Spot
    before: CommitId | None
    """The nearest fact below it."""


def assembled(
    facts: Mapping[CommitId, Placement],
    nearest: CommitId | None,
    shallow: Container[CommitId],
    places: TrackedPlaces,
) -> History:
    """The history of these facts; ``nearest`` is the head's. It depends on no order of theirs."""
    order = sorted(facts, key=lambda commit: (facts[commit].spot.date, commit))
    at = {commit: place for place, commit in enumerate(order)}
    made = tuple(_fact(facts[commit], at) for commit in order)
    line: list[int] = []
    while nearest is not None:
        line.append(at[nearest])
        nearest = facts[nearest].before
    line.reverse()
    return History(
        facts=made,
        line=tuple(line),
        cut_off=frozenset(place for place in line if made[place].commit in shallow),
        replaced=_replaced(made),
        models=places.models,
        paths=places.paths,
    )


def _fact(known: Placement, at: Mapping[CommitId, int]) -> Fact:
    fact = known.fact
    return Fact(
        commit=fact.commit,
        before=None if known.before is None else at[known.before],
        placed=fact.placed,
        left=fact.left,
        models=fact.models,
    )


class Walk:
    """What the paths hold, commit by commit: one walk from first parents to their children.

    Attributes:
        spots: of each commit, once the walk is over; before that of the commits ``below``.
        least: how few files of ``roots`` a commit had.
    """

    def __init__(
        self,
        places: TrackedPlaces,
        identities: Mapping[BlobId, Identity | None],
        changed: Sequence[Changed],
        *,
        below: Mapping[CommitId, Spot] | None = None,
        entries: Callable[[CommitId], Mapping[str, Entry]] = lambda commit: {},
        roots: Sequence[str] = (),
    ) -> None:
        self.spots: dict[CommitId, Spot] = dict(below or {})
        self.least = 1
        self._below = frozenset(self.spots)
        self._places = places
        self._identities = identities
        self._changed = changed
        self._entries_of = entries
        self._roots = roots
        self._files = 0
        self._entries: dict[str, Entry] = {}
        self._revisions: dict[RevisionId, dict[str, Placed]] = defaultdict(dict)
        self._models = ModelsLines(places.models)
        self._digest: str | None = None

    def all(self) -> Mapping[CommitId, Placement]:
        """The facts. ``below`` are commits that are known, and hold what ``entries`` says."""
        found: dict[CommitId, Fact] = {}
        for each in self._visited():
            digest = self._digest
            placed, left = self._moved(each.changes)
            self.least = min(self.least, self._files)
            if placed or left or self._digest != digest:
                found[each.commit] = Fact(commit=each.commit, placed=placed, left=left, models=self._digest)
        placements: dict[CommitId, Placement] = {}
        for each in self._changed:
            spots = [self.spots[parent] for parent in each.parents if parent in self.spots]
            before = self.spots[each.parents[0]].nearest if spots and each.parents[0] in self.spots else None
            date = max([each.time, *(spot.date + 1 for spot in spots)])
            fact = found.get(each.commit)
            spot = Spot(date=date, nearest=each.commit if fact is not None else before)
            self.spots[each.commit] = spot
            if fact is not None:
                placements[each.commit] = Placement(fact=fact, spot=spot, before=before)
        return placements

    def _visited(self) -> Iterator[Changed]:
        """Every commit after its first parent, with what that holds in place; its changes are taken back."""
        above: dict[CommitId | None, list[Changed]] = defaultdict(list)
        known = {each.commit for each in self._changed} | self._below
        for each in self._changed:
            first = next(iter(each.parents), None)
            above[first if first in known else None].append(each)
        yield from self._visited_from(above[None], above)
        for base in [commit for commit in above if commit in self._below]:
            undo = self._move_to(self._entries_of(base))
            self.least = min(self.least, self._files)
            yield from self._visited_from(above[base], above)
            self._moved(undo)

    def _visited_from(
        self, starts: Sequence[Changed], above: Mapping[CommitId | None, Sequence[Changed]]
    ) -> Iterator[Changed]:
        pending: list[tuple[Changed, tuple[Change, ...] | None]] = [(each, None) for each in reversed(starts)]
        while pending:
            each, undo = pending.pop()
            if undo is not None:
                self._moved(undo)
                continue
            if each.changes:
                old = tuple((path, self._entries.get(path)) for path, _ in each.changes)
                pending.append((each, old))
            yield each
            pending += [(child, None) for child in reversed(above.get(each.commit, ()))]

    def _move_to(self, entries: Mapping[str, Entry]) -> tuple[Change, ...]:
        """Put all that a commit holds in place; the changes that take it back."""
        old = self._entries
        changes: list[Change] = [(path, entry) for path, entry in entries.items() if old.get(path) != entry]
        changes += [(path, None) for path in old if path not in entries]
        undo = tuple((path, old.get(path)) for path, _ in changes)
        self._moved(changes)
        return undo

    def _moved(self, changes: Sequence[Change]) -> tuple[dict[RevisionId, Placed], frozenset[RevisionId]]:
        """Make changes; the revisions that came or are another now, and those that left."""
        before: dict[RevisionId, Placed | None] = {}
        models = False
        for path, new in changes:
            old = self._entries.pop(path, None)
            if new is not None:
                self._entries[path] = new
            models |= self._models.put(path, old, new)
            if self._roots and any(lies_below(path, root) for root in self._roots):
                self._files += (new is not None) - (old is not None)
            if self._places.holds_revision(path):
                for entry in (old, new):
                    if (identity := self._identity(entry)) is not None:
                        before.setdefault(identity[0], self._placed(identity[0]))
                self._place(path, old, new)
        if models:
            self._digest = self._models.digest()
        after = {revision: self._placed(revision) for revision in before}
        placed = {one: now for one, now in after.items() if now is not None and now != before[one]}
        left = frozenset(one for one, now in after.items() if now is None and before[one] is not None)
        return placed, left

    def _place(self, path: str, old: Entry | None, new: Entry | None) -> None:
        if (identity := self._identity(old)) is not None:
            self._revisions[identity[0]].pop(path, None)
        if (identity := self._identity(new)) is not None:
            self._revisions[identity[0]][path] = identity[1]

    def _identity(self, entry: Entry | None) -> Identity | None:
        return self._identities.get(entry.blob) if entry is not None else None

    def _placed(self, revision: RevisionId) -> Placed | None:
        """What counts of a revision: as for Alembic, the first of several files with its id."""
        files = self._revisions[revision]
        return files[min(files)] if files else None


def _replaced(facts: Sequence[Fact]) -> dict[RevisionId, frozenset[RevisionId]]:
    """The revisions that took the place of others, and lead to the same schema by their records."""
    records: dict[RevisionId, set[str]] = {}
    replaced: dict[RevisionId, frozenset[RevisionId]] = {}
    for fact in facts:
        for revision, placed in fact.placed.items():
            schema = placed.header.schema
            came = revision not in records
            if schema is not None and came and any(schema in records.get(old, ()) for old in fact.left):
                replaced[revision] = fact.left
            records.setdefault(revision, set()).update([schema] if schema is not None else [])
    return replaced
