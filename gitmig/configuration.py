"""The Alembic configuration read as text: which folders hold the revisions. Pure.

Alembic's own reading of it (the database, the logging) happens in the worker.
"""

from __future__ import annotations

import configparser
import posixpath
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from gitmig.errors import NoAlembic, SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One Alembic environment. All paths are relative to the top of the tree, with forward slashes."""

    path: str
    """The alembic.ini, or the pyproject.toml with ``[tool.alembic]``."""
    toml: bool
    section: str
    script_location: str
    versions: tuple[str, ...]
    """The folders that hold revision files."""
    recursive: bool
    roots: tuple[str, ...]
    """The folders from which project code is imported (``prepend_sys_path``, and the ini's own)."""
    url: str | None = None
    """``sqlalchemy.url`` as it stands there; only asked whether it holds a password."""

    @property
    def directory(self) -> str:
        """The folder of the configuration ("" for the top)."""
        return posixpath.dirname(self.path)

    def holds(self, path: str) -> bool:
        """Whether a path is where Alembic would look for a revision file."""
        if not re.fullmatch(r"(?!\.#|__init__).*\.py", posixpath.basename(path)):
            return False
        folder = posixpath.dirname(path)
        return any(
            folder == versions or (self.recursive and folder.startswith(versions + "/"))
            for versions in self.versions
        )


def parse_ini(text: str, path: str, section: str = "alembic") -> Configuration:
    """The environment ``section`` of an alembic.ini.

    Raises SettingsError where the text does not parse, NoAlembic where the section is not there.
    """
    here = posixpath.dirname(path)
    parser = configparser.ConfigParser(defaults={"here": here or "."}, strict=False)
    try:
        parser.read_string(text, path)
        if not parser.has_section(section):
            raise NoAlembic(f"{path} has no section [{section}]", hint="name one with --name")
        values = {key: _interpolated(parser, section, key) for key in parser.options(section)}
    except configparser.Error as error:
        raise SettingsError(
            f"{path} does not parse: {str(error).splitlines()[0]}", hint=f"correct {path}"
        ) from None
    return _configuration(values, path=path, toml=False, section=section)


def parse_toml(text: str, path: str) -> Configuration | None:
    """The environment of ``[tool.alembic]`` in a pyproject.toml, or None where it has none."""
    try:
        table = tomllib.loads(text).get("tool", {}).get("alembic")
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}", hint=f"correct {path}") from None
    if not isinstance(table, dict):
        return None
    here = posixpath.dirname(path) or "."
    values: dict[str, str] = {}
    for key, value in table.items():
        items = value if isinstance(value, list) else [value]
        values[key] = "\n".join(str(item).replace("%(here)s", here) for item in items)
    return _configuration(values | {"path_separator": "newline"}, path=path, toml=True, section="alembic")


def _interpolated(parser: configparser.ConfigParser, section: str, key: str) -> str:
    try:
        return parser.get(section, key)
    except configparser.InterpolationError:
        # A password may hold a bare `%`: only the database part fails then, and in the worker.
        return parser.get(section, key, raw=True)


def _configuration(values: Mapping[str, str], *, path: str, toml: bool, section: str) -> Configuration:
    location = values.get("script_location", "").strip()
    if not location:
        raise NoAlembic(f"{path} has no script_location", hint=f"add script_location to {path}")
    here = posixpath.dirname(path)
    # `package:folder` is how Alembic names a folder inside an importable package.
    folder = _inside(here, location.replace(".", "/").replace(":", "/") if ":" in location else location)
    versions = _paths(values.get("version_locations", ""), values) or [f"{folder}/versions"]
    roots = [here, *(_inside(here, root) for root in _paths(values.get("prepend_sys_path", "."), values))]
    return Configuration(
        path=path,
        toml=toml,
        section=section,
        script_location=folder,
        versions=tuple(_inside(here, item) if item != f"{folder}/versions" else item for item in versions),
        recursive=values.get("recursive_version_locations", "false").strip().lower()
        in ("true", "1", "yes", "on"),
        roots=tuple(dict.fromkeys(roots)),
        url=values.get("sqlalchemy.url"),
    )


def _paths(text: str, values: Mapping[str, str]) -> list[str]:
    separator = values.get("path_separator") or values.get("version_path_separator") or ""
    pattern = {"newline": r"\n", "space": r" ", "os": r":", ":": r":", ";": r";"}.get(
        separator.strip(), r", *|(?: +)|\n"
    )
    return [item.strip() for item in re.split(pattern, text) if item.strip()]


def _inside(here: str, path: str) -> str:
    joined = posixpath.normpath(
        path if path.startswith((here or ".") + "/") and here else posixpath.join(here, path)
    )
    return "" if joined == "." else joined


def holds_password(url: str | None) -> bool:
    """Whether a ``sqlalchemy.url`` as it stands in a file holds a real password."""
    try:
        password = urlsplit(url or "").password
    except ValueError:
        password = None
    in_query = re.search(r"[?&](?:password|passwd|pwd)=([^&]+)", url or "")
    if in_query is not None:
        password = in_query[1]
    # Alembic's template says driver://user:pass@localhost/dbname; `%(…)s` and `$…` are filled in later.
    return (
        password is not None
        and password.lower() not in ("", "pass", "password")
        and not password.startswith(("$", "%(", "%%("))
    )
