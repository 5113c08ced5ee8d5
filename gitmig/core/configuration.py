"""The Alembic configuration read as text: which folders hold the revisions. Pure.

Alembic's own reading of it (the database, the logging) happens in the worker.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gitmig.core.script_folders import HERE, NO_FILES, TEMPLATE, Files, Folders, Values, below, is_flask
from gitmig.errors import NoAlembic, SettingsError

if TYPE_CHECKING:
    # Read too early, at every start, for what only a type needs.
    from gitmig.core.revisions.graph import Graph
    from gitmig.wire.values import RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A configuration file: its path relative to the top, and what it holds."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """How an environment is configured, which is the same in every commit. Paths are relative to the top."""

    ini: str | None = None
    toml: str | None = None
    """The pyproject.toml beside the ini, or alone, that may have a ``[tool.alembic]``."""
    section: str = "alembic"
    folder: str | None = None
    """The script folder, if the settings name it: then no file has to."""
    versions: tuple[str, ...] = ()
    """The folders of the revisions, if the settings name them: each is read with all below it."""
    flask: str | None = None
    """What Flask finds the application by, as in ``FLASK_APP``."""

    @property
    def key(self) -> str:
        """What a clone's notes of this environment go by; empty for an alembic.ini in the top folder."""
        place = self.ini or self.toml or self.folder or ""
        if place in ("alembic.ini", "pyproject.toml") and self.section == "alembic" and not self.versions:
            return ""
        return "\0".join((place, self.section, *self.versions))


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One Alembic environment. All paths are relative to the top of the tree, with forward slashes."""

    path: str
    """The file with ``script_location``: the alembic.ini, or the pyproject.toml with ``[tool.alembic]``.

    The env.py, if no file names its folder.
    """
    ini: str | None
    """The alembic.ini, if there is one."""
    toml: str | None
    """The pyproject.toml, if it has a ``[tool.alembic]``: Alembic reads both."""
    section: str
    directory: str
    """The folder in which people run Alembic, and the project's code runs ("" for the top)."""
    script_location: str
    versions: tuple[str, ...]
    """The folders that hold revision files."""
    recursive: bool
    roots: tuple[str, ...]
    """The folders from which project code is imported (``prepend_sys_path``, and ``directory``)."""
    url: str | None = None
    """``sqlalchemy.url`` as it stands there; only asked whether it holds a password."""
    outside: tuple[str, ...] = ()
    """Version locations that are not in the repository, as Alembic names them: ``package:folder``, a path."""
    flask: bool = False
    """Whether env.py runs in the context of Flask's application, as Flask-Migrate writes it."""
    source: Source = Source()
    """How it was found."""

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it stands in."""
        return tuple(path for path in (self.ini, self.toml) if path is not None)

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that hold the revisions and what lies beside them."""
        return tuple(dict.fromkeys((self.script_location, *self.versions)))

    def holds(self, path: str) -> bool:
        """Whether a path is where Alembic would look for a revision file."""
        folder, _, name = path.rpartition("/")
        if not name.endswith(".py") or name.startswith((".#", "__init__")) or "\n" in name:
            return False
        return any(
            folder == versions or (self.recursive and folder.startswith(versions + "/"))
            for versions in self.versions
        )

    def folder_after(self, parents: Sequence[RevisionId], graph: Graph) -> str:
        """Where a revision goes that follows ``parents``: each line may have a folder of its own."""
        folder = graph.scripts[parents[0]].path.rpartition("/")[0] if parents else ""
        # If only our settings say that subfolders count, the code that calls Alembic has an order there.
        beside = folder in self.versions or (self.source.versions and self.holds(f"{folder}/x.py"))
        return folder if beside else self.versions[0]


