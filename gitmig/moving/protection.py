"""Databases in which nothing is undone unless a person names them: ``git config gitmig.protected``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import unquote

from gitmig.errors import Refused
from gitmig.git.repository import Repository

KEY = "gitmig.protected"


def is_protected(repository: Repository | None, database: str, directory: Path) -> bool:
    """Whether a pattern of git's configuration matches a database, named as ``status`` prints it.

    Patterns (as of fnmatch, in any case) are matched with ``host/database``, for SQLite with the file's path;
    one without a slash also with the host, the database or the file's name alone. ``directory`` is what
    relative paths of SQLite files are relative to. Without a repository nothing is protected.
    """
    if repository is None:
        return False
    patterns = repository.config_all(KEY)
    return any(matches(pattern, database, directory) for pattern in patterns)


def matches(pattern: str, database: str, directory: Path) -> bool:
    """Whether one pattern matches a database."""
    wanted = os.path.expanduser(pattern.strip()).lower()
    names = [*_places(database, directory)]
    if "/" not in wanted:
        names += [part for name in names for part in (name.partition("/")[0], name.rpartition("/")[2])]
    # An IPv6 address has brackets, which are a set of characters to fnmatch.
    return any(name and (wanted == name or fnmatchcase(name, wanted)) for name in map(str.lower, names))


def require_named(database: str, name: str) -> None:
    """Raise Refused unless ``name`` is what ``status`` calls the database, or the last part of it."""
    if name not in (database, last_part(database)):
        raise Refused(f"the database is {database}, and not {name}", hint="gitmig status")


def last_part(database: str) -> str:
    """The database's name without its server, an SQLite file's without its folder."""
    return unquote(database).rpartition("/")[2]


def _places(database: str, directory: Path) -> Iterator[str]:
    driver, _, rest = database.partition("://")
    if driver.partition("+")[0] == "sqlite":
        path = unquote(rest).removeprefix("/").removeprefix("file:")
        if path:
            yield path
            yield os.path.normpath(directory / path)
            yield os.path.realpath(directory / path)
        return
    server, _, name = unquote(rest).rpartition("/")
    host = re.sub(r":\d+$", "", server)
    yield f"{server}/{name}"
    yield f"{host or 'localhost'}/{name}"
    if host.startswith("/"):
        yield f"localhost/{name}"  # a socket's folder
