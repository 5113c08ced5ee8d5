"""What ``revise`` is to make: a new revision on the head, or another form of the head revision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.drafting.material import new_id
from gitmig.errors import Refused, UsageError
from gitmig.git import commits, publication
from gitmig.moving.preconditions import require_sound
from gitmig.project.project import Project
from gitmig.state.files import write_bytes
from gitmig.wire.values import CommitId, RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A revision that is to be, and the graph that it comes into."""

    revision: RevisionId
    message: str
    parents: tuple[RevisionId, ...]
    graph: Graph
    """The checkout's, with the old script where the head is redone."""
    before: Graph
    """The same without the revision."""
    amended: Amended | None = None
    """The head revision, if that is redone."""


def intend(project: Project, message: str | None, *, amend: bool, head: str | None = None) -> Intent:
    """``head`` names the line, if there are several (``core@head``; ``base`` begins one).

    Raises UsageError without a message, Refused if the graph does not allow for it.
    """
    graph = project.graph()
    require_sound(project, graph)
    parents = _parents(graph, head)
    old = amended(project, graph, parents) if amend else None
    if old is None:
        _require_committed_head(project, graph)
    said = (message or (old.script.message if old is not None else "")).strip()
    if not said:
        raise UsageError("a message is missing", hint='gitmig revise -m "What changes"')
    revision = old.script.revision if old is not None else new_id(graph)
    return Intent(
        revision=revision,
        message=said,
        parents=old.script.down_revisions if old is not None else parents,
        graph=graph,
        before=Graph.of(script for script in graph.scripts.values() if script.revision != revision),
        amended=old,
    )


def _parents(graph: Graph, head: str | None) -> tuple[RevisionId, ...]:
    """The head that the revision is about, or none. Raises Refused if several could be meant."""
    if head is None:
        if len(graph.heads) > 1:
            raise Refused(
                f"there are {len(graph.heads)} heads: {', '.join(graph.heads)}",
                hint=f"name the one to go on from: gitmig revise --head {graph.heads[0]}",
            )
        return graph.heads
    found = graph.resolve(head)
    if not set(graph.line_heads).issuperset(found):
        raise Refused(
            f"{', '.join(found)} is not a head: a revision on it would make a second one",
            hint=f"gitmig revise --head {', '.join(graph.heads)}",
        )
    return found


def _require_committed_head(project: Project, graph: Graph) -> None:
    head = project.git.head()
    committed = project.graph(project.commit_tree(head)).scripts if head is not None else {}
    for revision in graph.heads:
        if revision not in committed:
            raise Refused(
                f"the revision {revision} is not committed yet ({graph.scripts[revision].path}; "
                "gitmig revise --amend drafts it again)",
                hint="gitmig upgrade --commit",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Amended:
    """The revision that is redone."""

    script: Script
    disk: bytes
    """Its file as it stands."""
    applied: bytes
    """Its file as the database was moved by it: as committed, else as it stands."""
    commit: CommitId | None
    """HEAD, if that is the revision's commit, which is then amended."""

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
    """The one of ``heads``, to be redone. Raises Refused if it is published or not HEAD's own."""
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
            "it cannot be drafted again",
            hint=f"edit {script.path}",
        )


def _require_own(project: Project, script: Script, head: CommitId) -> None:
    if publication.is_published(project.git, head, project.settings.published):
        raise Refused(
            f"the revision {script.revision} is published: others may have applied it",
            hint='make a new one: gitmig revise -m "…"',
        )
    parents = commits.info_of(project.git, head).parents
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
