"""What each revision did to the schema, from the models of the commits that it is tied to.

A commit's models are imported once in a clone: what they came to is kept beside the other schemas, by commit.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gitmig import __version__
from gitmig.core.revisions.graph import Graph
from gitmig.core.schema.facets import FacetChange, Schema, difference, digest
from gitmig.core.ties import Tie
from gitmig.errors import GitmigError, WorkerCrashed
from gitmig.facts.schemas import Schemas, TreeSchema
from gitmig.facts.ties import Ties
from gitmig.git.trees import Tree
from gitmig.project.project import Project
from gitmig.rpc.client import Worker
from gitmig.state.files import write_text
from gitmig.wire.values import CommitId, RevisionId

_AT_ONCE = 4
"""Workers that import side by side."""
_KEPT = 4000


@dataclass(slots=True)
class SchemaHistory:
    """The schemas of a project's past."""

    project: Project
    graph: Graph
    imported: Callable[[int, int], None] = lambda done, whole: None
    """Hears of how many commits the models are imported, and of how many they have to be."""
    failed: dict[CommitId, str] = field(default_factory=dict)
    """Why the models of a commit could not be read."""
    _known: dict[CommitId, Schema] = field(default_factory=dict)
    _work_tree: Schema | None = None
    _ties: Mapping[RevisionId, Tie] | None = None

    @property
    def ties(self) -> Mapping[RevisionId, Tie]:
        """The tie of every revision that git knows; none without git."""
        if self._ties is None:
            has_head = self.project.repository is not None and self.project.repository.head() is not None
            self._ties = Ties(project=self.project).all() if has_head else {}
        return self._ties

    def commit_of(self, revision: RevisionId) -> CommitId | None:
        """The commit that has the models of a revision."""
        tie = self.ties.get(revision)
        return tie.models_commit if tie is not None else None

    def learn(self, revisions: Iterable[RevisionId]) -> None:
        """Have the schemas of these revisions at hand: from the cache, else by importing their models."""
        self.learn_commits([c for revision in revisions if (c := self.commit_of(revision)) is not None])

    def learn_commits(self, commits: Iterable[CommitId]) -> None:
        """The same for commits."""
        missing = [c for c in dict.fromkeys(commits) if c not in self._known and c not in self.failed]
        if not missing:
            return
        store = _Store(self.project)
        for commit in list(missing):
            schema = store.find(commit)
            if schema is not None:
                self._known[commit] = schema
                missing.remove(commit)
        if not missing:
            return
        try:
            for place in range(0, len(missing), _AT_ONCE):
                self.imported(place, len(missing))
                for commit, found in self._computed(missing[place : place + _AT_ONCE]).items():
                    self._known[commit] = found.schema
                    store.add(commit, found, self.project.commit_tree(commit))
            self.imported(len(missing), len(missing))
        finally:
            store.save()  # who interrupts this has waited for what was imported

    def of_commit(self, commit: CommitId) -> Schema | None:
        """The schema of a commit that was learned; None if its models do not import."""
        return self._known.get(commit)

    def of_revision(self, revision: RevisionId) -> Schema | None:
        """The schema that a revision was made for; None if nobody knows, see ``failed``.

        An uncommitted head's is the work tree's.
        """
        commit = self.commit_of(revision)
        if commit is not None:
            self.learn_commits([commit])
            return self._known.get(commit) or self._recorded(revision)
        tie = self.ties.get(revision)
        uncommitted = tie is None or tie.introduced is None
        if uncommitted and revision in self.graph.heads:
            return self.of_work_tree()
        return self._recorded(revision)

    def change(self, revision: RevisionId) -> tuple[FacetChange, ...] | None:
        """What a revision changed: how its models differ from those of all its parents; None if not known."""
        now = self.of_revision(revision)
        if now is None:
            return None
        parents = self.graph.line_parents[revision]
        olds = [self.of_revision(parent) for parent in parents]
        if any(old is None or old.dialect != now.dialect for old in olds):
            return None
        changes = difference(
            next((old for old in olds if old), None) or Schema(now.dialect, now.sqlalchemy, {}), now
        )
        return tuple(
            change
            for change in changes
            if all(old is None or old.facets.get(change.key) != change.after for old in olds)
        )

    def ahead(self) -> tuple[FacetChange, ...]:
        """What the models of the work tree have beyond the head revision's; nothing if that is not known."""
        heads = self.graph.heads
        head = self.of_revision(heads[0]) if len(heads) == 1 else None
        now = self.of_work_tree() if head is not None else None
        return difference(head, now) if head is not None and now and now.dialect == head.dialect else ()

    def why_unknown(self, revision: RevisionId) -> str | None:
        """Why ``change`` knows nothing of a revision, if its models or its parents' do not import."""
        for one in (revision, *self.graph.line_parents[revision]):
            commit = self.commit_of(one)
            if commit is not None and commit in self.failed:
                return f"the models of {commit[:8]} do not import: {self.failed[commit]}"
        return None

    def of_work_tree(self) -> Schema | None:
        """The schema of the work tree; None where its models do not import."""
        if self._work_tree is None:
            with contextlib.suppress(GitmigError):
                self._work_tree = Schemas(project=self.project).of(self.project.work_tree)
        return self._work_tree

    def _recorded(self, revision: RevisionId) -> Schema | None:
        """The schema that a revision's record names, if it is in the cache."""
        header = self.graph.scripts[revision].header
        return Schemas(project=self.project).cache.schema(header.schema) if header.schema else None

    def _computed(self, commits: Sequence[CommitId]) -> Mapping[CommitId, TreeSchema]:
        schemas = Schemas(project=self.project)
        trees = [self.project.commit_tree(commit) for commit in commits]
        workers: list[Worker] = []
        found: dict[CommitId, TreeSchema] = {}
        try:
            workers = self.project.workers.start_all(trees)
            for worker in workers[1:]:
                worker.begin_schema()
            for commit, tree, worker in zip(commits, trees, workers, strict=True):
                try:
                    found[commit] = _one(schemas, worker, tree)
                except GitmigError as error:
                    self.failed[commit] = error.message
        finally:
            for worker in workers:
                worker.leave()
            for worker in reversed(workers):
                worker.close()
        return found


