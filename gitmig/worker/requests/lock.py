"""The ``lock`` request: hold the database's lock while the command line runs something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from ..channel import Failure
from ..environment.run import EnvRun, EnvRunStopped, run_environment, table_name
from ..locking.held import Locks
from ..locking.inherited import VARIABLE, handed_down
from ..session import Session


def lock(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """``{}``, after the command line has answered ``held``, which says what variable its command gets.

    No connection but the lock's own is open meanwhile. Raises Failure("lock") if the lock is another's for
    longer than ``wait``, or was lost by the end.
    """
    locks = Locks(session.channel.note, request)
    try:
        run_environment(session, _Holding(locks))
        session.channel.ask("held", variable=VARIABLE, value=handed_down(locks.tokens()))
        locks.check()
    finally:
        locks.release()
    return {}


class _Holding(EnvRun):
    def __init__(self, locks: Locks):
        self._locks = locks

    def configuring(self, connection: Connection, options: dict[str, Any]) -> None:
        if connection.dialect.name == "sqlite":
            self._or_stop(lambda: self._locks.take_file(connection))

    def running(self, context: MigrationContext, proceed: Callable[[], None]) -> None:
        connection = context.connection
        assert connection is not None
        self._or_stop(lambda: self._locks.hold(connection, table_name(context)))

    @staticmethod
    def _or_stop(action: Callable[[], object]) -> None:
        try:
            action()
        except Failure as failure:
            raise EnvRunStopped(failure) from None
