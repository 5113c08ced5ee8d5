"""Runs the project's env.py online, with `configure` and `run_migrations` overridden on the instance.

env.py itself is never edited. What a run is for is a :class:`EnvRun`; where the run ends early it raises
:class:`EnvRunStopped`, which no `except Exception` of env.py swallows.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from ...wire.redaction import without_passwords
from ..channel import Failure
from ..importing import tracebacks
from ..importing.databases import real_database
from ..session import Session
from .config import alembic_config, script_directory

_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "mssql": 1433, "oracle": 1521}


class EnvRunStopped(BaseException):
    """Ends a run of env.py from the inside; what was begun is rolled back on the way out.

    A BaseException, so that env.py does not swallow it. ``failure`` is None if the end was wanted.
    """

    def __init__(self, failure: Failure | None = None):
        super().__init__()
        self.failure = failure


class EnvRun:
    """What env.py is run for. This one changes nothing; override what differs."""

    destination = "heads"
    engine = ""
    """What env.py calls the database that it has come to, if it has several."""
    ran = False
    """Whether env.py came to its `run_migrations`."""
    done = False
    """Whether the last one came to its end."""

    def configuring(self, connection: Connection, options: dict[str, Any]) -> None:
        """Called before env.py's `configure`, before any statement of Alembic's; may change ``options``."""

    def running(self, context: MigrationContext, proceed: Callable[[], None]) -> None:
        """Called instead of `run_migrations`; ``proceed`` is the original."""

    def steps(self, heads: tuple[str, ...], context: MigrationContext) -> Iterable[RevisionStep]:
        """What the original `run_migrations` applies."""
        return ()

    def translated(self, error: Exception) -> Failure | None:
        """The failure that an exception out of env.py stands for, or None for the usual ones."""
        return None


def run_environment(session: Session, purpose: EnvRun) -> None:
    """Run env.py online for ``purpose``. Returns when env.py returned, or a wanted end came.

    Raises Failure: "wrong-database" before any statement of Alembic's where `url_env` named another
    database than env.py connects to, "database", "alembic", "project-code", and what ``purpose`` raises.
    """
    asked = _asked(session)
    config = alembic_config(session)
    if asked is not None:
        text = asked.render_as_string(hide_password=False)
        config.set_main_option("sqlalchemy.url", text.replace("%", "%%"))
    script = script_directory(session)
    environment = EnvironmentContext(
        config,
        script,
        fn=purpose.steps,
        as_sql=False,
        starting_rev=None,
        destination_rev=purpose.destination,
        tag=None,
    )
    _override(environment, purpose, asked)
    files: list[str] = []
    try:
        with environment, _sqlite_files(files):
            script.run_env()
    except EnvRunStopped as end:
        if end.failure is not None:
            raise end.failure from None
    except Failure:
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, SystemExit) and not error.code and purpose.done:
            return  # env.py has done its work, and ends the process as a script would
        raise _failure(error, purpose, session, files) from error
    if not purpose.ran:
        raise Failure("project-code", "env.py did not run any migrations")


def database_name(url: URL) -> str:
    """``driver://host:port/database``: no user, no password, no query."""
    url = real_database(url)
    host = url.host or _socket(url)
    name = URL.create(url.drivername, host=host, port=url.port, database=url.database)
    return name.render_as_string()


def table_name(context: MigrationContext) -> str:
    """The version table, with its schema where it has one."""
    schema = context.version_table_schema
    return f"{schema}.{context.version_table}" if schema else context.version_table


def first_line(error: BaseException) -> str:
    """The first line of the database's own message, or of Python's with the exception's name."""
    if not isinstance(error, DBAPIError) or error.orig is None:
        return tracebacks.first_line(error)
    lines = str(error.orig).strip().splitlines()
    return without_passwords(next((line for line in lines if line), type(error).__name__))


