"""Keeping the head file, where the project has one."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from gitmig.core.codes import Finding
from gitmig.core.findings import head_file_differs
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.head_file import NAME, head_file, named_in
from gitmig.git.trees import Tree
from gitmig.project.project import Project
from gitmig.state.files import write_bytes


def head_path(project: Project) -> str:
    """Where the head file is, or would be."""
    return posixpath.join(project.configuration.versions[0], NAME)


def has_head_file(project: Project) -> bool:
    """Whether the project keeps one."""
    return (project.top / head_path(project)).is_file()


def headed(project: Project, paths: Iterable[str]) -> tuple[str, ...]:
    """The paths, with the head file's if the project has one; it is written to name the heads on disk."""
    given = tuple(paths)
    if not has_head_file(project):
        return given
    path = head_path(project)
    project.forget()
    write_head_file(project)
    return given if path in given else (*given, path)


def write_head_file(project: Project) -> bool:
    """Write it; whether it held anything else."""
    file, text = project.top / head_path(project), head_file(project.graph()).encode("utf-8")
    if file.is_file() and file.read_bytes() == text:
        return False
    write_bytes(file, text)
    return True


def head_file_findings(project: Project, tree: Tree, graph: Graph) -> Iterator[Finding]:
    """GM002 if the head file of a tree names others than its heads."""
    path = head_path(project)
    data = tree.read(path)
    if data is None or graph.unreadable:
        return
    named = named_in(data.decode("utf-8", "replace"))
    if named != tuple(sorted(graph.heads)):
        yield head_file_differs(path, named, graph.heads)
