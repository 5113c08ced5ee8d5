"""What a scratch database tells of the revisions of a commit whose records do not settle the matter."""

from __future__ import annotations

from collections.abc import Sequence

from gitmig.checks import disproven, unproven
from gitmig.errors import Unproven
from gitmig.git.trees import Tree
from gitmig.model import CommitId, Finding, RevisionId, Script
from gitmig.project import Project
from gitmig.proof import cases_of, prove_one


def proven(
    project: Project,
    tree: Tree,
    parent: CommitId | None,
    *,
    unsettled: Sequence[Script],
    redone: frozenset[RevisionId],
) -> list[Finding]:
    """GM001 where the revisions that ``tree`` adds to ``parent`` lead elsewhere than to its models.

    GM007 for each of the ``unsettled`` where that could not be tried. ``redone`` are those of the parent that
    are others now.
    """
    try:
        cases = cases_of(project, new=tree, parent=parent, graph=project.graph(tree), redone=redone)
    except Unproven as error:
        return [unproven(script, error.message) for script in unsettled]
    _, verdict = prove_one(project, cases)
    if verdict.reason is not None:
        return [unproven(script, verdict.reason) for script in unsettled]
    return [disproven(unsettled[-1], verdict.changes)] if verdict.changes else []
