"""The ``replay`` request: revisions one after the other on a scratch database, each looked at from all sides.

How a revision is replayed:

- ``apply``: upgraded, and nothing else.
- ``verify``: upgraded, and compared with its models; then downgraded and upgraded again, to see what that
  leaves and takes. The trial is rolled back, so that nothing of it is in the way of the next revision.
- ``rows``: upgraded while there are rows that hurt in every table, and downgraded with them in a savepoint.
- ``show``: upgraded and downgraded, and the statements are noted as the database was given them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import Connection

from ..environment.revisions import BrokenScript, build_steps, revision_map
from ..environment.run import EnvRun, EnvRunStopped, run_environment
from ..environment.sqlite import SqliteTransactions
from ..environment.target import Configured
from ..schema.description import describe
from ..schema.facets import Facet
from ..session import Session
from .hurting import Rows, columns_of, statements_of
from .made import directly, made_by
from .prove import named_database, source_of, stamp, version_table
from .reading import DatabaseReader, only_target
from .scratch import Substitution, Unprovable, only_scratch, scratch_url, settle
from .trial import Change, _commits_by_itself, _difference, _listening, _noted, _One, _said, _Trial


def replay(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """Replay ``steps`` ``[{revision, how}]`` of ``graph`` on ``url``, whose database is at ``start``.

    Asks ``models`` ``{revision, attempt, exact}`` for a scratch database with the models of a revision, until
    there is none or one that is equal: answered by ``{url, excluded, like}`` or ``{}``, or unless ``exact``
    by ``{sql, place, excluded, like}``, the statements that make it (see :func:`made_by`). Notes ``replayed``
    for each revision: ``{revision, how, reached, changes, left, down, again}``. Answers ``{failed}``: null,
    or ``{revision, message, again}`` if the upgrade of a revision failed, or (``again``) if its downgrade
    left what cannot be gone on with.
    """
    # The URL of a scratch database is all that counts.
    session.options = replace(session.options, url_env=None)
    url = scratch_url(request["url"])
    target = only_target(session)
    start = sorted(request["start"])
    stamp(url, target, start)
    with named_database(session, url), only_scratch(url) as substitution:
        substitution.versions = version_table(target)
        run = _Replay(session, substitution, target, request)
        run_environment(session, run)
    return {"failed": run.failed}


class _Everything(frozenset[tuple[str, str, str]]):
    """All constraints are compared by name: what is compared is one database with itself."""

    def __contains__(self, key: object) -> bool:
        return True


class _Replay(EnvRun):
    """One run of env.py on the scratch database."""

    def __init__(
        self, session: Session, substitution: Substitution, target: Configured, request: dict[str, Any]
    ):
        self._session = session
        self._substitution = substitution
        self._target = target
        self._start = sorted(request["start"])
        self._wanted: list[dict[str, str]] = request["steps"]
        paths = {step["revision"] for step in self._wanted}
        self._graph = [
            {**known, "path": source_of(session, known["path"])} if known["revision"] in paths else known
            for known in request["graph"]
        ]
        self._seeds = list(statements_of(request.get("seeds") or ()))
        schemas = {table.schema for item in target.metadata for table in item.tables.values()}
        self._schemas = schemas | {None}
        self._version = str(target.options.get("version_table") or "alembic_version")
        self._alike: tuple[str, list[Facet]] | None = None
        """The commit whose models were last found to be equal, and how the database was then."""
        self.failed: dict[str, Any] | None = None

    def configuring(self, connection: Connection, options: dict[str, Any]) -> None:
        """Refuse a connection that leads anywhere else; each revision is a transaction of its own."""
        self._substitution.require(connection, options)
        if connection.dialect.name == "sqlite" and options.get("transactional_ddl") is None:
            SqliteTransactions(connection, 60, lambda holder: None)
            for quick in ("synchronous=OFF", "journal_mode=MEMORY"):
                connection.connection.cursor().execute(f"PRAGMA {quick}")
            options["transactional_ddl"] = True
        options["transaction_per_migration"] = True

    def running(self, context: MigrationContext, proceed: Callable[[], None]) -> None:
        """Replay from where the version table was put."""
        self._substitution.come()
        if context.connection is not None:
            settle(context.connection)  # env.py may have chosen after configure()
        if sorted(context.get_current_heads()) != self._start:
            raise EnvRunStopped(
                Unprovable("env.py keeps its version table in another place when it connects")
            )
        proceed()

    def steps(self, heads: tuple[str, ...], context: MigrationContext) -> Iterable[RevisionStep]:
        """The revisions, oldest first; what is looked at is looked at between them."""
        graph = revision_map(self._graph)
        connection = context.connection
        assert connection is not None
        rows = Rows(connection, self._seeds)
        self._settle(context)
        for one in self._wanted:
            revision, how = one["revision"], one["how"]
            try:
                up, down = self._built(graph, revision, context, how)
            except BrokenScript as broken:
                raise self._end(broken.revision, broken.error) from broken
            before: list[Facet] = []
            if how != "apply":
                before = self._described(connection)
            if how == "rows":
                rows.fill(columns_of(before))
            self._settle(context)
            upward: list[str] = []
            up.migration_fn = self._watched(revision, _listening(connection, upward, up.migration_fn, how))
            yield up
            if how == "show":
                assert down is not None
                self._shown(revision, upward, down, connection)
            if how == "verify":
                assert down is not None
                yield from self._verified(_One(revision, up, down, graph), before, context)
            if how == "rows":
                assert down is not None
                failed = self._undone(_One(revision, up, down, graph), connection)
                self._session.channel.note("replayed", revision=revision, how=how, down=failed)
            self._settle(context)

    def _verified(self, one: _One, before: list[Facet], context: MigrationContext) -> Iterator[RevisionStep]:
        connection = context.connection
        assert connection is not None
        after = self._described(connection)
        reached, changes = self._compared(one.revision, connection, after)
        self._settle(context)
        trial = _Trial(before=before, after=after)
        if _commits_by_itself(one):
            yield from self._really(one, trial, connection, context)
        else:
            self._tried(one, trial, connection)
        self._settle(context)
        self._session.channel.note(
            "replayed",
            revision=one.revision,
            how="verify",
            reached=reached,
            changes=changes,
            left=trial.left,
            down=trial.failed,
            again=trial.again,
        )
        if trial.is_stuck:
            self.failed = {"revision": one.revision, "message": "", "again": True}
            raise EnvRunStopped

    def _shown(self, revision: str, up: list[str], down: RevisionStep, connection: Connection) -> None:
        downward: list[str] = []
        failed = _taken_back(connection, _listening(connection, downward, down.migration_fn, "show"))
        facts = {"up": up, "down": downward, "failed": failed}
        self._session.channel.note("replayed", revision=revision, how="show", **facts)

    @staticmethod
    def _undone(one: _One, connection: Connection) -> str | None:
        """Why the downgrade fails with the rows that are there now."""
        return None if _commits_by_itself(one) else _taken_back(connection, one.down.migration_fn)

    def _tried(self, one: _One, trial: _Trial, connection: Connection) -> None:
        """Down and up again, in a savepoint that is rolled back."""
        savepoint = connection.begin_nested()
        try:
            one.down.migration_fn()
            trial.undone(self._described(connection))
            if not trial.left:
                one.plain()
                trial.redone(self._described(connection))
        except (Exception, SystemExit) as error:
            trial.failed_with(error)
        finally:
            if savepoint.is_active:
                savepoint.rollback()

    def _really(
        self, one: _One, trial: _Trial, connection: Connection, context: MigrationContext
    ) -> Iterator[RevisionStep]:
        """The same for a script that commits by itself: what fails cannot be taken back."""
        one.down.migration_fn = _noted(trial, one.down.migration_fn)
        yield one.down
        if not trial.failed:
            trial.undone(self._described(connection))
            self._settle(context)
        if trial.failed or trial.left:
            trial.is_stuck = True
            return
        one.up.migration_fn = _noted(trial, one.plain)
        yield one.up
        if trial.failed:
            trial.is_stuck = True
        else:
            trial.redone(self._described(connection))

    def _compared(
        self, revision: str, connection: Connection, after: list[Facet]
    ) -> tuple[bool | None, list[Change]]:
        """Whether the database is that of the revision's models, and else what is in the way."""
        first: list[Change] | None = None
        attempt, exact = 0, False
        alike, changed = None, []
        if self._alike is not None:
            alike = self._alike[0]
            changed = sorted({str(change[1]) for change in _difference(self._alike[1], after)})
        while True:
            asked = {"attempt": attempt, "exact": exact, "alike": alike, "changed": changed}
            answer = self._session.channel.ask("models", revision=revision, **asked)
            if answer.get("release"):
                raise EnvRunStopped
            if "sql" in answer:
                if self._is_like(connection, answer):
                    self._alike = (answer["commit"], after)
                    return True, []
                exact = True  # what was written from the facets alone condemns nothing
                continue
            exact = False
            if "url" not in answer:
                return (None, []) if first is None else (False, first)
            reader = DatabaseReader(self._session, answer["excluded"], answer["like"], target=self._target)
            found = reader.describe(connection)
            engine = directly(scratch_url(answer["url"]))
            with engine.connect() as other:
                wanted = reader.describe(other)
            changes = _difference(found, wanted)
            if not changes:
                return True, []
            first = changes if first is None else first
            attempt += 1

    def _is_like(self, connection: Connection, answer: dict[str, Any]) -> bool:
        """Whether the database is one that these statements make, or just the tables that they are for."""
        reader = DatabaseReader(self._session, answer["excluded"], answer["like"], target=self._target)
        tables = None if answer["tables"] is None else frozenset(answer["tables"])
        try:
            with made_by(answer["sql"], answer["place"]) as other:
                here, there = (reader.describe(one, tables=tables) for one in (connection, other))
                return not _difference(here, there)
        except Exception:  # a type of the project's own, an extension: whatever the driver raises
            return False

    def _described(self, connection: Connection) -> list[Facet]:
        def wanted(kind: str, table: str, name: str) -> bool:
            return table.rpartition(".")[2] != self._version

        return describe(connection, self._schemas, _Everything(), wanted)

    def _built(
        self, graph: Any, revision: str, context: MigrationContext, how: str
    ) -> tuple[RevisionStep, RevisionStep | None]:
        both = how in ("verify", "show", "rows")
        actions = ("upgrade", "downgrade") if both else ("upgrade",)
        wanted = [{"action": action, "revision": revision} for action in actions]
        built = build_steps([graph], wanted, context)
        return built[0], built[1] if both else None

    def _settle(self, context: MigrationContext) -> None:
        """Leave no transaction open: Alembic begins one for each revision."""
        connection = context.connection
        assert connection is not None
        if not context._in_external_transaction and connection.in_transaction():
            connection.commit()

    def _watched(self, revision: str, function: Callable[..., None]) -> Callable[..., None]:
        def watched(**arguments: Any) -> None:
            try:
                function(**arguments)
            except (Exception, SystemExit) as error:
                raise self._end(revision, error) from error

        watched.__name__, watched.__doc__ = function.__name__, function.__doc__
        watched.plain = function  # type: ignore[attr-defined]
        return watched

    def _end(self, revision: str, error: BaseException) -> EnvRunStopped:
        self.failed = {"revision": revision, "message": _said(error), "again": False}
        return EnvRunStopped()


def _taken_back(connection: Connection, function: Callable[..., None]) -> str | None:
    """Why it fails; what it does is taken back."""
    savepoint = connection.begin_nested()
    try:
        function()
    except (Exception, SystemExit) as error:
        return _said(error)
    finally:
        if savepoint.is_active:
            savepoint.rollback()
    return None
