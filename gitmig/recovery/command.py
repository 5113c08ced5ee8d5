"""One changing command at a time, and none before an interrupted one is settled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gitmig.errors import Interrupted, Refused
from gitmig.moving.plans import RunOptions
from gitmig.project.project import Project
from gitmig.recovery.recovery import settle
from gitmig.recovery.settle import clear
from gitmig.state.command_lock import command_lock
from gitmig.state.journal import Journal, Logbook, read_journal, remove_half_written


@contextmanager
def command_session(project: Project, run_options: RunOptions, command: str) -> Iterator[Logbook]:
    """One changing command at a time in this work tree, on facts that are read from here on.

    Gives the command's own journal, not written yet. What an earlier command left is settled first, and
    then this one stops, so that nothing runs twice: raises Refused. Raises LockTimeout if another
    command is at work, and Interrupted, which says what is so, for Ctrl-C.
    """
    with command_lock(project.repository, run_options.wait):
        project.forget()
        _require_settled(project, run_options)
        repository = project.repository
        head = repository.head() if repository is not None else None
        folder = project.notes() if repository is not None else None
        try:
            yield Logbook(folder, Journal.blank(command, project.configuration.section, head))
        except KeyboardInterrupt:
            if folder is not None and read_journal(folder) is not None:
                raise Interrupted("interrupted half-way", hint="gitmig recover") from None
            raise Interrupted("interrupted; everything is as before") from None


def _require_settled(project: Project, run_options: RunOptions) -> None:
    if project.repository is None:
        return
    clear(project.repository)
    remove_half_written(project.notes())
    journal = read_journal(project.notes())
    if journal is None:
        return
    if run_options.dry_run:
        raise Refused(f"GM014: `gitmig {journal.command}` was interrupted", hint="gitmig recover")
    done = settle(project, journal, run_options)
    if done.complete is not None:
        raise Refused(
            f"an interrupted `gitmig {done.command}` was settled first: all of it is done but for the commit",
            hint=done.complete,
        )
    raise Refused(
        f"an interrupted `gitmig {done.command}` was settled first: {done.described}",
        hint="look at it with gitmig status, then run the command again",
    )
