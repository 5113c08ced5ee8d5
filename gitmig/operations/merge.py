"""``merge``: a revision that joins two lines which are both published, with the models of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gitmig.core.revisions.header import Header, with_header
from gitmig.core.schema.facets import FacetChange, Schema, change_digest, digest, render
from gitmig.drafting.material import new_id
from gitmig.drafting.together import Together, nothing_to_do, operation_of
from gitmig.errors import Refused
from gitmig.facts.parallel import Parallel, parallel_heads
from gitmig.facts.schemas import Schemas
from gitmig.facts.ties import models_digest
from gitmig.git.trees import Tree
from gitmig.judging.orders import judge_parallel
from gitmig.judging.proof import Case, Verdict, prove
from gitmig.moving.plans import MoveResult, RunOptions
from gitmig.moving.rewriting import Rewriting, plan_files, write_files
from gitmig.project.head_file import head_path
from gitmig.project.project import Project
from gitmig.recovery.command import command_session
from gitmig.rpc.protocol import DraftRequest
from gitmig.state.journal import Logbook
from gitmig.wire.values import RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeOptions:
    """What the command line asked for."""

    revisions: tuple[str, ...] = ()
    message: str | None = None
    commit: bool = True
    files_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What joining the two lines takes."""

    header: Header | None
    """The record of the revision; None if nothing proves it."""
    left: tuple[FacetChange, ...] = ()
    """What is left to do after both lines were applied."""
    warnings: tuple[str, ...] = ()


def merge(project: Project, options: MergeOptions, run_options: RunOptions) -> MoveResult:
    """Write a revision that follows both heads, prove that it has the models of both, apply and commit it.

    It does nothing, unless the two lines do not commute: then what is left is written into it, for a person
    to finish. Raises Refused (nothing changed) if one line fails on top of the other, MigrationFailed,
    CommitFailed, and ProjectCodeError if the models of both do not import.
    """
    with command_session(project, run_options, "merge") as log:
        operation = operation_of(project)
        unmerged = set(project.git.unmerged()) - {head_path(project)}
        if unmerged:
            raise Refused(
                f"unmerged files: {', '.join(sorted(unmerged))}", hint="resolve them, then git add them"
            )
        heads = _heads(project, options)
        if len(heads) < 2:
            return nothing_to_do(project, "merge")
        project.require_models()
        parallel = parallel_heads(project, (heads[0], heads[1]))
        found = _found(project, parallel)
        revision = new_id(project.graph())
        message = options.message or f"Merge {heads[0]} and {heads[1]}"
        rewriting = _written(project, revision, message, heads, found, run_options)
        if found.left:
            return _drafted(project, run_options, revision, rewriting, found)
        return _joined(project, log, options, run_options, operation, revision, message, rewriting, found)


def _heads(project: Project, options: MergeOptions) -> tuple[RevisionId, ...]:
    graph = project.graph()
    named = tuple(dict.fromkeys(r for target in options.revisions for r in graph.resolve(target)))
    heads = named or graph.heads
    if len(heads) > 2 or len(named) == 1:
        raise Refused(
            f"{len(graph.heads)} heads: {', '.join(graph.heads)}",
            hint=f"name two of them: gitmig merge {' '.join(graph.heads[:2])}",
        )
    return heads


def _joined(
    project: Project,
    log: Logbook,
    options: MergeOptions,
    run_options: RunOptions,
    operation: str | None,
    revision: RevisionId,
    message: str,
    rewriting: Rewriting,
    found: _Found,
) -> MoveResult:
    result = Together(
        project=project,
        log=log,
        run_options=run_options,
        command="merge",
        rewriting=rewriting,
        message=message,
        trailers={"Migration-Revision": revision},
        operation=operation,
        commit=options.commit,
        files_alone=options.files_only or operation == "rebase",
        warnings=found.warnings,
    ).run()
    return replace(result, revision=revision, path=rewriting.paths[0])


