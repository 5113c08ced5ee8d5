"""A second copy of rows that are parked, where SQLite does not commit two files as one.

With a rollback journal the database and the file of parked rows are committed together. In WAL mode, say,
each is committed by itself, the database first: a crash in between would take the rows along. So they are
copied into a file of their own before, out of what was committed last, and that file goes when the run has
ended.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import SQLAlchemyError

from .park_store import Entry, SqliteStore, is_empty
from .statements import Name
from .tables import Column, Place, run, tables_of

_TOGETHER = ("delete", "truncate", "persist")


class CrashCopy:
    """The second copies of one run."""

    def __init__(self, connection: Connection, file: str):
        self._connection = connection
        self._file = f"{file}-crash"
        self._path = next(row[2] for row in run(connection, "PRAGMA database_list") if row[1] == "main")
        self._needed = run(connection, "PRAGMA main.journal_mode").scalar() not in _TOGETHER

    def keep(self, place: Place, columns: tuple[Column, ...], key: tuple[Column, ...], **about: Any) -> None:
        """Copy what is about to be parked; what this run itself has made is not there to be copied."""
        if not self._needed:
            return
        os.makedirs(os.path.dirname(self._file), exist_ok=True)
        engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(self._path))
        # An encrypted database is read by its own driver only.
        with contextlib.suppress(SQLAlchemyError), engine.connect() as own:
            tables = tables_of(own)
            if tables.resolve(Name(place.table)) == place:
                SqliteStore(own, self._file).park(place, columns, key, name=place, **about)
                own.commit()
        engine.dispose()

    def remove(self) -> None:
        """The run has ended, one way or the other."""
        with contextlib.suppress(OSError):
            os.unlink(self._file)


def adopt(file: str, is_gone: Callable[[Entry], bool]) -> None:
    """Take over what a crash left: the copies of what ``is_gone`` from the database, and is not parked.

    Where it is still there the run was rolled back, and the copy is worth nothing.
    """
    crash = f"{file}-crash"
    if not os.path.exists(crash):
        return
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(file))
    with engine.connect() as own:
        store = SqliteStore(own, crash)
        parked = SqliteStore(own, file, main=True)
        known = {(entry.operation, entry.revision, entry.place, entry.columns) for entry in parked.entries()}
        for entry in store.entries():
            same = (entry.operation, entry.revision, entry.place, entry.columns)
            if same not in known and is_gone(entry):
                parked.take(entry, store.copy(entry.id))
        own.commit()
    engine.dispose()
    os.unlink(crash)
    if is_empty(file):
        os.unlink(file)
