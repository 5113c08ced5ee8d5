"""For env.py: plain Alembic under the lock that gitmig's commands take. ::

    from gitmig.lock import locked

    with locked(), context.begin_transaction():
        context.run_migrations()

Runs in the project's process, and imports nothing but the standard library until it is used.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def locked(wait: float = 60.0) -> Iterator[None]:
    """Hold the lock of the database that ``context.configure()`` was given, for as long as the block lasts.

    Poll for it for at most ``wait`` seconds, then raise Alembic's CommandError with its holder. Nothing is
    locked if gitmig itself runs env.py (it has the lock if it moves anything), without a database
    (``--sql``), and for commands that move nothing (``current``, ``check``, ``revision``).
    """
    from alembic import context, util

    migration = context.get_context()
    connection = migration.connection
    reads = {"dont_mutate", "revision_context"} & migration.opts.keys()
    if "_gitmig" in sys.modules or connection is None or migration.as_sql or reads:
        yield
        return
    from gitmig.worker.channel import Failure
    from gitmig.worker.environment.run import table_name
    from gitmig.worker.locking.held import Locks

    locks = Locks(_say, {"wait": wait, "lock": os.environ.get("GITMIG_LOCK")})
    try:
        try:
            if connection.dialect.name == "sqlite":
                locks.take_file(connection)
            locks.hold(connection, table_name(migration)).guard(connection, locks.wait, locks.waiting)
        except Failure as failure:
            raise util.CommandError(failure.message) from None
        yield
    finally:
        locks.release()


def _say(name: str, /, *, holder: str) -> None:
    print(f"{name.capitalize()} for {holder}", file=sys.stderr, flush=True)
