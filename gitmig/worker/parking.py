"""Parks the rows that a downgrade drops, just before it drops them, and has them put back by the upgrade.

Listens to the statements of a step on its own connection: what it copies is in the step's transaction, so
that it stays or goes with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError

from ..wire.sql import Name
from .blockers import sqlstate
from .crash_copy import CrashCopy, adopt
from .dropping import Downgrade
from .environment import first_line
from .park_entry import Entry
from .park_places import park_file, store_of
from .park_store import NOT_THEIRS
from .parking_step import Order, ParkingRun, Step, too_large, why_not
from .returning import Upgrade
from .tables import Place, tables_of
from .tables import run as execute

_SAVEPOINT = "gitmig_step"
_WAITED = frozenset({"55P03", "57014", "40P01", "40001", "57P01", "57P02", "57P03"})
"""A lock that was not had, a limit of time, a deadlock, a conflict, the end of the server."""
MADE_ANEW = "the database was made anew"
"""Why an entry is none of this database's."""


class Parking:
    """The parking of one run of env.py on one connection."""

    def __init__(self, run: ParkingRun):
        self._run = run
        self._known: list[Entry] | None = None
        """What is parked; None where a step may have changed it."""
        self._closed = False
        """Whether it is another user's."""

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
        """Apply a step. Raises Failure("park") where the rows cannot be kept, and what ``apply`` raises."""
        if action == "downgrade":
            if self._run.order.park or self._all():
                self._known = None
                with self._listening(Downgrade(self._run, revision)):
                    apply()
            else:
                apply()
        elif entries := self._entries(revision):
            self._known = None
            self._bring_back(Upgrade(self._run, revision, entries), apply)
        else:
            apply()

    def _bring_back(self, step: Upgrade, apply: Callable[[], None]) -> None:
        """Rows that do not fit may not keep a step from being applied: then it is applied without them."""
        told, connection = len(self.back), self._run.connection
        execute(connection, f"SAVEPOINT {_SAVEPOINT}")
        try:
            with self._listening(step):
                apply()
        except DBAPIError as error:
            if step.ended or not step.touched or not _is_about_rows(error):
                raise
            execute(connection, f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            # Now already: without the rows the step may come to where it commits by itself.
            execute(connection, f"RELEASE SAVEPOINT {_SAVEPOINT}")
            del self.back[told:]
            try:
                apply()
            except Exception:
                raise error from None  # It is not for the rows that it fails.
            step.leave(f"the upgrade fails with them: {first_line(error)}")
        else:
            # Where the step itself has ended the transaction, nothing is there to go back to.
            if not step.ended:
                execute(connection, f"RELEASE SAVEPOINT {_SAVEPOINT}")

    @contextmanager
    def _listening(self, step: Step) -> Iterator[None]:
        connection = self._run.connection
        heard = (("after_cursor_execute", step.after), ("commit", step.ending), ("rollback", step.ending))
        event.listen(connection, "before_cursor_execute", step.before, retval=True)
        for name, listener in heard:
            event.listen(connection, name, listener)
        try:
            yield
            with step.silent():
                step.end()
        finally:
            event.remove(connection, "before_cursor_execute", step.before)
            for name, listener in heard:
                event.remove(connection, name, listener)

    def close(self) -> None:
        """The transaction has ended."""
        self._run.store.close()
        if self._run.crash_copy is not None:
            self._run.crash_copy.remove()

    def _all(self) -> list[Entry]:
        if self._known is None:
            store = self._run.store
            with store.reading():
                # Whoever may not write there could not say what came back either.
                self._closed = store.exists() and store.why_not is not None
                self._known = [] if self._closed else store.entries(self._run.environment)
        return self._known

    def retire(self) -> None:
        """The database was made anew: what is parked is of another one, and does not come back by itself."""
        for entry in self._all():
            self._run.store.keep_left(entry, entry.rows, MADE_ANEW)
        self._known = None

    def _entries(self, revision: str) -> list[Entry]:
        """What the upgrade of a revision may bring back: of each table or column the newest copy."""
        newest: dict[tuple[Place, bool, tuple[str, ...]], Entry] = {}
        for entry in self._all():
            if entry.revision == revision and entry.why != MADE_ANEW:
                newest[entry.place, entry.whole, tuple(each.name for each in entry.columns)] = entry
        if self._closed:
            self._run.unread = NOT_THEIRS
        return list(newest.values())


def _is_about_rows(error: DBAPIError) -> bool:
    """Whether the database refuses something: not that it waited in vain, or is gone."""
    name = str(getattr(error.orig, "sqlite_errorname", ""))
    busy = name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or sqlstate(error.orig) in _WAITED
    return not (busy or error.connection_invalidated)


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
    crash_copy = None
    file = park_file(connection, order.folder)
    if file is not None:
        with store.reading():
            adopt(file, tables)
        crash_copy = CrashCopy(connection, file)
    parking = Parking(ParkingRun(connection, store, tables, order, environment, crash_copy))
    if not tables.columns(Place(context.version_table, context.version_table_schema)):
        parking.retire()
    return parking


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
    store = store_of(connection, order.folder)
    if store is None:
        return {"parked": False, "why": "the database is in memory"}
    tables = tables_of(connection)
    found = tables.look(Name(loss["table"], loss["schema"]))
    if found is None:
        return {"parked": False, "why": "it is no ordinary table"}
    place = found.place
    dropped = [loss["column"]] if loss["column"] is not None else []
    key = tables.key(place, dropped)
    if (why := why_not(store, found, key, whole=not dropped)) is not None:
        return {"parked": False, "why": why}
    names = [*dropped, *key] if dropped else [each.name for each in tables.columns(place)]
    size = tables.size(place, names, order.limit)
    if size > order.limit:
        raise too_large(place.schema, place.table, loss["column"], size, order.limit)
    return {"parked": True, "why": None}
