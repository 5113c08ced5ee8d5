"""The executor: carries a plan out. Besides it only ``init``, ``hooks`` and the cache write anything.

The order is that of the design: the database is prepared under its lock, the files are written, the
database is committed, and only then git commits, when no migration transaction is open any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gitmig.errors import Declined, GitmigError, Refused
from gitmig.git.repository import Repository
from gitmig.moving.attempt import Attempt
from gitmig.moving.foresight import rows_left
from gitmig.moving.plans import Agreed, Outcome, PlannedMove, RunOptions
from gitmig.moving.recorder import MoveRecorder
from gitmig.rpc.client import Worker
from gitmig.rpc.errors import UnannouncedLoss
from gitmig.rpc.interrupts import held
from gitmig.rpc.protocol import AnnouncedLoss, DatabaseFacts, MigrationReply
from gitmig.state.journal import Logbook
from gitmig.wire.values import Action


def move(
    repository: Repository | None,
    worker: Worker,
    build: Callable[[DatabaseFacts], PlannedMove],
    run_options: RunOptions,
    log: Logbook,
    *,
    folders: Sequence[str] = (),
) -> Outcome:
    """Make the plan under the database's lock and carry it out.

    A question to a person releases the lock; afterwards the plan is made again, and a plan that differs from
    the one agreed to is refused. Raises what ``build`` raises, Declined, Interrupted and the worker's errors;
    then database and files are as they were, or as the error says. Whatever kills the process instead is
    settled by the next command, out of the journal in ``log``. A journal that tells of a draft or a commit
    too is left to the caller, who has still to settle those. ``folders`` are kept with each script that is
    applied, so that it can be undone when no branch has it any more.
    """
    agreed: Agreed | None = None
    unannounced: tuple[AnnouncedLoss, ...] = ()
    while True:
        recording = MoveRecorder(repository, log.folder, folders, worker.options.directory)
        folder = worker.options.directory
        attempt = Attempt(repository, build, run_options, agreed, log, recording, folder, unannounced)
        with held():
            try:
                moved = _attempted(worker, attempt, run_options)
            except UnannouncedLoss as error:
                unannounced = (*unannounced, *_new_losses(error, unannounced))
                continue
            if attempt.asks is None:
                return _outcome(attempt, moved, run_options)
        agreed = _agreement(attempt, run_options)


def _attempted(worker: Worker, attempt: Attempt, run_options: RunOptions) -> MigrationReply:
    try:
        return worker.migrate(
            attempt.plan,
            attempt.write_files,
            wait=run_options.wait,
            ddl_lock_timeout=run_options.ddl_lock_timeout,
            losses=attempt.losses,
            note=attempt.note,
        )
    except GitmigError as error:
        attempt.take_back(error)
        raise


def _new_losses(error: UnannouncedLoss, known: Sequence[AnnouncedLoss]) -> tuple[AnnouncedLoss, ...]:
    """What a step lost without its script saying so; then nothing has happened, and it is part of the plan.

    Raises the error if that is not all that is wrong.
    """
    new = tuple(loss for loss in error.losses if loss.drop not in {each.drop for each in known})
    if error.committed or not new:
        raise error
    return new


def _outcome(attempt: Attempt, moved: MigrationReply, run_options: RunOptions) -> Outcome:
    """What happened; files that move without the database are written now."""
    prepared = attempt.prepared
    assert prepared is not None
    done = moved.committed or (
        not run_options.dry_run and not prepared.plan.of(Action.UPGRADE, Action.DOWNGRADE)
    )
    if done and not moved.committed:
        attempt.write_files_alone()
    if done:
        attempt.finish(moved.committed)
    return Outcome(
        plan=prepared.plan,
        database=moved.database,
        heads=moved.heads,
        done=done,
        before=attempt.before,
        notes=(*attempt.notes, *rows_left(moved)),
        parked=moved.parked,
        back=tuple(back for back in moved.back if back.rows),
    )


def _agreement(attempt: Attempt, run_options: RunOptions) -> Agreed:
    """What a person agreed to. Raises Refused if nobody is there, and Declined."""
    prepared, asks = attempt.prepared, attempt.asks
    assert prepared is not None
    assert asks is not None
    if not run_options.prompter.present:
        raise Refused(
            _unasked(asks),
            hint="look at the plan with --dry-run, then give --yes",
            detail="\n".join(attempt.details) or None,
        )
    for unreviewed in prepared.unreviewed_scripts:
        run_options.prompter.show(f"{unreviewed.revision}, which nobody here has run yet:", unreviewed.text)
    if not run_options.prompter.confirm(asks, plan=prepared.plan, details=attempt.details):
        raise Declined("nothing was changed")
    # Estimates of rows are part of what was shown, not of what was agreed to.
    return Agreed(
        plan=replace(prepared.plan, warnings=attempt.warnings),
        losses=frozenset(loss.drop for loss in attempt.found),
    )


def _unasked(question: str) -> str:
    """What a question is about, for where nobody is there to answer it."""
    return question.rpartition(". ")[0] if question.endswith("?") and ". " in question else question
