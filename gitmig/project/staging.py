"""Which version of the models a command means when one of their files is staged in part."""

from __future__ import annotations

from collections.abc import Iterable

from gitmig.core.prompter import Prompter
from gitmig.errors import Declined, Refused
from gitmig.git.trees import Tree
from gitmig.project.project import Project


def chosen_tree(project: Project, prompter: Prompter, paths: Iterable[str]) -> Tree:
    """The work tree; or the index, where a file at or below ``paths`` is staged in part and that is meant.

    Raises Refused if nobody is there to say, Declined where the person will not.
    """
    partly = partly_staged(project, paths)
    if not partly:
        return project.work_tree
    names = ", ".join(partly)
    if not prompter.present:
        raise Refused(
            f"{names} is staged in part: which version is meant?",
            hint=f"git add {partly[0]}  (all of it), or git restore --staged {partly[0]}",
        )
    answer = prompter.choose(
        f"{names} is staged in part. Make the revision for",
        [("s", "the staged part (the rest stays as it is)"), ("w", "the whole file"), ("q", "quit")],
    )
    if answer == "q":
        raise Declined("nothing was changed")
    return project.index if answer == "s" else project.work_tree


def partly_staged(project: Project, paths: Iterable[str]) -> tuple[str, ...]:
    """The files at or below ``paths`` whose staged content is neither HEAD's nor the work tree's."""
    head = project.git.head()
    committed = project.commit_tree(head) if head is not None else None
    found: set[str] = set()
    for path in paths:
        staged, now = project.index.ids(path), project.work_tree.ids(path)
        old = committed.ids(path) if committed is not None else {}
        found |= {name for name, blob in staged.items() if blob != old.get(name) and blob != now.get(name)}
    return tuple(sorted(found))