def _drafted(
    project: Project, run_options: RunOptions, revision: RevisionId, rewriting: Rewriting, found: _Found
) -> MoveResult:
    """The revision is left for a person to finish."""
    result = nothing_to_do(project, "merge")
    if not run_options.dry_run:
        write_files(project, rewriting)
    plan = replace(result.plan, steps=rewriting.steps, warnings=found.warnings)
    return replace(
        result,
        plan=plan,
        revision=revision,
        path=rewriting.paths[0],
        notes=(),
        changes=found.left,
        drafted=not run_options.dry_run,
    )


def _written(
    project: Project,
    revision: RevisionId,
    message: str,
    heads: Sequence[RevisionId],
    found: _Found,
    run_options: RunOptions,
) -> Rewriting:
    with project.worker() as worker:
        request = DraftRequest(
            revision=revision,
            message=message,
            head=tuple(heads),
            changes=(),
            empty=True,
            wait=run_options.wait,
        )
        draft = worker.draft(request)
    text = draft.text
    if found.header is not None:
        text = with_header(text, found.header)
    if found.left:
        text = _with_open_lines(text, found.left)
    path = f"{project.configuration.versions[0]}/{draft.filename}"
    return plan_files(project, {revision: path}, {path: text.encode("utf-8")}, ())


def _with_open_lines(text: str, left: Sequence[FacetChange]) -> str:
    """The draft with a line for everything that is left to do."""
    lines = "".join(f"    # gitmig: write by hand: {render(change)}\n" for change in left)
    start, upgrade, rest = text.partition("def upgrade()")
    definition, newline, body = rest.partition("\n")
    return f"{start}{upgrade}{definition}{newline}{lines}{body}"


def _found(project: Project, parallel: Parallel) -> _Found:
    """Whether the two lines lead to the models of both, whichever a database has first."""
    schemas = Schemas(project=project)
    merged = schemas.of(parallel.code)
    commuting = judge_parallel(project, parallel)
    verdicts = [prove(project, case, schemas) for case in _cases(parallel)]
    failed = next((v.reason for v in verdicts if v.reason is not None), None)
    left = _left(verdicts)
    if commuting.commute is False and (failed is not None or not verdicts):
        ours, theirs = parallel.sides.ours, parallel.sides.theirs
        raise Refused(
            f"GM009: {', '.join(ours)} and {', '.join(theirs)} do not commute: "
            f"{failed or 'no commit has the models of one of them'}",
            hint=commuting.hint or "rebase the side that fewer databases have: gitmig rebase REV",
            detail="\n".join(commuting.lines) or None,
        )
    if left:
        return _Found(header=None, left=left)
    if failed is not None or not verdicts:
        why = failed or "no commit has the models of one of the two"
        return _Found(header=None, warnings=(f"nothing proves that both lead to these models: {why}",))
    return _Found(header=_header(project, parallel.code, merged))


def _cases(parallel: Parallel) -> list[Case]:
    """A database at one head that gets the other line, and the other way round."""
    found, graph = parallel.sides, parallel.graph
    pairs = ((parallel.theirs, found.theirs, found.ours), (parallel.ours, found.ours, found.theirs))
    return [
        Case(old=tree, new=parallel.code, start=graph.tips(there), graph=graph, steps=steps)
        for tree, there, steps in pairs
        if tree is not None
    ]


def _left(verdicts: Sequence[Verdict]) -> tuple[FacetChange, ...]:
    """What it takes from either end to the models of both, each facet once."""
    return tuple({change.key: change for verdict in verdicts for change in verdict.changes}.values())


def _header(project: Project, code: Tree, merged: Schema) -> Header:
    return Header(
        models=models_digest(project, code),
        dialect=merged.dialect,
        schema=digest(merged),
        change=change_digest(()),
        sqlalchemy=merged.sqlalchemy,
    )
