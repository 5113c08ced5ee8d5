"""All that one run holds so that nobody else moves the database, and its patience with others' locks."""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy import Connection

from .blockers import Blockers, blockers_of
from .file_lock import LockFile, database_file
from .session_lock import NoLock, lock_for


class Note(Protocol):
    """Something that is said in passing: the holder of a lock that is "waiting" or "blocked"."""

    def __call__(self, name: str, /, *, holder: str) -> None:
        """Say it."""


class Locks:
    """The locks of one run of env.py, none held yet.

    The request's ``wait`` is how many seconds to wait for another run, ``ddl_lock_timeout`` how many a
    statement may wait for another session (0: as long as it takes; None: the default), and ``lock`` is
    "none" if no lock is to be taken. ``note`` says who is waited for.
    """

    def __init__(self, note: Note, request: dict[str, Any]):
        self._note = note
        self.wait = float(request.get("wait") or 0)
        self._reserved = request.get("lock")
        self._patience = request.get("ddl_lock_timeout")
        self._held: dict[tuple[str, str], NoLock] = {}
        self._files: dict[str, LockFile] = {}
        self._blockers: list[Blockers] = []

    def take_file(self, connection: Connection) -> None:
        """SQLite's lock file, before any transaction. Raises Failure("lock")."""
        file = database_file(connection) if self._reserved != "none" else None
        if file is not None and file not in self._files:
            lock = LockFile(file)
            lock.acquire(self.wait, self.waiting)
            self._files[file] = lock

    def take(self, connection: Connection, version_table: str) -> None:
        """The database's lock; from here on statements wait only so long. Raises Failure("lock")."""
        self.hold(connection, version_table).guard(connection, self.wait, self.waiting)
        self._blockers.append(blockers_of(connection, self._patience, self._blocked))
        self._blockers[-1].begin()

    def hold(self, connection: Connection, version_table: str) -> NoLock:
        """The database's lock and nothing else; ``connection`` may end. Raises Failure("lock")."""
        place = (connection.engine.url.render_as_string(hide_password=False), version_table)
        lock = self._held.get(place)
        if lock is None:
            lock = self._held[place] = lock_for(connection, version_table, self._reserved)
            lock.acquire(self.wait, self.waiting)
        else:
            # An env.py that goes through the schemas of one database comes here for each of them.
            lock.leave()
        return lock

    def tokens(self) -> list[str]:
        """Who holds them, in words that nobody else has."""
        found = [lock.token() for lock in self._held.values()]
        found += [file.token() for file in self._files.values()]
        return [token for token in found if token is not None]

    def cancel(self) -> None:
        """End the statement that is running, from any thread; nothing happens where that is not possible."""
        for blockers in self._blockers:
            blockers.cancel()

    def check(self) -> None:
        """Raise Failure("lock") where one was lost since."""
        for lock in self._held.values():
            lock.check()

    def gave_up(self, error: BaseException) -> str | None:
        """If ``error`` is a statement that waited for another session in vain: for how long, for whom."""
        return next((reason for blockers in self._blockers if (reason := blockers.gave_up(error))), None)

    def release(self) -> None:
        """Let go of everything; the transaction has ended by now."""
        for blockers in self._blockers:
            blockers.end()
        for lock in self._held.values():
            lock.release()
        for file in self._files.values():
            file.release()

    def waiting(self, holder: str) -> None:
        """Tell whose lock is waited for."""
        self._note("waiting", holder=holder)

    def _blocked(self, holder: str) -> None:
        self._note("blocked", holder=holder)
