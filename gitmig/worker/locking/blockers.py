"""Other sessions' locks that a migration waits for: how long it may wait, and who is in the way.

The migrating connection cannot ask while it waits, so a thread does, on a connection of its own.
"""

from __future__ import annotations

import asyncio
import math
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from ...wire.redaction import without_passwords
from ..channel import Failure, ParentGone

DEFAULT_SECONDS = 5.0
_POLL = 0.3

_POSTGRES = """select distinct b.pid, a.application_name, a.state, a.query,
        extract(epoch from clock_timestamp() - coalesce(a.xact_start, a.backend_start))::int
    from unnest(pg_blocking_pids(:ours)) b (pid) left join pg_stat_activity a on a.pid = b.pid order by 1"""
# The server does not say who holds a metadata lock; whoever has a transaction open here may be.
_MYSQL = """select p.id, p.user, p.host, p.info, timestampdiff(second, t.trx_started, now())
    from information_schema.innodb_trx t join information_schema.processlist p on p.id = t.trx_mysql_thread_id
    where p.id <> :ours and exists (select 1 from information_schema.processlist w
        where w.id = :ours and w.state like 'Waiting for %lock') order by t.trx_started limit 3"""


def blockers_of(connection: Connection, seconds: float | None, waiting: Callable[[str], None]) -> Blockers:
    """The watch over a migrating connection, not begun.

    ``seconds`` is how long a statement may wait, 0 for as long as it takes, None if nobody said;
    ``waiting`` is called, from another thread, with who is in the way.
    """
    backend = connection.dialect.name
    if backend == "postgresql":
        return _PostgresBlockers(connection, seconds, waiting)
    if backend in ("mysql", "mariadb"):
        return _MySqlBlockers(connection, seconds, waiting)
    return Blockers(connection)


@contextmanager
def reading(connection: Connection) -> Iterator[None]:
    """While this lasts, no statement that only looks waits long for another session's lock.

    Raises Failure("reading"), which says for whom it has waited.
    """
    # PostgreSQL's own limit stays, if there is one; that of MariaDB is a day.
    seconds = None if connection.dialect.name == "postgresql" else DEFAULT_SECONDS
    blockers = blockers_of(connection, seconds, lambda holder: None)
    blockers.begin()
    try:
        yield
    except DBAPIError as error:
        gave_up = blockers.gave_up(error)
        if gave_up is None:
            raise
        raise Failure("reading", f"reading the database {gave_up}") from None
    finally:
        blockers.end()


class Blockers:
    """For databases whose waiting is limited otherwise: SQLite's is that for its one write lock."""

    def __init__(self, connection: Connection):
        self._connection = connection

    def cancel(self) -> None:
        """End the statement that the migrating connection runs, if there is one; from any thread."""
        driver: Any = self._connection.connection.driver_connection
        # Of an asynchronous driver it is the connection within.
        with suppress(Exception):
            getattr(driver, "_conn", driver).interrupt()

    def begin(self) -> None:
        """Limit the waiting, and look for who is in the way from now on."""

    def gave_up(self, error: BaseException) -> str | None:
        """If ``error`` is the end of the waiting: "waited for 5 s for a lock of …", else None."""

    def end(self) -> None:
        """Look no more."""


class _WatchedConnection(Blockers):
    """Polls from a thread what the migrating connection waits for."""

    def __init__(self, connection: Connection, seconds: float | None, waiting: Callable[[str], None]):
        super().__init__(connection)
        self._asked = seconds
        self._seconds: float | None = None
        """How long a statement waits at most, as far as it is known."""
        self._waiting = waiting
        self._ours = 0
        self._holder: str | None = None
        self._seen: list[Any] = []
        self._all_autocommit = self._autocommit()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gitmig-blockers", daemon=True)

    def begin(self) -> None:
        self._limit()
        event.listen(self._connection, "begin", self._beginning)
        self._thread.start()

    def gave_up(self, error: BaseException) -> str | None:
        if not isinstance(error, DBAPIError) or not self._is_timeout(error.orig):
            return None
        limit = f" for {self._seconds:g} s" if self._seconds else ""
        return f"waited{limit} for a lock of {self._holder or 'another session'}"

    def end(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2)

    def _beginning(self, connection: Connection) -> None:
        self._limit()

    def _autocommit(self) -> bool:
        if self._connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
            return True
        return getattr(self._connection.connection.driver_connection, "autocommit", False) is True

    def _execute(self, statement: str) -> Any:
        # On the driver: a statement through SQLAlchemy would begin what is just beginning.
        cursor = self._connection.connection.cursor()
        try:
            cursor.execute(statement)
            return cursor.fetchone() if cursor.description else None
        finally:
            cursor.close()

    def cancel(self) -> None:
        def statement(connection: Connection) -> None:
            connection.execute(text(self.CANCEL), {"ours": self._ours})

        self._beside(statement)

    def _run(self) -> None:
        if not self._ended.wait(self._pause):
            self._beside(self._watch)

    @property
    def _pause(self) -> float:
        return min(_POLL, (self._seconds or _POLL * 3) / 3)

    def _watch(self, connection: Connection) -> None:
        while not self._ended.is_set():
            self._look(connection)
            self._ended.wait(self._pause)

    def _beside(self, work: Callable[[Connection], None]) -> None:
        """Do something on a connection beside the migrating one, in a thread of its own.

        Best effort: where there is no second connection to be had, the migration goes on unwatched.
        """
        with suppress(Exception, ParentGone):
            if self._connection.dialect.is_async:
                from sqlalchemy.util.concurrency import greenlet_spawn

                asyncio.run(greenlet_spawn(self._with_connection, work))
            else:
                self._with_connection(work)

    def _with_connection(self, work: Callable[[Connection], None]) -> None:
        theirs = self._connection.engine
        engine = Engine(theirs.pool.recreate(), theirs.dialect, theirs.url)
        try:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                work(connection)
        finally:
            engine.dispose()

    def _look(self, connection: Connection) -> None:
        rows = connection.execute(text(self.QUERY), {"ours": self._ours}).all()
        if not rows:
            return
        self._holder = " and ".join(self._described(*row) for row in rows)
        if self._seen != (seen := [row[0] for row in rows]):
            self._seen = seen
            self._waiting(self._holder)

    QUERY = CANCEL = ""

    def _limit(self) -> None:
        raise NotImplementedError

    def _is_timeout(self, error: Any) -> bool:
        raise NotImplementedError

    def _described(self, *row: Any) -> str:
        raise NotImplementedError


