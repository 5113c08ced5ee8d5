"""Moves the database: lock, plan, prepare, check, and commit or roll back on the command line's word."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from typing import Any

from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError

from .channel import Failure
from .environment import Purpose, Stopped, database_name, first_line, run_environment
from .graph import BrokenScript, build_steps, revision_map
from .heads import no_new_files, what_is_there
from .lock import NoLock, lock_for
from .losses import find_losses
from .session import Session
from .sqlite import SqliteTransactions
from .tracebacks import user_traceback, without_passwords


def migrate(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """The ``migrate`` request: asks ``plan`` under the lock, applies, asks ``commit``.

    With ``dry`` the plan is going to be let go of, and no SQLite file is made for it.

    Returns ``{heads, committed, database, steps}``: ``committed`` whether everything planned was committed,
    ``steps`` how many steps were, ``heads`` what the version table holds now. Raises Failure("migration")
    with ``committed`` (steps), ``revision``, ``action``, ``statement``, ``partial`` (a failing step had
    itself committed something), Failure("lock") with ``holder``.
    """
    migration = Migration(session, request)
    try:
        with no_new_files([]) if request.get("dry") else nullcontext():
            run_environment(session, migration)
        migration.finish()
    finally:
        migration.release()
    return migration.result()


class Migration(Purpose):
    """One run of env.py that applies what the command line plans."""

    def __init__(self, session: Session, request: dict[str, Any]):
        self.session = session
        self._wait = float(request.get("wait") or 0)
        self._reserved = request.get("lock")
        self._locks: list[NoLock] = []
        self._sqlite: dict[Connection, SqliteTransactions] = {}
        self._steps: tuple[RevisionStep, ...] = ()
        self._expect: list[str] = []
        self._current: tuple[str, str] | None = None
        self._started = 0.0
        self._external = False
        self._whole = True
        self._prepared = False
        self._commits_in_step = 0
        self.database = ""
        self.heads: list[str] = []
        self.prepared_heads: list[str] = []
        self.planned = 0
        self.done = 0
        self.committed = 0
        self._previously_committed = 0
        self.confirmed: bool | None = None

    # What env.py calls.

    def configuring(self, connection: Connection, options: dict[str, Any]) -> None:
        """Make SQLite transactional, and listen to versions applied and to commits."""
        self._external = connection.in_transaction()
        if connection.dialect.name == "sqlite" and options.get("transactional_ddl") is None:
            self._sqlite[connection] = SqliteTransactions(connection, self._wait, self._waiting)
            options["transactional_ddl"] = True
        theirs = options.get("on_version_apply") or ()
        theirs = tuple(theirs) if isinstance(theirs, Iterable) else (theirs,)
        options["on_version_apply"] = (*theirs, self._applied)
        event.listen(connection, "commit", self._committing)

    def running(self, context: MigrationContext, proceed: Callable[[], None]) -> None:
        """Under the lock: ask for the plan, then let Alembic apply it."""
        heads = self.prepare(context)
        if self._plan(context, heads):
            proceed()
            self._verify(context)

    def steps(self, heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        """The planned steps, each watched."""
        for step in self._steps:
            self._current = ("upgrade" if step.is_upgrade else "downgrade", step.revision.revision)
            self._commits_in_step = 0
            self._started = time.monotonic()
            step.migration_fn = self._watched(step.migration_fn, step.revision.path)
            yield step
            self._current = None

    def translated(self, error: Exception) -> Failure | None:
        """A commit that the database refused is a failed migration (a deferred constraint, say)."""
        if isinstance(error, DBAPIError) and self.confirmed:
            self.committed = self._previously_committed
            return self._failed(error, None)
        return None

    # What the request is made of.

    def prepare(self, context: MigrationContext) -> tuple[str, ...]:
        """Take the lock and read the heads under it."""
        connection = context.connection
        assert connection is not None
        self.database = database_name(connection.engine.url)
        if connection in self._sqlite:
            self._sqlite[connection].lock()
        schema = context.version_table_schema
        table = f"{schema}.{context.version_table}" if schema else context.version_table
        lock = lock_for(connection, table, self._reserved)
        self._locks.append(lock)
        self._or_stop(lambda: lock.acquire(self._wait, self._waiting))
        heads = context.get_current_heads()
        self.heads = self.prepared_heads = list(heads)
        return heads

    def finish(self) -> None:
        """After env.py returned: raise where what was prepared was not committed after all."""
        if self._prepared and self.confirmed is None:
            message = "env.py did not commit the transaction that it began itself: nothing was applied"
            raise Failure("project-code", message)

    def release(self) -> None:
        """Let go of the locks; the transaction has ended by now."""
        for lock in self._locks:
            lock.release()

    def result(self) -> dict[str, Any]:
        """The answer to the request."""
        return {
            "heads": self.heads,
            "committed": bool(self.confirmed),
            "database": self.database,
            "steps": self.committed,
        }

    def transactional(self, context: MigrationContext) -> bool:
        """Whether what is prepared can be rolled back as a whole."""
        connection = context.connection
        assert connection is not None
        if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
            return False
        driver = connection.connection.driver_connection
        return context.impl.transactional_ddl and getattr(driver, "autocommit", False) is not True

    def _plan(self, context: MigrationContext, heads: tuple[str, ...]) -> bool:
        self._whole = self.transactional(context)
        answer = self.session.channel.ask(
            "plan",
            heads=list(heads),
            database=self.database,
            transactional=self._whole,
            per_migration=bool(context.opts.get("transaction_per_migration")) and not self._external,
            **({"versioned": True, "models_tables": 0} if heads else what_is_there(context)),
        )
        if answer.get("release"):
            raise Stopped
        wanted = answer["steps"]
        self._expect = sorted(answer["expect"])
        if answer.get("losses"):
            self._ask_losses(context, answer["losses"])
        try:
            graphs = [revision_map(graph) for graph in answer["graphs"]]
            self._steps = build_steps(graphs, wanted)
        except BrokenScript as broken:
            self._current = (broken.action, broken.revision)
            raise Stopped(self._failed(broken.error, None)) from broken
        except Failure as failure:
            raise Stopped(failure) from None
        # An env.py for several databases comes here for each of them.
        self.planned += len(self._steps)
        self._prepared = self._prepared and not self._steps
        if self._steps and (sqlite := self._sqlite_of(context)) is not None:
            sqlite.remember_foreign_keys()
        return bool(self._steps)

    def _ask_losses(self, context: MigrationContext, wanted: list[dict[str, Any]]) -> None:
        assert context.connection is not None
        found = find_losses(context.connection, wanted)
        if not self.session.channel.ask("losses", found=found).get("go"):
            raise Stopped

    def _watched(self, function: Callable[..., None], path: str) -> Callable[..., None]:
        @functools.wraps(function)
        def watched(**arguments: Any) -> None:
            try:
                function(**arguments)
            except (Exception, SystemExit) as error:
                raise Stopped(self._failed(error, path)) from error

        return watched

    def _applied(self, *, ctx: MigrationContext, step: Any, heads: set[str], run_args: Any, **_: Any) -> None:
        self.done += 1
        self.prepared_heads = sorted(heads)
        assert self._current is not None
        action, revision = self._current
        seconds = round(time.monotonic() - self._started, 3)
        self.session.channel.note(
            "step", action=action, revision=revision, seconds=seconds, k=self.done, of=self.planned
        )
        if self.done == self.planned:
            self._or_stop(lambda: self._check(ctx))
            self._prepared = True

    def _check(self, context: MigrationContext) -> None:
        """Before the last commit: the heads are the plan's, and no foreign key is violated."""
        heads = sorted(context.get_current_heads())
        if heads != self._expect:
            message = f"the version table holds {_listed(heads)} where {_listed(self._expect)} was planned"
            raise self._failure(message)
        sqlite = self._sqlite_of(context)
        if sqlite is not None and (violated := sqlite.check_foreign_keys()) is not None:
            raise self._failure(violated)

    def _verify(self, context: MigrationContext) -> None:
        if self.done != self.planned:
            raise Stopped(Failure("internal", f"{self.done} of {self.planned} steps were applied"))

    def _committing(self, connection: Connection) -> None:
        """Before each commit of the connection; the last one needs the command line's word."""
        if self._prepared and self.confirmed is None:
            self._confirm(connection)
        self._commits_in_step += 1
        self._previously_committed, self.committed = self.committed, self.done
        self.heads = self.prepared_heads

    def _confirm(self, connection: Connection) -> None:
        try:
            for lock in self._locks:
                lock.check()
            answer = self.session.channel.ask("commit")
        except BaseException as error:
            connection.connection.rollback()
            if isinstance(error, Failure):
                raise Stopped(error) from None
            raise
        self.confirmed = bool(answer.get("commit"))
        if not self.confirmed:
            # At once, on the driver: env.py may keep the connection open.
            connection.connection.rollback()
            raise Stopped

    def _failed(self, error: BaseException, path: str | None) -> Failure:
        statement = error.statement if isinstance(error, DBAPIError) else None
        detail = user_traceback(error, self.session.places) or None
        return self._failure(first_line(error), detail, statement)

    def _failure(self, message: str, detail: str | None = None, statement: str | None = None) -> Failure:
        action, revision = self._current or (None, None)
        return Failure(
            "migration",
            message,
            detail,
            revision=revision,
            action=action,
            statement=without_passwords(statement) if statement else None,
            committed=self.committed,
            partial=self._current is not None and (self._commits_in_step > 0 or not self._whole),
        )

    def _waiting(self, holder: str) -> None:
        self.session.channel.note("waiting", holder=holder)

    def _sqlite_of(self, context: MigrationContext) -> SqliteTransactions | None:
        return self._sqlite.get(context.connection) if context.connection is not None else None

    @staticmethod
    def _or_stop(action: Callable[[], None]) -> None:
        try:
            action()
        except Failure as failure:
            raise Stopped(failure) from None


def _listed(heads: list[str]) -> str:
    return ", ".join(heads) or "nothing"
