"""What an import of the models depended on: files read, names looked for, folders listed, paths asked for."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import threading
from typing import TYPE_CHECKING, Any

from .asking import paths_asked_for
from .places import names_in

if TYPE_CHECKING:
    from types import FrameType

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
        """What was read or listed in a checkout by its absolute path, though the code is another tree's."""
        self.complete = True
        """Whether nothing was read by a process that the project's code has started: that is not seen."""
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
        if found and self._places.is_astray(place):
            self.astray.add(os.path.realpath(place))

    def listed(self, place: str) -> None:
        """Record that user code listed a folder."""
        if (relative := self._places.relative(place)) is None:
            return
        self.listings[relative] = place
        if self._places.is_astray(place):
            self.astray.add(os.path.realpath(place))

    def started(self, command: list[str]) -> None:
        """Record that a process was started: what it reads is not seen, unless it asks git about a commit."""
        self.complete = self.complete and _asks_of_history(command)

    def watch(self) -> None:
        """See every file opened and folder listed from now on."""
        busy = threading.local()

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            if event not in _EVENTS or getattr(busy, "inside", False):
                return
            busy.inside = True
            try:
                if event in _BY_PROJECT:
                    if self._places.relative(_caller(sys._getframe(1))) is None:
                        return  # a library's own: what it opens and starts is not the project's
                    if event == "sqlite3.connect":
                        self.read(_file_of(arguments[0]))
                    else:
                        self.started(_command(event, arguments))
                elif isinstance(arguments[0], int) or (event == "open" and _writes(arguments)):
                    return
                elif event == "open":
                    self.read(os.fsdecode(arguments[0]))
                elif not sys._getframe(1).f_code.co_filename.startswith("<frozen importlib"):
                    self.listed(os.curdir if arguments[0] is None else os.fsdecode(arguments[0]))
            finally:
                busy.inside = False

        sys.addaudithook(hook)

    def missing(self) -> list[str]:
        """Modules that were looked for and are in the checkout alone: untracked, or not staged."""
        if not self._places.elsewhere:
            return []
        names = [f"{path}{end}" for path in self.lookups for end in (".py", "/__init__.py")]
        there = [name for name in names if os.path.isfile(os.path.join(self._places.top, name))]
        return sorted(name for name in there if not os.path.exists(self._places.source(name)))

    def to_json(self) -> dict[str, Any]:
        """The manifest as it goes over the channel.

        ``files``: what was opened, also what was not there. ``lookups``: path to any of ``d`` (a folder),
        ``p`` (with ``__init__.py``), ``m`` (a module). ``listings``: folder to its entries, one per line.
        ``asked``: paths that may have been asked for, there or not.
        """
        return {
            "files": sorted(self.files),
            "lookups": dict(sorted(self.lookups.items())),
            "listings": {path: names_in(place) for path, place in sorted(self.listings.items())},
            "asked": sorted(self._asked()),
            "complete": self.complete,
        }

    def _asked(self) -> set[str]:
        modules = [path for path in self.files if path.endswith(".py")]
        now = self._places.relative(os.getcwd()) or ""
        return paths_asked_for(modules, self._places.root, now) - self.files


_BY_PROJECT = frozenset({"subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "sqlite3.connect"})
_EVENTS = _BY_PROJECT | {"open", "os.listdir", "os.scandir"}
_SHELL = re.compile(r"[|;&<>`$(]")
_LIBRARY = (os.path.dirname(os.__file__), "<frozen")
_OF_HISTORY = {
    "branch",
    "config",
    "describe",
    "log",
    "name-rev",
    "remote",
    "rev-list",
    "rev-parse",
    "status",
    "tag",
}
"""What git is asked for a version with: no content of files, nor their names."""


def _command(event: str, arguments: tuple[Any, ...]) -> list[str]:
    """The words of a command that is started; none if it is this process once more."""
    if event == "os.fork":
        return []
    words = arguments[0] if event == "os.system" else arguments[1]
    words = [words] if isinstance(words, (str, bytes, os.PathLike)) else list(words)
    text = " ".join(map(os.fsdecode, words[2:] if os.fsdecode(words[0]) == "/bin/sh" else words))
    return [] if _SHELL.search(text) else text.split()


def _asks_of_history(command: list[str]) -> bool:
    return bool(command) and os.path.basename(command[0]) == "git" and not _OF_HISTORY.isdisjoint(command)


def _caller(frame: FrameType | None) -> str:
    """The file whose code is running, the standard library's aside."""
    name = ""
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith(_LIBRARY) or "-packages" in name:
            break
        frame = frame.f_back
    return name


def _file_of(database: object) -> str:
    """The file of an SQLite database, which may be named by a URI."""
    from urllib.parse import unquote, urlsplit

    name = os.fsdecode(database) if isinstance(database, (str, bytes, os.PathLike)) else ""
    name = unquote(urlsplit(name).path) if name.startswith("file:") else name
    return os.devnull if name in ("", ":memory:") else name


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
