"""Do parallel revisions commute? By their facets, and if those do not settle it, by running both orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import cast

from gitmig.core.revisions.effects import moves_data
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.core.revisions.sides import Sides
from gitmig.core.schema.commuting import Comparison, Relation, compare
from gitmig.core.schema.facets import FacetChange, Schema, difference, render
from gitmig.errors import GitmigError
from gitmig.facts.parallel import Parallel
from gitmig.facts.schemas import Schemas
from gitmig.git.trees import Tree
from gitmig.judging.proof import created, described, scratch_database, upgrade_data
from gitmig.judging.scratch import scratch
from gitmig.project.project import Project
from gitmig.rpc.client import Worker
from gitmig.wire.values import RevisionId

Rows = Mapping[str, Sequence[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Commuting:
    """Whether two sides commute, and how that is known."""

    sides: Sides
    commute: bool | None
    """None: nothing tells."""
    by: str
    """``facets`` or ``scratch``."""
    lines: tuple[str, ...] = ()
    """What both sides change, or in what the two orders differ."""
    reason: str | None = None
    """Why both orders were tried, or could not be."""
    hint: str | None = None
    """What to do about it, if that is known."""


def judge_parallel(project: Project, parallel: Parallel) -> Commuting:
    """Whether the two sides lead to the same schema and keep the same rows in either order.

    Nothing but scratch databases and the cache is written. Raises what reading the models raises.
    """
    found = _by_facets(project, parallel)
    if found.relation is Relation.CONFLICT:
        lines = tuple(line for clash in found.clashes for line in clash.lines)
        hint = _of_backport(parallel)
        return Commuting(sides=parallel.sides, commute=False, by="facets", lines=lines, hint=hint)
    reason = found.reason or _data(parallel)
    if found.relation is Relation.DISJOINT and reason is None:
        return Commuting(sides=parallel.sides, commute=True, by="facets")
    try:
        lines = _tried(project, parallel)
    except GitmigError as error:
        why = f"{reason}; {error.message}" if reason else error.message
        return Commuting(sides=parallel.sides, commute=None, by="scratch", reason=why)
    return Commuting(sides=parallel.sides, commute=not lines, by="scratch", lines=lines, reason=reason)


def _of_backport(parallel: Parallel) -> str | None:
    """What to do with a copy whose original is on the other side: it has no business here."""
    scripts, found = parallel.graph.scripts, parallel.sides
    for here, there in ((found.ours, found.theirs), (found.theirs, found.ours)):
        for copy in (scripts[revision] for revision in here):
            if copy.backport_of in there:
                after = [child for child in parallel.graph.line_children[copy.revision] if child in here]
                follow = f", have {after[0]} follow {there[-1]}" if after else ""
                return f"git rm {copy.path}{follow}: {copy.revision} is the backport of {copy.backport_of}"
    return None


def _by_facets(project: Project, parallel: Parallel) -> Comparison:
    changes = changes_of(project, parallel)
    if changes is None:
        return Comparison(relation=Relation.TRY, reason="what each side changes is not known")
    return compare(*changes)


def changes_of(
    project: Project, parallel: Parallel
) -> tuple[tuple[FacetChange, ...], tuple[FacetChange, ...]] | None:
    """What ours and theirs change in the schema; None if the models of one of them are in no commit."""
    schemas = Schemas(project=project)
    try:
        theirs = schemas.of(parallel.theirs) if parallel.theirs is not None else None
        if theirs is None:
            return None
        ours = _known(schemas, parallel, parallel.sides.ours, theirs) or _of(schemas, parallel.ours)
        fork = _known(schemas, parallel, parallel.sides.forks, theirs) or _of(schemas, parallel.fork)
    except GitmigError:
        return None
    if fork is None and not parallel.sides.forks:
        fork = Schema(theirs.dialect, theirs.sqlalchemy, {})
    if ours is None or fork is None:
        return None
    return difference(fork, ours), difference(fork, theirs)


def _known(
    schemas: Schemas, parallel: Parallel, revisions: Sequence[RevisionId], like: Schema
) -> Schema | None:
    """The schema that the last of some revisions is recorded to lead to, if the cache has it."""
    tips = parallel.graph.tips(revisions)
    if len(tips) != 1 or not parallel.alone:
        return None
    header = parallel.graph.scripts[tips[0]].header
    if header.schema is None or (header.dialect, header.sqlalchemy) != (like.dialect, like.sqlalchemy):
        return None
    return schemas.cache.schema(header.schema)


def _of(schemas: Schemas, tree: Tree | None) -> Schema | None:
    return schemas.of(tree) if tree is not None else None


def _data(parallel: Parallel) -> str | None:
    """The first revision that does more than change the schema."""
    for revision in (*parallel.sides.ours, *parallel.sides.theirs):
        text = (parallel.code.read(parallel.graph.scripts[revision].path) or b"").decode("utf-8", "replace")
        if moves_data(text):
            return f"{revision} does more than change the schema"
    return None


def _tried(project: Project, parallel: Parallel) -> tuple[str, ...]:
    """In what the two orders differ. Raises Unproven, or what the scripts raise."""
    found = parallel.sides
    theirs_first = _reparented(parallel.graph, found.parents)
    ours_tips = parallel.graph.tips(found.ours)
    onto_ours = {
        revision: ours_tips
        for revision in found.theirs
        if not set(found.theirs).intersection(parallel.graph.line_parents[revision])
    }
    orders = (
        (theirs_first, (*found.theirs, *found.ours)),
        (_reparented(parallel.graph, onto_ours), (*found.ours, *found.theirs)),
    )
    like = Schemas(project=project).of(parallel.code)
    with scratch(project, like.dialect) as place, ExitStack() as stack:
        code = None if parallel.code is project.work_tree else parallel.code
        workers = project.workers.start_all([code] if parallel.fork is None else [code, parallel.fork])
        for worker in workers:
            stack.callback(worker.close)
        ends = []
        for number, (graph, steps) in enumerate(orders):
            url = stack.enter_context(scratch_database(place, workers, f"order{number}"))
            ends.append(end_of(workers, url, graph, found.forks, steps, like))
    (one, one_rows), (other, other_rows) = ends
    return (*(render(change) for change in difference(one, other)), *rows_differing(one_rows, other_rows))


def end_of(
    workers: Sequence[Worker],
    url: str,
    scripts: Mapping[RevisionId, Script],
    start: tuple[RevisionId, ...],
    steps: Sequence[RevisionId],
    like: Schema,
) -> tuple[Schema, Rows]:
    """The schema and the rows that the steps leave, in this order."""
    excluded: list[str] = []
    if len(workers) > 1:
        excluded = created(workers[1], url)
        workers[1].prove("fill", url)
    workers[0].prove("upgrade", url, **upgrade_data(scripts.values(), start, steps))
    found = described(workers[0], url, excluded, like)
    return found, cast(Rows, workers[0].prove("rows", url)["rows"])


def _reparented(
    graph: Graph, parents: Mapping[RevisionId, tuple[RevisionId, ...]]
) -> dict[RevisionId, Script]:
    return {
        revision: replace(script, down_revisions=parents.get(revision, script.down_revisions))
        for revision, script in graph.scripts.items()
    }


def rows_differing(one: Rows, other: Rows) -> tuple[str, ...]:
    """A line for each table whose rows are others."""
    return tuple(
        f"~ rows of {table}" for table in sorted({*one, *other}) if one.get(table) != other.get(table)
    )
