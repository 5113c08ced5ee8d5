"""The facts of a history: where revisions came and how the models' content went, commit by commit.

A revision is known by its identifier, read out of the blob; never by its path. One ``git log`` says what
each commit changes below the paths in question; each distinct blob is read once.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace

from gitmig.core.commits import Fact, History, Placed
from gitmig.core.paths import Generations, below, other_form
from gitmig.core.revisions.scripts import Script, read_script_bytes
from gitmig.facts.places import ModelsLines, TrackedPlaces
from gitmig.git.history import Change, Changed, FileRename, changes_below, renames
from gitmig.git.objects import Entry
from gitmig.git.repository import Repository
from gitmig.wire.values import BlobId, CommitId, RevisionId

Identity = tuple[RevisionId, Placed]
"""A revision, and what its file says of it."""
Identities = MutableMapping[BlobId, Identity | None]
"""What each blob of a versions folder is; None for what is no readable revision file."""

_MOVES = 8
"""As many times as a folder is followed to where it lay before."""
_BLOBS = 500
"""Blobs read at a time."""
_CODE = re.compile(rb"^(?:(?:async\s+)?def|class|@)", re.MULTILINE)
_ASSIGNED = re.compile(rb"^\s*(?:revision|down_revision|depends_on)\b\s*[:=+,]", re.MULTILINE)


def read_history(
    repository: Repository,
    head: CommitId,
    places: TrackedPlaces,
    *,
    others: Sequence[str] = (),
    identities: Identities | None = None,
) -> History:
    """The facts of all commits below ``head``, and below ``others`` (arguments for ``git log``).

    Folders and models files that lay elsewhere are followed along the head's first-parent line.
    ``identities`` is a cache, and grows. Raises GitError if objects are missing.
    """
    reader = _Reader(repository, head, others, {} if identities is None else identities)
    return reader.read(places)


class _Reader:
    """One reading, repeated while it finds that something lay elsewhere before."""

    def __init__(
        self, repository: Repository, head: CommitId, others: Sequence[str], identities: Identities
    ) -> None:
        self._repository = repository
        self._head = head
        self._others = others
        self._identities = identities

    def read(self, places: TrackedPlaces) -> History:
        history, commits = self._read(places)
        for _ in range(_MOVES):
            wider = self._wider(places, history, commits)
            if wider == places:
                break
            places = wider
            history, commits = self._read(places)
        return replace(history, models=places.models)

    def _read(self, places: TrackedPlaces) -> tuple[History, Mapping[CommitId, Changed]]:
        changed = changes_below(self._repository, [self._head, *self._others], places.paths)
        commits = {each.commit: each for each in changed}
        self._identify(places, changed)
        facts = _Facts(places, self._identities, changed).all()
        at = {fact.commit: place for place, fact in enumerate(facts)}
        line = tuple(at[commit] for commit in _line(commits, self._head) if commit in at)
        shallow = self._repository.shallow()
        history = History(
            facts=facts,
            line=line,
            cut_off=frozenset(place for place in line if facts[place].commit in shallow),
            replaced=_replaced(facts),
        )
        return history, commits

    def _identify(self, places: TrackedPlaces, changed: Sequence[Changed]) -> None:
        unknown = {
            entry.blob: path
            for each in changed
            for path, entry in each.changes
            if entry is not None and entry.blob not in self._identities and places.holds_revision(path)
        }
        blobs = list(unknown)
        for start in range(0, len(blobs), _BLOBS):
            group = blobs[start : start + _BLOBS]
            for blob, data in zip(group, self._repository.objects.read_all(group), strict=True):
                self._identities[blob] = _identity(unknown[blob], data)

    def _wider(
        self, places: TrackedPlaces, history: History, commits: Mapping[CommitId, Changed]
    ) -> TrackedPlaces:
        """The places with where the revisions and the models lay before they came to those known so far."""
        line = [history.facts[place] for place in history.line]
        first = next((fact for fact in line if fact.placed), None)
        arrivals = [_arrivals(each, history, commits) for each in places.models]
        asked = [commit for each in arrivals for commit in each]
        asked += [first.commit] if first is not None else []
        pairs = [(commits[one].parents[0], one) for one in asked if commits[one].parents]
        moved = renames(self._repository, pairs)
        if first is not None:
            gone = moved.get(first.commit, ())
            places = places.with_versions(self._former_folders(places, first, gone))
        return places.with_models(
            [[_former(roots, moved.get(commit, ())) for commit, roots in each.items()] for each in arrivals]
        )

    def _former_folders(self, places: TrackedPlaces, first: Fact, gone: Sequence[FileRename]) -> set[str]:
        gone = [each for each in gone if each.old.endswith(".py") and not places.holds_revision(each.old)]
        folders = set()
        contents = self._repository.objects.read_all([each.blob for each in gone])
        for each, data in zip(gone, contents, strict=True):
            identity = _identity(each.old, data) if data and b"down_revision" in data else None
            if identity is not None and identity[0] in first.placed:
                folders.add(posixpath.dirname(each.old))
        return folders


def _arrivals(
    generations: Generations, history: History, commits: Mapping[CommitId, Changed]
) -> dict[CommitId, list[str]]:
    """The first commit of the line that has models at one of these places, and at which; and those of other
    branches before which there were none at all."""
    known = [path for paths in generations for path in paths]
    found: dict[CommitId, list[str]] = {}
    for fact in (history.facts[place] for place in history.line):
        if roots := _came(known, commits[fact.commit]):
            found[fact.commit] = roots
            break
    for fact in history.facts:
        before = history.facts[fact.before].models if fact.before is not None else None
        if before is None and fact.models is not None and (roots := _came(known, commits[fact.commit])):
            found[fact.commit] = roots
    return found


def _came(known: Sequence[str], commit: Changed) -> list[str]:
    arrived = [path for path, entry in commit.changes if entry is not None]
    return [root for root in known if any(below(path, root) for path in arrived)]


def _line(commits: Mapping[CommitId, Changed], head: CommitId) -> list[CommitId]:
    """The first-parent line of a commit, oldest first."""
    line: list[CommitId] = []
    at: CommitId | None = head
    while at is not None and at in commits:
        line.append(at)
        at = next(iter(commits[at].parents), None)
    return line[::-1]


def _former(roots: Sequence[str], moved: Sequence[FileRename]) -> list[str]:
    """The places out of which a commit moved files to one of these roots: a folder, if it moved as one."""
    found: dict[str, None] = {}
    for each in moved:
        for root in roots:
            if each.new is not None and below(each.new, root):
                tail = each.new[len(root) :]
                whole = tail and each.old.endswith(tail)
                found.setdefault(each.old[: -len(tail)] if whole else each.old)
            elif each.new is None and below(each.old, other_form(root)):
                found.setdefault(other_form(root))
    return [path for path in found if path]


class _Facts:
    """What the paths hold, commit by commit: one walk from first parents to their children."""

    def __init__(
        self, places: TrackedPlaces, identities: Mapping[BlobId, Identity | None], changed: Sequence[Changed]
    ) -> None:
        self._places = places
        self._identities = identities
        self._changed = changed
        self._entries: dict[str, Entry] = {}
        self._revisions: dict[RevisionId, dict[str, Placed]] = defaultdict(dict)
        self._models = ModelsLines(places.models)
        self._digest: str | None = None

    def all(self) -> tuple[Fact, ...]:
        """The facts, parents first."""
        found: dict[CommitId, Fact] = {}
        for each in self._visited():
            digest = self._digest
            placed, left = self._moved(each.changes)
            if placed or left or self._digest != digest:
                found[each.commit] = Fact(commit=each.commit, placed=placed, left=left, models=self._digest)
        return _linked(self._changed, found)

    def _visited(self) -> Iterator[Changed]:
        """Every commit after its first parent, with what that holds in place; its changes are taken back."""
        above: dict[CommitId | None, list[Changed]] = defaultdict(list)
        known = {each.commit for each in self._changed}
        for each in self._changed:
            first = next(iter(each.parents), None)
            above[first if first in known else None].append(each)
        pending: list[tuple[Changed, tuple[Change, ...] | None]] = [
            (each, None) for each in reversed(above[None])
        ]
        while pending:
            each, undo = pending.pop()
            if undo is not None:
                self._moved(undo)
                continue
            if each.changes:
                old = tuple((path, self._entries.get(path)) for path, _ in each.changes)
                pending.append((each, old))
            yield each
            pending += [(child, None) for child in reversed(above[each.commit])]

    def _moved(self, changes: Sequence[Change]) -> tuple[dict[RevisionId, Placed], frozenset[RevisionId]]:
        """Make changes; the revisions that came or are another now, and those that left."""
        before: dict[RevisionId, Placed | None] = {}
        models = False
        for path, new in changes:
            old = self._entries.pop(path, None)
            if new is not None:
                self._entries[path] = new
            models |= self._models.put(path, old, new)
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


def _linked(changed: Sequence[Changed], found: Mapping[CommitId, Fact]) -> tuple[Fact, ...]:
    """The facts in the order of the commits, each with the nearest one below it."""
    facts: list[Fact] = []
    nearest: dict[CommitId, int | None] = {}
    for each in changed:
        before = nearest.get(each.parents[0]) if each.parents else None
        fact = found.get(each.commit)
        if fact is not None:
            facts.append(replace(fact, before=before))
            before = len(facts) - 1
        nearest[each.commit] = before
    return tuple(facts)


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


def _identity(path: str, data: bytes | None) -> Identity | None:
    if data is None:
        return None
    # A history has many forms of long scripts, and nearly all say who they are before the first function.
    for text in dict.fromkeys((_before_code(data), data)):
        script = read_script_bytes(path, text)
        if isinstance(script, Script):
            return script.revision, Placed((*script.down_revisions, *script.depends_on), script.header)
    return None


def _before_code(data: bytes) -> bytes:
    """What stands before the first function or class, if no identifier is given a value after that."""
    code = _CODE.search(data)
    return data[: code.start()] if code is not None and not _ASSIGNED.search(data, code.start()) else data
