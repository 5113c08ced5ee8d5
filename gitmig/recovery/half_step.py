"""A step that was cut off where the database keeps each statement: recovery finishes it."""

from __future__ import annotations

from gitmig.errors import MigrationFailed, ProjectCodeError
from gitmig.moving.plans import RunOptions
from gitmig.project.project import Project
from gitmig.rpc.client import Worker
from gitmig.rpc.protocol import DatabaseFacts, MigrationRequest
from gitmig.state.journal import Journal, Stage
from gitmig.state.logbook import step_log
from gitmig.wire.step_log import HalfStep, read_half_step
from gitmig.wire.values import RevisionId


def finish_half_step(
    project: Project, worker: Worker, journal: Journal, run_options: RunOptions
) -> str | None:
    """Do what is left of the step that an interrupted command was in; what to say of that, or None.

    Nothing happens if no part of it was committed, or if the database has moved on.
    """
    path = step_log(project.notes())
    half = read_half_step(str(path))
    if journal.stage is not Stage.MOVING or half is None or not half.has_begun:
        return None

    def plan(facts: DatabaseFacts) -> MigrationRequest | None:
        before, after = _place(journal, half)
        if before is None or after is None or facts.transactional or set(before) != set(facts.heads):
            return None
        return MigrationRequest(graphs=(), roots=(), steps=(), expect=after, step_log=path, resume=True)

    try:
        moved = worker.migrate(plan, lambda: True, wait=run_options.wait)
    except (MigrationFailed, ProjectCodeError) as error:
        return f"{half.revision} is done in part, and cannot be finished: {error.message}"
    return f"{half.revision} was done in part, and is finished now" if moved.committed else None


def _place(
    journal: Journal, half: HalfStep
) -> tuple[tuple[RevisionId, ...] | None, tuple[RevisionId, ...] | None]:
    """The heads before and after the step; None where nobody wrote them down."""
    before: tuple[RevisionId, ...] | None = journal.before
    for row in journal.rows:
        if (row.revision, row.direction) == (half.revision, half.action):
            return before, row.heads
        before = row.heads
    return None, None


def may_be_half_done(project: Project, revision: RevisionId) -> bool:
    """Whether the database may have kept a part of a step: not if its log says otherwise."""
    half = read_half_step(str(step_log(project.notes())))
    return half is None or (half.revision == revision and half.has_begun)
