"""What a database was made with: for each revision that it holds, the script that was applied.

That is the pin of the revision, and where the checkout (or the side that is gone to) still has the same, the
file there. Without a pin it is the file there, else what a local branch or the reflog has; what was merely
fetched is shown to a person before it is run.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from gitmig.applied.elsewhere import Elsewhere, Origin, find_scripts
from gitmig.applied.missing import nowhere
from gitmig.applied.side import Side
from gitmig.applied.work_trees import RecordedStep, recorded_moves
from gitmig.core.configuration import Configuration
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.programs import program_digest, same_upgrade
from gitmig.core.revisions.scripts import Script, read_script_bytes
from gitmig.project.project import Project
from gitmig.rpc.protocol import DatabaseFacts
from gitmig.state.pins import Pin, pin_key, read_pins
from gitmig.wire.values import Action, BlobId, CommitId, LedgerRow, RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptSource:
    """A script of a revision, and the side that it is read from."""

    side: Side
    script: Script
    doubt: str | None = None
    """Why it may not be the script that was applied."""

    @property
    def text(self) -> str:
        """The script."""
        return self.side.text(self.script.path)

    @property
    def blob(self) -> BlobId | None:
        """Its blob."""
        return self.side.blobs.get(self.script.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a database was made with."""

    sources: Mapping[RevisionId, ScriptSource]
    graph: Graph
    differing: frozenset[RevisionId]
    """The revisions that the target has under the same id with another ``upgrade``."""
    rows: Mapping[RevisionId, LedgerRow]
    """The last row of each revision."""
    as_it_was: Callable[[RevisionId, Callable[[ScriptSource, Side], bool]], ScriptSource]
    """The script of a revision in the tree that it was applied from.

    The other argument says whether a script does the same in its own side as in another.
    """


def read_applied(project: Project, checkout: Side, target: Side, facts: DatabaseFacts) -> Applied:
    """Find the script of everything that the database holds.

    Raises Refused if a script is nowhere, telling what is known of it and what to fetch.
    """
    return _Reading(project, checkout, target, facts).read()


def last_rows(project: Project, facts: DatabaseFacts) -> Mapping[RevisionId, LedgerRow]:
    """The last row of each revision, from the ledger, else from what this clone's work trees recorded."""
    moves: Iterable[RecordedStep] = ()
    if project.repository is not None:
        moves = recorded_moves(project.repository, project.notes_folder, facts.database, facts.environment)
    if not facts.ledger:
        return {moved.row.revision: moved.row for moved in moves}
    # The ledger has no branches.
    branches = {(moved.row.operation, moved.row.revision): moved.row.branch for moved in moves}
    return {
        row.revision: replace(row, branch=branches.get((row.operation, row.revision))) for row in facts.ledger
    }


