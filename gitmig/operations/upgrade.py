"""``upgrade``: move the database up, and with it the models that a rollback took back."""

from __future__ import annotations

import re
from dataclasses import replace

from gitmig.applied.scripts import read_applied
from gitmig.applied.side import checkout_side
from gitmig.applied.squashed import with_squashed
from gitmig.applied.worlds import Worlds
from gitmig.core.plan import commits, plan_upgrade
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.drafting.complete import Waiting, complete, require_doing, uncommitted, waiting
from gitmig.errors import GitmigError, Refused
from gitmig.moving.commit import end_commit
from gitmig.moving.execute import move
from gitmig.moving.following import models_forward
from gitmig.moving.plans import ModelsFollow, MoveResult, PlannedMove, RunOptions
from gitmig.moving.preconditions import (
    require_apart,
    require_known,
    require_quiet,
    require_sound,
    require_target,
    require_under_alembic,
    require_written,
)
from gitmig.moving.transition import Transition
from gitmig.project.project import Project
from gitmig.recovery.command import command_session
from gitmig.rpc.client import Worker
from gitmig.rpc.protocol import DatabaseFacts, MigrationRequest
from gitmig.state.journal import Logbook
from gitmig.wire.values import RevisionId


def upgrade(project: Project, target: str, run_options: RunOptions, *, commit: bool = False) -> MoveResult:
    """Move the database up to ``target``; where it is there already, nothing moves.

    Models that a rollback took back go forward with it; other files are never touched. An uncommitted
    head revision is committed with its models when ``commit`` is given or a person says so. Raises
    Refused, MigrationFailed (nothing moved), CommitFailed (the database stays where it is then).
    """
    with command_session(project, run_options, "upgrade") as log:
        return _upgrade(project, log, target, run_options, commit)


def _upgrade(
    project: Project, log: Logbook, target: str, run_options: RunOptions, commit: bool
) -> MoveResult:
    graph = _required(project, target, commit)
    with Worlds(project=project) as worlds, project.workers.one(project.whole_code()) as worker:
        scripts = uncommitted(project, graph, graph.heads) if commit else ()
        wait = waiting(project, worker, run_options, scripts) if scripts else None
        outcome = move(
            project.repository,
            worker,
            lambda facts: _planned(project, graph, target, facts, wait, worlds),
            run_options,
            log,
            folders=project.configuration.folders,
        )
        result = MoveResult.of("upgrade", outcome)
        if run_options.dry_run:
            return result
        scripts = uncommitted(project, graph, outcome.heads)
        if wait is None and scripts:
            return _offered(project, log, worker, run_options, scripts, result)
        if wait is None:
            return result
        if not scripts:
            end_commit(log)
            return result
        return complete(project, log, replace(wait, scripts=scripts), result)


def _required(project: Project, target: str, commit: bool) -> Graph:
    """The graph of the work tree, if ``target`` can be upgraded to. Raises Refused."""
    require_quiet(project)
    graph = project.graph()
    require_sound(project, graph)
    if re.fullmatch(r"-\d+", target):
        raise Refused(f"{target} leads down, not up", hint=f"gitmig rollback {target}")
    require_target(graph, target)
    if commit:
        project.require_models()
        project.git.require_author()
    return graph


def _offered(
    project: Project,
    log: Logbook,
    worker: Worker,
    run_options: RunOptions,
    scripts: tuple[Script, ...],
    result: MoveResult,
) -> MoveResult:
    """Without ``--commit`` a person is asked; else the result says how to go on."""
    result = replace(result, hint="gitmig upgrade --commit")
    if not run_options.prompter.present:
        return result
    project.forget()
    try:
        wait = waiting(project, worker, run_options, scripts)
    except GitmigError as error:
        return replace(result, notes=(*result.notes, f"not committed: {error.message}"), hint=error.hint)
    if not run_options.prompter.confirm(_question(scripts)):
        return result
    return complete(project, log, wait, replace(result, hint=None))


def _question(scripts: tuple[Script, ...]) -> str:
    names = ", ".join(script.revision for script in scripts)
    if len(scripts) == 1:
        return f"{names} is not committed yet. Commit it with its models?"
    return f"{names} are not committed yet. Commit them with their models?"


def _planned(
    project: Project, graph: Graph, target: str, facts: DatabaseFacts, wait: Waiting | None, worlds: Worlds
) -> PlannedMove:
    found = _over_backports(project, graph, target, facts, worlds)
    return found or _prepared(project, graph, target, facts, wait)


def _over_backports(
    project: Project, graph: Graph, target: str, facts: DatabaseFacts, worlds: Worlds
) -> PlannedMove | None:
    """The way of a database that has copies of revisions of this line; None if it has none.

    Their originals are marked as applied.
    """
    unknown = [head for head in facts.heads if head not in graph.scripts]
    if not unknown or project.repository is None or target not in ("head", "heads"):
        return None
    side = checkout_side(project)
    try:
        applied = read_applied(project, side, side, facts)
    except Refused:
        return None
    copies = [source.script for r, source in applied.sources.items() if r not in graph.scripts]
    if not copies or any(script.backport_of not in graph.scripts for script in copies):
        return None
    return Transition(project=project, checkout=side, target=side, worlds=worlds).prepared(facts)


def _prepared(
    project: Project, graph: Graph, target: str, facts: DatabaseFacts, wait: Waiting | None
) -> PlannedMove:
    graph = with_squashed(project, graph, project.work_tree, facts.heads)
    require_known(project, graph, facts)
    require_under_alembic(facts, graph)
    require_apart(facts, graph)
    plan = plan_upgrade(graph, facts.heads, graph.resolve(target, facts.heads))
    ups = tuple(step.revision for step in plan.steps if step.revision is not None)
    require_written(graph, ups)
    require_doing(project, tuple(s for s in uncommitted(project, graph, plan.heads) if s.revision in ups))
    forward, warnings = models_forward(project, graph, plan.heads)
    steps = forward.steps if forward is not None else ()
    if wait is not None:
        steps = (*steps, *commits(wait.paths))
    return PlannedMove(
        plan=replace(plan, steps=(*plan.steps, *steps), warnings=warnings),
        moves=MigrationRequest(
            graphs=(tuple(graph.scripts.values()),),
            roots=(project.top,),
            steps=tuple((step, 0) for step in plan.steps),
            expect=plan.heads,
        ),
        restoration=forward.restoration if forward is not None else None,
        question=forward.question if forward is not None else None,
        details=forward.details if forward is not None else (),
        follow=lambda committed: _following(project, graph, facts, ups[:committed]),
        commit=wait.note if wait is not None else None,
    )


def _following(
    project: Project, graph: Graph, facts: DatabaseFacts, ups: tuple[RevisionId, ...]
) -> ModelsFollow | None:
    """The models of where a failure left the database, as far as they are to go forward."""
    forward, _ = models_forward(project, graph, graph.after(facts.heads, (), ups))
    return ModelsFollow(restoration=forward.restoration, question=forward.question) if forward else None
