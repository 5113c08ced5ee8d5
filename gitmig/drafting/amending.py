"""What ``revise --amend`` redoes: the head revision, while nobody else has it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.errors import Refused
from gitmig.project.project import Project
from gitmig.state.files import write_bytes
from gitmig.wire.values import CommitId, RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Amended:
    """The revision that is redone."""

    script: Script
    disk: bytes
    """Its file as it stands."""
    applied: bytes
    """Its file as the database was moved by it: as committed, else as it stands."""
    commit: CommitId | None
    """HEAD, where that is the revision's commit, which is then amended."""

    @property
    def held(self) -> bool:
        """Whether git has the file as it stands."""
        return self.commit is not None and self.disk == self.applied

    def scripts(self, graph: Graph, top: Path, private: Path) -> tuple[Script, ...]:
        """The graph with the script that was applied, which is put aside where the file is another now."""
        if _read(top / self.script.path) == self.applied:
            return tuple(graph.scripts.values())
        aside = private / "amended" / Path(self.script.path).name
        write_bytes(aside, self.applied)
        others = (script for script in graph.scripts.values() if script.revision != self.script.revision)
        return (*others, replace(self.script, path=str(aside)))


def amended(project: Project, graph: Graph, heads: tuple[RevisionId, ...]) -> Amended:
    """The one of ``heads``, to be redone. Raises Refused where it is published or not HEAD's own."""
    if not heads:
        raise Refused("there is no revision to amend", hint='gitmig revise -m "…"')
    script = graph.scripts[heads[0]]
    _require_plain(script)
    disk = (project.top / script.path).read_bytes()
    head = project.git.head()
    if head is None or script.revision not in project.graph(project.commit_tree(head)).scripts:
        return Amended(script=script, disk=disk, applied=disk, commit=None)
    _require_own(project, script, head)
    committed = project.graph(project.commit_tree(head)).scripts[script.revision].path
    return Amended(
        script=script, disk=disk, applied=project.commit_tree(head).read(committed) or disk, commit=head
    )


def _require_plain(script: Script) -> None:
    if len(script.down_revisions) > 1 or script.depends_on or script.branch_labels:
        raise Refused(
            f"the revision {script.revision} is a merge, or has a label or a dependency: "
            "it cannot be drafted anew",
            hint=f"edit {script.path}",
        )


def _require_own(project: Project, script: Script, head: CommitId) -> None:
    if project.git.is_published(head, project.settings.published):
        raise Refused(
            f"the revision {script.revision} is published: others may have applied it",
            hint='make a new one: gitmig revise -m "…"',
        )
    parents = project.git.commit_info(head).parents
    if any(script.revision in project.graph(project.commit_tree(parent)).scripts for parent in parents):
        raise Refused(
            f"the revision {script.revision} is not of the last commit, which --amend would change",
            hint='make a new one: gitmig revise -m "…"',
        )


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None
