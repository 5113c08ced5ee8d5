"""The records that revisions have on top of others: kept if their facets say so, else proven on scratch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import Header
from gitmig.core.revisions.records import RebasedSchemas, records_on_top, schemas_on_top
from gitmig.core.schema.facets import Schema, change_digest, difference, digest, render
from gitmig.errors import GitmigError, Refused
from gitmig.facts.parallel import Parallel
from gitmig.facts.schemas import Schemas
from gitmig.facts.ties import models_digest
from gitmig.judging.orders import Commuting
from gitmig.judging.proof import Case, prove
from gitmig.project.project import Project
from gitmig.wire.values import RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What is recorded, and what there is to say of it."""

    headers: Mapping[RevisionId, Header]
    """The record of each revision that gets another one."""
    proven: bool
    """Whether that rests on the facets or on a scratch database, and not on nothing."""
    warnings: tuple[str, ...] = ()


def records_of(project: Project, parallel: Parallel, commuting: Commuting, *, importable: bool) -> Records:
    """The records of ours on top of theirs. Without ``importable`` the models conflict: facets alone tell.

    Raises Refused if ours do not lead from the models of theirs to those of both, and ProjectCodeError if
    those do not import.
    """
    schemas = Schemas(project=project)
    known = _on_top(schemas, parallel)
    if not importable:
        return _by_facets(project, parallel, known, schemas, commuting, models=None)
    merged = schemas.of(parallel.code)
    last = parallel.sides.ours[-1]
    by_facets = commuting.commute and commuting.by == "facets"
    if by_facets and known is not None and not difference(known[last], merged):
        models = models_digest(project, parallel.code)
        return _by_facets(project, parallel, known, schemas, commuting, models=models)
    return _by_proof(project, parallel, schemas, merged)


def _on_top(schemas: Schemas, parallel: Parallel) -> Mapping[RevisionId, Schema] | None:
    """The schema of each of ours on top of theirs, if the cache has what they were made for."""
    found = parallel.sides
    theirs = _schema(schemas, parallel)
    if theirs is None:
        return None
    known: dict[RevisionId, Schema] = {}
    for revision in (*found.forks, *found.ours):
        header = parallel.graph.scripts[revision].header
        if (header.dialect, header.sqlalchemy) == (theirs.dialect, theirs.sqlalchemy) and header.schema:
            schema = schemas.cache.schema(header.schema)
            if schema is not None:
                known[revision] = schema
    start = None if found.forks else Schema(theirs.dialect, theirs.sqlalchemy, {})
    moved = RebasedSchemas(graph=parallel.graph, ours=found.ours, known=known, start=start)
    return schemas_on_top(moved, theirs)


def _schema(schemas: Schemas, parallel: Parallel) -> Schema | None:
    try:
        return schemas.of(parallel.theirs) if parallel.theirs is not None else None
    except GitmigError:
        return None


def _by_facets(
    project: Project,
    parallel: Parallel,
    known: Mapping[RevisionId, Schema] | None,
    schemas: Schemas,
    commuting: Commuting,
    *,
    models: str | None,
) -> Records:
    theirs = _schema(schemas, parallel)
    if known is None or theirs is None or not commuting.commute:
        return _unrecorded(parallel, "the models cannot be imported before the conflict is resolved")
    headers = {r: parallel.graph.scripts[r].header for r in parallel.sides.ours}
    return Records(headers=records_on_top(headers, known, theirs, models), proven=True)


def _by_proof(project: Project, parallel: Parallel, schemas: Schemas, merged: Schema) -> Records:
    found = parallel.sides
    last = found.ours[-1]
    # If theirs came by a cherry-pick or a squash, both are tried, from what both began with.
    old = parallel.theirs if parallel.theirs is not None else parallel.fork
    if old is None and found.forks:
        return _unrecorded(parallel, "no commit has the models of the other side alone")
    graph = Graph.of(
        replace(script, down_revisions=found.parents.get(revision, script.down_revisions))
        for revision, script in parallel.graph.scripts.items()
    )
    # What other permanent branches have besides belongs to the models of both too.
    had = frozenset(graph.scripts) & frozenset(project.graph(old).scripts if old is not None else ())
    case = Case.beyond(had, old=old, new=parallel.code, graph=graph)
    verdict = prove(project, case, schemas)
    if verdict.changes:
        raise Refused(
            f"{last} on top of {', '.join(found.onto)} does not lead to the models of both sides",
            hint=f"correct {parallel.graph.scripts[last].path} or the models, then: gitmig rebase",
            detail="\n".join(render(change) for change in verdict.changes),
        )
    if verdict.reason is not None:
        return _unrecorded(parallel, verdict.reason)
    header = Header(models=models_digest(project, parallel.code))
    if len(found.ours) == 1 and case.steps in (found.ours, (*found.theirs, *found.ours)):
        change = None
        if parallel.theirs is not None:
            change = change_digest(difference(schemas.of(parallel.theirs), merged))
        header = replace(
            header,
            dialect=merged.dialect,
            sqlalchemy=merged.sqlalchemy,
            schema=digest(merged),
            change=change,
        )
    return Records(headers={**_stripped(parallel), last: header}, proven=True)


def _unrecorded(parallel: Parallel, reason: str) -> Records:
    """A record that was made on other parents is none any more."""
    last = parallel.sides.ours[-1]
    warning = f"nothing proves that {last} leads to the models of both sides: {reason}"
    return Records(headers=_stripped(parallel), proven=False, warnings=(warning,))


def _stripped(parallel: Parallel) -> dict[RevisionId, Header]:
    scripts = parallel.graph.scripts
    return {r: Header() for r in parallel.sides.ours if scripts[r].header != Header()}
