"""The script of a squash as the difference of the models makes it; data migrations stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.squashing import Part, composed, segments, squashed_by, with_squashes
from gitmig.core.schema.facets import Schema, difference
from gitmig.core.ties import TieState
from gitmig.drafting.old_models import old_models
from gitmig.errors import GitmigError
from gitmig.facts.schemas import Schemas
from gitmig.facts.ties import Ties
from gitmig.git.trees import Tree
from gitmig.project.project import Project
from gitmig.rpc.protocol import DraftRequest
from gitmig.wire.values import RevisionId


def drafted_squash(
    project: Project, graph: Graph, parts: Sequence[Part], message: str, created: str
) -> str | None:
    """The whole script, in which those in a row that change the schema alone are drafted together.

    None if there is nothing to draft: no two of them are in a row, or the models of an end are in no commit,
    or not known to be the right ones.
    """
    pieces: list[Part] = []
    for segment in segments(parts):
        drafted = _drafted(project, graph, segment, message) if len(segment) > 1 else None
        pieces += segment if drafted is None else [drafted]
    old = [part.script for part in parts]
    if len(pieces) == len(parts):
        return None
    if len(pieces) == 1 and not any(script.depends_on or script.branch_labels for script in old):
        return with_squashes(pieces[0].text, squashed_by(old))
    return composed(pieces, old, message, created)


def _drafted(project: Project, graph: Graph, segment: Sequence[Part], message: str) -> Part | None:
    last = segment[-1].script
    below = graph.line_parents[segment[0].script.revision]
    try:
        after = _models(project, (last.revision,))
        before = _models(project, below) if below else None
        if after is None or (below and before is None):
            return None
        schemas = Schemas(project=project)
        new = schemas.of(after)
        old = schemas.of(before) if before is not None else Schema(new.dialect, new.sqlalchemy, {})
        with project.workers.one(after) as worker, old_models(project, worker, below) as models:
            request = DraftRequest(
                revision=last.revision, message=message, head=below, changes=difference(old, new)
            )
            draft = worker.draft(request, parent=models.code)
    except GitmigError:
        return None
    if draft.uncovered or draft.rename_candidates:
        return None
    return Part(script=replace(last, message=message), text=draft.text)


def _models(project: Project, heads: tuple[RevisionId, ...]) -> Tree | None:
    tie = Ties(project=project).of(heads)
    verified = tie.state is TieState.VERIFIED and tie.models_commit is not None
    return project.commit_tree(tie.models_commit) if verified and tie.models_commit else None