def read_configuration(source: Source, files: Files, top: str = "") -> Configuration | None:
    """The environment of a source in a tree; None if the files that configure it are not there.

    ``top`` is the absolute path of the top folder, for configurations that name it. Raises as
    :func:`parse_configuration`.
    """
    ini, toml = _file(source.ini, files), _file(source.toml, files)
    if source.folder is not None and not any(
        files.exists(below(source.folder, name)) for name in ("env.py", TEMPLATE)
    ):
        return None
    if ini is None and source.ini is not None:
        return None
    if ini is None and toml is None and source.folder is None:
        return None
    return parse_configuration(
        ini=ini, toml=toml, section=source.section, files=files, top=top, source=source
    )


def _file(path: str | None, files: Files) -> File | None:
    data = files.read(path) if path is not None else None
    if path is None or data is None:
        return None
    try:
        return File(path=path, text=data.decode("utf-8"))
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not in UTF-8", hint=f"correct {path}") from None


def parse_configuration(
    *,
    ini: File | None = None,
    toml: File | None = None,
    section: str = "alembic",
    files: Files = NO_FILES,
    top: str = "",
    source: Source | None = None,
) -> Configuration | None:
    """The environment of an alembic.ini and of ``[tool.alembic]`` in the pyproject.toml beside it.

    As for Alembic, the ini goes first and the TOML has what it lacks (``alembic init -t pyproject``
    makes both); what ``source`` names goes before both. Paths in them start where people run Alembic:
    that is the folder of the file or the first above it where they lead to an env.py, as ``files`` says.
    None if there is only a pyproject.toml without the table. Raises SettingsError if a text does
    not parse or the script folder lies outside of the tree, NoAlembic where there is no such section or
    no ``script_location``.
    """
    if source is None:
        source = Source(ini=ini.path if ini else None, toml=toml.path if toml else None, section=section)
    table = _toml_values(toml) if toml is not None else None
    options = _ini_values(ini, section) if ini is not None else None
    if ini is not None and options is None and (table is None or section != "alembic"):
        raise NoAlembic(f"{ini.path} has no section [{section}]", hint="name one with --name")
    if options is None and table is None and source.folder is None:
        return None
    values = {**(table or {}), **(options or {})}
    main = ini if options is not None and "script_location" in options else toml if table is not None else ini
    return replace(
        _configuration(values, main, source, files, top),
        ini=ini.path if ini is not None else None,
        toml=toml.path if toml is not None and table is not None else None,
    )


def _ini_values(file: File, section: str) -> Values | None:
    parser = configparser.ConfigParser(defaults={"here": HERE}, strict=False)
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
    # Not at the top: the hook after a checkout does without, if there is no pyproject.toml.
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
    return str(value).replace("%(here)s", HERE).replace("%%", "%")


def _configuration(
    values: Values, main: File | None, source: Source, files: Files, top: str
) -> Configuration:
    """The environment; ``ini`` and ``toml`` are not filled in."""
    folders = Folders(
        values=values,
        main=main.path if main is not None else None,
        folder=source.folder,
        application=source.flask,
        files=files,
        top=top,
    )
    base, folder = folders.base()
    path = main.path if main is not None else below(folder, "env.py")
    if folder.startswith(("/", "..")):
        raise SettingsError(
            f"{path} names a folder outside of the project: {folder}",
            hint=f"name it relative to %(here)s in {path}",
        )
    within, outside = ((), ()) if source.versions else folders.versions(base)
    default = () if outside else (below(folder, "versions"),)
    url = values.get("sqlalchemy.url")
    return Configuration(
        path=path,
        ini=None,
        toml=None,
        section=source.section,
        directory=base,
        script_location=folder,
        versions=source.versions or within or default,
        # Alembic takes no other spelling for true.
        recursive=values.get("recursive_version_locations") == "true"
        or bool(source.versions)
        or main is None,
        roots=folders.roots(base, folder),
        url=url.replace(HERE, ".") if isinstance(url, str) else None,
        outside=outside,
        flask=is_flask(files, folder),
        source=source,
    )


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
