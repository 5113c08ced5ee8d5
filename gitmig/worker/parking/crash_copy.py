"""A second copy of rows that are parked, where SQLite does not commit two files as one.

With a rollback journal the database and the file of parked rows are committed together. In WAL mode each is
committed by itself, the database first: a crash in between would take the rows along. So they are copied into
a file of their own before, out of what was committed last. That file goes when the run has ended and the rows
are where they belong.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import Any

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ...wire.sql import Name
from .entry import ParkedEntry
from .stores import SqliteStore, is_empty, make_private
from .tables import Column, TableName, Tables, run, tables_of


class CrashCopy:
    """The second copies of one run."""

    def __init__(self, connection: Connection, file: str):
        self._connection = connection
        self._parked = file
        self._file = f"{file}-crash"
        self._path = next(row[2] for row in run(connection, "PRAGMA database_list") if row[1] == "main")
        # Without any journal on disk a crash takes more than these rows.
        self._needed = run(connection, "PRAGMA main.journal_mode").scalar() == "wal"

    def keep(
        self, place: TableName, columns: tuple[Column, ...], key: tuple[Column, ...], **about: Any
    ) -> None:
        """Copy what is about to be parked; what this run itself has made is not there to be copied.

        Raises DBAPIError and OSError if there is no room for it, say.
        """
        if not self._needed:
            return
        engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(self._path))
        with engine.connect() as own:
            try:
                tables = tables_of(own)
                there = tables.resolve(Name(place.table))
                present = {column.name for column in tables.columns(place)}
            except DBAPIError:
                there, present = None, set()  # An encrypted database is read by its own driver only.
            # What this run has renamed has another name there, which SQLite would take for a text.
            if there == place and {each.name for each in (*columns, *key)} <= present:
                SqliteStore(own, self._file).park(place, columns, key, name=place, **about)
                own.commit()
        engine.dispose()

    def remove(self) -> None:
        """The run has ended, one way or the other: the second file may have failed after the first."""
        if not os.path.exists(self._file):
            return
        engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(self._path))
        # What cannot be taken over now is by the next run.
        with contextlib.suppress(SQLAlchemyError, OSError, sqlite3.Error), engine.connect() as own:
            adopt(self._parked, tables_of(own))
        engine.dispose()


def adopt(file: str, tables: Tables) -> None:
    """Take over what a crash left: the copies of what is gone from the database, and is not parked.

    Where it is still there the run was rolled back, and the copy is worth nothing.
    """
    crash = f"{file}-crash"
    if not os.path.exists(crash):
        return
    make_private(file)
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(file))
    with engine.connect() as own:
        store = SqliteStore(own, crash)
        parked = SqliteStore(own, file, main=True)
        known = parked.entries()
        for entry in store.entries():
            if _is_gone(tables, entry) and not any(_is_same(entry, each) for each in known):
                parked.take(entry, store.copy(entry.id))
        own.commit()
    engine.dispose()
    os.unlink(crash)
    if is_empty(file):
        os.unlink(file)


def _is_same(entry: ParkedEntry, parked: ParkedEntry) -> bool:
    return (entry.operation, entry.revision, entry.place) == (
        parked.operation,
        parked.revision,
        parked.place,
    ) and {each.name for each in entry.columns} <= {each.name for each in parked.columns}


def _is_gone(tables: Tables, entry: ParkedEntry) -> bool:
    present = {column.name for column in tables.columns(entry.place)}
    return not present or (not entry.whole and any(each.name not in present for each in entry.columns))
