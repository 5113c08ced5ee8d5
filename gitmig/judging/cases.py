"""What a scratch database tells of revisions whose records do not settle the matter."""

from __future__ import annotations

from collections.abc import Sequence

from gitmig.core.codes import Finding
from gitmig.core.findings import disproven, unproven
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import Header
from gitmig.core.revisions.scripts import Script
from gitmig.core.schema.facets import Schema, change_digest, difference, digest
from gitmig.errors import Unproven
from gitmig.facts.schemas import Schemas
from gitmig.facts.ties import models_digest
from gitmig.git.trees import Tree
from gitmig.judging.proof import Case, cases_of, prove_one
from gitmig.project.project import Project
from gitmig.wire.values import CommitId, RevisionId


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


def cases_for(project: Project, script: Script, tree: Tree, parent: CommitId | None) -> tuple[Case, ...]:
    """A revision as it is in the work tree, among those of the models' tree. Raises Unproven."""
    others = project.graph(tree).scripts.values()
    graph = Graph.of([*(other for other in others if other.revision != script.revision), script])
    redone = frozenset([script.revision])
    return cases_of(project, new=tree, parent=parent, graph=graph, redone=redone, script=script)


def header_of(project: Project, case: Case) -> Header:
    """The record of what a case takes the database to."""
    schemas = Schemas(project=project)
    now = schemas.of(case.new)
    old = schemas.of(case.old) if case.old is not None else Schema(now.dialect, now.sqlalchemy, {})
    return Header(
        models=models_digest(project, case.new),
        dialect=now.dialect,
        schema=digest(now),
        change=change_digest(difference(old, now)),
        sqlalchemy=now.sqlalchemy,
    )
