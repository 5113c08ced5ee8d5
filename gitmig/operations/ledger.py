"""``ledger enable`` and ``ledger show``: the table in the database, and what is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitmig.errors import Declined, GitmigError, Refused
from gitmig.moving.plans import RunOptions
from gitmig.project.project import Project
from gitmig.recovery.command import command_session
from gitmig.state.history import read_rows
from gitmig.wire.values import LedgerRow, LedgerState, RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Enabled:
    """The ledger after ``enable``; ``done`` is False for a dry run."""

    ledgers: tuple[LedgerState, ...]
    created: tuple[str, ...]
    """The databases in which the table was made, or would be."""
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerResult:
    """What is recorded of this environment, newest first."""

    enabled: bool
    """Whether the rows are the database's; else they are what this clone recorded."""
    database: str
    rows: tuple[LedgerRow, ...]
    messages: Mapping[RevisionId, str] = field(default_factory=dict)
    """What the checkout says of the revisions that it has."""


def enable_ledger(project: Project, run_options: RunOptions) -> Enabled:
    """Make the ledger's table in the database; where it is there already, nothing changes.

    Raises Refused if nobody is there to agree, Declined, and the worker's errors.
    """
    with command_session(project, run_options, "ledger enable"), project.workers.one() as worker:
        ledgers = worker.ledger(0)
        missing = [ledger for ledger in ledgers if not ledger.enabled]
        created = tuple(ledger.database for ledger in missing)
        if missing and not run_options.dry_run:
            _require_agreed(missing, run_options)
            worker.enable_ledger(run_options.wait)
            ledgers = worker.ledger(0)
            _require_made(ledgers)
    return Enabled(ledgers=ledgers, created=created, done=not run_options.dry_run)


def show_ledger(project: Project, limit: int | None = None) -> LedgerResult:
    """The rows of the database's ledger; without one, those of the local record. Changes nothing."""
    with project.workers.one() as worker:
        ledgers = worker.ledger(limit)
    database, environment = ledgers[0].database, ledgers[0].environment
    messages = {script.revision: script.title for script in project.graph().scripts.values()}
    if any(ledger.enabled for ledger in ledgers):
        rows = sorted(
            (row for ledger in ledgers for row in ledger.rows), key=lambda row: row.time, reverse=True
        )
        return LedgerResult(enabled=True, database=database, rows=tuple(rows[:limit]), messages=messages)
    recorded = read_rows(project.notes()) if project.repository is not None else ()
    own = [row for row in recorded if (row.database, row.environment) == (database, environment)]
    rows = list(reversed(own))[:limit]
    return LedgerResult(enabled=False, database=database, rows=tuple(rows), messages=messages)


def _require_agreed(missing: list[LedgerState], run_options: RunOptions) -> None:
    what = " and ".join(f"the table {ledger.table} in {ledger.database}" for ledger in missing)
    if run_options.prompter.agreed:
        return
    if not run_options.prompter.present:
        raise Refused(
            f"this makes {what}", hint="look at it with --dry-run, then: gitmig ledger enable --yes"
        )
    if not run_options.prompter.confirm(f"This makes {what}. Go on?"):
        raise Declined("nothing was changed")


def _require_made(ledgers: tuple[LedgerState, ...]) -> None:
    for ledger in ledgers:
        if not ledger.enabled:
            raise GitmigError(
                f"env.py did not commit the table {ledger.table}", hint="have it commit what it begins"
            )
