"""Moves the database: lock, plan, prepare, check, and commit or roll back on the command line's word."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError

from ..channel import Failure, ParentGone
from ..environment.ledger import Ledger, ledger_facts
from ..environment.revisions import BrokenScript, build_steps, revision_map
from ..environment.run import EnvRun, EnvRunStopped, database_name, first_line, run_environment, table_name
from ..environment.sqlite import SqliteTransactions
from ..importing.world import World
from ..locking.held import Locks
from ..session import Session
from .calling_off import CallingOff
from .planning import ask_plan, is_transactional
from .progress import Progress
from .step_guard import StepGuard


def run_migration(session: Session, migration: Migration) -> None:
    """Run env.py for ``migration``, watching for the command line's end. Raises Failure as that does."""
    try:
        with migration.calling_off.watching():
            run_environment(session, migration)
    except (KeyboardInterrupt, ParentGone):
        # If somebody is there to read it, it says how far the run has come.
        raise migration.progress.failure("interrupted", kind="interrupted") from None


class Migration(EnvRun):
    """One run of env.py that applies what the command line plans."""

    def __init__(self, session: Session, request: dict[str, Any], missing: Sequence[Any] = ()):
        """``missing`` fills with the databases in memory that stand in for files that are not there."""
        self.session = session
        self._locks = Locks(session.channel.note, request)
        self._missing = missing
        self._asked: str | None = request.get("operation")
        self._ledger: Ledger | None = None
        self._told: dict[str, Any] = {}
        self._sqlite: dict[Connection, SqliteTransactions] = {}
        self._steps: tuple[RevisionStep, ...] = ()
        self._expect: list[str] = []
        self._difference: list[list[Any]] = []
        self._looked_up: list[frozenset[int]] = []
        """The metadata of the databases that were looked into, in their order."""
        self._external = False
        self._prepared = False
        self.progress = Progress(self._locks, session.places)
        self.calling_off = CallingOff(session.channel, self._locks.cancel)
        self._guard = StepGuard(self.calling_off, self.progress)
        self.database = ""
        """The one that env.py has come to."""
        self._first = ""
        self.confirmed: bool | None = None
        self.again = False
        """Whether the plan was made on a stand-in, and is to be carried out."""

    # What env.py calls.

    def configuring(self, connection: Connection, options: dict[str, Any]) -> None:
        """Make SQLite transactional, and listen to versions applied and to commits."""
        self._external = connection.in_transaction()
        if connection.dialect.name == "sqlite":
            self._or_stop(lambda: self._locks.take_file(connection))
        if connection.dialect.name == "sqlite" and options.get("transactional_ddl") is None:
            self._sqlite[connection] = SqliteTransactions(connection, self._locks.wait, self._locks.waiting)
            options["transactional_ddl"] = True
        theirs = options.get("on_version_apply") or ()
        theirs = tuple(theirs) if isinstance(theirs, Iterable) else (theirs,)
        options["on_version_apply"] = (*theirs, self._applied)
        event.listen(connection, "commit", self._committing)
        event.listen(connection, "begin", lambda connection: self.calling_off.committed())

    def running(self, context: MigrationContext, proceed: Callable[[], None]) -> None:
        """Under the lock: ask for the plan, then let Alembic apply it."""
        heads = self.prepare(context)
        if not self._plan(context, heads):
            return
        if self._stands_in(context):
            self.again = True
            raise EnvRunStopped
        proceed()
        self._verify(context)

    def steps(self, heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        """The planned steps, each watched."""
        for number, step in enumerate(self._steps):
            self.calling_off.committed()
            if self.calling_off.gone:
                raise KeyboardInterrupt
            if not self.progress.whole or self.is_per_migration(context):
                self._or_stop(self._check_lock)
            self.progress.begin("upgrade" if step.is_upgrade else "downgrade", step.revision.revision)
            step.migration_fn = self._guard.guarded(step.migration_fn, number, step.revision.path)
            yield step
            self.progress.end()

    def translated(self, error: Exception) -> Failure | None:
        """Whatever the database refuses once steps are being applied is a failed migration.

        A commit, say, for a deferred constraint. So is a statement of Alembic's own that waited for somebody
        else's lock in vain.
        """
        if isinstance(error, DBAPIError) and (self.confirmed or self.progress.begun):
            if self.confirmed or error.statement is None:
                self.progress.not_committed()
            failed = self.progress.failed(error, None)
            # Who loses the connection while it commits does not know whether it did.
            failed.data["unsettled"] |= bool(self.confirmed and error.connection_invalidated)
            return failed
        return self.progress.failed(error, None) if self._locks.gave_up(error) else None

    # What the request is made of.

    def prepare(self, context: MigrationContext) -> tuple[str, ...]:
        """Take the lock and read the heads under it."""
        connection = context.connection
        assert connection is not None
        self.database = database_name(connection.engine.url)
        self._first = self._first or self.database
        if connection in self._sqlite:
            self._sqlite[connection].lock()
        self._or_stop(lambda: self._locks.take(connection, table_name(context)))
        # Before the heads: a process that waits shows the last statement of the lock's holder.
        self._told = self._look_into_ledger(context)
        heads = context.get_current_heads()
        self.progress.heads = self.progress.prepared_heads = list(heads)
        return heads

    def is_per_migration(self, context: MigrationContext) -> bool:
        """Whether each migration has a transaction of its own."""
        return bool(context.opts.get("transaction_per_migration")) and not self._external

    def finish(self) -> None:
        """After env.py returned: raise where what was prepared was not committed after all."""
        if self._prepared and self.confirmed is None:
            message = "env.py did not commit the transaction that it began itself: nothing was applied"
            raise Failure("project-code", message)

    def release(self) -> None:
        """Let go of the locks, and of where rows are parked; the transaction has ended by now."""
        self._guard.close()
        self._locks.release()

    def result(self) -> dict[str, Any]:
        """The answer to the request."""
        return {
            "heads": self.progress.heads,
            "committed": bool(self.confirmed),
            "database": self._first,
            "steps": self.progress.committed,
            "partial": self.progress.left_over,
            **self._guard.parked(),
        }

    def _plan(self, context: MigrationContext, heads: tuple[str, ...]) -> bool:
        self.progress.whole = self.calling_off.whole = is_transactional(context)
        answer = ask_plan(
            self.session.channel,
            context,
            heads,
            database=self.database,
            transactional=self.progress.whole,
            per_migration=self.is_per_migration(context),
            provisional=self._stands_in(context),
            **self._told,
        )
        self._expect = sorted(answer["expect"])
        self._difference = answer.get("difference") or []
        self._guard.begin(context, answer, f"{self.session.options.section}:{table_name(context)}")
        if self._ledger is not None:
            self._ledger.expect(answer.get("operation"))
        try:
            graphs = [revision_map(graph) for graph in answer["graphs"]]
            worlds = [World(self.session, tree) for tree in answer.get("worlds") or ()]
            self._steps = build_steps(graphs, answer["steps"], context, worlds)
        except BrokenScript as broken:
            self.progress.begin(broken.action, broken.revision)
            raise EnvRunStopped(self.progress.failed(broken.error, None)) from broken
        except Failure as failure:
            raise EnvRunStopped(failure) from None
        # An env.py for several databases comes here for each of them.
        self.progress.planned += len(self._steps)
        self._prepared = self._prepared and not self._steps
        if self._steps and (sqlite := self._sqlite_of(context)) is not None:
            sqlite.remember_foreign_keys()
        return bool(self._steps)

    def _applied(self, *, ctx: MigrationContext, step: Any, heads: set[str], run_args: Any, **_: Any) -> None:
        progress = self.progress
        seconds = progress.applied(sorted(heads))
        assert progress.current is not None
        action, revision = progress.current
        self._write_down(action, revision, seconds)
        self.session.channel.note(
            "step",
            action=action,
            revision=revision,
            seconds=seconds,
            k=progress.done,
            of=progress.planned,
            heads=progress.prepared_heads,
        )
        if progress.done == progress.planned:
            self._or_stop(lambda: self._check(ctx))
            self._prepared = True

    def _write_down(self, action: str, revision: str, seconds: float) -> None:
        """The step's row in the ledger, if there is one: it stays or goes with the step."""
        if self._ledger is None:
            return
        try:
            self._ledger.write(action, revision, seconds, self.progress.prepared_heads)
        except DBAPIError as error:
            raise self._without_ledger(self._ledger, error) from error

    def _look_into_ledger(self, context: MigrationContext) -> dict[str, Any]:
        ledger = Ledger(context, self.session.options.section)
        try:
            facts = ledger_facts(ledger, self._asked)
        except DBAPIError as error:
            raise self._without_ledger(ledger, error) from error
        self._ledger = ledger if facts["ledger"] is not None else None
        return facts

    def _without_ledger(self, ledger: Ledger, error: DBAPIError) -> EnvRunStopped:
        failure = self.progress.failure(f"the ledger, {ledger.name}, cannot be kept: {first_line(error)}")
        failure.data["hint"] = f"let this database user read and write {ledger.name}"
        return EnvRunStopped(failure)

    def _check(self, context: MigrationContext) -> None:
        """Before the last commit: the heads are the plan's, and no foreign key is violated."""
        heads = sorted(context.get_current_heads())
        if heads != self._expect:
            message = f"the version table holds {_listed(heads)} where {_listed(self._expect)} was planned"
            raise self.progress.failure(message)
        if self._difference:
            from ..drafting.looking_up import missing_lines

            missing = missing_lines(context, self._difference, self.engine, self._looked_up)
            if missing:
                raise self.progress.failure(
                    f"the database has not what the draft is for: {'; '.join(missing)}"
                )
        sqlite = self._sqlite_of(context)
        if sqlite is not None and (violated := sqlite.check_foreign_keys()) is not None:
            raise self.progress.failure(violated)

    def _verify(self, context: MigrationContext) -> None:
        done, planned = self.progress.done, self.progress.planned
        if done != planned:
            raise EnvRunStopped(Failure("internal", f"{done} of {planned} steps were applied"))

    def _committing(self, connection: Connection) -> None:
        """Before each commit of the connection; the last one needs the command line's word."""
        self.calling_off.committing()
        if self._prepared and self.confirmed is None:
            self._confirm(connection)
        self.progress.committing()

    def _confirm(self, connection: Connection) -> None:
        try:
            self._check_lock()
            answer = self._word()
        except BaseException as error:
            connection.connection.rollback()
            if isinstance(error, Failure):
                raise EnvRunStopped(error) from None
            raise
        self.confirmed = bool(answer.get("commit"))
        if not self.confirmed:
            # At once, on the driver: env.py may keep the connection open.
            connection.connection.rollback()
            raise EnvRunStopped

    def _word(self) -> dict[str, Any]:
        """Whether to commit. If nobody is there to say so, what cannot be taken back is finished."""
        try:
            return self.session.channel.ask("commit")
        except ParentGone:
            if self.progress.whole:
                raise
            self.calling_off.gone = True
            return {"commit": True}

    def _check_lock(self) -> None:
        """Raise Failure("lock") where it was lost, with how far the run had come."""
        try:
            self._locks.check()
        except Failure as failure:
            report = self.progress.reported(failure)
            # In the midst of a step, what is kept of it waits to be finished.
            report.data["unsettled"] = not self.progress.whole and self.progress.current is not None
            raise report from None

    def _stands_in(self, context: MigrationContext) -> bool:
        assert context.connection is not None
        return any(context.connection.connection.dbapi_connection is made for made in self._missing)

    def _sqlite_of(self, context: MigrationContext) -> SqliteTransactions | None:
        return self._sqlite.get(context.connection) if context.connection is not None else None

    @staticmethod
    def _or_stop(action: Callable[[], None]) -> None:
        try:
            action()
        except Failure as failure:
            raise EnvRunStopped(failure) from None


def _listed(heads: list[str]) -> str:
    return ", ".join(heads) or "nothing"
