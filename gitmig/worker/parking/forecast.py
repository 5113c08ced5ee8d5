"""What a plan says beforehand of the rows that it takes: whether they are parked, and why not."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from ...wire.sql import Name
from .run import ParkingPolicy, too_large, why_not
from .stores import store_of
from .tables import tables_of


def foretold(
    connection: Connection, order: ParkingPolicy | None, found: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The losses with ``parked``, whether their rows are parked, and ``why`` where they cannot be.

    Raises Failure("park-limit").
    """
    return [loss | _foretold(connection, order, loss) for loss in found]


def _foretold(connection: Connection, order: ParkingPolicy | None, loss: dict[str, Any]) -> dict[str, Any]:
    if order is None or not order.park or not loss["down"] or loss["table"] is None:
        return {"parked": False, "why": None}
    if connection.dialect.name not in ("postgresql", "sqlite"):
        return {"parked": False, "why": "only PostgreSQL and SQLite park rows"}
    store = store_of(connection, order.folder)
    if store is None:
        return {"parked": False, "why": "the database is in memory"}
    tables = tables_of(connection)
    found = tables.look(Name(loss["table"], loss["schema"]))
    if found is None:
        return {"parked": False, "why": "it is no ordinary table"}
    place = found.place
    dropped = [loss["column"]] if loss["column"] is not None else []
    key = tables.key(place, dropped)
    if (why := why_not(store, found, key, whole=not dropped)) is not None:
        return {"parked": False, "why": why}
    names = [*dropped, *key] if dropped else [each.name for each in tables.columns(place)]
    size = tables.size(place, names, order.limit)
    if size > order.limit:
        raise too_large(place.schema, place.table, loss["column"], size, order.limit)
    return {"parked": True, "why": None}
