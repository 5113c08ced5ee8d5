"""The ``prove`` request: whether a revision takes a database to the models, as the database describes both.

One request does one part, since the models before and after are two versions of the code, in two workers.
Everything happens in scratch databases that the command line names.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import (
    URL,
    Column,
    Connection,
    MetaData,
    String,
    Table,
    insert,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateSchema

from ..environment.config import alembic_config
from ..environment.revisions import BrokenScript, build_steps, revision_map
from ..environment.run import EnvRun, EnvRunStopped, first_line, run_environment
from ..environment.target import Configured
from ..importing.tracebacks import project_code
from ..schema.facets import table_key
from ..schema.filters import Filters
from ..session import Session
from .extensions import make_extensions
from .reading import DatabaseReader, models_facets, only_target
from .rows import fill, rows
from .scratch import (
    Substitution,
    Unprovable,
    connected,
    drop_database,
    make_database,
    only_scratch,
    scratch_url,
    settle,
)


def prove(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """One part of a proof; ``url`` names the server or the scratch database.

    ``make`` and ``drop``: the database ``name`` on the server; ``make`` answers ``{url}``. ``create``: the
    models' schema in an empty database; answers ``{excluded, like}``: the tables that take no part, and the
    models' facets. ``upgrade``: ``steps`` of ``graph`` from the heads ``start``, with ``down`` the other way;
    without ``stamp`` the version table is there already. ``describe``: what is there without ``excluded``,
    beside the models here or those of ``like``, those of ``named`` by name; answers ``{facets}``.
    ``fill``: made-up rows in the models' tables. ``rows``: all rows; answers ``{rows}``.

    Raises Failure("unproven"), and what the project's code raises.
    """
    # The URL of a scratch database is all that counts.
    session.options = replace(session.options, url_env=None)
    url = scratch_url(request["url"])
    match request["part"]:
        case "make":
            make_database(url, request["name"])
            session.at_end[request["name"]] = partial(drop_database, url, request["name"])
            return {"url": url.set(database=request["name"]).render_as_string(hide_password=False)}
        case "drop":
            drop_database(url, request["name"])
            session.at_end.pop(request["name"], None)
        case "create":
            return {"excluded": _create(session, url), "like": models_facets(session)}
        case "upgrade":
            _upgrade(session, url, request)
        case "describe":
            named = [tuple(key) for key in request.get("named") or ()]
            reader = DatabaseReader(session, request["excluded"], request.get("like"), named)
            with connected(url) as connection:
                return {"facets": reader.describe(connection)}
        case "fill":
            with project_code(session), connected(url) as connection:
                fill(connection, only_target(session).metadata)
        case "rows":
            schemas = {t.schema for item in only_target(session).metadata for t in item.tables.values()}
            with connected(url) as connection:
                return {"rows": rows(connection, schemas)}
    return {}


def _create(session: Session, url: URL) -> list[str]:
    target = only_target(session)
    filters = Filters(target.options, session.options.exclude)
    tables = [table for item in target.metadata for table in item.tables.values()]
    views = {table for table in tables if getattr(table, "is_view", False)}
    with only_scratch(url), connected(url) as connection:
        try:
            make_extensions(session, connection)
            make_schemas(connection, {table.schema for table in tables if table.schema})
            with project_code(session):  # types and listeners are the project's
                for item in target.metadata:
                    made = [table for table in item.sorted_tables if table not in views]
                    item.create_all(connection, tables=made)
        except SQLAlchemyError as error:
            raise _not_created(error) from None
        except Exception as error:
            if isinstance(error.__cause__, SQLAlchemyError):
                raise _not_created(error.__cause__) from None
            raise
    with project_code(session):
        return sorted(table_key(table) for table in tables if table in views or not filters.table(table))


def _not_created(error: BaseException) -> Unprovable:
    return Unprovable(f"the models' tables cannot be made in a scratch database: {first_line(error)}")


def make_schemas(connection: Connection, names: Iterable[str]) -> None:
    """Make PostgreSQL's schemas of these names."""
    if connection.dialect.name == "postgresql":
        for name in sorted(names):
            connection.execute(CreateSchema(name, if_not_exists=True))


