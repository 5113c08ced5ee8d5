"""The schema of a tree: from the cache where its manifest is known, else from a worker.

Computing one runs the project's models; it needs no database.
"""

from __future__ import annotations

import hashlib
import posixpath
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gitmig.core.schema.facets import Schema, digest
from gitmig.errors import NoAlembic, NotInClone, ProjectCodeError, WorkerCrashed, WorkTreeRead
from gitmig.facts.cache import SchemaCache, manifest_of
from gitmig.facts.circumstances import environment, installed
from gitmig.git.trees import Tree
from gitmig.project.project import Project
from gitmig.rpc.client import Worker
from gitmig.rpc.protocol import SchemaAnswer
from gitmig.wire.values import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeSchema:
    """A tree's schema, the manifest it depends on, and whether it was computed just now."""

    schema: Schema
    manifest: Manifest
    complete: bool = True
    """Whether the manifest has all that it depends on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schemas:
    """Where a project's schemas come from."""

    project: Project
    fresh: bool = False
    """Whether everything is computed, whatever the cache knows."""
    _found: dict[str, Schema | None] = field(default_factory=dict)
    """What the cache said, by the tree's label."""
    _computed: dict[str, Schema] = field(default_factory=dict)
    """What was computed just now, by the tree's label."""
    _manifests: list[tuple[Manifest, Schema]] = field(default_factory=list)
    """What that depended on."""
    _remembered: Schemas | None = None

    def afresh(self) -> Schemas:
        """The same, computing everything: what is about to block somebody must not rest on a cache."""
        return Schemas(
            project=self.project,
            fresh=True,
            _computed=self._computed,
            _manifests=self._manifests,
            _remembered=self,
        )

    def confirmed(self, tree: Tree, by: Sequence[Tree]) -> Schema | None:
        """What is remembered of a tree, if what was remembered of others turned out to be so just now.

        They are those that were asked for before :meth:`afresh`. None if one was not known, or is another.
        """
        before = self._remembered
        if before is None or not by:
            return None
        known = ((before._found.get(one.label), self._computed.get(one.label)) for one in by)
        same = all(was is not None and now is not None and digest(was) == digest(now) for was, now in known)
        return before.cached(tree) if same else None

    @property
    def cache(self) -> SchemaCache:
        """The repository's cache, shared by its work trees."""
        repository = self.project.repository
        folder = repository.shared() if repository is not None else self.project.directory / ".gitmig"
        return SchemaCache(folder / "cache")

    def cached(self, tree: Tree) -> Schema | None:
        """The schema of a tree without running anything, or None if it is not known."""
        if tree.label in self._computed:
            return self._computed[tree.label]
        for manifest, schema in self._manifests:
            if self.cache.holds(manifest, tree, self.project.top):
                return schema
        if self.fresh:
            return None
        if tree.label not in self._found:
            self._found[tree.label] = self.cache.find(tree, self.circumstances(), self.project.top)
        return self._found[tree.label]

    def manifest(self, tree: Tree) -> Manifest | None:
        """What the schema of a tree depends on, if that is known."""
        top = self.project.top
        for manifest, _ in self._manifests:
            if self.cache.holds(manifest, tree, top):
                return manifest
        return self.cache.manifest_for(tree, self.circumstances(), top)

    def of(self, tree: Tree) -> Schema:
        """The schema of a tree. Raises ProjectCodeError if its models do not import.

        So does a commit without the Alembic configuration of today.
        """
        return self.cached(tree) or self.computed(tree).schema

    def computed(self, tree: Tree) -> TreeSchema:
        """The schema of a tree, computed afresh."""
        with self.project.workers.one(None if tree is self.project.work_tree else tree) as worker:
            return self._asked(worker, tree)

    def _asked(self, worker: Worker, tree: Tree) -> TreeSchema:
        try:
            return self.with_worker(worker, tree)
        except NoAlembic as error:
            if tree is self.project.work_tree:
                raise
            path = shlex.quote(self.project.configuration.path)
            hint = f"git add {path}" if tree is self.project.index else "gitmig status"
            raise ProjectCodeError(f"{tree.label}: {error.message}", hint=hint) from None
        except WorkTreeRead:
            # When the work tree had that content, it was known.
            found = self.cache.find(tree, self.circumstances(), self.project.top)
            manifest = self.manifest(tree)
            if found is None or manifest is None:
                raise
            return TreeSchema(schema=found, manifest=manifest)

    def with_worker(self, worker: Worker, tree: Tree) -> TreeSchema:
        """The schema of a tree by a worker that already imports from it; remembered in the cache.

        Raises NotInClone if the import needed a file that is not in this clone.
        """
        absent = worker.layout.absent if worker.layout is not None else ()
        try:
            answer = worker.schema()
        except ProjectCodeError as error:
            if absent:
                lacking = f"this clone does not have {_counted(absent)} of {tree.label}"
                error.detail = "\n".join(filter(None, (error.detail, lacking)))
                error.hint = "get it (git fetch, git submodule update --init), then run the command again"
            raise
        if needed := [path for path in absent if _needed(answer, path)]:
            raise NotInClone(
                f"the models of {tree.label} need {_counted(needed)}, which this clone does not have",
                hint="get it (git fetch, git submodule update --init), then run the command again",
            )
        self._computed[tree.label] = answer.schema
        manifest = self._manifest(tree, answer)
        if answer.complete:
            self._manifests.append((manifest, answer.schema))
        if self.project.repository is not None:
            self.cache.store(answer.schema, manifest if answer.complete else None, self.circumstances())
        return TreeSchema(schema=answer.schema, manifest=manifest, complete=answer.complete)

    def all_of(self, trees: Sequence[Tree]) -> tuple[Schema, ...]:
        """The schemas of several trees; what has to be computed is computed side by side."""
        known = [self.cached(tree) for tree in trees]
        missing = [tree for tree, schema in zip(trees, known, strict=True) if schema is None]
        workers = self.project.workers.start_all(
            [None if tree is self.project.work_tree else tree for tree in missing]
        )
        try:
            for worker in workers[1:]:
                worker.begin_schema()
            computed = iter(
                [self._of_any(worker, tree).schema for worker, tree in zip(workers, missing, strict=True)]
            )
        finally:
            for worker in workers:
                worker.leave()
            for worker in reversed(workers):
                worker.close()
        return tuple(schema if schema is not None else next(computed) for schema in known)

    def _of_any(self, worker: Worker, tree: Tree) -> TreeSchema:
        try:
            return self._asked(worker, tree)
        except WorkerCrashed:
            if not worker.is_twin:
                raise
            # What of it is the project's doing shows in a process of its own.
            return self.computed(tree)

    def circumstances(self) -> str:
        """A digest of all that decides a schema and is not in a tree."""
        project = self.project
        parts = [
            *project.interpreter.command,
            *installed(str(Path(project.interpreter.command[0]).parent.parent)),
            project.configuration.path,
            project.configuration.section,
            project.configuration.script_location,
            project.configuration.source.flask or "",
            *project.options.x,
            project.options.url_env or "",
            repr(project.settings),
            *environment(),
        ]
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]

    def _manifest(self, tree: Tree, answer: SchemaAnswer) -> Manifest:
        return manifest_of(
            tree, answer.files, answer.lookups, answer.listings, answer.asked, self.project.top
        )


def _needed(answer: SchemaAnswer, path: str) -> bool:
    """Whether an import looked for a file, for one below it (a submodule's), or listed its folder."""
    stem = path.removesuffix(".py").removesuffix("/__init__")
    named = (*answer.files, *answer.lookups)
    return (
        stem in answer.lookups
        or any(one == path or one.startswith(f"{path}/") for one in named)
        or any(path == folder or posixpath.dirname(path) == folder for folder in answer.listings)
    )


def _counted(paths: Sequence[str]) -> str:
    """The first of some paths, and how many more there are."""
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more files"
