"""Run code that may connect to a database, without one: what it asks is answered with no rows.

Engines and connections are SQLAlchemy's own. Only what an engine's pool would give out, the driver's
connection, is stood in for.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.engine import Engine

from .places import Places

_REFLECTION = "sqlalchemy.engine.reflection"
_DDL = "sqlalchemy.sql.ddl"
_NEWEST = (99, 0, 0)


@dataclass
class Asked:
    """What was wanted of a database."""

    connections: int = 0
    reflected: tuple[str, int] | None = None
    """The file and line of the project that had tables read out of the database, if one did."""


class NoRows:
    """Stands in for a driver's connection and for its cursor: nothing is sent anywhere."""

    description: Any = (("nothing", None, None, None, None, None, None),)
    rowcount = 0
    lastrowid = 1
    arraysize = 1
    is_valid = True
    notices = ()

    def __init__(self, asked: Asked, places: Places):
        self._asked = asked
        self._places = places
        self.info: dict[str, Any] = {}

    @property
    def dbapi_connection(self) -> NoRows:
        """The driver's connection: this."""
        return self

    driver_connection = connection = dbapi_connection

    def cursor(self, *args: Any, **options: Any) -> NoRows:
        """A cursor of its own: each has the columns of its statement."""
        return NoRows(self._asked, self._places)

    def execute(self, *args: Any, **options: Any) -> None:
        """Notes it if SQLAlchemy asks for tables."""
        if self._asked.reflected is None:
            self._asked.reflected = _reflecting(self._places)

    executemany = execute

    def fetchone(self) -> None:
        """No row."""
        return None

    def fetchmany(self, size: int = 0) -> list[Any]:
        """No rows."""
        return []

    def fetchall(self) -> list[Any]:
        """No rows."""
        return []

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        # commit, rollback, close, and what a driver has of its own.
        return lambda *args, **options: None


@contextmanager
def without_database(places: Places) -> Iterator[Asked]:
    """Let every Engine give out connections that lead nowhere while the block runs.

    Nothing is migrated meanwhile either: an application may call Alembic's upgrade() where it is made.
    """
    asked = Asked()
    original, run_env = Engine.raw_connection, ScriptDirectory.run_env

    @functools.wraps(original)
    def raw_connection(self: Engine) -> Any:
        asked.connections += 1
        if getattr(self.dialect, "server_version_info", None) is None:
            # It is found out at an engine's first connection, which this is not: that one overwrites it.
            self.dialect.server_version_info = _NEWEST
        return NoRows(asked, places)

    @functools.wraps(run_env)
    def run_nothing(self: ScriptDirectory) -> None:
        asked.connections += 1

    event.listen(Engine, "before_cursor_execute", _describe)
    Engine.raw_connection = raw_connection  # type: ignore[method-assign]
    ScriptDirectory.run_env = run_nothing  # type: ignore[method-assign]
    try:
        yield asked
    finally:
        Engine.raw_connection = original  # type: ignore[method-assign]
        ScriptDirectory.run_env = run_env  # type: ignore[method-assign]
        event.remove(Engine, "before_cursor_execute", _describe)


def _describe(connection: Any, cursor: Any, statement: Any, parameters: Any, context: Any, many: Any) -> None:
    """Give the cursor the columns that the statement selects: the ORM looks them up before any row."""
    columns = getattr(context.compiled, "_result_columns", None)
    if isinstance(cursor, NoRows) and columns:
        cursor.description = tuple((column[1], *[None] * 6) for column in columns)


def _reflecting(places: Places) -> tuple[str, int] | None:
    """The line of the project's code that made SQLAlchemy read the catalog; None if none did."""
    frame = sys._getframe(2)
    inside = False
    while frame is not None:
        module = frame.f_globals.get("__name__")
        if module == _DDL:
            return None  # create_all() looks which tables there are; the models stay what they are
        inside = inside or module == _REFLECTION
        path = frame.f_code.co_filename
        # What SQLAlchemy generates has the name of no file.
        relative = places.relative(path) if inside and os.path.isabs(path) else None
        if relative is not None:
            return relative, frame.f_lineno
        frame = frame.f_back  # type: ignore[assignment]
    return None
