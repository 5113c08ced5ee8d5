"""The parent's models in a worker of their own, started if something of them has to be known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from gitmig.errors import ProjectCodeError
from gitmig.facts.ties import Ties
from gitmig.git.trees import Tree
from gitmig.judging.base import as_configured
from gitmig.project.project import Project
from gitmig.rpc.client import Worker
from gitmig.rpc.protocol import Json
from gitmig.wire.values import RevisionId


@dataclass(slots=True, kw_only=True)
class OldModels:
    """The models of the state with the heads ``base``; without heads there were none."""

    project: Project
    base: tuple[RevisionId, ...]
    spare: Worker | None = None
    """A fork of the drafting worker from before it was asked anything: it has imported what both need."""
    _worker: Worker | None = None
    _held: ExitStack = field(default_factory=ExitStack)

    def code(self, ask: Json) -> Json:
        """Answers ``parent``: the code of objects of these models. Raises what their import raises."""
        return self.worker().parent(ask) if self.base else {"objects": []}

    def worker(self) -> Worker:
        """A worker that imports from their tree. Raises ProjectCodeError if they are in no commit."""
        if self._worker is None:
            tree, spare, workers = self.tree(), self.spare, self.project.workers
            worker = workers.start(tree) if spare is None else workers.with_code(spare, tree)
            self._worker, self.spare = worker, None
            self._held.callback(worker.close)
        return self._worker

    def tree(self) -> Tree:
        """The commit that has them. Raises ProjectCodeError if there is none."""
        project = self.project
        head = project.git.head()
        tie = Ties(project=project).of(self.base) if self.base else None
        commit = tie.models_commit if tie is not None and tie.models_commit is not None else head
        if commit is None:
            named = ", ".join(self.base) or "base"
            raise ProjectCodeError(f"the models of {named} are in no commit", hint="gitmig status")
        return as_configured(project, project.graph(), self.base, project.commit_tree(commit))

    def close(self) -> None:
        """End the workers."""
        self._held.close()
        if self.spare is not None:
            self.spare.close()


@contextmanager
def old_models(project: Project, worker: Worker, base: tuple[RevisionId, ...]) -> Iterator[OldModels]:
    """The parent's models, until the end of the block. ``worker`` was asked nothing yet."""
    found = OldModels(project=project, base=base, spare=worker.twin() if base else None)
    try:
        yield found
    finally:
        found.close()
