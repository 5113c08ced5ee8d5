"""The ``live`` request: what the configured database holds, in its own words. Changes nothing there.

Reading the catalog is all that is done: no right to change anything is needed, and no lock is kept. It waits
for nobody for long: PostgreSQL describes an index or a default only if nobody has its table to himself.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool

from ..channel import Failure
from ..environment.heads import no_new_files
from ..environment.run import EnvRun, run_environment, table_name
from ..hidden import is_shown
from ..locking.blockers import reading
from ..schema.facets import Facet
from ..session import Session
from .reading import DatabaseReader

_STATEMENTS = """
    SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
    AND type IN ('table', 'index') ORDER BY type = 'index', rowid
"""


def describe_live(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """``{facets}`` of the database that env.py connects to, without the tables ``excluded`` and ours.

    ``like`` are the facets of the models that it is compared with. Raises Failure("unproven") for databases
    that gitmig cannot read, and what env.py raises.
    """
    look = _Look(DatabaseReader(session, request["excluded"], request["like"]))
    with no_new_files([]):
        run_environment(session, look)
    return {"facets": look.found}


class _Look(EnvRun):
    def __init__(self, reader: DatabaseReader):
        self._reader = reader
        self.found: list[Facet] = []
        self._versions = ""

    def running(self, context: MigrationContext, proceed: Callable[[], None]) -> None:
        """Read the catalog of the database that env.py's last `configure` named."""
        connection = context.connection
        assert connection is not None
        # Offline, env.py may not say where it is.
        self._versions = table_name(context)
        match connection.dialect.name:
            case "postgresql":
                self.found = self._described(connection)
            case "sqlite":
                self.found = self._of_copy(connection)
            case name:
                raise Failure("unproven", f"gitmig cannot describe a database of {name}")

    def _of_copy(self, connection: Connection) -> list[Facet]:
        """What an SQLite file holds: read from an empty copy in memory, since a look can take an index."""
        statements = connection.exec_driver_sql(_STATEMENTS).scalars().all()
        engine = create_engine("sqlite://", poolclass=StaticPool)
        with closing(engine.raw_connection()) as raw:
            for statement in statements:
                _try(raw, statement)
        with engine.connect() as copy:
            return self._described(copy)

    def _described(self, connection: Connection) -> list[Facet]:
        found = self._reader.describe(connection, reading)
        return [
            facet for facet in found if not facet[1] or (_is_theirs(facet[1]) and facet[1] != self._versions)
        ]


def _try(raw: Any, statement: str) -> None:
    # A module or a collation may be the application's own.
    with contextlib.suppress(sqlite3.Error):
        raw.cursor().execute(statement)


def _is_theirs(table: str) -> bool:
    schema, _, name = table.rpartition(".")
    return is_shown(name, "table", {"schema_name": schema or None})
