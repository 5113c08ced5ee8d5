"""The ``park`` request: what is parked, its rows, or its end."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine

from ..channel import Failure
from ..environment.heads import no_new_files
from ..environment.run import EnvRun, database_name, run_environment, table_name
from ..moving.migration import Migration
from ..parking.entry import ParkedEntry
from ..parking.store import NOT_THEIRS, Store
from ..parking.stores import SqliteStore, park_file, store_of
from ..session import Session


def parked(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """``{database, entries, columns, rows}``: what is parked of this environment, oldest first.

    ``folder`` is where SQLite's rows are kept. With ``show`` the rows of that entry as text, ``limit`` of
    them; with ``drop`` those entries are deleted, in a transaction under the database's lock. Else nothing
    is changed or created.
    """
    if request.get("drop"):
        dropping = _Dropping(session, request)
        try:
            run_environment(session, dropping)
        finally:
            dropping.release()
        return dropping.found
    look = _Look(session, request)
    with no_new_files([]):
        run_environment(session, look)
    return look.found


class _Look(EnvRun):
    def __init__(self, session: Session, request: dict[str, Any]):
        self._section = session.options.section
        self._request = request
        self.found: dict[str, Any] = {}

    def running(self, context: MigrationContext, proceed: Callable[[], None]) -> None:
        connection = context.connection
        assert connection is not None
        environment = f"{self._section}:{table_name(context)}"
        with _reading(connection, self._request["folder"]) as store:
            with store.reading() if store is not None else contextlib.nullcontext():
                if store is not None and store.exists() and store.is_closed:
                    raise Failure("park", NOT_THEIRS, hint="connect as the user who owns the schema gitmig")
                entries = store.entries(environment) if store is not None else []
            # An env.py for several databases comes here for each of them.
            listed = [*self.found.get("entries", ()), *(entry.as_json() for entry in entries)]
            name = database_name(connection.engine.url)
            self.found = {"columns": [], "rows": [], "database": name, **self.found, "entries": listed}
            for entry in entries:
                if store is not None and entry.id == self._request.get("show"):
                    with store.reading():
                        self.found |= _shown(store, entry, self._request.get("limit"))


class _Dropping(Migration):
    def __init__(self, session: Session, request: dict[str, Any]):
        super().__init__(session, request)
        self._numbers: list[int] = request["drop"]
        self._folder: str = request["folder"]
        self._stores: list[Store] = []
        self.found: dict[str, Any] = {}

    def running(self, context: MigrationContext, proceed: Callable[[], None]) -> None:
        self.prepare(context)
        assert context.connection is not None
        store = store_of(context.connection, self._folder)
        if store is None:
            return
        self._stores.append(store)
        with context.begin_transaction():
            for entry in store.entries(f"{self.session.options.section}:{table_name(context)}"):
                if entry.id in self._numbers:
                    store.remove(entry.id)

    def finish(self) -> None:
        """No plan is made here."""

    def release(self) -> None:
        for store in self._stores:
            store.close()
        super().release()


@contextlib.contextmanager
def _reading(connection: Connection, folder: str) -> Iterator[Store | None]:
    """The store, read only: SQLite's file is opened by itself, and not made."""
    file = park_file(connection, folder)
    if connection.dialect.name == "postgresql":
        yield store_of(connection, folder)
    elif file is None or not os.path.exists(file):
        yield None
    else:
        engine = create_engine("sqlite://", creator=lambda: _read_only(file))
        with engine.connect() as own:
            yield SqliteStore(own, file, main=True)
        engine.dispose()


def _read_only(file: str) -> sqlite3.Connection:
    if os.path.exists(f"{file}-journal"):
        # Of a killed writer: who only reads could not take back what it had begun.
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(file)) as own:
            own.execute("select count(*) from sqlite_master")
    quoted = file.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return sqlite3.connect(f"file:{quoted}?mode=ro", uri=True)


def _shown(store: Store, entry: ParkedEntry, limit: int | None) -> dict[str, Any]:
    columns = list(dict.fromkeys(each.name for each in (*entry.key, *entry.columns)))
    return {
        "columns": columns,
        "rows": [[_text(value) for value in row] for row in store.rows(entry, limit)],
    }


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return "x'" + value.hex() + "'" if isinstance(value, bytes) else str(value)
