"""``merge``: a revision that joins lines which are all published, with the models of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import Header, with_header
from gitmig.core.schema.facets import FacetChange, Schema, change_digest, digest, render
from gitmig.drafting.material import new_id
from gitmig.drafting.together import Together, nothing_to_do, operation_of
from gitmig.errors import Refused
from gitmig.facts.parallel import Parallel, parallel_heads
from gitmig.facts.schemas import Schemas
from gitmig.facts.ties import Ties, models_digest
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
    """What joining the lines takes."""

    header: Header | None
    """The record of the revision; None if nothing proves it."""
    left: tuple[FacetChange, ...] = ()
    """What is left to do after all lines were applied."""
    warnings: tuple[str, ...] = ()


def merge(project: Project, options: MergeOptions, run_options: RunOptions) -> MoveResult:
    """Write a revision that follows all heads of a line, prove that it has the models of all, and commit it.

    It does nothing, unless two lines do not commute: then what is left is written into it, for a person
    to finish. Raises Refused (nothing changed) if one line fails on top of another, MigrationFailed,
    CommitFailed, and ProjectCodeError if the models of all do not import.
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
        found = _found(project, heads)
        revision = new_id(project.graph())
        message = options.message or f"Merge {', '.join(heads[:-1])} and {heads[-1]}"
        rewriting = _written(project, revision, message, heads, found, run_options)
        if found.left:
            return _drafted(project, run_options, revision, rewriting, found)
        return _joined(project, log, options, run_options, operation, revision, message, rewriting, found)


def _heads(project: Project, options: MergeOptions) -> tuple[RevisionId, ...]:
    """Those that were named, else all of the one line that has several."""
    graph = project.graph()
    named = tuple(dict.fromkeys(r for target in options.revisions for r in graph.resolve(target)))
    if len(named) == 1 or (not named and len(graph.heads) > 1 and len(graph.crowded) != 1):
        raise Refused(
            f"{len(graph.heads)} heads: {', '.join(graph.heads)}",
            hint=f"name those to join: gitmig merge {' '.join((*graph.crowded, graph.heads)[0][:2])}",
        )
    return named or (graph.crowded[0] if graph.crowded else graph.heads)


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
    with project.workers.one() as worker:
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
    folder = project.configuration.folder_after(heads, project.graph())
    path = f"{folder}/{draft.filename}"
    return plan_files(project, {revision: path}, {path: text.encode("utf-8")}, ())


def _with_open_lines(text: str, left: Sequence[FacetChange]) -> str:
    """The draft with a line for everything that is left to do."""
    lines = "".join(f"    # gitmig: write by hand: {render(change)}\n" for change in left)
    start, upgrade, rest = text.partition("def upgrade()")
    definition, newline, body = rest.partition("\n")
    return f"{start}{upgrade}{definition}{newline}{lines}{body}"


def _found(project: Project, heads: Sequence[RevisionId]) -> _Found:
    """Whether the lines lead to the models of all, whichever a database has first."""
    pairs = [parallel_heads(project, pair) for pair in combinations(heads, 2)]
    schemas, code = Schemas(project=project), pairs[0].code
    merged = schemas.of(code)
    judged = [judge_parallel(project, pair) for pair in pairs]
    clash = next((one for one in judged if one.commute is False), None)
    verdicts = [prove(project, case, schemas) for case in _cases(project, heads, pairs)]
    failed = next((v.reason for v in verdicts if v.reason is not None), None)
    left = _left(verdicts)
    if clash is not None and (failed is not None or not verdicts):
        raise Refused(
            f"GM009: {', '.join(clash.sides.ours)} and {', '.join(clash.sides.theirs)} do not commute: "
            f"{failed or 'no commit has the models of one of them'}",
            hint=clash.hint or "rebase the side that fewer databases have: gitmig rebase REV",
            detail="\n".join(clash.lines) or None,
        )
    if left:
        return _Found(header=None, left=left)
    if failed is not None or not verdicts:
        why = failed or "no commit has the models of one of them alone"
        return _Found(header=None, warnings=(f"nothing proves that all lead to these models: {why}",))
    return _Found(header=_header(project, code, merged))


def _cases(project: Project, heads: Sequence[RevisionId], pairs: Sequence[Parallel]) -> list[Case]:
    """For each head a database that is at it, and gets the other lines.

    What other permanent branches have besides belongs to the models of all too.
    """
    graph = project.graph()
    lines = Graph.of(graph.scripts[revision] for revision in graph.ancestors(heads))
    trees = [tree for pair in pairs for tree in (pair.theirs, pair.ours)]
    cases = []
    for head in heads:
        old = _alone(project, lines, head, trees)
        if old is not None:
            had = frozenset(graph.scripts) & frozenset(project.graph(old).scripts)
            cases.append(Case.beyond(had, old=old, new=pairs[0].code, graph=graph))
    return cases


def _alone(project: Project, graph: Graph, head: RevisionId, trees: Sequence[Tree | None]) -> Tree | None:
    """A tree that has the line of one head and none of the others."""
    tie = Ties(project=project).of((head,))
    tied = project.commit_tree(tie.models_commit) if tie.models_commit is not None else None
    below, every = graph.ancestors((head,)), frozenset(graph.scripts)
    for tree in (*trees, tied):
        if tree is not None and frozenset(project.graph(tree).scripts) & every == below:
            return tree
    return None


def _left(verdicts: Sequence[Verdict]) -> tuple[FacetChange, ...]:
    """What it takes from each end to the models of all, each facet once."""
    return tuple({change.key: change for verdict in verdicts for change in verdict.changes}.values())


def _header(project: Project, code: Tree, merged: Schema) -> Header:
    return Header(
        models=models_digest(project, code),
        dialect=merged.dialect,
        schema=digest(merged),
        change=change_digest(()),
        sqlalchemy=merged.sqlalchemy,
    )