@dataclass
class _Reading:
    project: Project
    checkout: Side
    target: Side
    facts: DatabaseFacts
    _sources: dict[RevisionId, ScriptSource] = field(default_factory=dict)
    _trees: dict[tuple[str, tuple[str, ...]], Side] = field(default_factory=dict)
    _below: dict[RevisionId, Side] = field(default_factory=dict)
    """Where the child of a revision was found: what was beside it then, if nothing is better."""

    def read(self) -> Applied:
        todo = list(self.facts.heads)
        while todo:
            self._search([revision for revision in todo if not self._near(revision)])
            todo = list(dict.fromkeys(parent for child in todo for parent in self._parents(child)))
        graph = Graph.of(source.script for source in self._sources.values())
        differing = frozenset(revision for revision in self._sources if self._differs(revision))
        return Applied(
            sources=self._sources,
            graph=graph,
            differing=differing,
            rows=self._rows,
            as_it_was=self._as_it_was,
        )

    def _parents(self, revision: RevisionId) -> list[RevisionId]:
        """The parents of a revision that nothing is known of yet."""
        source = self._sources[revision]
        parents = list(source.script.down_revisions)
        if source.script.depends_on:
            labels = source.side.graph.labels
            parents += [labels.get(name, RevisionId(name)) for name in source.script.depends_on]
        for parent in parents:
            self._below.setdefault(parent, source.side)
        return [parent for parent in parents if parent not in self._sources]

    def _near(self, revision: RevisionId) -> bool:
        """Take the script from the pin or from where we are, if that is what was applied."""
        here = self._here(revision)
        pin = self._pins.get(revision)
        if pin is not None:
            same = next((source for source in here if source.blob == pin.script), None)
            pinned = same or self._pinned(revision, pin)
            # Another clone may have undone it and applied another form of it since: the ledger tells.
            if pinned is not None and self._is_recorded(revision, pinned) is not False:
                return self._take(next((source for source in here if _same(source, pinned)), pinned))
        below = self._below.get(revision)
        if not here and below is not None and revision in below.graph.scripts:
            here = [ScriptSource(side=below, script=below.graph.scripts[revision])]
        recorded = next((source for source in here if self._is_recorded(revision, source) is not False), None)
        return recorded is not None and self._take(recorded)

    def _here(self, revision: RevisionId) -> list[ScriptSource]:
        sides = [self.checkout] if self.target is self.checkout else [self.checkout, self.target]
        found = [(side, side.graph.scripts.get(revision)) for side in sides]
        return [ScriptSource(side=side, script=script) for side, script in found if script is not None]

    def _search(self, revisions: Sequence[RevisionId]) -> None:
        if not revisions:
            return
        folders = (*self.project.configuration.versions, *self.target.configuration.versions)
        found = find_scripts(self.project.git, revisions, tuple(dict.fromkeys(folders)))
        for revision in revisions:
            versions = [self._elsewhere(one) for one in found.get(revision, ())]
            known = [one for one in versions if self._is_recorded(revision, one)]
            here = self._here(revision)
            edited = f"{revision} was edited since it was applied, and what was applied is nowhere"
            if known:
                self._take(known[0])
            elif here:
                self._take(replace(here[0], doubt=edited))
            elif versions:
                several = (
                    f"{revision} was there in {len(versions)} forms, and it is not known which was applied"
                )
                doubt = several if len(versions) > 1 else None
                if self._is_recorded(revision, versions[0]) is False:
                    doubt = edited
                self._take(replace(versions[0], doubt=doubt))
            else:
                raise nowhere(self.project, self.facts, revision, self._rows.get(revision))

    def _elsewhere(self, found: Elsewhere) -> ScriptSource:
        side = self._side(found.commit, found.script.path, trusted=found.origin is not Origin.FETCHED)
        return ScriptSource(side=side, script=found.script)

    def _take(self, source: ScriptSource) -> bool:
        self._sources[source.script.revision] = source
        return True

    def _as_it_was(self, revision: RevisionId, alike: Callable[[ScriptSource, Side], bool]) -> ScriptSource:
        source, pin = self._sources[revision], self._pins.get(revision)
        if pin is None or source.blob != pin.script:
            return source
        then = self._side(CommitId(pin.files), source.script.path, trusted=True)
        return source if alike(source, then) else self._pinned(revision, pin) or source

    def _pinned(self, revision: RevisionId, pin: Pin) -> ScriptSource | None:
        tree = self.project.commit_tree(CommitId(pin.files))
        # The scripts may have lain in other folders then.
        for folder in (*self.project.configuration.versions, ""):
            for path in (path for path, blob in tree.ids(folder).items() if blob == pin.script):
                script = read_script_bytes(path, tree.read(path) or b"")
                if isinstance(script, Script) and script.revision == revision:
                    return ScriptSource(
                        side=self._side(CommitId(pin.files), path, trusted=True), script=script
                    )
        return None

    def _side(self, tree: CommitId, path: str, *, trusted: bool) -> Side:
        """The side of a script that lies at ``path`` there."""
        configuration = self.project.configuration
        if not configuration.holds(path):
            configuration = _moved(configuration, path)
        key = (tree, configuration.versions)
        if key not in self._trees:
            self._trees[key] = Side(
                project=self.project,
                tree=self.project.commit_tree(tree),
                configuration=configuration,
                trusted=trusted,
            )
        return self._trees[key]

    def _is_recorded(self, revision: RevisionId, source: ScriptSource) -> bool | None:
        """Whether a script is the one that the record tells of; None if it tells of none."""
        row = self._rows.get(revision)
        if row is None or row.direction is not Action.UPGRADE or row.program is None:
            return None
        return source.blob == row.script or program_digest(source.text.encode()) == row.program

    def _differs(self, revision: RevisionId) -> bool:
        source, other = self._sources[revision], self.target.graph.scripts.get(revision)
        if other is None or source.side is self.target:
            return False
        theirs = ScriptSource(side=self.target, script=other)
        return source.blob != theirs.blob and not same_upgrade(source.text, theirs.text)

    @cached_property
    def _pins(self) -> Mapping[RevisionId, Pin]:
        project, facts = self.project, self.facts
        key = pin_key(project.git, facts.environment, facts.database, project.directory)
        return read_pins(project.git, key)

    @cached_property
    def _rows(self) -> Mapping[RevisionId, LedgerRow]:
        return last_rows(self.project, self.facts)


def _moved(configuration: Configuration, path: str) -> Configuration:
    """As it was when the script folders lay elsewhere; ``path`` is that of a script there."""
    versions = posixpath.dirname(path)
    location = posixpath.dirname(versions) or versions
    return replace(configuration, script_location=location, versions=(versions,), recursive=False)


def _same(one: ScriptSource, other: ScriptSource) -> bool:
    """Whether two versions of a revision have the same parents and do the same."""
    if (one.script.down_revisions, one.script.depends_on) != (
        other.script.down_revisions,
        other.script.depends_on,
    ):
        return False
    return one.blob == other.blob or same_upgrade(one.text, other.text)
