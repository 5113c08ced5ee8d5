"""The ties of a project: facts of its history and of the cache, put through :mod:`gitmig.ties`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from gitmig.errors import ProjectCodeError
from gitmig.git.history import History
from gitmig.graph import Graph
from gitmig.model import CommitId, RevisionId, Schema, Tie, TieState
from gitmig.project import Project
from gitmig.schema import change_digest, difference, digest
from gitmig.schemas import Schemas
from gitmig.ties import KnownSchema, Line, derive

_LOOKED_UP = 40
"""Candidates whose schema is looked up in the cache for one listing: each costs a listing of its tree."""
_COMPUTED = 8
"""Candidates whose schema is computed to settle one tie: each costs an import of old models."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """Where a project's ties come from."""

    project: Project
    at: CommitId | None = None
    """The commit whose revisions and history are meant; by default the work tree's and HEAD's."""

    def all(self) -> Mapping[RevisionId, Tie]:
        """The tie of every revision; imports nothing."""
        memory = self.project.memory.setdefault("ties", {})
        assert isinstance(memory, dict)
        if self.at not in memory:
            memory[self.at] = dict(self._derived())
        found: Mapping[RevisionId, Tie] = memory[self.at]
        return found

    def owners(self, content: str | None) -> tuple[RevisionId, ...]:
        """The revisions whose models have just this content digest, newest first; imports nothing."""
        ties = self.all()
        return tuple(
            revision
            for revision in reversed(self._graph().topological())
            if content is not None
            and (tie := ties.get(revision)) is not None
            and tie.models_commit is not None
            and self._contents.get(tie.models_commit) == content
        )

    def models_changed_since(self, commit: CommitId) -> tuple[CommitId, ...]:
        """The later commits of the line whose models files differ from those before, oldest first."""
        head = self.at or self.project.git.head()
        facts = self._line(head).facts if head is not None else ()
        later: list[CommitId] = []
        content, found = None, False
        for fact in facts:
            if found and fact.models is not None and fact.models != content:
                later.append(fact.commit)
            content, found = fact.models or content, found or fact.commit == commit
        return tuple(later)

    def settled(self, revision: RevisionId) -> Tie:
        """The tie of one revision, the schemas of its undecided candidates computed where they import."""
        schemas = Schemas(project=self.project)
        for _ in range(_COMPUTED):
            tie = self.all()[revision]
            commit = next(
                (c for c in tie.undecided if self._known(c) is None and c not in self._failed), None
            )
            if commit is None:
                return tie
            try:
                self._learn(commit, schemas.of(self.project.commit_tree(commit)))
            except ProjectCodeError:
                # Old models often do not import under today's dependencies.
                self._failed.add(commit)
            self.project.memory.pop("ties", None)
        return self.all()[revision]

    def _derived(self) -> Mapping[RevisionId, Tie]:
        project = self.project
        graph, head = self._graph(), self.at or project.git.head()
        if head is None:
            return {r: Tie(revision=r, state=TieState.UNCOMMITTED) for r in graph.scripts}
        line = self._line(head)
        self._contents.update(_contents(line))
        ties = derive(graph, line, self._by_content)
        waiting = [commit for tie in ties.values() for commit in tie.undecided if self._known(commit) is None]
        learned = False
        schemas = Schemas(project=project)
        for commit in waiting[:_LOOKED_UP]:
            schema = schemas.cached(project.commit_tree(commit))
            if schema is not None:
                self._learn(commit, schema)
                learned = True
        ties = derive(graph, line, self._by_content) if learned else ties
        return {**ties, **dict(self._borne_out(graph, ties, schemas))}

    def _borne_out(
        self, graph: Graph, ties: Mapping[RevisionId, Tie], schemas: Schemas
    ) -> Iterator[tuple[RevisionId, Tie]]:
        """The guesses whose commit is known to change, from the parent's models, what the record says.

        Who puts a revision on top of another one edits its parent, and not its record.
        """
        for revision in self._rebased(graph, ties)[:_LOOKED_UP]:
            script, tie = graph.scripts[revision], ties[revision]
            parent = ties.get(script.down_revisions[0])
            if parent is None or parent.models_commit is None or tie.models_commit is None:
                continue
            below = schemas.cached(self.project.commit_tree(parent.models_commit))
            now = schemas.cached(self.project.commit_tree(tie.models_commit))
            if below and now and change_digest(difference(below, now)) == script.header.change:
                yield revision, replace(tie, state=TieState.VERIFIED, re_parented=True)

    def _rebased(self, graph: Graph, ties: Mapping[RevisionId, Tie]) -> list[RevisionId]:
        """The revisions, newest first, whose record says what they change, and leads to no commit."""
        return [
            revision
            for revision in reversed(graph.topological())
            if ties[revision].state is TieState.APPROXIMATE
            and graph.scripts[revision].header.change is not None
            and len(graph.scripts[revision].down_revisions) == 1
        ]

    def _graph(self) -> Graph:
        return self.project.graph(self.project.commit_tree(self.at) if self.at is not None else None)

    def _line(self, head: CommitId) -> Line:
        memory = self.project.memory
        key = f"line {head}"
        line = memory.get(key)
        if not isinstance(line, Line):
            configuration = self.project.configuration
            history = History(
                self.project.git,
                versions=configuration.versions,
                models=self.project.models,
                recursive=configuration.recursive,
            )
            line = memory[key] = history.line(head)
        return line

    def _known(self, commit: CommitId) -> KnownSchema | None:
        return self._by_content.get(self._contents.get(commit, ""))

    def _learn(self, commit: CommitId, schema: Schema) -> None:
        content = self._contents.get(commit)
        if content is not None:
            self._by_content[content] = KnownSchema(
                dialect=schema.dialect, sqlalchemy=schema.sqlalchemy, digest=digest(schema)
            )

    @property
    def _contents(self) -> dict[CommitId, str]:
        """Commit to the content digest of its models."""
        return self.project.memory.setdefault("contents", {})  # type: ignore[return-value]

    @property
    def _by_content(self) -> dict[str, KnownSchema]:
        return self.project.memory.setdefault("schemas by content", {})  # type: ignore[return-value]

    @property
    def _failed(self) -> set[CommitId]:
        return self.project.memory.setdefault("models that do not import", set())  # type: ignore[return-value]


def _contents(line: Line) -> Iterator[tuple[CommitId, str]]:
    for fact in line.facts:
        if fact.models is not None:
            yield fact.commit, fact.models
    for sides in line.sides.values():
        for side in sides:
            yield from _contents(side)
