"""Which version of the models a command means when a models file is staged in part."""

from __future__ import annotations

from gitmig.errors import Declined, Refused
from gitmig.git.trees import Tree
from gitmig.person import Person
from gitmig.project import Project


def chosen_tree(project: Project, person: Person, *, whole: bool) -> Tree:
    """The work tree; or the index, where a models file is staged in part and the person means that part.

    With ``whole`` the work tree is meant without asking. Raises Refused where nobody is there to say.
    """
    partly = () if whole else partly_staged(project)
    if not partly:
        return project.work_tree
    names = ", ".join(partly)
    if not person.present:
        raise Refused(
            f"{names} is staged in part: which version is meant?",
            hint=f"git add {partly[0]}  (all of it), or git restore --staged {partly[0]}",
        )
    answer = person.choose(
        f"{names} is staged in part. Make the revision for",
        [("s", "the staged part (the rest stays as it is)"), ("w", "the whole file"), ("q", "quit")],
    )
    if answer == "q":
        raise Declined("nothing was changed")
    return project.index if answer == "s" else project.work_tree


def partly_staged(project: Project) -> tuple[str, ...]:
    """The models files whose staged content is neither HEAD's nor the work tree's."""
    head = project.git.head()
    committed = project.commit_tree(head) if head is not None else None
    found: list[str] = []
    for models in project.models:
        staged, now = project.index.ids(models), project.work_tree.ids(models)
        old = committed.ids(models) if committed is not None else {}
        found += [path for path, blob in staged.items() if blob != old.get(path) and blob != now.get(path)]
    return tuple(sorted(found))
