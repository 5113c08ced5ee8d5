"""Starting a project's workers, with what its configuration and git's say, and the code of a tree."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gitmig.core.configuration import Configuration
from gitmig.errors import NoAlembic, SettingsError
from gitmig.git import obstacles
from gitmig.git.layout import Layout
from gitmig.git.repository import Repository
from gitmig.git.trees import GitTree, Tree
from gitmig.rpc.client import Worker
from gitmig.rpc.protocol import WorkerOptions
from gitmig.wire.opening import Opening

if TYPE_CHECKING:
    from gitmig.project.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Starts the workers of a project."""

    project: Project

    def start(self, tree: Tree | None = None) -> Worker:
        """A worker that imports from ``tree``, or from the files on disk. The caller closes it.

        Raises SettingsError if the sparse checkout leaves out what it would import.
        """
        return self.with_code(self._bare_worker(), tree)

    def _bare_worker(self) -> Worker:
        project = self.project
        if project.left_out is not None:
            folder = obstacles.quoted(project.configuration.script_location)
            raise SettingsError(
                f"{project.left_out} is outside of the sparse checkout",
                hint=f"git sparse-checkout add {folder}",
            )
        if not project.settings.metadata:
            require_env(project.configuration, project.top)
        return Worker.start(
            project.interpreter,
            WorkerOptions(
                top=project.top,
                directory=project.directory,
                opening=opening_of(project, project.configuration),
                verbose=project.options.verbose,
                limit=import_limit(project.repository),
                lock=lock_of(project.repository),
            ),
        )

    def with_code(self, worker: Worker, tree: Tree | None) -> Worker:
        """A worker that was asked nothing yet, with the folder of a tree to import from."""
        try:
            (layout,) = self._laid_out([tree])
            return self._given(worker, tree, layout)
        except BaseException:
            worker.close()
            raise

    def _laid_out(self, trees: Sequence[Tree | None]) -> list[Layout | None]:
        """The folders of trees, laid out at the same time; None for the files on disk."""
        wanted = [tree for tree in trees if isinstance(tree, GitTree)]
        made = iter(self.project.layouts.lay_out_all(wanted) if wanted else ())
        return [next(made) if isinstance(tree, GitTree) else None for tree in trees]

    def _given(self, worker: Worker, tree: Tree | None, layout: Layout | None) -> Worker:
        worker.layout = layout  # which closing it releases
        if layout is not None and tree is not None:
            worker.options = replace(worker.options, opening=self._opening(tree))
        return worker

    def _opening(self, tree: Tree) -> Opening:
        """With the configuration of that tree: its folders may lie elsewhere."""
        try:
            return opening_of(self.project, self.project.configuration_of(tree))
        except SettingsError:
            # The worker says what is wrong with it, and in which tree.
            return opening_of(self.project, self.project.configuration)

    def start_all(self, trees: Sequence[Tree | None]) -> list[Worker]:
        """As :meth:`start` for each of them: what all of them import is imported once, if possible."""
        workers: list[Worker] = []
        layouts: list[Layout | None] = []
        try:
            workers += [self._bare_worker() for _ in trees[:1]]
            # While it imports: a twin of it waits for that.
            layouts += self._laid_out(trees)
            workers += [workers[0].twin() or self._bare_worker() for _ in trees[1:]]
            for worker, tree in zip(workers, trees, strict=True):
                self._given(worker, tree, layouts.pop(0))
        except BaseException:
            for layout in filter(None, layouts):
                layout.release()
            for worker in reversed(workers):
                worker.close()
            raise
        return workers

    def start_like(self, first: Worker, tree: Tree | None) -> Worker:
        """As :meth:`start`, by forking ``first``, which was asked for nothing yet, if possible."""
        twin = first.twin()
        return self.start(tree) if twin is None else self.with_code(twin, tree)

    @contextmanager
    def one(self, tree: Tree | None = None) -> Iterator[Worker]:
        """``start``, closed at the end of the block."""
        worker = self.start(tree)
        try:
            yield worker
        finally:
            worker.close()


def opening_of(project: Project, configuration: Configuration) -> Opening:
    """What a worker is opened with for a project that is configured like this."""
    settings, repository = project.settings, project.repository
    return Opening(
        top=str(project.top),
        folder=project.relative(project.directory) if project.directory != project.top else "",
        ini=configuration.ini,
        toml=configuration.toml,
        section=configuration.section,
        script_location=configuration.script_location,
        versions=configuration.versions if configuration.source.versions else (),
        paths=configuration.roots,
        flask=configuration.flask,
        app=configuration.source.flask,
        x=project.options.x,
        url_env=project.options.url_env,
        metadata=settings.metadata,
        dialect=settings.dialect,
        exclude=settings.exclude,
        others=tuple(str(top) for _, top in repository.other_work_trees()) if repository else (),
    )


def require_env(configuration: Configuration, top: Path) -> None:
    """Raise NoAlembic if a folder of revisions that no file configures has no env.py."""
    folder = configuration.script_location
    if configuration.source.folder is not None and not (top / folder / "env.py").is_file():
        raise NoAlembic(
            f"{folder} has revisions, and no env.py to run them with",
            hint="alembic init makes one, with a versions folder: move them there",
        )


def import_limit(repository: Repository | None) -> float:
    """Seconds that the import of the models may take. Raises SettingsError."""
    text = repository.config("gitmig.importLimit") if repository is not None else None
    try:
        limit = float(text) if text is not None else 60.0
    except ValueError:
        limit = 0.0
    if not 0 < limit < 1e6:
        raise SettingsError(
            f"gitmig.importLimit is not a number of seconds: {text!r}",
            hint="git config gitmig.importLimit 60",
        )
    return limit


def lock_of(repository: Repository | None) -> str | None:
    """``none`` where ``GITMIG_LOCK`` or ``git config gitmig.lock`` says so. Raises SettingsError."""
    origin, value = "GITMIG_LOCK", os.environ.get("GITMIG_LOCK")
    if not value and repository is not None:
        origin, value = "git config gitmig.lock", repository.config("gitmig.lock")
    if not value or value.lower() == "none":
        return "none" if value else None
    unset = "unset GITMIG_LOCK" if origin == "GITMIG_LOCK" else "git config --unset gitmig.lock"
    raise SettingsError(
        f"{origin} is {value!r}: only 'none' can be said there",
        hint=f"git config gitmig.lock none, or to have the lock: {unset}",
    )
