"""In which environments ``rebase`` and ``merge`` work, if the repository has several."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gitmig.cli.common import Common
from gitmig.cli.moving import finish, note, show
from gitmig.cli.several import speak
from gitmig.facts.parallel import with_two_sides
from gitmig.moving.plans import MoveResult
from gitmig.project.project import Project
from gitmig.render.hints import at, give
from gitmig.render.json import move_json


def two_sided(
    common: Common, named: Sequence[str] = (), ours: str | None = None, onto: str | None = None
) -> tuple[Project, ...]:
    """The environments whose two sides are to be joined: of several, all that have two, or what is named."""
    projects = common.open_all()
    if len(projects) == 1:
        return projects
    found = with_two_sides(projects, named, ours, onto)
    if named and len(found) != 1:
        return (common.open(),)
    if len(found) == 1:
        give([*common.project.words, "-e", found[0].name])
        at(found[0].top, found[0].directory)
    return found or projects


def move(common: Common, projects: Sequence[Project], do: Callable[[Project], MoveResult]) -> int:
    """Do it in each, and show what became of it."""
    if len(projects) == 1:
        return finish(common, projects[0], do(projects[0]))

    def as_json(one: tuple[Project, MoveResult]) -> dict[str, object]:
        note(*one)
        return move_json(one[1])

    return speak(
        projects,
        common.format,
        lambda project: (project, do(project)),
        text=lambda one: show(*one),
        as_json=as_json,
        code=lambda one: 0,
    )
