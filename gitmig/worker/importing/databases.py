"""SQLite files that are named relative to the code are those of the checkout: no tree holds them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import URL

    from .places import Places

_places: list[Places] = []


def keep_databases(places: Places) -> None:
    """From now on, SQLite files in the folder of a tree are those in the checkout."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def connecting(dialect: Any, record: object, arguments: list[Any], options: object) -> None:
        if dialect.name == "sqlite" and arguments and isinstance(arguments[0], str):
            arguments[0] = _kept(places, arguments[0])

    _places[:] = [places]
    event.listen(Engine, "do_connect", connecting)


def real_database(url: URL) -> URL:
    """The URL of a database as it is in the checkout."""
    if not _places or url.get_backend_name() != "sqlite" or not url.database:
        return url
    if url.database.startswith("file:") or os.path.isabs(url.database):
        return url.set(database=_kept(_places[0], url.database))
    return url


def _kept(places: Places, name: str) -> str:
    if name in ("", ":memory:"):
        return name
    if name.startswith("file:"):
        return name.replace(places.root, places.top)
    return places.checkout(os.path.abspath(name))
