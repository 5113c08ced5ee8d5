"""The lock of an SQLite database beyond its write lock, which ends with each transaction.

Between the transactions of a run (one per migration, `autocommit_block()`) another run would begin on
heads that this one is about to leave. So a file beside the database is locked from before the first
transaction until after the last, as SQLite does with its own journal there, and removed in the end.
"""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from ..channel import Failure
from .blockers import one_line
from .inherited import inherited

try:
    import fcntl
except ImportError:  # Windows: the write lock alone
    fcntl = None  # type: ignore[assignment]


def database_file(connection: Connection) -> str | None:
    """The file of an SQLite database, None for one in memory, and where a transaction is open already.

    Who has the write lock must not wait for the file's: the other way round is the order of everybody else.
    """
    driver: Any = connection.connection.driver_connection
    if getattr(driver, "in_transaction", False):
        return None
    cursor = connection.connection.cursor()
    try:
        cursor.execute("PRAGMA database_list")
        file = next((str(row[2] or "") for row in cursor.fetchall() if row[1] == "main"), "")
    finally:
        cursor.close()
    return os.path.realpath(file) if file else None


class LockFile:
    """``DATABASE-gitmig-lock``, not yet held. ``database`` is the path of the database's file."""

    def __init__(self, database: str):
        self._path = f"{database}-gitmig-lock"
        self._descriptor: int | None = None

    def acquire(self, wait: float, waiting: Callable[[str], None]) -> None:
        """Hold the lock; poll for at most ``wait`` seconds. Raises Failure("lock") with the holder.

        Where no file can be made (a read-only folder) there is no lock: SQLite cannot write there either.
        """
        end = time.monotonic() + wait
        noted = False
        while fcntl is not None:
            try:
                if self._taken() or inherited(self.token()):
                    return
            except OSError:
                return
            late = time.monotonic() >= end
            if late or not noted:
                holder = self._holder()
                if late:
                    raise Failure("lock", f"the database is being moved by {holder}", holder=holder)
                noted = True
                waiting(holder)
            time.sleep(random.uniform(0.01, 0.05))

    def token(self) -> str:
        """Who holds the lock, in a word that nobody else has."""
        return f"{self._path}: {self._holder()}"

    def release(self) -> None:
        """Let go, and remove the file."""
        if self._descriptor is None:
            return
        with suppress(OSError):
            os.unlink(self._path)
        os.close(self._descriptor)
        self._descriptor = None

    def _taken(self) -> bool:
        descriptor = self._opened()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not self._is_there(descriptor):
                raise BlockingIOError  # its holder removed it meanwhile: the next one is another file
        except BaseException as error:
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                return False
            raise
        self._descriptor = descriptor
        self._write_holder(descriptor)
        return True

    def _opened(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        except PermissionError:
            return os.open(self._path, os.O_RDONLY)  # another user's, left behind: good enough to lock

    def _is_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(descriptor))
        except FileNotFoundError:
            return False

    def _write_holder(self, descriptor: int) -> None:
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}, since {since}".encode())

    def _holder(self) -> str:
        try:
            with open(self._path, encoding="utf-8", errors="replace") as file:
                return one_line(file.read(1000)) or "another process"
        except OSError:
            return "a process that has just ended"
