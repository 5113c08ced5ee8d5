"""Which paths belong to the project, and where its code comes from.

The *checkout* is the folder that the command line named as ``top``. If the code is that of another tree, it
comes from the *root*, a folder that is laid out like the checkout. Without such a tree the root is the
checkout. The other work trees of the repository are laid out like it too: what leads there (an editable
install of the main one) is led to the root.
"""

from __future__ import annotations

import filecmp
import os
import sys
from collections.abc import Iterable

# Code that came through a pipe is in no folder.
_OWN = (
    os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..")) if "__file__" in globals() else None
)
_STDLIB = os.path.realpath(os.path.dirname(os.__file__))
_FOREIGN_NAMES = frozenset({"site-packages", "dist-packages", "__pypackages__", "__pycache__", ".git"})


class Places:
    """Translates between absolute paths and paths relative to the top of the repository."""

    def __init__(self, top: str, root: str | None = None, others: Iterable[str] = ()):
        """``others``: the other checkouts of the repository, which an editable install may lead to."""
        self.top = os.path.realpath(top)
        self.root = os.path.realpath(root) if root else self.top
        self.others = tuple(map(os.path.realpath, others))
        self.checkouts = tuple(one for one in (self.top, *self.others) if one != self.root)
        """The folders that the code does not come from, though it is laid out like them."""
        self._roots = _nearest_first({self.root, self.top, *self.others})
        self._known: dict[str, str | None] = {}
        self._folders: dict[str, str] = {}
        """Where folders really are: links in a path are looked for once for all files of a folder."""
        self._environments: dict[str, bool] = {}

    @property
    def elsewhere(self) -> bool:
        """Whether the code comes from another folder than the checkout."""
        return self.root != self.top

    def add_root(self, root: str) -> None:
        """Another folder that is laid out like the checkout: the code of some scripts comes from there."""
        if root not in self._roots:
            self._roots = _nearest_first({root, *self._roots})
            self._known.clear()

    def relative(self, path: str) -> str | None:
        """The path below the top with forward slashes ("" for the top itself), from any of these folders.

        Links are followed. None for what is not the project's: outside, in a virtual environment or in
        site-packages.
        """
        # The same words mean another place once the current directory is another one.
        place = path if os.path.isabs(path) else os.path.abspath(path)
        try:
            return self._known[place]
        except KeyError:
            found = self._known[place] = self._find(self._real(os.path.abspath(place)))
            return found

    def as_written(self, path: str) -> str | None:
        """As :meth:`relative`, with links not followed; None for what is outside."""
        return self._inside(os.path.abspath(path))

    def is_astray(self, path: str) -> bool:
        """Whether a path leads into a checkout, though the code comes from another folder."""
        return bool(self.checkouts) and self._root_of(os.path.realpath(path)) in self.checkouts

    def is_same(self, ours: str) -> bool:
        """Whether what is at a path into a checkout is the same where the code comes from."""
        theirs = self.translated(ours)
        if os.path.isfile(ours) and os.path.isfile(theirs):
            return os.path.samefile(ours, theirs) or filecmp.cmp(ours, theirs, shallow=False)
        return names_in(ours) == names_in(theirs) and os.path.exists(ours) == os.path.exists(theirs)

    def source(self, relative: str) -> str:
        """The absolute path of a project file where the code comes from."""
        return os.path.join(self.root, *relative.split("/")) if relative else self.root

    def translated(self, path: str) -> str:
        """A path in the folder that the code comes from, for one into a checkout; any other as it is."""
        relative = self.relative(path)
        return path if relative is None else self.source(relative)

    def translated_text(self, text: str) -> str:
        """The same for each path of a text that is one, or several with colons between.

        What the tree does not have stays as it is.
        """
        return os.pathsep.join(map(self._translated_word, text.split(os.pathsep)))

    def _translated_word(self, path: str) -> str:
        if not os.path.isabs(path) or path.rstrip("/") != os.path.normpath(path) or not self.is_astray(path):
            return path
        source = self.translated(path)
        return source if os.path.lexists(source) else path

    def checkout(self, path: str) -> str:
        """The path in the checkout for a path in the other folder; any other path as it is."""
        below = _below(path, self.root)
        return path if below is None or not self.elsewhere else os.path.join(self.top, below)

    def _real(self, place: str) -> str:
        folder, name = os.path.split(place)
        if os.path.islink(place) or not name:
            return os.path.realpath(place)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return os.path.join(self._folders[folder], name)

    def _find(self, path: str) -> str | None:
        if _OWN is not None and _below(path, _OWN) is not None:
            return None
        return self._inside(path)

    def _root_of(self, path: str) -> str | None:
        return next((root for root in self._roots if _below(path, root) is not None), None)

    def _inside(self, path: str) -> str | None:
        root = self._root_of(path)
        below = None if root is None else _below(path, root)
        parts = below.split(os.sep) if below else []
        if root is None or not _FOREIGN_NAMES.isdisjoint(parts) or self._in_environment(path, root, parts):
            return None
        return "/".join(parts)

    def _in_environment(self, path: str, root: str, parts: list[str]) -> bool:
        folder = root if root in self.others else self.top
        for home in (sys.prefix, _STDLIB):
            below = _below(os.path.realpath(home), folder)
            if below and _below(path, os.path.realpath(home)) is not None:
                return True
        for part in parts:
            folder = os.path.join(folder, part)
            if folder not in self._environments:
                self._environments[folder] = os.path.isfile(os.path.join(folder, "pyvenv.cfg"))
            if self._environments[folder]:
                return True
        return False


def _nearest_first(folders: Iterable[str]) -> list[str]:
    """Folders, those below others before these."""
    return sorted(folders, key=len, reverse=True)


def names_in(folder: str) -> str:
    """The names in a folder, one a line, those of folders with a slash; "" if it is none."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name + "/" if entry.is_dir() else entry.name for entry in entries]
    except OSError:
        return ""
    return "\n".join(sorted(name for name in names if name != "__pycache__/"))


def _below(path: str, folder: str) -> str | None:
    if path == folder:
        return ""
    prefix = folder if folder.endswith(os.sep) else folder + os.sep
    return path[len(prefix) :] if path.startswith(prefix) else None
