"""Parks the rows that a downgrade drops, just before it drops them, and has them put back by the upgrade.

Listens to the statements of a step on its own connection: what it copies is in the step's transaction, so
that it stays or goes with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, event

from .crash_copy import CrashCopy, adopt
from .dropping import Downgrade
from .park_entry import Entry
from .park_store import park_file, store_of
from .parking_step import Order, ParkingRun, Step, too_large
from .returning import Upgrade
from .statements import Name
from .tables import Place, tables_of


class Parking:
    """The parking of one run of env.py on one connection."""

    def __init__(self, run: ParkingRun, *, new_database: bool):
        self._run = run
        self._new_database = new_database
        self._known: list[Entry] | None = None
        """What is parked; None where a step may have changed it."""

    @property
    def parked(self) -> list[dict[str, Any]]:
        """The entries that were made."""
        return self._run.parked

    @property
    def back(self) -> list[dict[str, Any]]:
        """What came back, and what did not."""
        return self._run.back

    @property
    def unparked(self) -> list[str]:
        """What is gone and could not be parked, in words."""
        return self._run.unparked

    @contextmanager
    def watching(self, action: str, revision: str) -> Iterator[None]:
        """While a step is applied. Raises Failure("park") where the rows cannot be kept."""
        step: Step
        if action == "downgrade":
            if not self._run.order.park and not self._all():
                yield
                return
            step = Downgrade(self._run, revision)
        else:
            entries = self._entries(revision)
            if not entries:
                yield
                return
            step = Upgrade(self._run, revision, entries)
        self._known = None
        event.listen(self._run.connection, "before_cursor_execute", step.before, retval=True)
        event.listen(self._run.connection, "after_cursor_execute", step.after)
        try:
            yield
            with step.silent():
                step.end()
        finally:
            event.remove(self._run.connection, "before_cursor_execute", step.before)
            event.remove(self._run.connection, "after_cursor_execute", step.after)

    def close(self) -> None:
        """The transaction has ended."""
        self._run.store.close()
        if self._run.crash_copy is not None:
            self._run.crash_copy.remove()

    def _all(self) -> list[Entry]:
        if self._known is None:
            with self._run.store.reading():
                self._known = self._run.store.entries(self._run.environment)
        return self._known

    def _entries(self, revision: str) -> list[Entry]:
        """What the upgrade of a revision may bring back: of each table or column the newest copy."""
        newest: dict[tuple[Place, bool, tuple[str, ...]], Entry] = {}
        # The rows of a database that was made anew are those of another one.
        for entry in self._all() if not self._new_database else ():
            if entry.revision == revision:
                newest[entry.place, entry.whole, tuple(each.name for each in entry.columns)] = entry
        return list(newest.values())


def parking_of(
    context: MigrationContext, order: Order | None, environment: str, *, transactional: bool
) -> Parking | None:
    """The parking of a run; None where nothing can be parked."""
    connection = context.connection
    if order is None or connection is None or not transactional:
        return None
    if connection.dialect.name not in ("postgresql", "sqlite"):
        return None
    store = store_of(connection, order.folder)
    if store is None:
        return None
    tables = tables_of(connection)
    new = not tables.columns(Place(context.version_table, context.version_table_schema))
    crash_copy = None
    file = park_file(connection, order.folder)
    if file is not None:
        with store.reading():
            adopt(file, tables)
        crash_copy = CrashCopy(connection, file)
    return Parking(ParkingRun(connection, store, tables, order, environment, crash_copy), new_database=new)


def foretold(
    connection: Connection, order: Order | None, found: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The losses with ``parked``, whether their rows are parked, and ``why`` where they cannot be.

    Raises Failure("park-limit").
    """
    return [loss | _foretold(connection, order, loss) for loss in found]


def _foretold(connection: Connection, order: Order | None, loss: dict[str, Any]) -> dict[str, Any]:
    if order is None or not order.park or not loss["down"] or loss["table"] is None:
        return {"parked": False, "why": None}
    if connection.dialect.name not in ("postgresql", "sqlite"):
        return {"parked": False, "why": "only PostgreSQL and SQLite park rows"}
    if store_of(connection, order.folder) is None:
        return {"parked": False, "why": "the database is in memory"}
    tables = tables_of(connection)
    place = tables.resolve(Name(loss["table"], loss["schema"]))
    if place is None:
        return {"parked": False, "why": "it is no ordinary table"}
    dropped = [loss["column"]] if loss["column"] is not None else []
    key = tables.key(place, dropped)
    if dropped and not key:
        return {"parked": False, "why": "the table has no key to park them by"}
    names = [*dropped, *key] if dropped else [each.name for each in tables.columns(place)]
    size = tables.size(place, names, order.limit)
    if size > order.limit:
        raise too_large(place.schema, place.table, loss["column"], size, order.limit)
    return {"parked": True, "why": None}
