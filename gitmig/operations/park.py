"""``park list``, ``park show`` and ``park drop``: the rows that are parked."""

from __future__ import annotations

from dataclasses import dataclass

from gitmig.core.parked import ParkedRows, told_rows
from gitmig.errors import Declined, GitmigError, Refused, UsageError
from gitmig.moving.parking import folder_of
from gitmig.moving.plans import RunOptions
from gitmig.project.project import Project
from gitmig.recovery.command import command_session


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What is parked of this environment, oldest first."""

    database: str
    entries: tuple[ParkedRows, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRows:
    """The rows of one copy, as text; None is NULL."""

    entry: ParkedRows
    names: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DropResult:
    """What ``drop`` deleted, or (``done`` False) would."""

    entries: tuple[ParkedRows, ...]
    done: bool


def list_parked(project: Project) -> Listed:
    """What is parked. Changes nothing, and makes no file. Raises NoRepository, and the worker's errors."""
    with project.workers.one() as worker:
        database, entries = worker.parked(folder_of(project.git))
    return Listed(database=database, entries=entries)


def show_parked(project: Project, number: int, limit: int | None = None) -> ShownRows:
    """The rows of one copy, at most ``limit``. Raises Refused if there is none of that number."""
    with project.workers.one() as worker:
        _, entries = worker.parked(folder_of(project.git))
        entry = _one(entries, number)
        names, rows = worker.parked_rows(folder_of(project.git), number, limit)
    return ShownRows(entry=entry, names=names, rows=rows)


def drop_parked(
    project: Project, number: int | None, *, all_of_them: bool, run_options: RunOptions
) -> DropResult:
    """Delete one copy, or all of this environment, for good. Asks.

    Raises UsageError, Refused (nobody is there to agree, or there is none of that number), Declined.
    """
    if (number is None) != all_of_them:
        raise UsageError("name one by its ID, or give --all", hint="gitmig park list")
    with command_session(project, run_options, "park drop"), project.workers.one() as worker:
        _, entries = worker.parked(folder_of(project.git))
        chosen = entries if number is None else (_one(entries, number),)
        if chosen and not run_options.dry_run:
            _require_agreed(chosen, number, run_options)
            left = worker.drop_parked(folder_of(project.git), [each.id for each in chosen], run_options.wait)
            if {each.id for each in left} & {each.id for each in chosen}:
                raise GitmigError("env.py did not commit", hint="have it commit what it begins")
    return DropResult(entries=chosen, done=not run_options.dry_run)


def _one(entries: tuple[ParkedRows, ...], number: int) -> ParkedRows:
    for entry in entries:
        if entry.id == number:
            return entry
    raise Refused(f"nothing is parked under {number}", hint="gitmig park list")


def _require_agreed(chosen: tuple[ParkedRows, ...], number: int | None, run_options: RunOptions) -> None:
    if run_options.prompter.agreed:
        return
    what = " and ".join(f"{told_rows(each.rows)} of {each.name}" for each in chosen)
    which = "--all" if number is None else str(number)
    if not run_options.prompter.present:
        raise Refused(f"this deletes {what} for good", hint=f"gitmig park drop {which} --yes")
    if not run_options.prompter.confirm(f"This deletes {what} for good. Go on?"):
        raise Declined("nothing was changed")
