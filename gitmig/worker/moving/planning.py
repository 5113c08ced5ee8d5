"""What the command line is asked before anything moves: the plan, and whether rows may be lost."""

from __future__ import annotations

from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from ..channel import Channel, Failure
from ..environment.heads import what_is_there
from ..environment.run import EnvRunStopped
from ..parking.forecast import foretold
from ..parking.run import ParkingPolicy
from .losses import find_losses


def is_transactional(context: MigrationContext) -> bool:
    """Whether what is prepared can be rolled back as a whole."""
    assert context.connection is not None
    return context.impl.transactional_ddl and not is_autocommit(context.connection)


def is_autocommit(connection: Connection) -> bool:
    """Whether each statement is committed by itself."""
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return True
    return getattr(connection.connection.driver_connection, "autocommit", False) is True


def is_mysql(context: MigrationContext) -> bool:
    """Whether it is MySQL or MariaDB, which commit at each DDL statement."""
    return context.dialect.name in ("mysql", "mariadb")


def ask_plan(
    channel: Channel, context: MigrationContext, heads: tuple[str, ...], **facts: Any
) -> dict[str, Any]:
    """The plan from ``heads``, with ``facts``; what it drops that holds rows is asked about too.

    Raises Stopped where the command line wants the lock released, and where more would have to be parked
    than may be.
    """
    answer = channel.ask(
        "plan",
        heads=list(heads),
        **({"versioned": True, "models_tables": 0} if heads else what_is_there(context)),
        **facts,
    )
    if answer.get("release"):
        raise EnvRunStopped
    if answer.get("losses"):
        assert context.connection is not None
        found = find_losses(context.connection, answer["losses"])
        try:
            found = foretold(context.connection, ParkingPolicy.of(answer.get("parking")), found)
        except Failure as failure:
            raise EnvRunStopped(failure) from None
        if not channel.ask("losses", found=found).get("go"):
            raise EnvRunStopped
        # What was said to be parked must not be lost.
        known = [loss for loss in answer["losses"] if loss["known"]]
        answer["announced"] = [*known, *(loss for loss in found if not loss["parked"])]
    return answer
