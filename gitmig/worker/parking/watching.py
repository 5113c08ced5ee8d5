"""Watches what the steps of a run take and bring back.

On the step's own connection: what is parked is in the step's transaction, and stays or goes with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, event

from ...wire.sql import Drop
from .catalog import catalogs_of
from .crash_copy import CrashCopy, adopt
from .entry import ParkedEntry
from .returning import Upgrade
from .run import ParkingPolicy, ParkingRun
from .step import ParkingStep
from .store import NOT_THEIRS
from .stores import park_file, store_of
from .tables import TableName, tables_of
from .taking import Downgrade

MADE_AGAIN = "the database was created again"
_OLDER = "the database was made anew"
"""The same, as an older version of gitmig kept it."""
"""Why an entry is none of this database's."""


class Parking:
    """The parking of one run of env.py on one connection."""

    def __init__(self, run: ParkingRun):
        self._run = run
        self._known: list[ParkedEntry] | None = None
        """What is parked; None if a step may have changed it."""
        self._closed = False
        """Whether it is another user's."""
        self._step: ParkingStep | None = None
        """The step that is being applied."""
        connection, dialect = run.connection, run.connection.dialect
        self._listeners: list[tuple[Any, str, Callable[..., Any]]] = [
            (connection, "commit", self._ending),
            (connection, "rollback", self._ending),
            (dialect, "do_execute", self._do_execute),
            (dialect, "do_execute_no_params", self._do_execute_no_params),
        ]
        for listener in self._listeners:
            event.listen(*listener)
        run.first = run.look()

    @property
    def parked(self) -> list[dict[str, Any]]:
        """The entries that were made."""
        return self._run.parked

    @property
    def back(self) -> list[dict[str, Any]]:
        """What came back, and what did not."""
        return self._run.back

    @property
    def unread(self) -> str | None:
        """Why nothing is put back, whatever is parked."""
        return self._run.unread

    @property
    def unparked(self) -> list[str]:
        """What is gone and could not be parked, in words."""
        return self._run.unparked

    def watch(self, action: str, revision: str, apply: Callable[[], None]) -> None:
        """Apply a step. Raises what ``apply`` raises, Failure("park") if the rows cannot be kept, and
        Failure("loss") for rows that are lost without anybody knowing.
        """
        self._run.fresh &= self._run.alone
        if action == "downgrade":
            self._known = None
            self._apply(Downgrade(self._run, revision), apply)
            return
        entries = self._entries(revision)
        if entries:
            self._known = None
        start = self._run.look() if entries else self._run.first
        self._apply(Upgrade(self._run, revision, entries, start), apply)
        # The end of an upgrade does not look for what no statement was seen to do.
        self._run.fresh = False

    def _apply(self, step: ParkingStep, apply: Callable[[], None]) -> None:
        self._step = step
        try:
            apply()
            with step.silent():
                step.end()
        finally:
            self._step = None

    def _ending(self, connection: Connection) -> None:
        if self._step is not None:
            self._step.ended = True

    def _do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        execute = self._run.connection.dialect.do_execute
        return self._watched(statement, context, lambda text: execute(cursor, text, parameters, context))

    def _do_execute_no_params(self, cursor: Any, statement: str, context: Any) -> bool:
        execute = self._run.connection.dialect.do_execute_no_params
        return self._watched(statement, context, lambda text: execute(cursor, text, context))

    def _watched(self, statement: str, context: Any, execute: Callable[[str], None]) -> bool:
        if self._step is None or context.root_connection is not self._run.connection:
            return False
        return self._step.run_watched(statement, execute)

    def close(self) -> None:
        """The transaction has ended."""
        for listener in self._listeners:
            event.remove(*listener)
        if self._run.store is not None:
            self._run.store.close()
        if self._run.crash_copy is not None:
            self._run.crash_copy.remove()

    def _all(self) -> list[ParkedEntry]:
        store = self._run.store
        if store is None:
            return []
        if self._known is None:
            with store.reading():
                # Whoever may not write there could not say what came back either.
                self._closed = store.exists() and store.why_not is not None
                self._known = [] if self._closed else store.entries(self._run.environment)
        return self._known

    def retire(self) -> None:
        """Keep what is parked: it comes from the database that was there before this one was created."""
        for entry in self._all():
            assert self._run.store is not None
            self._run.store.keep_left(entry, entry.rows, MADE_AGAIN)
        self._known = None

    def _entries(self, revision: str) -> list[ParkedEntry]:
        """What the upgrade of a revision may bring back: of each table or column the newest copy."""
        newest: dict[tuple[TableName, bool, tuple[str, ...]], ParkedEntry] = {}
        revisions = self._run.order.rows_of.get(revision, [revision])
        for entry in self._all():
            if entry.revision in revisions and entry.why not in (MADE_AGAIN, _OLDER):
                newest[entry.place, entry.whole, tuple(each.name for each in entry.columns)] = entry
        if self._closed:
            self._run.unread = NOT_THEIRS
        return list(newest.values())


def parking_of(
    context: MigrationContext,
    order: ParkingPolicy | None,
    environment: str,
    *,
    transactional: bool,
    announced: Sequence[dict[str, Any]],
) -> Parking | None:
    """What watches a run; None if the database cannot take its steps back.

    ``announced`` is what the plan has said that is dropped. Without an ``order`` nothing is parked
    or put back.
    """
    connection = context.connection
    if connection is None or not transactional or connection.dialect.name not in ("postgresql", "sqlite"):
        return None
    store = store_of(connection, order.folder) if order is not None else None
    tables = tables_of(connection)
    file = park_file(connection, order.folder) if order is not None else None
    crash_copy = None
    if store is not None and file is not None:
        with store.reading():
            adopt(file, tables)
        crash_copy = CrashCopy(connection, file)
    parking = Parking(
        ParkingRun(
            connection=connection,
            store=store,
            tables=tables,
            catalogs=catalogs_of(connection),
            order=order or ParkingPolicy(),
            environment=environment,
            announced=_drops(announced),
            crash_copy=crash_copy,
            alone=_alone(context),
        )
    )
    if not tables.columns(TableName(context.version_table, context.version_table_schema)):
        parking.retire()
    return parking


def _drops(announced: Sequence[dict[str, Any]]) -> list[Drop]:
    return [
        Drop(table=each["table"], column=each["column"], schema=each["schema"])
        for each in announced
        if not each.get("emptied")
    ]


def _alone(context: MigrationContext) -> bool:
    """Whether nothing can change the tables between two steps: no callback but ours, one transaction."""
    # One callback is ours.
    return len(context.on_version_apply_callbacks) < 2 and not context.opts.get("transaction_per_migration")
