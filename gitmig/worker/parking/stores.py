"""Where parked rows are kept on each database: in tables of its own, or in a file beside it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import sqlite3
from typing import Any

from sqlalchemy import Connection, event, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema

from ..hidden import SCHEMA
from ..importing.databases import real_database
from .store import Store
from .tables import quoted, run

_ALIAS = "gitmig_parked"


class PostgresStore(Store):
    """Tables in the schema ``gitmig``."""

    def __init__(self, connection: Connection):
        super().__init__(connection, SCHEMA)

    @property
    def _where(self) -> str:
        return "the schema gitmig"

    @property
    def _way_out(self) -> str:
        return "gitmig park list, and gitmig park drop ID for what is broken"

    @property
    def why_not(self) -> str | None:
        """Somebody else's schema, or a user who may not make one."""
        return None if self._allowed()[1] else "this database user may not write to the schema gitmig"

    def _allowed(self) -> tuple[bool, bool]:
        """Whether this user may read what is parked, and whether he may park."""
        found = run(
            self._connection,
            "SELECT coalesce(has_schema_privilege(n.oid, 'USAGE'), true) AND "
            "coalesce(has_table_privilege(c.oid, 'SELECT'), true), CASE "
            "WHEN n.oid IS NULL THEN has_database_privilege(current_database(), 'CREATE') "
            "ELSE has_schema_privilege(n.oid, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE') "
            "AND coalesce(pg_has_role(c.relowner, 'USAGE'), true) END "
            "FROM (VALUES (1)) one LEFT JOIN pg_namespace n ON n.nspname = :schema "
            "LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'parked'",
            schema=SCHEMA,
        ).one()
        return bool(found[0]), bool(found[1])

    @property
    def is_closed(self) -> bool:
        """Whether something may be parked that this user may not read."""
        return not self._allowed()[0]

    def prepare(self) -> None:
        """Make room for copies, the schema too."""
        if not inspect(self._connection).has_schema(SCHEMA):
            self._connection.execute(CreateSchema(SCHEMA))
            self._revoke(
                f"SCHEMA {SCHEMA}", "nspacl", "nspowner", "pg_namespace WHERE nspname = :name", SCHEMA
            )
        super().prepare()

    def _close_to_others(self, table: str) -> None:
        found = "pg_class WHERE relname = :name AND relnamespace = to_regnamespace('gitmig')"
        self._revoke(f"TABLE {SCHEMA}.{quoted(table)}", "relacl", "relowner", found, table)

    def _revoke(self, what: str, rights: str, owner: str, found: str, name: str) -> None:
        """Take away what default privileges have granted on something that was just made."""
        others = run(
            self._connection,
            "SELECT DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC' "
            "ELSE quote_ident(pg_get_userbyid(grantee)) END "
            f"FROM (SELECT {owner} AS owner, (aclexplode({rights})).grantee FROM {found}) granted "
            "WHERE grantee <> owner",
            name=name,
        ).scalars()
        for other in others.all():
            run(self._connection, f"REVOKE ALL ON {what} FROM {other}".replace(":", "\\:"))

    def _remove_list(self) -> None:
        super()._remove_list()
        with contextlib.suppress(DBAPIError), self._connection.begin_nested():
            # Unless the ledger is in it, or it is somebody else's.
            run(self._connection, f"DROP SCHEMA {SCHEMA} RESTRICT")

    def _index(self, number: int, names: list[str]) -> None:
        listed = ", ".join(map(quoted, names))
        run(self._connection, f"CREATE INDEX ON {self.copy(number)} ({listed})")
        run(self._connection, f"ANALYZE {self.copy(number)}")

    def _bytes(self, copy: str, names: list[str]) -> int:
        return int(run(self._connection, f"SELECT pg_table_size('{copy}'\\:\\:regclass)").scalar_one())

    def _shown(self, name: str) -> str:
        # Not in the project's own collation: nothing of the copy's may depend on it.
        return f'CAST({quoted(name)} AS text) COLLATE "C"'


