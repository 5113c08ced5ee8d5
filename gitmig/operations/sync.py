"""``sync``: the database to the revisions of the checkout, or of any ref."""

from __future__ import annotations

from dataclasses import replace

from gitmig.applied.side import checkout_side, commit_side, require_readable
from gitmig.applied.worlds import Worlds
from gitmig.moving.execute import move
from gitmig.moving.plans import MoveResult, PlannedMove, RunOptions
from gitmig.moving.preconditions import require_quiet
from gitmig.moving.restoring import ModelsRestore, rolled_back_models
from gitmig.moving.transition import Transition
from gitmig.project.project import Project
from gitmig.recovery.command import command_session
from gitmig.rpc.protocol import DatabaseFacts
from gitmig.state.journal import Logbook


def sync(project: Project, ref: str | None, run_options: RunOptions) -> MoveResult:
    """Take the database to the heads of the checkout, or with ``ref`` to those of that ref's files.

    What only the database has is undone with the scripts that were applied, wherever git still has them;
    the rest is applied. Models that a rollback left behind go back to the checkout's; with ``ref`` the work
    tree is not touched. Raises Refused (nothing moved) where a script is nowhere or cannot be undone,
    MigrationFailed, UnknownRef, NoRepository.
    """
    with command_session(project, run_options, "sync") as log:
        return moved_to_checkout(project, log, run_options, ref)


def moved_to_checkout(
    project: Project, log: Logbook, run_options: RunOptions, ref: str | None = None
) -> MoveResult:
    """The same for a command that has begun already."""
    git = project.git
    require_quiet(project)
    with Worlds(project=project) as worlds, project.workers.one(project.whole_code()) as worker:
        checkout = checkout_side(project)
        target = checkout if ref is None else commit_side(project, git.resolve(ref), ref)
        require_readable(target)
        transition = Transition(project=project, checkout=checkout, target=target, worlds=worlds)
        models = rolled_back_models(project) if ref is None else None
        outcome = move(
            git,
            worker,
            lambda facts: _prepared(transition, models, facts),
            run_options,
            log,
            folders=target.configuration.folders,
        )
    return MoveResult.of("sync", outcome)


def _prepared(transition: Transition, models: ModelsRestore | None, facts: DatabaseFacts) -> PlannedMove:
    prepared = transition.prepared(facts)
    if models is None:
        return prepared
    plan = prepared.plan
    return replace(
        prepared,
        plan=replace(plan, steps=(*plan.steps, *models.steps)),
        restoration=models.restoration,
    )
