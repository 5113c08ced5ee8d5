"""The models of where a run left the database: up after a rollback, down with one, or in between."""

from __future__ import annotations

from gitmig.core.revisions.graph import Graph, in_repository
from gitmig.core.ties import Tie, TieState
from gitmig.errors import Refused
from gitmig.facts.models_state import ModelsPlace, models_place
from gitmig.facts.ties import Ties
from gitmig.moving.plans import ModelsFollow
from gitmig.moving.restoring import ModelsRestore, put_back, put_back_from
from gitmig.project.project import Project
from gitmig.state.history import read_rows
from gitmig.wire.values import Action, RevisionId, named


def models_forward(
    project: Project, graph: Graph, heads: tuple[RevisionId, ...]
) -> tuple[ModelsRestore | None, tuple[str, ...]]:
    """The models of where the database goes, if those in the work tree were put there by a rollback.

    Also why they stay as they are, if a person must know.
    """
    head = project.git.head() if project.repository is not None else None
    if head is None or not project.models or not heads:
        return None, ()
    ties = Ties(project=project)
    place = models_place(project, graph)
    back = place.rolled_back_to
    if not back or ties.same(back, heads):
        return None, _edited(project, graph, place, heads)
    if ties.same(heads, graph.heads):
        return put_back_from(project, head), ()
    found = put_back(project, ties.settled(heads), heads)
    if found is None:
        stay = f"the models stay those of {named(back)}: those of {named(heads)} are in no commit"
        return None, (stay,)
    return found, ()


def look_ahead(project: Project, heads: tuple[RevisionId, ...]) -> None:
    """Ask of git, while the worker starts, what :func:`models_back` will ask.

    Only answers that hold are kept: the plan itself is made under the lock, of what is there then. Raises
    Refused for edits that git does not hold.
    """
    heads = in_repository(project.graph(), heads)
    tie = Ties(project=project).settled(heads) if heads else None
    if tie is not None and tie.models_commit is not None:
        put_back_from(project, tie.models_commit)


def _edited(
    project: Project, graph: Graph, place: ModelsPlace, heads: tuple[RevisionId, ...]
) -> tuple[str, ...]:
    """What to say of models that were edited since a rollback which is taken forward again."""
    assert project.repository is not None
    rows = read_rows(project.repository.private()) if place.modified and not place.heads else ()
    undone = rows[-1].revision if rows and rows[-1].direction is Action.DOWNGRADE else None
    if undone not in graph.applied(heads):
        return ()
    return (f"the models stay as they are: they were edited since the rollback of {undone}",)


def models_back(project: Project, heads: tuple[RevisionId, ...], hint: str) -> ModelsRestore | None:
    """The models of where a rollback goes; base has none, and files stay as they are.

    Raises Refused with this hint if no commit that git still has holds them.
    """
    heads = in_repository(project.graph(), heads)
    if not heads:
        return None
    ties = Ties(project=project)
    tie = ties.settled(heads)
    if tie.state is TieState.UNTIED:
        tie = ties.elsewhere(heads)
    found = put_back(project, tie, heads)
    if found is None and project.git.is_shallow():
        where = f"the models of {named(heads)} may be in a commit that this clone does not have"
        raise Refused(where, hint="git fetch --unshallow")
    if found is None:
        raise Refused(_nowhere(tie, heads), hint=hint)
    return found


def _nowhere(tie: Tie, heads: tuple[RevisionId, ...]) -> str:
    if len(heads) > 1:
        return f"no commit has the models of {named(heads)} together"
    why = "is not committed" if tie.state is TieState.UNCOMMITTED else "has no commit of its own models"
    return f"the models of {heads[0]} cannot be put back: the revision {why}"


def models_between(project: Project, command: str, heads: tuple[RevisionId, ...]) -> ModelsFollow | None:
    """The models of where an ``upgrade`` or ``rollback`` was interrupted between two of its commits.

    Raises Refused if they cannot be had, or would overwrite an edit.
    """
    if command == "rollback":
        found = models_back(project, heads, "gitmig status")
    else:
        found, _ = models_forward(project, project.graph(), heads)
    return ModelsFollow(restoration=found.restoration, question=found.question) if found else None
