"""What an import of the models depended on: files read, names looked for, folders listed."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .places import Places
    from .private_root import PrivateRoot


class Manifest:
    """Collects while the project's code runs. All paths are relative to the top."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.lookups: dict[str, str] = {}
        self.listings: dict[str, str] = {}
        """Folder to its absolute path."""
        self.checkout_files: set[str] = set()
        """Read from the checkout although the code comes from a tree."""
        self.untracked: set[str] = set()
        """Modules that are in the checkout only, not ignored, and so were not imported."""
        self._places: Places | None = None

    def look(self, path: str, place: str) -> None:
        """Record a search for ``path``, a module's place without its ending."""
        if path not in self.lookups:
            self.lookups[path] = _what_is_at(place)

    def read(self, place: str) -> None:
        """Record that a file was opened, there or not."""
        if self._places is None or (relative := self._places.relative(place)) is None or relative == "":
            return
        if os.path.isdir(place):
            return
        self.files.add(relative)
        if not self._places.in_root(place) and os.path.isfile(place):
            self.checkout_files.add(relative)

    def listed(self, place: str) -> None:
        """Record that user code listed a folder."""
        if self._places is not None and (relative := self._places.relative(place)) is not None:
            self.listings[relative] = place

    def watch(self, places: Places, private: PrivateRoot | None) -> None:
        """See every file opened and folder listed from now on; provide it first where a tree is read."""
        self._places = places
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
                relative = places.relative(path)
                if relative is None:
                    return
                if private is not None and places.in_root(path):
                    private.folder(relative.rpartition("/")[0] if event == "open" else relative)
                if event == "open":
                    self.read(path)
                elif not sys._getframe(1).f_code.co_filename.startswith("<frozen importlib"):
                    self.listed(path)
            finally:
                busy.inside = False

        sys.addaudithook(hook)

    def to_json(self) -> dict[str, Any]:
        """The manifest as it goes over the channel.

        ``files``: what was opened, also what was not there. ``lookups``: path to any of ``d`` (a folder),
        ``p`` (with ``__init__.py``), ``m`` (a module). ``listings``: folder to its entries, one per line.
        """
        return {
            "files": sorted(self.files),
            "lookups": dict(sorted(self.lookups.items())),
            "listings": {path: _entries(place) for path, place in sorted(self.listings.items())},
            "checkout_files": sorted(self.checkout_files),
        }


_EVENTS = frozenset({"open", "os.listdir", "os.scandir"})


def _writes(arguments: tuple[Any, ...]) -> bool:
    flags = arguments[2] if len(arguments) > 2 else 0
    return isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR) != 0


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
