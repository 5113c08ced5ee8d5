"""Where the folders are that an Alembic configuration names, and whether they are in the repository. Pure.

Alembic takes relative paths from the folder that it is run in, which no configuration says: it is the folder
of the file, or the first above it from where the paths lead to an env.py. If they start at the file itself,
it is the first that is no package.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gitmig.errors import NoAlembic

TEMPLATE = "script.py.mako"
"""What new revisions are written from: it lies in every script folder."""
HERE = "\0"
"""Stands for `%(here)s` until the paths are put together: no path holds it by itself."""
Values = Mapping[str, str | tuple[str, ...]]
"""The options of one environment."""

_SEPARATORS = {"space": r" ", "newline": r"\n", "os": r":", ":": r":", ";": r";"}
_LEGACY = r", *|(?: +)|\n"
_BOTH = ("path_separator", "version_path_separator")
_FLASK = re.compile(rb"""extensions\s*(?:\[|\.get\()\s*['"]migrate['"]""")


class Files(Protocol):
    """What is asked of the files around a configuration; every tree can answer."""

    def exists(self, path: str) -> bool:
        """Whether there is a file or a folder at a path relative to the top."""

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, or None if there is none."""


class NoFiles:
    """Nothing is known but the configuration's own text."""

    def exists(self, path: str) -> bool:
        """Nothing is there."""
        return False

    def read(self, path: str) -> bytes | None:
        """Nothing is there."""
        return None


NO_FILES: Files = NoFiles()


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """The values of one environment, and what tells their paths."""

    values: Values
    main: str | None
    """The file that the values are of, if there is one."""
    folder: str | None
    """The script folder, if it is known already."""
    application: str | None
    """What Flask finds the application by."""
    files: Files
    top: str
    """The absolute path of the top folder."""

    def base(self) -> tuple[str, str]:
        """The folder that people run Alembic in, and the script folder. Raises NoAlembic."""
        location = str(self.values.get("script_location", "")).strip()
        if self.folder is not None:
            named = self.main is not None and bool(location)
            return (self._found(location)[0] if named else self._run_in(self.folder)), self.folder
        assert self.main is not None
        if location:
            return self._found(location)
        here = posixpath.dirname(self.main)
        if not self.files.exists(below(here, "env.py")):
            raise NoAlembic(f"{self.main} has no script_location", hint=f"add script_location to {self.main}")
        # Flask-Migrate names the folder itself, and it is the ini's own.
        return self._run_in(here), here

    def versions(self, base: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The version locations in the repository, and those outside as they are written."""
        places = {item: self._inside(base, item) for item in self._paths("version_locations", _BOTH, _LEGACY)}
        outside = [item for item, place in places.items() if self._is_outside(item, place)]
        within = [place for item, place in places.items() if item not in outside]
        return tuple(within), tuple(item.replace(HERE, ".") for item in outside)

    def roots(self, base: str, folder: str) -> tuple[str, ...]:
        """The folders that project code is imported from."""
        named = self._paths("prepend_sys_path", _BOTH[:1], _LEGACY + "|:")
        roots = [base, *(self._inside(base, root) for root in named)]
        location = str(self.values.get("script_location", "")).strip()
        if self.main is None:
            roots.append(self._package_root(folder))
        elif location.startswith((HERE, "/")):
            # `alembic -c db/alembic.ini` may be run from the top, and no path tells: the modules' names do.
            roots += upwards(base)
        return tuple(dict.fromkeys(root for root in roots if not root.startswith(("/", ".."))))

    def _found(self, location: str) -> tuple[str, str]:
        assert self.main is not None
        here = posixpath.dirname(self.main)
        if not location.startswith((HERE, "/")):
            for base in upwards(here):
                for start in (base, below(base, "src")) if ":" in location else (base,):
                    folder = self._inside(start, location)
                    if self.files.exists(below(folder, "env.py")):
                        return base, folder
            return here, self._inside(here, location)
        return self._run_above(here), self._inside(here, location)

    def _run_above(self, folder: str) -> str:
        """Where people run Alembic if the script folder is named from the file's own folder.

        Not in a package, since nothing of it could be imported there, and where ``prepend_sys_path`` leads
        somewhere.
        """
        while folder and self.files.exists(below(folder, "__init__.py")):
            folder = posixpath.dirname(folder)
        named = self._paths("prepend_sys_path", _BOTH[:1], _LEGACY + "|:")
        roots = [root for root in named if not root.startswith((HERE, "/", ".."))]
        places = (
            base
            for base in upwards(folder)
            if all(self.files.exists(self._inside(base, root)) for root in roots)
        )
        return next(places, folder)

    def _run_in(self, folder: str) -> str:
        """Where people run Alembic, if no path of the configuration tells."""
        if not is_flask(self.files, folder):
            root = self._package_root(folder)
            return posixpath.dirname(root) if posixpath.basename(root) == "src" else root
        module = (self.application or "").partition(":")[0].removesuffix(".py").replace(".", "/")
        names = (".flaskenv", *((f"{module}.py", module) if module else ("wsgi.py", "app.py")))
        above = posixpath.dirname(folder)
        return next(
            (base for base in upwards(above) if any(self.files.exists(below(base, name)) for name in names)),
            self._package_root(folder),
        )

    def _package_root(self, folder: str) -> str:
        """The folder that the package around a script folder is imported from."""
        root = posixpath.dirname(folder)
        while root and self.files.exists(below(root, "__init__.py")):
            root = posixpath.dirname(root)
        return root

    def _inside(self, base: str, path: str) -> str:
        if path.startswith(HERE):
            base = posixpath.dirname(self.main) if self.main is not None else base
            path = path.removeprefix(HERE).lstrip("/")
        elif _names_package(path):
            package, _, rest = path.partition(":")
            path = posixpath.join(package.replace(".", "/"), rest.replace(":", "/"))
        elif self.top and (path == self.top or path.startswith(f"{self.top}/")):
            base, path = "", path[len(self.top) :].lstrip("/")
        joined = posixpath.normpath(posixpath.join(base, path))
        return "" if joined == "." else joined

    def _is_outside(self, item: str, place: str) -> bool:
        """Whether a version location is no folder of the repository."""
        if place.startswith(("/", "..")):
            return True
        return _names_package(item) and self.files is not NO_FILES and not self.files.exists(place)

    def _paths(self, key: str, separators: Sequence[str], legacy: str) -> list[str]:
        value = self.values.get(key, "")
        if isinstance(value, tuple):
            return [item for item in value if item]
        named = next((str(self.values[name]).strip() for name in separators if name in self.values), "")
        pattern = _SEPARATORS.get(named, legacy)
        return [item.strip() for item in re.split(pattern, value) if item.strip()]


def is_flask(files: Files, folder: str) -> bool:
    """Whether the env.py of a folder is Flask-Migrate's: it asks the application for everything."""
    return _FLASK.search(files.read(below(folder, "env.py")) or b"") is not None


def upwards(folder: str) -> Iterator[str]:
    """A folder and those above it, up to the top ("")."""
    yield folder
    while folder:
        folder = posixpath.dirname(folder)
        yield folder


def below(folder: str, name: str) -> str:
    """A path in a folder ("" for the top)."""
    return f"{folder}/{name}" if folder else name


def _names_package(path: str) -> bool:
    """Whether it is ``package:folder``, as Alembic names a folder inside an importable package."""
    return ":" in path and not path.startswith(("/", HERE))
