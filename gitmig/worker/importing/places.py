"""Which paths belong to the project, and where its code comes from.

The *checkout* is the folder that the command line named as ``top``. If the code is that of another tree, it
comes from the *root*, a folder that is laid out like the checkout. Without such a tree the root is the
checkout.
"""

from __future__ import annotations

import os
import sys

# Code that came through a pipe is in no folder.
_OWN = (
    os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..")) if "__file__" in globals() else None
)
_STDLIB = os.path.realpath(os.path.dirname(os.__file__))
_FOREIGN_NAMES = frozenset({"site-packages", "dist-packages", "__pypackages__", "__pycache__", ".git"})


class Places:
    """Translates between absolute paths and paths relative to the top of the repository."""

    def __init__(self, top: str, root: str | None = None):
        self.top = os.path.realpath(top)
        self.root = os.path.realpath(root) if root else self.top
        self._roots = list(dict.fromkeys([self.root, self.top]))
        self._known: dict[str, str | None] = {}
        self._environments: dict[str, bool] = {}

    @property
    def translated(self) -> bool:
        """Whether the code comes from another folder than the checkout."""
        return self.root != self.top

    def add_root(self, root: str) -> None:
        """Another folder that is laid out like the checkout: the code of some scripts comes from there."""
        if root not in self._roots:
            self._roots.insert(0, root)
            self._known.clear()

    def relative(self, path: str) -> str | None:
        """The path below the top with forward slashes ("" for the top itself), from any of these folders.

        Links are followed. None for what is not the project's: outside, in a virtual environment or in
        site-packages.
        """
        try:
            return self._known[path]
        except KeyError:
            found = self._known[path] = self._find(os.path.realpath(path or os.curdir))
            return found

    def as_written(self, path: str) -> str | None:
        """As :meth:`relative`, with links not followed; None for what is outside."""
        place = os.path.abspath(path)
        below = next((below for root in self._roots if (below := _below(place, root)) is not None), None)
        parts = below.split(os.sep) if below else []
        if below is None or not _FOREIGN_NAMES.isdisjoint(parts) or self._in_environment(place, parts):
            return None
        return "/".join(parts)

    def is_astray(self, path: str) -> bool:
        """Whether a path leads into the checkout by itself, though the code comes from another folder."""
        place = os.path.abspath(path)
        return self.translated and _below(place, self.root) is None and _below(place, self.top) is not None

    def source(self, relative: str) -> str:
        """The absolute path of a project file where the code comes from."""
        return os.path.join(self.root, *relative.split("/")) if relative else self.root

    def checkout(self, path: str) -> str:
        """The path in the checkout for a path in the other folder; any other path as it is."""
        below = _below(path, self.root)
        return path if below is None or not self.translated else os.path.join(self.top, below)

    def _find(self, path: str) -> str | None:
        if _OWN is not None and _below(path, _OWN) is not None:
            return None
        below = next((below for root in self._roots if (below := _below(path, root)) is not None), None)
        if below is None:
            return None
        parts = below.split(os.sep) if below else []
        if not _FOREIGN_NAMES.isdisjoint(parts) or self._in_environment(path, parts):
            return None
        return "/".join(parts)

    def _in_environment(self, path: str, parts: list[str]) -> bool:
        for home in (sys.prefix, _STDLIB):
            below = _below(os.path.realpath(home), self.top)
            if below and _below(path, os.path.realpath(home)) is not None:
                return True
        folder = self.top
        for part in parts:
            folder = os.path.join(folder, part)
            if folder not in self._environments:
                self._environments[folder] = os.path.isfile(os.path.join(folder, "pyvenv.cfg"))
            if self._environments[folder]:
                return True
        return False


def _below(path: str, folder: str) -> str | None:
    if path == folder:
        return ""
    prefix = folder if folder.endswith(os.sep) else folder + os.sep
    return path[len(prefix) :] if path.startswith(prefix) else None