class _PostgresBlockers(_WatchedConnection):
    """`lock_timeout`, set in each transaction: a session's setting would stay behind in a pool.

    A limit that env.py, the role or the database has set stays, unless another one was asked for. What
    runs in an `autocommit_block()` waits as long as it takes, unless a limit was asked for: CREATE INDEX
    CONCURRENTLY would leave an invalid index behind, and keeps nobody from working while it waits.
    """

    QUERY = _POSTGRES
    CANCEL = "select pg_cancel_backend(:ours)"

    def _limit(self) -> None:
        self._ours, set_already = self._execute(
            "select pg_backend_pid(), setting::float8 / 1000 from pg_settings where name = 'lock_timeout'"
        )
        autocommit = self._autocommit()
        seconds = self._asked
        if seconds is None:
            in_block = autocommit and not self._all_autocommit
            seconds = set_already if set_already or in_block else DEFAULT_SECONDS
        if seconds != set_already:
            self._execute(f"set {'' if autocommit else 'local '}lock_timeout = {math.ceil(seconds * 1000)}")
        self._seconds = seconds

    def _is_timeout(self, error: Any) -> bool:
        return sqlstate(error) == "55P03"

    def _described(self, *row: Any) -> str:
        pid, application, state, query, seconds = row
        if not pid:
            return "a prepared transaction"
        named = f" ({one_line(application)})" if application else ""
        since = "" if seconds is None else f", in its transaction for {seconds} s"
        runs = "running" if state in ("active", None) else f"{state}, after"
        return f"PostgreSQL session {pid}{named}{since}, {runs}: {without_literals(query, 'postgresql')}"


class _MySqlBlockers(_WatchedConnection):
    """`lock_wait_timeout`, only if it was asked for: giving up there leaves a step half done."""

    QUERY = _MYSQL
    CANCEL = "kill query :ours"

    def _limit(self) -> None:
        self._ours, set_already = self._execute("select connection_id(), @@session.lock_wait_timeout")
        if self._asked:
            # The server counts whole seconds.
            self._execute(f"set session lock_wait_timeout = {math.ceil(self._asked)}")
        self._seconds = float(math.ceil(self._asked) if self._asked else set_already)

    def _is_timeout(self, error: Any) -> bool:
        return bool(getattr(error, "args", ())) and error.args[0] == 1205

    def _described(self, *row: Any) -> str:
        number, user, host, query, seconds = row
        runs = f"running: {without_literals(query, 'mysql')}" if query else "idle"
        who = one_line(f"{user}@{host}")
        return f"session {number} ({who}), in its transaction for {seconds} s, {runs}"


def sqlstate(error: object) -> str | None:
    """The SQLSTATE of a driver's exception: psycopg2 calls it pgcode, the others sqlstate."""
    found = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return found if isinstance(found, str) else None


_LITERAL = {"postgresql": re.compile(r"'|\$\w*\$"), "mysql": re.compile(r"['\"]")}
_MOST = 100


def one_line(text: str | None) -> str:
    """A text on one line, without control characters and passwords, cut short."""
    printable = "".join(char if char.isprintable() else " " for char in text or "")
    line = without_passwords(" ".join(printable.split()))
    return line if len(line) <= _MOST else f"{line[:_MOST]}…"


def without_literals(query: str | None, backend: str) -> str:
    """A query as :func:`one_line`, cut off before its first literal: that may be a password.

    Cut off, not replaced: a quote in a comment would have the literals taken for what is between them.
    """
    before, *rest = _LITERAL[backend].split(query or "", maxsplit=1)
    return one_line(f"{before}…" if rest else before)
