"""SQLite made truly transactional, and its write lock polled instead of waited in.

Python's driver commits before DDL of its own accord, and Alembic takes SQLite for non-transactional. Here
the driver begins nothing by itself, and every transaction begins with `BEGIN IMMEDIATE`.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import DBAPICursor

from ..channel import Failure
from .run import EnvRunStopped, database_name

Violations = Counter[tuple[str, str]]
"""How many rows of a table lack their row of another."""

_BUSY, _LOCKED = 5, 6


class SqliteTransactions:
    """One connection that begins its transactions with `BEGIN IMMEDIATE`.

    Made before `configure()`: the PRAGMAs go to the driver's own connection, because a statement through
    SQLAlchemy would begin a transaction that Alembic then takes for env.py's. ``wait`` is how many seconds
    to poll for the write lock; ``waiting`` is called once when somebody else holds it.
    """

    def __init__(self, connection: Connection, wait: float, waiting: Callable[[str], None]):
        self._connection = connection
        self._wait = wait
        self._waiting = waiting
        self._violations: Violations = Counter()
        if not self._in_transaction():
            # A batch operation drops and renames the table: with enforcement on, child rows go with it.
            self._execute("PRAGMA foreign_keys=OFF")
        event.listen(connection, "begin", self._begin)

    def lock(self) -> None:
        """Hold the write lock, also if env.py began the transaction before `configure()`."""
        if self._connection.in_transaction() and not self._in_transaction():
            self._begin(self._connection)

    def remember_foreign_keys(self) -> None:
        """Count what violates foreign keys before anything moves."""
        self._violations = self._foreign_key_violations()

    def check_foreign_keys(self) -> str | None:
        """What violates a foreign key beyond what did when it was remembered; None if nothing does."""
        now = self._foreign_key_violations()
        if now.total() <= self._violations.total():
            return None
        (table, parent), rows = next(iter((now - self._violations).items()))
        counted = f"{rows} rows" if rows > 1 else "a row"
        return f"foreign keys are violated: {counted} of {table} without a row of {parent}"

    def _begin(self, connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
            return
        driver: Any = connection.connection.dbapi_connection
        if getattr(driver, "autocommit", -1) != -1 and not callable(driver.autocommit):
            # Python 3.12's own transactions begin without IMMEDIATE: back to the driver of before.
            driver.rollback()
            driver.autocommit = -1
        # Set each time: leaving an autocommit_block() sets it back.
        driver.isolation_level = None
        timeout = self._execute("PRAGMA busy_timeout")[0][0]
        self._execute("PRAGMA busy_timeout=0")
        try:
            self._poll()
        finally:
            self._execute(f"PRAGMA busy_timeout={timeout}")

    def _poll(self) -> None:
        end = time.monotonic() + self._wait
        noted = False
        while True:
            try:
                self._execute("BEGIN IMMEDIATE")
                return
            except self._connection.dialect.loaded_dbapi.Error as error:
                if not _is_busy(error):
                    name = database_name(self._connection.engine.url)
                    raise EnvRunStopped(Failure("database", f"{error}: {name}")) from error
            name = database_name(self._connection.engine.url)
            holder = f"another process, which is writing to {name}"
            if time.monotonic() >= end:
                message = f"another process is writing to {name}"
                raise EnvRunStopped(Failure("lock", message, holder=holder))
            if not noted:
                noted = True
                self._waiting(holder)
            time.sleep(random.uniform(0.01, 0.05))

    def _foreign_key_violations(self) -> Violations:
        try:
            rows = self._execute("PRAGMA foreign_key_check")
        except self._connection.dialect.loaded_dbapi.Error:
            return Counter()  # a foreign key that SQLite itself cannot make sense of
        return Counter((str(row[0]), str(row[2])) for row in rows)

    def _execute(self, statement: str) -> list[tuple[Any, ...]]:
        cursor: DBAPICursor = self._connection.connection.cursor()
        try:
            cursor.execute(statement)
            return list(cursor.fetchall())
        finally:
            cursor.close()

    def _in_transaction(self) -> bool:
        driver = self._connection.connection.driver_connection
        return bool(getattr(driver, "in_transaction", False))


def is_missing_file(path: str, uri: bool) -> bool:
    """Whether connecting to this SQLite database would create a file."""
    if path in ("", ":memory:") or "mode=memory" in path or ":memory:" in path:
        return False
    return not os.path.exists(_file(path, uri))


def has_folder(path: str, uri: bool) -> bool:
    """Whether the folder of an SQLite file is there."""
    return os.path.isdir(os.path.dirname(_file(path, uri)) or os.curdir)


def _file(path: str, uri: bool) -> str:
    return path[len("file:") :].partition("?")[0] if uri and path.startswith("file:") else path


def _is_busy(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", None)  # Python 3.11
    if code is None:
        return "locked" in str(error)
    return code & 0xFF in (_BUSY, _LOCKED)
