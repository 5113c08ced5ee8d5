"""Histories that go on from what was read of them before.

What is stored are the facts below one head. For another head those of commits that it does not have are left
out, and the commits that are new are walked: the answer is that of :func:`gitmig.facts.history.read_all`.
Where that is not sure (models that were gone for a while, another beginning), all is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitmig.core.commits import Fact, History, Placed
from gitmig.core.revisions.header import header_of_row, header_row
from gitmig.errors import GitError
from gitmig.facts.history import identify, read_all
from gitmig.facts.places import TrackedPlaces
from gitmig.facts.walk import Identities, Placement, Spot, Walk, assembled
from gitmig.git.history import Changed, changes_below
from gitmig.git.objects import Entry
from gitmig.git.repository import Repository
from gitmig.git.trees import CommitTree
from gitmig.state.facts import Facts, packed, unpacked
from gitmig.state.scripts import KnownScripts
from gitmig.wire.codec import built, plain
from gitmig.wire.values import CommitId, RevisionId

_KIND, _SPOTS = "history", "commit of "
_BRANCHES = 64
"""So many branches are walked from where they begin; each costs a look at all that lies there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """What is known of the history of one head."""

    head: CommitId
    nearest: CommitId | None
    """The last fact of the head's line."""
    places: TrackedPlaces
    """Those at which it was read in the end."""
    asked: frozenset[CommitId]
    anchor: CommitId
    """See ``gitmig.facts.history.Reading``."""
    facts: Mapping[CommitId, Placement]


class KnownHistories:
    """The histories of one repository.

    Attributes:
        readings: how often all of a history was read.
    """

    def __init__(
        self, repository: Repository, facts: Facts, scripts: KnownScripts, identities: Identities
    ) -> None:
        self._repository = repository
        self._facts = facts
        self._scripts = scripts
        self._identities = identities
        self.readings = 0

    def of(self, head: CommitId, places: TrackedPlaces, *, keep: bool) -> History:
        """The facts of all commits below a head; ``keep`` remembers them for the next time.

        Raises GitError if objects are missing.
        """
        key = history_key(self._repository, places)
        stored = self._read(key) if key is not None else None
        if key is not None and stored is not None:
            history = self._gone_on(key, stored, head, places, keep)
            if history is not None:
                return history
        self.readings += 1
        reading = read_all(self._repository, head, places, self._scripts, identities=self._identities)
        if key is not None and reading.anchor is not None:
            known = _Stored(
                head=head,
                nearest=reading.spots[head].nearest,
                places=reading.places,
                asked=reading.asked,
                anchor=reading.anchor,
                facts=reading.facts,
            )
            self._write(key, known, reading.spots)
        return reading.history

    def _gone_on(
        self, key: str, stored: _Stored, head: CommitId, places: TrackedPlaces, keep: bool
    ) -> History | None:
        """The history of a head by what is stored of another one; None if all has to be read."""
        shallow = self._repository.shallow()
        if stored.head == head:
            return assembled(stored.facts, stored.nearest, shallow, stored.places)
        try:
            revs = (head, f"^{stored.head}")
            new = changes_below(self._repository, revs, stored.places.paths)
            gone = frozenset(self._repository.commits_not_in(stored.head, head))
        except GitError:  # the stored head is not there any more
            return None
        if gone & stored.asked:
            return None
        found = self._walked(stored, places, new)
        spots = found[1] if found is not None else {}
        if head not in spots:
            spots = {**spots, **self._spots(stored.places, [head])}
        if found is None or head not in spots:
            return None
        kept = {commit: fact for commit, fact in stored.facts.items() if commit not in gone}
        facts = {**kept, **found[0]}
        history = assembled(facts, spots[head].nearest, shallow, stored.places)
        if stored.anchor not in {history.facts[place].commit for place in history.line}:
            return None
        if keep:
            known = _Stored(
                head=head,
                nearest=spots[head].nearest,
                places=stored.places,
                asked=stored.asked,
                anchor=stored.anchor,
                facts=facts,
            )
            self._write(key, known, {each.commit: spots[each.commit] for each in new})
        return history

    def _walked(
        self, stored: _Stored, places: TrackedPlaces, new: Sequence[Changed]
    ) -> tuple[Mapping[CommitId, Placement], Mapping[CommitId, Spot]] | None:
        """The facts of new commits, and where these are in the order."""
        ours = {each.commit for each in new}
        parents = {parent for each in new for parent in each.parents} - ours
        below = self._spots(stored.places, parents)
        bases = {each.parents[0] for each in new if each.parents} - ours
        if len(below) < len(parents) or len(bases) > _BRANCHES:
            return None
        if any(not each.parents for each in new):  # a history that was unrelated
            return None
        roots = [path for each in places.models for paths in each for path in paths]
        identify(self._repository, self._scripts, self._identities, stored.places, new)
        walk = Walk(
            stored.places,
            self._identities,
            new,
            below=below,
            entries=lambda commit: self._entries(stored.places, commit),
            roots=roots,
        )
        facts = walk.all()
        # Models that come again are looked for elsewhere, which is for a reading of all.
        return None if roots and not walk.least else (facts, walk.spots)

    def _entries(self, places: TrackedPlaces, commit: CommitId) -> dict[str, Entry]:
        tree = CommitTree(self._repository, commit)
        entries = {path: entry for root in places.paths for path, entry in tree.entries(root).items()}
        held = {entry.blob: path for path, entry in entries.items() if places.holds_revision(path)}
        if held.keys() - self._identities.keys():
            changed = Changed(commit=commit, parents=(), changes=tuple(entries.items()))
            identify(self._repository, self._scripts, self._identities, places, [changed])
        return entries

    def _spots(self, places: TrackedPlaces, commits: Collection[CommitId]) -> dict[CommitId, Spot]:
        found = self._facts.find_all(_SPOTS + _digest(plain(places)), list(commits))
        return {CommitId(commit): _spot(data) for commit, data in found.items()}

    def _read(self, key: str) -> _Stored | None:
        data = self._facts.find(_KIND, key)
        text = unpacked(data) if data is not None else None
        if text is None:
            return None
        try:
            head, nearest, places, asked, anchor, facts = json.loads(text)
            return _Stored(
                head=head,
                nearest=nearest,
                places=built(TrackedPlaces, places),
                asked=frozenset(asked),
                anchor=anchor,
                facts={row[0]: _placement(row) for row in facts},
            )
        except (ValueError, TypeError, KeyError, IndexError):
            return None

    def _write(self, key: str, known: _Stored, spots: Mapping[CommitId, Spot]) -> None:
        # What a commit is at comes first: a history is gone on from only if that is known.
        kind = _SPOTS + _digest(plain(known.places))
        self._facts.store(
            kind, {commit: f"{spot.date} {spot.nearest or ''}".encode() for commit, spot in spots.items()}
        )
        value = [
            known.head,
            known.nearest,
            plain(known.places),
            sorted(known.asked),
            known.anchor,
            [_row(placement) for placement in known.facts.values()],
        ]
        self._facts.store(_KIND, {key: packed(json.dumps(value, separators=(",", ":")))})


