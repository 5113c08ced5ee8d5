"""Scratch databases beside a run of env.py: reached directly, and made by statements."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import cache

from sqlalchemy import Connection, Engine, create_engine, pool
from sqlalchemy.engine import URL

from .scratch import scratch_url


def directly(url: URL) -> Engine:
    """An engine of ours beside the run: it is not given the database that the project is given."""
    dialect = create_engine(url, poolclass=pool.NullPool).dialect
    arguments, options = dialect.create_connect_args(url)
    driver = dialect.loaded_dbapi
    return create_engine(url, poolclass=pool.NullPool, creator=lambda: driver.connect(*arguments, **options))


@contextmanager
def made_by(statements: Iterable[str], place: str | None) -> Iterator[Connection]:
    """A database that these statements have made: in memory (SQLite), or in ``place``.

    ``place`` is an empty scratch database of PostgreSQL, and stays empty. Raises what the driver raises.
    """
    engine = _in_memory() if place is None else directly(scratch_url(place))
    with engine.connect() as connection:
        with closing(connection.connection.cursor()) as cursor:
            for statement in statements:
                cursor.execute(statement)
        yield connection
        # PostgreSQL takes all of it back.
        connection.rollback()


@cache
def _in_memory() -> Engine:
    """An engine of which each connection is a database."""
    return create_engine("sqlite://", creator=lambda: sqlite3.connect(":memory:"), poolclass=pool.NullPool)
