"""One side of a move between two versions of the code: a tree, its revisions, and its scripts' text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from gitmig.core.codes import Severity
from gitmig.core.configuration import Configuration, read_configuration
from gitmig.core.environments import environments_of
from gitmig.core.findings import graph_findings, with_severities
from gitmig.core.revisions.graph import Graph
from gitmig.errors import Refused
from gitmig.git.trees import Tree
from gitmig.project.graphs import read_graph
from gitmig.project.project import Project
from gitmig.project.unlinked import unlinked
from gitmig.wire.values import BlobId, CommitId


@dataclass(frozen=True, kw_only=True)
class Side:
    """A tree with its revisions. Read when it is asked: of a pin's tree mostly one script is wanted."""

    project: Project
    tree: Tree
    configuration: Configuration
    trusted: bool = True
    """False for what was fetched: its scripts are shown before they are run."""

    @property
    def commit(self) -> CommitId | None:
        """The commit (or tree) in git; None for the files on disk."""
        return self.tree.commit

    @cached_property
    def graph(self) -> Graph:
        """The revision graph."""
        if self.commit is None:
            return self.project.graph()
        return read_graph(self.tree, self.configuration, self.project.outside)

    @cached_property
    def blobs(self) -> dict[str, BlobId]:
        """Path to blob of everything in the folders of the scripts."""
        folders = self.configuration.folders
        return {path: blob for folder in folders for path, blob in self.tree.ids(folder).items()}

    def text(self, path: str) -> str:
        """A file's text."""
        return (self.tree.read(path) or b"").decode("utf-8", "replace")


def checkout_side(project: Project) -> Side:
    """The files on disk."""
    return Side(project=project, tree=project.work_tree, configuration=project.configuration)


def commit_side(project: Project, commit: CommitId, ref: str) -> Side:
    """A commit, read with its own configuration, wherever it lies there. Raises Refused if it has none."""
    tree, ours = project.commit_tree(commit), project.configuration
    found = read_configuration(ours.source, tree, str(project.top)) or _moved(project, tree)
    if found is None:
        raise Refused(
            f"{ref} has no Alembic configuration {ours.path}",
            hint=f"git switch {ref}  (the database stays as it is)",
        )
    return Side(project=project, tree=tree, configuration=unlinked(found, project.top))


def _moved(project: Project, tree: Tree) -> Configuration | None:
    """The one environment of a tree that has revisions of ours; None if not exactly one has."""
    ours = frozenset(project.graph().scripts)
    listed = environments_of(frozenset(tree.ids()), tree, str(project.top)).environments
    found = [one.configuration for one in listed]
    shared = [one for one in found if ours.intersection(read_graph(tree, one).scripts)]
    return shared[0] if len(shared) == 1 else None


def require_readable(side: Side) -> None:
    """Every id of the side stands for one revision. More than one head is no fault."""
    for finding in with_severities(graph_findings(side.graph), side.project.settings.severity):
        if finding.code != "GM002" and finding.severity is Severity.ERROR:
            raise Refused(f"{finding.code}: {finding.message}", hint=finding.hint)
