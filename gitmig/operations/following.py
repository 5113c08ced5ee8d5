"""The models of where a run left the database: up after a rollback, down with one, or in between."""

from __future__ import annotations

from gitmig.errors import Refused
from gitmig.graph import Graph
from gitmig.model import RevisionId, TieState
from gitmig.operations.place import models_place
from gitmig.operations.restoring import PutBack, put_back, put_back_from
from gitmig.prepared import Following
from gitmig.project import Project
from gitmig.tied import Ties


def models_forward(
    project: Project, graph: Graph, heads: tuple[RevisionId, ...]
) -> tuple[PutBack | None, tuple[str, ...]]:
    """The models of where the database goes, if those in the work tree were put there by a rollback.

    Also why they stay as they are, where that has to be told.
    """
    head = project.git.head() if project.repository is not None else None
    if head is None or not project.models or not heads:
        return None, ()
    place = models_place(project, graph)
    if place.rolled_back_to is None or place.rolled_back_to in heads:
        return None, ()
    if heads == graph.heads:
        return put_back_from(project, head), ()
    found = put_back(project, Ties(project=project).settled(heads[0]))
    if found is None:
        stay = f"the models stay those of {place.rolled_back_to}: those of {heads[0]} are in no commit"
        return None, (stay,)
    return found, ()


def models_back(project: Project, heads: tuple[RevisionId, ...], hint: str) -> PutBack | None:
    """The models of where a rollback goes; base has none, and files stay as they are.

    Raises Refused with this hint where they cannot be had.
    """
    if not heads:
        return None
    if len(heads) > 1:
        raise Refused(f"no revision has the models of {' and '.join(heads)} together", hint=hint)
    tie = Ties(project=project).settled(heads[0])
    found = put_back(project, tie)
    if found is None:
        uncommitted = tie.state is TieState.UNCOMMITTED
        what = "is not committed" if uncommitted else "has no commit of its own models"
        raise Refused(f"the models of {heads[0]} cannot be put back: the revision {what}", hint=hint)
    return found


def models_between(project: Project, command: str, heads: tuple[RevisionId, ...]) -> Following | None:
    """The models of where an ``upgrade`` or ``rollback`` was interrupted between two of its commits.

    Raises Refused where they cannot be had, or would overwrite an edit.
    """
    if command == "rollback":
        found = models_back(project, heads, "gitmig status")
    else:
        found, _ = models_forward(project, project.graph(), heads)
    return Following(restoration=found.restoration, question=found.question) if found else None
