"""Putting a revision's models back: which commit, which files, and whether the result is right."""

from __future__ import annotations

from gitmig.errors import ProjectCodeError
from gitmig.git.restore import Restoration
from gitmig.model import CommitId, Step
from gitmig.plan import restores
from gitmig.project import Project
from gitmig.schema import difference, render
from gitmig.schemas import Schemas


def restore_steps(restoration: Restoration, commit: CommitId) -> tuple[Step, ...]:
    """The steps that a restoration comes to."""
    return restores(restoration.paths, restoration.removed, commit)


def remaining(project: Project, commit: CommitId) -> tuple[str, ...]:
    """What the schema of the work tree still has other than that of ``commit``, after a restore.

    Names the files of the import that differ from the commit's: a mixin outside the models paths, say.
    """
    schemas = Schemas(project=project)
    project.forget()
    try:
        then, now = schemas.all_of((project.commit_tree(commit), project.work_tree))
    except ProjectCodeError as error:
        return (f"the models that were put back do not import: {error.message}",)
    changes = difference(then, now)
    if not changes:
        return ()
    old, new = project.commit_tree(commit).ids(), project.work_tree.ids()
    suspects = sorted(path for path in new if path.endswith(".py") and old.get(path) != new[path])
    lines = [render(change) for change in changes]
    return (
        f"the models still differ from those of {project.git.short(commit)}: {'; '.join(lines)}",
        f"files that differ: {', '.join(suspects[:10])}",
    )
