"""``recover``: settle an interrupted command, and nothing else."""

from __future__ import annotations

from gitmig.moving.plans import RunOptions
from gitmig.project.project import Project
from gitmig.recovery.recovery import Recovered, settle
from gitmig.recovery.settle import clear
from gitmig.state.command_lock import command_lock
from gitmig.state.journal import has_journal, read_journal, remove_half_written


def is_interrupted(project: Project) -> bool:
    """Whether a command in this environment was interrupted, and is not settled yet."""
    return project.repository is not None and has_journal(project.notes())


def recover(project: Project, run_options: RunOptions) -> Recovered | None:
    """Bring database and files to one side of the command that was interrupted; None if there is none.

    If its steps were several transactions, the files go where the database was left between them.
    Whether it committed is read from the ledger if the database has one, else from the version table.
    """
    if project.repository is None:
        return None
    folder = project.notes()
    clear(project.repository)
    if not has_journal(folder):
        return None
    with command_lock(project.repository, run_options.wait):
        remove_half_written(folder)
        journal = read_journal(folder)
        return None if journal is None else settle(project, journal, run_options)