def history_key(repository: Repository, places: TrackedPlaces) -> str | None:
    """What a history depends on besides its head; None if git shows commits as others than they are."""
    common = repository.common_dir
    if (common / "info/grafts").exists() or (common / "refs/replace").exists():
        return None
    try:
        if b" refs/replace/" in (common / "packed-refs").read_bytes():
            return None
    except OSError:
        pass
    return _digest([plain(places), sorted(repository.shallow())])


def _digest(value: object) -> str:
    data = json.dumps(value).encode()
    return hashlib.sha256(data).hexdigest()[:16]


def _row(known: Placement) -> list[object]:
    fact = known.fact
    placed = {revision: [one.parents, header_row(one.header)] for revision, one in fact.placed.items()}
    return [
        fact.commit, known.spot.date, known.spot.nearest, known.before, placed, list(fact.left), fact.models,
    ]  # fmt: skip


def _placement(row: Sequence[Any]) -> Placement:
    commit, date, nearest, before, placed, left, models = row
    fact = Fact(
        commit=commit,
        placed={RevisionId(revision): _placed(*one) for revision, one in placed.items()},
        left=frozenset(left),
        models=models,
    )
    return Placement(fact=fact, spot=Spot(date=date, nearest=nearest), before=before)


def _placed(parents: Sequence[str], header: Sequence[str | None] | None) -> Placed:
    return Placed(tuple(parents), header_of_row(header))


def _spot(data: bytes) -> Spot:
    date, _, nearest = data.decode().partition(" ")
    return Spot(date=int(date), nearest=CommitId(nearest) if nearest else None)
