"""What is known of a project's past while one command runs: its history, replayed, and the schemas learned.

A command reads it once. What a long history says of ties is kept for the next command.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gitmig.core.commits import History
from gitmig.core.paths import with_other_forms
from gitmig.core.replay import Replayed, replay
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.programs import idle
from gitmig.core.schema.facets import Schema, digest
from gitmig.core.ties import Derivation, KnownSchema
from gitmig.facts.history import read_all
from gitmig.facts.known_history import KnownHistories
from gitmig.facts.known_ties import DerivedTies, KnownTies, derived_ties
from gitmig.facts.places import TrackedPlaces
from gitmig.facts.walk import Identities
from gitmig.git.trees import Tree
from gitmig.project.project import Project
from gitmig.wire.values import CommitId, RevisionId


@dataclass(slots=True)
class _Visits:
    """What depends on the revisions of the work tree too: Project.forget drops it."""

    replayed: dict[tuple[CommitId | None, tuple[str, ...]], Replayed] = field(default_factory=dict)
    silent: dict[CommitId | None, frozenset[RevisionId]] = field(default_factory=dict)
    derived: dict[CommitId | None, DerivedTies] = field(default_factory=dict)


@dataclass(slots=True)
class Memory:
    """What was read of commits, which never changes."""

    histories: dict[tuple[CommitId, tuple[str, ...]], History] = field(default_factory=dict)
    identities: Identities = field(default_factory=dict)
    contents: dict[CommitId, str] = field(default_factory=dict)
    """Commit to the content digest of its models; to be asked by ``Past.content``."""
    schemas: dict[str, KnownSchema] = field(default_factory=dict)
    """Content digest of models to their schema."""
    failed: set[CommitId] = field(default_factory=set)
    """Commits whose models do not import."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The past of a project."""

    project: Project
    at: CommitId | None = None
    """The commit whose revisions and history are meant; by default the work tree's and HEAD's."""

    @property
    def head(self) -> CommitId | None:
        """The commit at which the history ends; None before the first one."""
        return self.at or self.project.git.head()

    @property
    def graph(self) -> Graph:
        """The revisions that are meant."""
        return self.project.graph(self._tree() if self.at is not None else None)

    def plain(self) -> DerivedTies:
        """What the history alone says of all revisions, no schema looked at. There must be a commit."""
        known, head = self._visits.derived, self.head
        assert head is not None
        if self.at not in known:
            remembered = self._remembered()
            found = remembered.find(head)
            if found is None:
                found = derived_ties(replace(self.derivation(), schemas={}), self.history())
                if self.at is None:
                    remembered.store(head, found)
            self.memory.contents.update(found.contents)
            known[self.at] = found
        return known[self.at]

    def derivation(self, others: tuple[str, ...] = ()) -> Derivation:
        """What ties are derived from, with the schemas that are known so far."""
        return Derivation(
            graph=self.graph,
            replayed=self.replayed(others),
            schemas=self.memory.schemas,
            silent=self.silent(),
        )

    def _tree(self) -> Tree:
        return self.project.commit_tree(self.at) if self.at is not None else self.project.work_tree

    def silent(self) -> frozenset[RevisionId]:
        """The merge revisions that do nothing but merge."""
        if self.at not in self._visits.silent:
            merges = [script for script in self.graph.scripts.values() if len(script.down_revisions) > 1]
            texts = self._tree().read_all([script.path for script in merges])
            self._visits.silent[self.at] = frozenset(
                script.revision
                for script in merges
                if idle(texts.get(script.path, b"").decode("utf-8", "replace"))
            )
        return self._visits.silent[self.at]

    def replayed(self, others: tuple[str, ...] = ()) -> Replayed:
        """The history's commits, each at its state."""
        known = self._visits.replayed
        if (self.at, others) not in known:
            known[self.at, others] = replay(self.graph, self.history(others), self.silent())
        return known[self.at, others]

    def history(self, others: tuple[str, ...] = ()) -> History:
        """The history below the head; with ``others``, arguments for ``git log``, below these too."""
        known, head = self.memory.histories, self.head
        if head is None:
            return History(facts=())
        if (head, others) not in known:
            found = self._read_history(head, self._places(), others)
            known[head, others] = found
            contents = ((fact.commit, fact.models) for fact in found.facts if fact.models is not None)
            self.memory.contents.update(contents)
        return known[head, others]

    def _remembered(self) -> KnownTies:
        assert self.project.facts is not None
        return KnownTies(
            repository=self.project.git,
            facts=self.project.facts,
            graph=self.graph,
            silent=self.silent(),
            places=self._places(),
        )

    def _places(self) -> TrackedPlaces:
        configuration = self.project.configuration
        return TrackedPlaces(
            versions=configuration.versions,
            recursive=configuration.recursive,
            models=with_other_forms(self.project.models),
            settings=self.project.environment.settings_file,
            environment=self.project.name,
        )

    def _read_history(self, head: CommitId, places: TrackedPlaces, others: tuple[str, ...]) -> History:
        project, identities = self.project, self.memory.identities
        scripts = project.known_scripts
        assert project.facts is not None
        assert scripts is not None
        if others:
            return read_all(project.git, head, places, scripts, others=others, identities=identities).history
        histories = KnownHistories(project.git, project.facts, scripts, identities)
        return histories.of(head, places, keep=self.at is None)

    def known(self, commit: CommitId) -> KnownSchema | None:
        """The schema of a commit's models, as far as it was learned."""
        known = self.memory.schemas
        return known.get(self.content(commit) or "") if known else None

    def learn(self, commit: CommitId, schema: Schema) -> None:
        """Remember the schema of a commit's models."""
        content = self.content(commit)
        if content is not None:
            self.memory.schemas[content] = KnownSchema(
                dialect=schema.dialect, sqlalchemy=schema.sqlalchemy, digest=digest(schema)
            )

    def content(self, commit: CommitId) -> str | None:
        """The content digest of the models in a commit of the history; None if it has none."""
        known = self.memory.contents
        if commit not in known:
            self.history()
        return known.get(commit)

    @property
    def memory(self) -> Memory:
        """What is remembered as long as the command runs."""
        memory = self.project.memory.setdefault("history", Memory())
        assert isinstance(memory, Memory)
        return memory

    @property
    def _visits(self) -> _Visits:
        visits = self.project.memory.setdefault("replayed", _Visits())
        assert isinstance(visits, _Visits)
        return visits
