"""The database's lock, polled and never waited in, so that one worker moves it at a time.

A waiter inside `pg_advisory_lock` would hold a snapshot that CREATE INDEX CONCURRENTLY waits for, for
ever. The lock lives on a connection of its own in autocommit mode: it outlasts the commits of
`autocommit_block()`, and the server drops it with the connection when the process dies. SQLite's lock is
its write lock; see sqlite.py.

That connection is idle for as long as a step takes: the server must not end it for that. And it ends with
the process at once, while the server may still be carrying out a statement, or a commit, of a process that
was killed. So the migrating session holds a second lock, the guard, which lasts as long as that session does.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from ..channel import Failure
from .blockers import one_line, without_literals
from .inherited import inherited


class NoLock:
    """For databases that need none beyond their own, or when the request says ``lock: none``."""

    def acquire(self, wait: float, waiting: Callable[[str], None]) -> None:
        """Hold the lock; poll for at most ``wait`` seconds. Raises Failure("lock") with the holder."""

    def guard(self, connection: Connection, wait: float, waiting: Callable[[str], None]) -> None:
        """Have the migrating ``connection`` hold the guard too; else as :meth:`acquire`."""

    def leave(self) -> None:
        """Let the migrating connection let go of the guard: the next one is to hold it."""

    def check(self) -> None:
        """Raise Failure("lock") where the lock was lost since."""

    def token(self) -> str | None:
        """Who holds the lock, in a word that nobody else has; None if nobody does."""
        return None

    def release(self) -> None:
        """Let go, and close the lock's connection."""


def lock_for(connection: Connection, version_table: str, reserved: str | None = None) -> NoLock:
    """The lock of a database and version table, not yet held. ``reserved`` "none" switches it off."""
    backend = connection.dialect.name
    if reserved == "none":
        return NoLock()
    if backend == "postgresql":
        return PostgresLock(connection, version_table)
    if backend in ("mysql", "mariadb"):
        return MySqlLock(connection, version_table)
    return NoLock()


class _SessionLock(NoLock):
    """A lock that a second connection to the same database holds."""

    def __init__(self, connection: Connection, version_table: str):
        engine = connection.engine
        # A pool of our own: the project's may be one connection large.
        self._engine = Engine(engine.pool.recreate(), engine.dialect, engine.url)
        self._version_table = version_table
        self._connection: Connection | None = None
        self._backend: object = None
        self._guarded: Any = None
        self._inherited: str | None = None

    def acquire(self, wait: float, waiting: Callable[[str], None]) -> None:
        self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._backend = self._scalar(self.BACKEND)
        self._poll(self._taken, self._parameters(), wait, waiting)
        # A pooling proxy is found before anything moves, and before its session is set to anything.
        self.check()
        self._connection.execute(text(self.STAY))

    def guard(self, connection: Connection, wait: float, waiting: Callable[[str], None]) -> None:
        driver = connection.connection
        if connection.dialect.is_async and not isinstance(connection.engine.pool, NullPool):
            return  # it could not be let go of: the pool keeps the session
        parameters = self._guard_parameters()
        statement = self.TRY_GUARD.format(**parameters)
        self._poll(lambda: self._on(driver, statement), parameters, wait, waiting)
        self._guarded = driver.dbapi_connection

    def token(self) -> str | None:
        row = self._row(self._WHO, **self._parameters())
        return None if row is None else " ".join(map(str, (*self._parameters().values(), row[0])))

    def _taken(self) -> bool:
        if self._scalar(self.TRY, **self._parameters()):
            return True
        self._inherited = inherited(self.token())
        return self._inherited is not None

    def _is_held(self) -> bool:
        if self._inherited is not None:
            return self.token() == self._inherited
        return self._scalar(self.BACKEND) == self._backend and bool(
            self._scalar(self.HELD, **self._parameters())
        )

    def _poll(
        self, taken: Callable[[], object], who: dict[str, Any], wait: float, waiting: Callable[[str], None]
    ) -> None:
        end = time.monotonic() + wait
        noted = False
        while not taken():
            late = time.monotonic() >= end
            if late or not noted:
                holder = self._holder(who)
                if late:
                    raise Failure("lock", f"the database is being moved by {holder}", holder=holder)
                noted = True
                waiting(holder)
            time.sleep(random.uniform(0.05, 0.2))

    def check(self) -> None:
        try:
            held = self._is_held()
        except DBAPIError:
            held = False
        if not held:
            message = "the database's lock was lost: its session is another one now (a pooling proxy?)"
            raise Failure("lock", message, holder=None, lost=True)

    def leave(self) -> None:
        # A pool may keep the migrating session.
        if self._guarded is not None:
            with contextlib.suppress(Exception):
                self._on(self._guarded, self.RELEASE_GUARD.format(**self._guard_parameters()))
                self._guarded.rollback()
            self._guarded = None

    def release(self) -> None:
        self.leave()
        # Closing for real ends the session, and the lock with it.
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
        self._engine.dispose()

    BACKEND = STAY = TRY = HELD = TRY_GUARD = RELEASE_GUARD = _WHO = ""

    def _parameters(self) -> dict[str, Any]:
        raise NotImplementedError

    def _guard_parameters(self) -> dict[str, Any]:
        raise NotImplementedError

    def _holder(self, parameters: dict[str, Any]) -> str:
        raise NotImplementedError

    @staticmethod
    def _on(driver: Any, statement: str) -> Any:
        """Run a statement on the driver: through SQLAlchemy it would begin env.py's transaction."""
        cursor = driver.cursor()
        try:
            cursor.execute(statement)
            return cursor.fetchone()[0]
        finally:
            cursor.close()

    def _scalar(self, statement: str, **parameters: Any) -> Any:
        assert self._connection is not None
        return self._connection.execute(text(statement), parameters).scalar()

    def _row(self, statement: str, **parameters: Any) -> Any:
        assert self._connection is not None
        return self._connection.execute(text(statement), parameters).first()

    def _digest(self, database: str) -> bytes:
        return hashlib.sha256(f"gitmig {database} {self._version_table}".encode()).digest()


