"""A private folder that holds as much of a tree as the project's code has asked for."""

from __future__ import annotations

import base64
import os
import shutil
import sys
import tempfile
import threading
from dataclasses import dataclass
from typing import Any

from .channel import Channel
from .places import Places


@dataclass(frozen=True)
class Listing:
    """The names in one folder of the tree."""

    files: frozenset[str]
    folders: frozenset[str]


class PrivateRoot:
    """Folders of the tree, each written when it is first needed and never changed after."""

    def __init__(self, checkout: Places, channel: Channel):
        self.places = Places(checkout.top, tempfile.mkdtemp(prefix="gitmig-"))
        self._channel = channel
        self._folders: dict[str, Listing | None] = {}
        self._lock = threading.RLock()

    def folder(self, path: str) -> Listing | None:
        """The names in a folder of the tree, which is on disk from here on; None if there is none."""
        try:
            return self._folders[path]
        except KeyError:
            with self._lock:
                if path not in self._folders:
                    self._folders[path] = self._fetch(path)
                return self._folders[path]

    def remove(self) -> None:
        """Delete the folder with all that is in it."""
        shutil.rmtree(self.places.root, ignore_errors=True)

    def _fetch(self, path: str) -> Listing | None:
        parent, _, name = path.rpartition("/")
        if path:
            above = self.folder(parent)
            if above is None or name not in above.folders:
                return None
        answer = self._channel.ask("folder", path=path)
        if answer.get("absent"):
            return None
        place = self.places.source(path)
        os.makedirs(place, exist_ok=True)
        files, folders = answer.get("files") or {}, answer.get("folders") or []
        for name in folders:
            os.makedirs(os.path.join(place, name), exist_ok=True)
        for name, content in {**(answer.get("data") or {}), **files}.items():
            target = os.path.join(place, *name.split("/"))
            if "/" in name:
                os.makedirs(os.path.dirname(target), exist_ok=True)
            # Not `open`: that would be recorded as the project's own doing.
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(base64.b64decode(content))
        sys.path_importer_cache.pop(place, None)
        return Listing(frozenset(files), frozenset(folders))


def keep_databases(places: Places) -> None:
    """Lead SQLite paths made from a module's ``__file__`` to the checkout: no tree holds the database."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def connecting(dialect: Any, record: object, arguments: list[Any], options: object) -> None:
        if dialect.name == "sqlite" and arguments and isinstance(arguments[0], str):
            arguments[0] = arguments[0].replace(places.root, places.top)

    engine_init: Any = Engine.__init__

    def init(self: Engine, pool: Any, dialect: Any, url: Any, *args: Any, **kw: Any) -> None:
        if dialect.name == "sqlite" and url.database:
            url = url.set(database=url.database.replace(places.root, places.top))
        engine_init(self, pool, dialect, url, *args, **kw)

    event.listen(Engine, "do_connect", connecting)
    Engine.__init__ = init  # type: ignore[method-assign]
