"""What ``revise`` is to make: a new revision on the head, or the head revision anew."""

from __future__ import annotations

from dataclasses import dataclass

from gitmig.core.revisions.graph import Graph
from gitmig.drafting.amending import Amended, amended
from gitmig.drafting.material import new_id
from gitmig.errors import Refused, UsageError
from gitmig.moving.preconditions import require_sound
from gitmig.project.project import Project
from gitmig.wire.values import RevisionId


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
    """The head revision, where that is redone."""


def intend(project: Project, message: str | None, *, amend: bool, head: str | None = None) -> Intent:
    """``head`` names the line, if there are several (``core@head``; ``base`` begins one).

    Raises UsageError without a message, Refused where the graph does not allow for it.
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
                "gitmig revise --amend drafts it anew)",
                hint="gitmig upgrade --commit",
            )
