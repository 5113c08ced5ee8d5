"""The ``ledger`` request: look at the ledger's table, or make it under the database's lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alembic.runtime.migration import MigrationContext

from ..environment.heads import no_new_files
from ..environment.ledger import Ledger
from ..environment.run import EnvRun, database_name, run_environment
from ..moving.migration import Migration
from ..session import Session


def ledger(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """``{databases: [{database, dialect, table, enabled, environment, rows}]}``; ``rows`` newest first.

    With ``enable`` the table is made where it is missing, in a transaction of its own where DDL has any,
    and no rows are read. ``limit`` is how many rows are wanted, None all of them.
    """
    if not request.get("enable"):
        look = _Look(session, request.get("limit"))
        with no_new_files([]):
            run_environment(session, look)
        return {"databases": look.found}
    enabling = _Enabling(session, request)
    try:
        run_environment(session, enabling)
    finally:
        enabling.release()
    return {"databases": enabling.found}


class _Look(EnvRun):
    def __init__(self, session: Session, limit: int | None):
        self._section = session.options.section
        self._limit = limit
        self.found: list[dict[str, Any]] = []

    def running(self, context: MigrationContext, proceed: Callable[[], None]) -> None:
        ledger = Ledger(context, self._section)
        there = ledger.exists()
        rows = ledger.newest(self._limit) if there else []
        self.found.append(_answer(context, ledger, there) | {"rows": rows})


class _Enabling(Migration):
    def __init__(self, session: Session, request: dict[str, Any]):
        super().__init__(session, request)
        self.found: list[dict[str, Any]] = []

    def running(self, context: MigrationContext, proceed: Callable[[], None]) -> None:
        self.prepare(context)
        ledger = Ledger(context, self.session.options.section)
        if not ledger.exists():
            ledger.create()
            # With a transaction per migration nobody commits but the migrations.
            if self.is_per_migration(context) and context.connection is not None:
                context.connection.commit()
        self.found.append(_answer(context, ledger, True) | {"rows": []})


def _answer(context: MigrationContext, ledger: Ledger, enabled: bool) -> dict[str, Any]:
    assert context.connection is not None
    return {
        "database": database_name(context.connection.engine.url),
        "dialect": context.dialect.name,
        "table": ledger.name,
        "environment": ledger.environment,
        "enabled": enabled,
    }