class SqliteStore(Store):
    """A file of its own, attached to the connection."""

    def __init__(self, connection: Connection, file: str, *, main: bool = False):
        """``main``: the connection is to the file itself, and nothing is attached."""
        super().__init__(connection, "main" if main else _ALIAS)
        self._file = file
        self._attached = main
        self._let_go = False

    @property
    def _where(self) -> str:
        return self._file

    @property
    def _way_out(self) -> str:
        return f"mv {shlex.quote(self._file)} {shlex.quote(f'{self._file}.broken')}"

    def exists(self) -> bool:
        """Looking makes no file."""
        if not self._attached and not os.path.exists(self._file):
            return False
        self._attach()
        return super().exists()

    def prepare(self) -> None:
        """Make room for copies, the file too."""
        make_private(self._file)
        self._attach()
        super().prepare()

    def close(self) -> None:
        """Let go of the file, and remove it where nothing is in it any more."""
        if not self._attached:
            return
        if not self._connection.closed:
            self._detach(self._connection.connection.dbapi_connection)
        event.remove(self._connection.engine, "checkin", self._detach)
        self._attached = False
        if self._let_go and os.path.exists(self._file) and is_empty(self._file):
            os.unlink(self._file)

    def _attach(self) -> None:
        if self._attached:
            return
        if all(row[1] != _ALIAS for row in run(self._connection, "PRAGMA database_list")):
            run(self._connection, f"ATTACH :file AS {_ALIAS}", file=self._file)
        self._attached = True
        # A connection that goes back to a pool must not keep the file.
        event.listen(self._connection.engine, "checkin", self._detach)

    def _detach(self, driver: Any, record: Any = None) -> None:
        with contextlib.suppress(Exception):
            cursor = driver.cursor()
            cursor.execute(f"DETACH {_ALIAS}")
            cursor.close()
            self._let_go = True

    def _index(self, number: int, names: list[str]) -> None:
        listed = ", ".join(map(quoted, names))
        index = f"{quoted(self._schema)}.{quoted(', '.join((f'parked_{number}', *names)))}"
        run(self._connection, f"CREATE INDEX IF NOT EXISTS {index} ON parked_{number} ({listed})")

    def _bytes(self, copy: str, names: list[str]) -> int:
        sizes = " + ".join(f"coalesce(length(CAST({quoted(name)} AS BLOB)), 0)" for name in names)
        return int(run(self._connection, f"SELECT coalesce(sum({sizes}), 0) FROM {copy}").scalar_one())


def store_of(connection: Connection, folder: str | None) -> Store | None:
    """Where this database's rows are parked; None if they cannot be. ``folder`` is for SQLite's files."""
    if connection.dialect.name == "postgresql":
        return PostgresStore(connection)
    file = park_file(connection, folder) if folder is not None else None
    return SqliteStore(connection, file) if file is not None else None


def park_file(connection: Connection, folder: str) -> str | None:
    """The file for an SQLite database; None for one in memory and for other databases."""
    database = real_database(connection.engine.url).database
    if connection.dialect.name != "sqlite" or not database:
        return None
    path = next((row[2] for row in run(connection, "PRAGMA database_list") if row[1] == "main"), "")
    if not path:
        return None
    return os.path.join(folder, f"{os.path.basename(path)}-{_digest(path, folder)}")


def _digest(path: str, folder: str) -> str:
    """Of where the database lies: in the work tree as seen from there, so that both may be moved together."""
    place, top = os.path.realpath(path), os.path.realpath(os.path.join(folder, *[os.pardir] * 3))
    if place.startswith(os.path.join(top, "")):
        place = os.path.relpath(place, top)
    return hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def make_private(file: str) -> None:
    """Make a file for rows that only its owner may read, in a folder like that; what is there becomes so.

    SQLite gives its journals the rights of the file.
    """
    folder = os.path.dirname(file)
    os.makedirs(folder, exist_ok=True)
    os.close(os.open(file, os.O_RDONLY | os.O_CREAT, 0o600))
    for path, mode in ((folder, 0o700), (file, 0o600)):
        # In a repository that is shared, either may be another user's.
        if os.stat(path).st_uid == os.geteuid():
            os.chmod(path, mode)


def is_empty(file: str) -> bool:
    """Whether nothing is parked in an SQLite file."""
    with contextlib.closing(sqlite3.connect(file)) as own:
        return own.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None
