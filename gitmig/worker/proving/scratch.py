"""Scratch databases: made and dropped on a server that is there for it, and the only ones that are reached.

The project's code is never trusted with a URL. Whatever it connects to by SQLAlchemy, the driver is given the
scratch database instead; what comes by other ways is refused before any statement.
"""

from __future__ import annotations

import importlib.util
import re
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, pool, text
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from ..channel import Failure
from ..environment.run import EnvRunStopped, first_line

# Those that answer without an event loop, in the order of what is likely.
_DRIVERS = {"psycopg2": "psycopg2", "psycopg": "psycopg", "pg8000": "pg8000"}
_SCRATCH = re.compile(r"gitmig_scratch_(\d{10})_[0-9a-f]{12}")
_OLD = 3600
"""Seconds. A proof takes minutes."""
_ATTACH = getattr(sqlite3, "SQLITE_ATTACH", 24)
_DENY, _OK = getattr(sqlite3, "SQLITE_DENY", 1), getattr(sqlite3, "SQLITE_OK", 0)


class Unprovable(Failure):
    """What keeps a proof from being made. It says nothing of the revision, unless that is what ``failed``."""

    def __init__(self, message: str, *, failed: bool = False):
        super().__init__("unproven", message, failed=failed)


def scratch_url(text_: str) -> URL:
    """The URL with a driver that is installed here. Raises Unprovable where none is."""
    try:
        url = make_url(text_)
    except (ArgumentError, ValueError):
        raise Unprovable("gitmig.scratchUrl is no database URL") from None
    if url.get_backend_name() != "postgresql" or "+" in url.drivername:
        return url
    for module, driver in _DRIVERS.items():
        if importlib.util.find_spec(module) is not None:
            return url.set(drivername=f"postgresql+{driver}")
    raise Unprovable(f"none of the drivers {', '.join(_DRIVERS)} is installed")


@contextmanager
def connected(url: URL, *, autocommit: bool = False) -> Iterator[Connection]:
    """A connection of ours; committed at the end. Raises Unprovable where nobody answers."""
    engine = create_engine(url, poolclass=pool.NullPool)
    try:
        connection = engine.connect()
    except (DBAPIError, ImportError) as error:
        raise Unprovable(f"the scratch server cannot be reached: {first_line(error)}") from None
    with connection:
        if url.get_backend_name() == "sqlite":
            connection.exec_driver_sql("PRAGMA synchronous=OFF")
        if autocommit:
            connection.execution_options(isolation_level="AUTOCOMMIT")
        yield connection
        connection.commit()


def make_database(server: URL, name: str) -> None:
    """An empty database of that name; those that were left by the killed go. Raises Unprovable."""
    with connected(server, autocommit=True) as connection:
        _drop_abandoned(connection)
        try:
            connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE template0'))
        except SQLAlchemyError as error:
            raise Unprovable(f"no scratch database can be made: {first_line(error)}") from None


def _drop_abandoned(connection: Connection) -> None:
    """Drop the scratch databases that are old, and that nobody is connected to."""
    idle = "NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname)"
    names = connection.execute(text(f"SELECT datname FROM pg_database d WHERE {idle}")).scalars().all()
    for name in names:
        made = _SCRATCH.fullmatch(name)
        if made is not None and time.time() - int(made[1]) > _OLD:
            with suppress(SQLAlchemyError):  # another user's, or somebody drops it just now
                connection.execute(text(f'DROP DATABASE IF EXISTS "{name}"'))


def drop_database(server: URL, name: str) -> None:
    """Drop it, with whoever is still connected."""
    with connected(server, autocommit=True) as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": name},
        )
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}"'))


class Substitution:
    """The connections that were made to the scratch database in place of others."""

    def __init__(self, url: URL):
        self._url = url
        self._made: list[Any] = []
        self._records: list[Any] = []
        self.versions: tuple[str, str | None] | None = None
        """Where the version table was put, if not where env.py has it online."""
        self._came = False

    def require(self, connection: Connection, options: dict[str, Any]) -> None:
        """Raise Stopped where a connection leads anywhere else, before any statement.

        Else have ``configure`` find the version table.
        """
        driver = connection.connection.dbapi_connection
        if not any(driver is made for made in self._made):
            raise EnvRunStopped(
                Unprovable("env.py makes its connection by itself (`creator`, say): it leads elsewhere")
            )
        settle(connection)
        if self.versions is not None:
            options["version_table"], options["version_table_schema"] = self.versions

    def come(self) -> None:
        """End an env.py that goes through several schemas after the first: it has all of the revisions."""
        if self._came:
            raise EnvRunStopped
        self._came = True

    def connect(self, dialect: Dialect, record: Any, arguments: Any, options: Mapping[str, Any]) -> Any:
        """What stands in for the driver's own connecting."""
        if dialect.name != self._url.get_backend_name():
            raise EnvRunStopped(
                Unprovable(
                    f"a connection to {dialect.name} was asked for, not to {self._url.get_backend_name()}"
                )
            )
        made = self._sqlite(dialect, options) if dialect.name == "sqlite" else self._server(dialect, options)
        self._made.append(made)
        self._records.append(record)
        return made

    def forget(self) -> None:
        """Take the connections out of the project's own pools, which would go on with them."""
        for record in self._records:
            record.invalidate()

    def _sqlite(self, dialect: Dialect, options: Mapping[str, Any]) -> Any:
        kept = {name: value for name, value in options.items() if name not in ("uri", "database")}
        made: Any = dialect.connect(self._url.database, **kept)
        if hasattr(made, "set_authorizer"):
            made.set_authorizer(_attach_nothing)
        return made

    def _server(self, dialect: Dialect, options: Mapping[str, Any]) -> Any:
        url = self._url.set(drivername=f"{dialect.name}+{dialect.driver}")
        arguments, own = dialect.create_connect_args(url)
        # A search path that the project connects with decides where its tables go.
        kept = {name: value for name, value in options.items() if name in ("options", "server_settings")}
        return dialect.connect(*arguments, **{**kept, **own})


def settle(connection: Connection) -> None:
    """Let names without a schema mean PostgreSQL's `public`, if env.py chose a tenant's: none is here."""
    if connection.dialect.name != "postgresql":
        return
    # By the driver: a transaction that SQLAlchemy knows of would be env.py's own for Alembic.
    cursor = connection.connection.cursor()
    translated = (connection.get_execution_options().get("schema_translate_map") or {}).get(None)
    name = str(translated).replace("'", "''")
    cursor.execute(f"SELECT current_schema(), to_regnamespace(quote_ident('{name}')) IS NULL")
    current, is_away = cursor.fetchone() or (None, False)
    if translated and is_away:
        connection.execution_options(schema_translate_map=None)
    if current is None:
        current = "public"
        cursor.execute("SET search_path TO public")
        if not connection.in_transaction():
            connection.connection.commit()
    cursor.close()
    connection.dialect.default_schema_name = current


@contextmanager
def only_scratch(url: URL) -> Iterator[Substitution]:
    """While this lasts, every Engine connects to the scratch database."""
    substitution = Substitution(url)
    event.listen(Engine, "do_connect", substitution.connect, insert=True)
    try:
        yield substitution
    finally:
        event.remove(Engine, "do_connect", substitution.connect)
        substitution.forget()


def _attach_nothing(action: int, name: str | None, *_: Any) -> int:
    """Another file that is attached would be a real database."""
    return _DENY if action == _ATTACH and name not in ("", ":memory:") else _OK
