"""The Alembic configuration read as text: which folders hold the revisions. Pure.

Alembic's own reading of it (the database, the logging) happens in the worker.
"""

from __future__ import annotations

import configparser
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitmig.errors import NoAlembic, SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A configuration file: its path relative to the top, and what it holds."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One Alembic environment. All paths are relative to the top of the tree, with forward slashes."""

    path: str
    """The file with ``script_location``: the alembic.ini, or the pyproject.toml with ``[tool.alembic]``."""
    ini: str | None
    """The alembic.ini, where there is one."""
    toml: str | None
    """The pyproject.toml, where it has a ``[tool.alembic]``: Alembic reads both."""
    section: str
    script_location: str
    versions: tuple[str, ...]
    """The folders that hold revision files."""
    recursive: bool
    roots: tuple[str, ...]
    """The folders from which project code is imported (``prepend_sys_path``, and the configuration's own)."""
    url: str | None = None
    """``sqlalchemy.url`` as it stands there; only asked whether it holds a password."""

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it stands in."""
        return tuple(path for path in (self.ini, self.toml) if path is not None)

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that hold the revisions and what lies beside them."""
        return tuple(dict.fromkeys((self.script_location, *self.versions)))

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


# Stands for `%(here)s` until the paths are put together: no path holds it by itself.
_HERE = "\0"
_SEPARATORS = {"space": r" ", "newline": r"\n", "os": r":", ":": r":", ";": r";"}
_LEGACY = r", *|(?: +)|\n"

Values = Mapping[str, str | tuple[str, ...]]


def parse_configuration(
    *, ini: File | None = None, toml: File | None = None, section: str = "alembic"
) -> Configuration | None:
    """The environment of an alembic.ini and of ``[tool.alembic]`` in the pyproject.toml beside it.

    As for Alembic, the ini goes first and the TOML has what it lacks (``alembic init -t pyproject``
    makes both). None where there is only a pyproject.toml without the table. Raises SettingsError
    where a text does not parse or a folder lies outside of the tree, NoAlembic where there is no
    such section or no ``script_location``.
    """
    table = _toml_values(toml) if toml is not None else None
    options = _ini_values(ini, section) if ini is not None else None
    if ini is not None and options is None and (table is None or section != "alembic"):
        raise NoAlembic(f"{ini.path} has no section [{section}]", hint="name one with --name")
    if options is None and table is None:
        return None
    values = {**(table or {}), **(options or {})}
    main = ini if options is not None and "script_location" in options else toml
    if main is None or not str(values.get("script_location", "")).strip():
        name = (ini or toml or File(path="alembic.ini", text="")).path
        raise NoAlembic(f"{name} has no script_location", hint=f"add script_location to {name}")
    return _configuration(
        values,
        path=main.path,
        ini=ini.path if ini is not None else None,
        toml=toml.path if toml is not None and table is not None else None,
        section=section,
    )


def _ini_values(file: File, section: str) -> Values | None:
    parser = configparser.ConfigParser(defaults={"here": _HERE}, strict=False)
    try:
        parser.read_string(file.text, file.path)
        if not parser.has_section(section):
            return None
        return {key: _interpolated(parser, section, key) for key in parser.options(section)}
    except configparser.Error as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(f"{file.path} does not parse: {reason}", hint=f"correct {file.path}") from None


def _interpolated(parser: configparser.ConfigParser, section: str, key: str) -> str:
    try:
        return parser.get(section, key)
    except configparser.InterpolationError:
        # A password may hold a bare `%`: only the database part fails then, and in the worker.
        return parser.get(section, key, raw=True)


def _toml_values(file: File) -> Values | None:
    # Not at the top: the hook after a checkout does without, where there is no pyproject.toml.
    import tomllib

    try:
        tool = tomllib.loads(file.text).get("tool")
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file.path} is not valid TOML: {error}", hint=f"correct {file.path}") from None
    table = tool.get("alembic") if isinstance(tool, dict) else None
    if not isinstance(table, dict):
        return None
    return {
        key: tuple(_filled(item) for item in value) if isinstance(value, list) else _filled(value)
        for key, value in table.items()
    }


def _filled(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace("%(here)s", _HERE).replace("%%", "%")


def _configuration(
    values: Values, *, path: str, ini: str | None, toml: str | None, section: str
) -> Configuration:
    here = posixpath.dirname(path)
    location = str(values["script_location"]).strip()
    folder = _inside(here, location)
    both = ("path_separator", "version_path_separator")
    versions = _paths(values, "version_locations", both, _LEGACY)
    roots = [_inside(here, root) for root in _paths(values, "prepend_sys_path", both[:1], _LEGACY + "|:")]
    found = [_inside(here, item) for item in versions] or [f"{folder}/versions"]
    for place in (folder, *found):
        if place.startswith(("/", "..")):
            raise SettingsError(
                f"{path} names a folder outside of the project: {place}",
                hint=f"name it relative to %(here)s in {path}",
            )
    return Configuration(
        path=path,
        ini=ini,
        toml=toml,
        section=section,
        script_location=folder,
        versions=tuple(found),
        # Alembic takes no other spelling for true.
        recursive=values.get("recursive_version_locations") == "true",
        roots=tuple(dict.fromkeys(root for root in (here, *roots) if not root.startswith(("/", "..")))),
        url=_text(values.get("sqlalchemy.url")),
    )


def _paths(values: Values, key: str, separators: Sequence[str], legacy: str) -> list[str]:
    value = values.get(key, "")
    if isinstance(value, tuple):
        return [item for item in value if item]
    named = next((str(values[name]).strip() for name in separators if name in values), "")
    pattern = _SEPARATORS.get(named, legacy)
    return [item.strip() for item in re.split(pattern, value) if item.strip()]


def _inside(here: str, path: str) -> str:
    if path.startswith(_HERE):
        path = path.removeprefix(_HERE).lstrip("/")
    elif ":" in path and not path.startswith("/"):
        # `package:folder` is how Alembic names a folder inside an importable package.
        package, _, rest = path.partition(":")
        path = posixpath.join(package.replace(".", "/"), rest.replace(":", "/"))
    joined = posixpath.normpath(posixpath.join(here, path))
    return "" if joined == "." else joined


def _text(value: str | tuple[str, ...] | None) -> str | None:
    return value.replace(_HERE, ".") if isinstance(value, str) else None


def holds_password(url: str | None) -> bool:
    """Whether a ``sqlalchemy.url`` as it stands in a file holds a real password."""
    from urllib.parse import urlsplit

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