def _upgrade(session: Session, url: URL, request: dict[str, Any]) -> None:
    target = only_target(session)
    start = sorted(request["start"])
    if request.get("stamp", True):
        stamp(url, target, start)
    graph = [
        {**known, "path": source_of(session, known["path"])} if known["step"] else known
        for known in request["graph"]
    ]
    with named_database(session, url), only_scratch(url) as substitution:
        substitution.versions = version_table(target)
        down = bool(request.get("down"))
        idle = frozenset(request.get("idle", ()))
        purpose = _Upgrade(substitution, start, graph, request["steps"], down=down, idle=idle)
        run_environment(session, purpose)


def source_of(session: Session, path: str) -> str:
    """Where a script's file is: where the code comes from; in the checkout, if it is named in full."""
    if not os.path.isabs(path):
        return session.places.source(path)
    # In a container the checkout may lie elsewhere.
    below = os.path.relpath(path, session.options.top)
    return path if below.startswith(os.pardir) else os.path.join(session.places.top, below)


def stamp(url: URL, target: Configured, start: list[str]) -> None:
    """The version table as it is at the parent's heads. Alembic itself moves it from there."""
    name, schema = version_table(target)
    table = Table(name, MetaData(), Column("version_num", String(32), primary_key=True), schema=schema)
    with connected(url) as connection:
        make_schemas(connection, [schema] if schema else [])
        table.create(connection)
        if start:
            connection.execute(insert(table), [{"version_num": head} for head in start])


def version_table(target: Configured) -> tuple[str, str | None]:
    """Where a scratch database has the version table: its name and its schema."""
    return target.options.get("version_table") or "alembic_version", target.options.get(
        "version_table_schema"
    )


@contextmanager
def named_database(session: Session, url: URL) -> Iterator[None]:
    """While this lasts, an env.py that has no URL of its own is given the scratch database's."""
    config = alembic_config(session)
    lacking = not config.get_main_option("sqlalchemy.url")
    if lacking:
        config.set_main_option("sqlalchemy.url", url.render_as_string(hide_password=False).replace("%", "%%"))
    try:
        yield
    finally:
        if lacking:
            config.remove_main_option("sqlalchemy.url")


class _Upgrade(EnvRun):
    """One run of env.py on the scratch database."""

    def __init__(
        self,
        substitution: Substitution,
        start: list[str],
        graph: list[dict[str, Any]],
        steps: list[str],
        *,
        down: bool = False,
        idle: frozenset[str] = frozenset(),
    ):
        self._substitution = substitution
        self._idle = idle
        self._start = start
        self._graph = graph
        self._action = "downgrade" if down else "upgrade"
        self._wanted = steps
        self._steps: tuple[RevisionStep, ...] = ()

    def configuring(self, connection: Connection, options: dict[str, Any]) -> None:
        """Refuse a connection that leads anywhere else."""
        self._substitution.require(connection, options)

    def running(self, context: MigrationContext, proceed: Callable[[], None]) -> None:
        """Apply the steps from where the version table was put."""
        self._substitution.come()
        if context.connection is not None:
            settle(context.connection)  # env.py may have chosen after configure()
        if sorted(context.get_current_heads()) != self._start:
            raise EnvRunStopped(
                Unprovable("env.py keeps its version table in another place when it connects")
            )
        wanted = [
            {"action": self._action, "revision": revision, "idle": revision in self._idle}
            for revision in self._wanted
        ]
        try:
            self._steps = build_steps([revision_map(self._graph)], wanted, context)
        except BrokenScript as broken:
            raise EnvRunStopped(_failed(self._action, broken.revision, broken.error)) from broken
        proceed()

    def steps(self, heads: tuple[str, ...], context: MigrationContext) -> Iterable[RevisionStep]:
        """The revisions to prove, oldest first."""
        for step in self._steps:
            step.migration_fn = _watched(self._action, step.revision.revision, step.migration_fn)
            yield step


def _watched(action: str, revision: str, function: Callable[..., None]) -> Callable[..., None]:
    def watched(**arguments: Any) -> None:
        try:
            function(**arguments)
        except (Exception, SystemExit) as error:
            raise EnvRunStopped(_failed(action, revision, error)) from error

    watched.__name__, watched.__doc__ = function.__name__, function.__doc__
    return watched


def _failed(action: str, revision: str, error: BaseException) -> Unprovable:
    message = f"the {action} of {revision} fails on a scratch database: {first_line(error)}"
    return Unprovable(message, failed=True)
