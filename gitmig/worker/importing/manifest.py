"""What an import of the models depended on: files read, names looked for, folders listed."""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .places import Places


class ManifestRecorder:
    """Collects while the project's code runs. All paths are relative to the top."""

    def __init__(self, places: Places) -> None:
        self.files: set[str] = set()
        self.lookups: dict[str, str] = {}
        self.listings: dict[str, str] = {}
        """Folder to its absolute path."""
        self.latest: str | None = None
        """The file of the project that was opened last."""
        self.astray: set[str] = set()
        """Files read from the checkout by their absolute path, though the code is that of another tree."""
        self._places = places

    def look(self, path: str, place: str) -> None:
        """Record a search for ``path``, a module's place without its ending."""
        if path not in self.lookups:
            self.lookups[path] = _what_is_at(place)

    def read(self, place: str) -> None:
        """Record that a file was opened, there or not. Bytecode stands for its source."""
        place = _source_of(place)
        if os.path.isdir(place):
            return
        found = {self._places.relative(place), self._places.as_written(place)} - {None, ""}
        self.files.update(path for path in found if path)
        self.latest = self._places.relative(place) or self.latest
        if found and self._places.is_astray(place) and os.path.isfile(place):
            self.astray.update(path for path in found if path)

    def listed(self, place: str) -> None:
        """Record that user code listed a folder."""
        if (relative := self._places.relative(place)) is not None:
            self.listings[relative] = place

    def watch(self) -> None:
        """See every file opened and folder listed from now on."""
        busy = threading.local()

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            if event not in _EVENTS or getattr(busy, "inside", False):
                return
            place = arguments[0]
            if isinstance(place, int) or (event == "open" and _writes(arguments)):
                return
            busy.inside = True
            try:
                path = os.curdir if place is None else os.fsdecode(place)
                if event == "open":
                    self.read(path)
                elif not sys._getframe(1).f_code.co_filename.startswith("<frozen importlib"):
                    self.listed(path)
            finally:
                busy.inside = False

        sys.addaudithook(hook)

    def missing(self) -> list[str]:
        """Modules that were looked for and are in the checkout alone: untracked, or not staged."""
        if not self._places.translated:
            return []
        names = [f"{path}{end}" for path in self.lookups for end in (".py", "/__init__.py")]
        there = [name for name in names if os.path.isfile(os.path.join(self._places.top, name))]
        return sorted(name for name in there if not os.path.exists(self._places.source(name)))

    def to_json(self) -> dict[str, Any]:
        """The manifest as it goes over the channel.

        ``files``: what was opened, also what was not there. ``lookups``: path to any of ``d`` (a folder),
        ``p`` (with ``__init__.py``), ``m`` (a module). ``listings``: folder to its entries, one per line.
        """
        return {
            "files": sorted(self.files),
            "lookups": dict(sorted(self.lookups.items())),
            "listings": {path: _entries(place) for path, place in sorted(self.listings.items())},
            "astray": sorted(self.astray),
        }


_EVENTS = frozenset({"open", "os.listdir", "os.scandir"})


def _writes(arguments: tuple[Any, ...]) -> bool:
    flags = arguments[2] if len(arguments) > 2 else 0
    return isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR) != 0


def _source_of(place: str) -> str:
    if not place.endswith(".pyc"):
        return place
    try:
        return importlib.util.source_from_cache(place)
    except (ValueError, NotImplementedError):
        return place  # a module that has no source


def _what_is_at(place: str) -> str:
    found = "d" if os.path.isdir(place) else ""
    if found and os.path.isfile(os.path.join(place, "__init__.py")):
        found += "p"
    if os.path.isfile(place + ".py"):
        found += "m"
    return found


def _entries(place: str) -> str:
    try:
        with os.scandir(place) as entries:
            names = [entry.name + "/" if entry.is_dir() else entry.name for entry in entries]
    except OSError:
        return ""
    return "\n".join(sorted(name for name in names if name != "__pycache__/"))