def _override(environment: EnvironmentContext, purpose: EnvRun, asked: URL | None) -> None:
    # On the instance: Alembic's proxy module looks the attributes up on it, a subclass breaks the proxies.
    configure, run_migrations = environment.configure, environment.run_migrations

    def configuring(connection: Connection | None = None, *args: Any, **options: Any) -> None:
        if connection is None:
            raise EnvRunStopped(
                Failure("project-code", "env.py gave configure() no connection, though not offline")
            )
        if isinstance(connection, Connection):
            _compare(asked, connection.engine.url)
            purpose.configuring(connection, options)
        configure(connection, *args, **options)

    def running(**arguments: Any) -> None:
        purpose.ran, purpose.done = True, False
        purpose.engine = str(arguments.get("engine_name", ""))
        try:
            purpose.running(environment.get_context(), lambda: run_migrations(**arguments))
        except Failure as failure:
            raise EnvRunStopped(failure) from None  # env.py is not to swallow it
        purpose.done = True

    environment.configure = configuring  # type: ignore[method-assign]
    environment.run_migrations = running  # type: ignore[method-assign]


def _asked(session: Session) -> URL | None:
    name = session.options.url_env
    if name is None:
        return None
    if not os.environ.get(name):
        raise Failure("database", f"the environment variable {name} is not set")
    try:
        return make_url(os.environ[name])
    except ArgumentError:
        raise Failure("database", f"the environment variable {name} does not hold a database URL") from None


def _compare(asked: URL | None, got: URL) -> None:
    if asked is None or _place(asked) == _place(got):
        return
    names = {"asked": database_name(asked), "got": database_name(got)}
    message = f"env.py connects to {names['got']}, not to {names['asked']}"
    raise EnvRunStopped(Failure("wrong-database", message, **names))


def _place(url: URL) -> tuple[object, ...]:
    backend = url.get_backend_name()
    if backend == "sqlite":
        file = real_database(url).database or ":memory:"
        return (backend, file if file == ":memory:" else os.path.realpath(file))
    # The driver is env.py's own business (postgresql:// made postgresql+asyncpg://, say).
    family = "mysql" if backend == "mariadb" else backend
    host = url.host or _socket(url) or "localhost"
    port = url.port or _first(url.query.get("port")) or _PORTS.get(backend)
    database = url.database or _first(url.query.get("dbname")) or url.username
    return (family, host, str(port), database)


def _socket(url: URL) -> str | None:
    return _first(url.query.get("host")) or _first(url.query.get("unix_socket"))


def _first(value: str | tuple[str, ...] | None) -> str | None:
    return value[0] if isinstance(value, tuple) else value


@contextmanager
def _sqlite_files(files: list[str]) -> Iterator[None]:
    """Collects which SQLite files are connected to: SQLite's own message does not say."""

    def connecting(dialect: Any, record: Any, arguments: Any, options: Any) -> None:
        files[:] = [str(arguments[0])] if dialect.name == "sqlite" and arguments else []

    event.listen(Engine, "do_connect", connecting)
    try:
        yield
    finally:
        event.remove(Engine, "do_connect", connecting)


def _failure(error: Exception | SystemExit, purpose: EnvRun, session: Session, files: list[str]) -> Failure:
    known = purpose.translated(error) if isinstance(error, Exception) else None
    if known is not None:
        return known
    if isinstance(error, DBAPIError) or _is_network(error):
        at_connect = isinstance(error, DBAPIError) and error.statement is None and files
        where = f": sqlite:///{files[0]}" if at_connect else ""
        answers = isinstance(error, DBAPIError) and bool(error.statement) and not error.connection_invalidated
        return Failure("database", first_line(error) + where, answers=answers)
    if isinstance(error, CommandError):
        return Failure("alembic", without_passwords(str(error)))
    detail = tracebacks.user_traceback(error, session.places) or None
    return Failure("project-code", first_line(error), detail)


def _is_network(error: BaseException) -> bool:
    # Async drivers let the operating system's errors through as they are.
    if isinstance(error, (ConnectionError, TimeoutError, socket.gaierror)):
        return True
    if isinstance(error, OSError) and error.errno is None:
        return True
    return type(error).__module__.partition(".")[0] == "asyncpg"