# A key of one number has objsubid 1, one of two numbers 2.
_ADVISORY = """locktype = 'advisory' and granted and objsubid = :kind
    and classid = cast(:high as bigint)::oid and objid = cast(:low as bigint)::oid
    and database = (select oid from pg_database where datname = current_database())"""


class PostgresLock(_SessionLock):
    """An advisory lock of the session, keyed by database and version table."""

    BACKEND = "select pg_backend_pid()"
    STAY = "select set_config(name, '0', false) from pg_settings where name = 'idle_session_timeout'"
    TRY = "select pg_try_advisory_lock((cast(:high as bigint) << 32) | cast(:low as bigint))"
    TRY_GUARD = "select pg_try_advisory_lock({high}, {low})"
    RELEASE_GUARD = "select pg_advisory_unlock({high}, {low})"
    HELD = f"select count(*) from pg_locks where {_ADVISORY} and pid = pg_backend_pid()"
    _WHO = f"""select pid, application_name, to_char(backend_start, 'YYYY-MM-DD HH24:MI:SS')
        from pg_stat_activity where pid in (select pid from pg_locks where {_ADVISORY})"""
    # Its other connection has read the version table in the transaction that is still open.
    _WHAT = """select a.query from pg_locks l join pg_stat_activity a on a.pid = l.pid
        where l.locktype = 'relation' and l.granted and l.relation = to_regclass(:version_table)
        and a.state <> 'idle' order by a.xact_start limit 1"""

    def _parameters(self) -> dict[str, Any]:
        if not hasattr(self, "_key"):
            digest = self._digest(str(self._scalar("select current_database()")))
            self._key = {
                "high": int.from_bytes(digest[:4], "big"),
                "low": int.from_bytes(digest[4:8], "big"),
                "kind": 1,
            }
        return self._key

    def _guard_parameters(self) -> dict[str, Any]:
        # Two numbers with a sign.
        key = self._parameters()
        return {"high": key["high"] >> 1, "low": key["low"] >> 1, "kind": 2}

    def _holder(self, parameters: dict[str, Any]) -> str:
        row = self._row(self._WHO, **parameters)
        if row is None:
            return "a session that has just ended"
        pid, application, since = row
        query = self._scalar(self._WHAT, version_table=self._version_table)
        named = f" ({one_line(application)})" if application else ""
        running = f", running: {without_literals(query, 'postgresql')}" if query else ""
        return f"PostgreSQL session {pid}{named}, since {since}{running}"


class MySqlLock(_SessionLock):
    """A named lock of the session. The names are the server's, so the database is part of it."""

    BACKEND = "select connection_id()"
    STAY = "set session wait_timeout = 31536000"
    TRY = "select get_lock(:name, 0)"
    TRY_GUARD = "select get_lock('{name}', 0)"
    RELEASE_GUARD = "select release_lock('{name}')"
    HELD = "select is_used_lock(:name) = connection_id()"
    _WHO = (
        "select id, user, host, time, info from information_schema.processlist where id = is_used_lock(:name)"
    )

    def _parameters(self) -> dict[str, Any]:
        if not hasattr(self, "_key"):
            digest = self._digest(str(self._scalar("select database()")))
            self._key = {"name": f"gitmig:{digest.hex()[:32]}"}
        return self._key

    def _guard_parameters(self) -> dict[str, Any]:
        return {"name": f"{self._parameters()['name']}:guard"}

    def _holder(self, parameters: dict[str, Any]) -> str:
        row = self._row(self._WHO, **parameters)
        if row is None:
            return "a session that has just ended"
        number, user, host, seconds, query = row
        running = f", running: {without_literals(query, 'mysql')}" if query else ""
        return f"session {number} ({one_line(f'{user}@{host}')}), {seconds} s in its state{running}"
