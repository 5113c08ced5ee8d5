"""The facts of a history: where revisions came and how the models' content went, commit by commit.

A revision is known by its identifier, read out of the blob; never by its path. One ``git log`` says what
each commit changes below the paths in question; each distinct blob is read once.
"""

from __future__ import annotations

import posixpath
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from gitmig.core.commits import Fact, History, Placed
from gitmig.core.environments import models_in
from gitmig.core.paths import Generations, below, other_form
from gitmig.core.revisions.scripts import Script, Unreadable
from gitmig.core.settings import parse_settings
from gitmig.errors import SettingsError
from gitmig.facts.places import TrackedPlaces
from gitmig.facts.walk import Identities, Identity, Placement, Spot, Walk, assembled
from gitmig.git.history import Changed, FileRename, changes_below, renames
from gitmig.git.repository import Repository
from gitmig.git.trees import CommitTree
from gitmig.state.facts import Facts
from gitmig.state.scripts import KnownScripts, identified
from gitmig.wire.values import CommitId

_MOVES = 8
"""As many times as a folder is followed to where it lay before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that was read of a history."""

    history: History
    facts: Mapping[CommitId, Placement]
    spots: Mapping[CommitId, Spot]
    """Of every commit."""
    places: TrackedPlaces
    asked: frozenset[CommitId]
    """The commits that were asked where things lay before."""
    anchor: CommitId | None
    """A fact of the head's line at or after all of those that are on it; None if there is none."""


def read_history(
    repository: Repository,
    head: CommitId,
    places: TrackedPlaces,
    *,
    others: Sequence[str] = (),
    identities: Identities | None = None,
) -> History:
    """As :func:`read_all` of it, without what is known only for the next reading."""
    scripts = KnownScripts(Facts(repository.shared() / "state"))
    return read_all(repository, head, places, scripts, others=others, identities=identities).history


def read_all(
    repository: Repository,
    head: CommitId,
    places: TrackedPlaces,
    scripts: KnownScripts,
    *,
    others: Sequence[str] = (),
    identities: Identities | None = None,
) -> Reading:
    """The facts of all commits below ``head``, and below ``others`` (arguments for ``git log``).

    Folders and models files that lay elsewhere are followed along the head's first-parent line.
    ``identities`` is a cache, and grows. Raises GitError if objects are missing.
    """
    reader = _Reader(repository, head, others, scripts, {} if identities is None else identities)
    return reader.read(places)


class _Reader:
    """One reading, repeated while it finds that something lay elsewhere before."""

    def __init__(
        self,
        repository: Repository,
        head: CommitId,
        others: Sequence[str],
        scripts: KnownScripts,
        identities: Identities,
    ) -> None:
        self._repository = repository
        self._head = head
        self._others = others
        self._scripts = scripts
        self._identities = identities
        self._asked: dict[CommitId, None] = {}

    def read(self, places: TrackedPlaces) -> Reading:
        reading, commits = self._read(places)
        for _ in range(_MOVES):
            wider = self._wider(places, reading.history, commits)
            if wider == places:
                break
            places = wider
            reading, commits = self._read(places)
        asked = frozenset(self._asked)
        return replace(reading, asked=asked, anchor=self._anchor(asked, reading.history, commits))

    def _anchor(
        self, asked: Container[CommitId], history: History, commits: Mapping[CommitId, Changed]
    ) -> CommitId | None:
        line = _line(commits, self._head)
        last = max((place for place, commit in enumerate(line) if commit in asked), default=None)
        facts = {history.facts[place].commit for place in history.line}
        return None if last is None else next((one for one in line[last:] if one in facts), None)

    def _read(self, places: TrackedPlaces) -> tuple[Reading, Mapping[CommitId, Changed]]:
        changed = changes_below(self._repository, [self._head, *self._others], places.paths)
        identify(self._repository, self._scripts, self._identities, places, changed)
        walk = Walk(places, self._identities, changed)
        facts = walk.all()
        spots = walk.spots
        history = assembled(facts, spots[self._head].nearest, self._repository.shallow(), places)
        reading = Reading(
            history=history, facts=facts, spots=spots, places=places, asked=frozenset(), anchor=None
        )
        return reading, {each.commit: each for each in changed}

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
        self._asked |= dict.fromkeys(asked)
        moved = renames(self._repository, pairs)
        if first is not None:
            gone = moved.get(first.commit, ())
            places = places.with_versions(self._former_folders(places, first, gone))
        return places.with_models(
            [
                [
                    _former(roots, moved.get(commit, ())) or self._configured_before(places, commits[commit])
                    for commit, roots in each.items()
                ]
                for each in arrivals
            ]
        )

    def _configured_before(self, places: TrackedPlaces, commit: Changed) -> list[str]:
        """The models paths of the settings before a commit, if no file of now is like one of then."""
        if not places.settings or not commit.parents:
            return []
        tree = CommitTree(self._repository, commit.parents[0])
        text = (tree.read(places.settings) or b"").decode("utf-8", "replace")
        try:
            settings = parse_settings(text, places.settings)
        except SettingsError:
            return []
        names = settings.named(places.environment).models
        now = {path for each in places.models for path in each[0]}
        return [path for path in models_in(places.settings, names) if path not in now and tree.exists(path)]

    def _former_folders(self, places: TrackedPlaces, first: Fact, gone: Sequence[FileRename]) -> set[str]:
        gone = [each for each in gone if each.old.endswith(".py") and not places.holds_revision(each.old)]
        folders = set()
        contents = self._repository.objects.read_all([each.blob for each in gone])
        for each, data in zip(gone, contents, strict=True):
            script = identified(each.old, data) if data and b"down_revision" in data else None
            identity = _identity(script)
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


def identify(
    repository: Repository,
    scripts: KnownScripts,
    identities: Identities,
    places: TrackedPlaces,
    changed: Sequence[Changed],
) -> None:
    """Put into ``identities`` what the revision files are that came with some commits."""
    unknown = {
        entry.blob: path
        for each in changed
        for path, entry in each.changes
        if entry is not None and entry.blob not in identities and places.holds_revision(path)
    }
    for blob, script in scripts.in_history(repository.objects, unknown).items():
        identities[blob] = _identity(script)


def _identity(script: Script | Unreadable | None) -> Identity | None:
    if not isinstance(script, Script):
        return None
    return script.revision, Placed((*script.down_revisions, *script.depends_on), script.header)