def _one(schemas: Schemas, worker: Worker, tree: Tree) -> TreeSchema:
    try:
        return schemas.with_worker(worker, tree)
    except WorkerCrashed:
        if not worker.is_twin:
            raise
        return schemas.computed(tree)


class _Store:
    """``commits.json`` beside the other schemas: commit to the digest of its schema."""

    def __init__(self, project: Project):
        self._cache = Schemas(project=project).cache
        self._circumstances = Schemas(project=project).circumstances()
        self._path = self._cache.folder / "commits.json"
        self._entries = self._read()
        self._added = False

    def find(self, commit: CommitId) -> Schema | None:
        """The schema of a commit, if it was computed under the same circumstances."""
        entry = self._entries.get(f"{commit} {self._circumstances}")
        return self._cache.schema(entry) if entry is not None else None

    def add(self, commit: CommitId, found: TreeSchema, tree: Tree) -> None:
        """Remember it, unless it depends on files that git does not have."""
        if found.manifest.files.keys() <= tree.ids().keys():
            self._entries[f"{commit} {self._circumstances}"] = digest(found.schema)
            self._added = True

    def save(self) -> None:
        """Write what was added. A cache that cannot be written is no failure."""
        if not self._added:
            return
        kept = dict(list(self._entries.items())[-_KEPT:])
        with contextlib.suppress(OSError):
            write_text(self._path, json.dumps({"gitmig": __version__, "commits": kept}))

    def _read(self) -> dict[str, str]:
        try:
            stored = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(stored, dict) or stored.get("gitmig") != __version__:
            return {}
        entries = stored.get("commits")
        known = entries.items() if isinstance(entries, dict) else ()
        return {name: value for name, value in known if isinstance(value, str)}
