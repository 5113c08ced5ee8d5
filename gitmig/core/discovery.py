"""Which files of a repository make an Alembic environment. Pure: nothing of it is imported or run."""

from __future__ import annotations

import configparser
import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from gitmig.core.configuration import Configuration, Source, read_configuration
from gitmig.core.revisions.scripts import Script, read_script_bytes
from gitmig.core.script_folders import TEMPLATE, Files, below
from gitmig.errors import NoAlembic, SettingsError

_TOML = "pyproject.toml"
_ASIDE = frozenset(
    {"test", "tests", "testing", "example", "examples", "doc", "docs", "fixtures", "templates"}
)
"""Folders whose environments are there to be read or copied, if there is any elsewhere."""
PLACEHOLDERS = frozenset({".gitkeep", ".keep", ".gitignore", "__init__.py", "README", "README.md"})
"""What a versions folder without a revision may hold. A template of somebody's has no such folder."""
_FOREIGN = frozenset({"node_modules", "site-packages", ".venv", "venv", ".tox"})


def find_sources(
    paths: Collection[str], files: Files, top: str
) -> tuple[tuple[Configuration, ...], NoAlembic | SettingsError | None]:
    """The environments that the files among ``paths`` make, and what kept one from being read.

    A file that configures Alembic goes first; a folder with env.py, script.py.mako and revisions that none
    names stands for itself. Of several files that name the same folder, the one that Alembic reads unasked.
    """
    usable = sorted(path for path in paths if not _FOREIGN.intersection(path.split("/")))
    found: list[Configuration] = []
    problem: NoAlembic | SettingsError | None = None
    for source in _configured(usable, files):
        try:
            configuration = read_configuration(source, files, top)
        except (NoAlembic, SettingsError) as error:
            problem = problem or (error if _is_default(source) else None)
            continue
        if configuration is not None and (_is_default(source) or _has_env(configuration, files)):
            found.append(configuration)
    for folder in _folders(usable, files):
        if not any(configuration.script_location == folder for configuration in found):
            alone = read_configuration(Source(folder=folder), files, top)
            found += [] if alone is None else [alone]
    if not found:
        found = [_with_versions(one, (folder,)) for folder, one in _bare(usable, files, top)]
    listed = _once([one for each in found for one in _divided(each, usable, files)], files)
    central = [one for one in listed if not _ASIDE.intersection(one.script_location.split("/")[:-1])]
    return tuple(central or listed), problem


def _configured(paths: Sequence[str], files: Files) -> Iterator[Source]:
    """What configures Alembic, the files that it reads unasked first."""
    names = set(paths)
    candidates = [path for path in paths if path.endswith((".ini", ".cfg"))]
    candidates.sort(key=lambda path: (posixpath.basename(path) != "alembic.ini", path.count("/"), path))
    for path in candidates:
        beside = _beside(path)
        data = files.read(path) or b""
        toml = beside if beside in names or files.exists(beside) else None
        for section in _sections(data, of_alembic=posixpath.basename(path) == "alembic.ini"):
            yield Source(ini=path, toml=toml, section=section)
    for path in paths:
        beside_ini = below(posixpath.dirname(path), "alembic.ini")
        alone = posixpath.basename(path) == _TOML and not files.exists(beside_ini)
        if alone and b"tool.alembic" in (files.read(path) or b""):
            yield Source(toml=path)


def _sections(data: bytes, *, of_alembic: bool) -> list[str]:
    """The sections that name a script folder; ``alembic`` if it may be named elsewhere."""
    if not of_alembic and b"script_location" not in data:
        return []
    # Without the default section's values in every other one: loggers are no environments.
    parser = configparser.ConfigParser(default_section="\0", interpolation=None, strict=False)
    try:
        parser.read_string(data.decode("utf-8", "replace"))
    except configparser.Error:
        return ["alembic"] if of_alembic else []
    named = [name for name in parser.sections() if parser.has_option(name, "script_location")]
    named = [name for name in named if name != "DEFAULT"]
    if not named and (of_alembic or parser.has_section("alembic")):
        return ["alembic"]
    return sorted(named, key=lambda name: name != "alembic")


def _is_default(source: Source) -> bool:
    path = source.ini or source.toml or ""
    return posixpath.basename(path) in ("alembic.ini", _TOML) and source.section == "alembic"


def _has_env(configuration: Configuration, files: Files) -> bool:
    return files.exists(below(configuration.script_location, "env.py"))


def _folders(paths: Sequence[str], files: Files) -> Iterator[str]:
    """The folders with env.py and script.py.mako that have revisions below them, or a place for them."""
    names = set(paths)
    configured = any(posixpath.basename(path) == "alembic.ini" for path in paths)
    for path in paths:
        folder, _, name = path.rpartition("/")
        if name != TEMPLATE or below(folder, "env.py") not in names:
            continue
        written = any(_is_revision(other, files) for other in _versions(folder, paths))
        if written or (not configured and _is_empty(folder, paths)):
            yield folder


def _bare(paths: Sequence[str], files: Files, top: str) -> Iterator[tuple[str, Configuration]]:
    """The folders with script.py.mako and revisions beside it: an application is its own env.py."""
    for path in paths:
        folder, _, name = path.rpartition("/")
        beside = (one for one in paths if posixpath.dirname(one) == folder and one.endswith(".py"))
        if name == TEMPLATE and any(_is_revision(one, files) for one in beside):
            configuration = read_configuration(Source(folder=folder), files, top)
            if configuration is not None:
                yield folder, configuration


def _is_empty(folder: str, paths: Sequence[str]) -> bool:
    """Whether there is a versions folder, and no revision in it yet."""
    start = below(folder, "versions/")
    inside = {posixpath.basename(path) for path in paths if path.startswith(start)}
    return bool(inside) and inside <= PLACEHOLDERS


def _versions(folder: str, paths: Sequence[str]) -> list[str]:
    start = below(folder, "versions/")
    return [path for path in paths if path.startswith(start) and path.endswith(".py")]


def _is_revision(path: str, files: Files) -> bool:
    return b"down_revision" in (files.read(path) or b"")


def _divided(configuration: Configuration, paths: Sequence[str], files: Files) -> list[Configuration]:
    """One environment for each folder of revisions, if the code chooses among several that never meet.

    If they do meet, or have branch labels, they are read together, also with a few that lie above them; a
    configuration that names the folders says it itself.
    """
    default = below(configuration.script_location, "versions")
    says = configuration.recursive and (configuration.ini or configuration.toml) is not None
    if says or configuration.versions != (default,) or configuration.source.versions:
        return [configuration]
    revisions = _versions(configuration.script_location, paths)
    if all(posixpath.dirname(path) == default for path in revisions):
        return [configuration]  # none of thousands has to be read
    there = [path for path in revisions if posixpath.dirname(path) == default and _is_revision(path, files)]
    if there and (configuration.recursive or len(there) > len(revisions) / 2):
        return [configuration]
    groups: dict[str, list[Script]] = {}
    for path in revisions:
        script = read_script_bytes(path, files.read(path) or b"")
        if isinstance(script, Script):
            folder = posixpath.dirname(path)[len(default) + 1 :].partition("/")[0]
            groups.setdefault(folder, []).append(script)
    here = groups.pop("", [])
    under = [script for scripts in groups.values() for script in scripts]
    if not under or (there and _apart({"here": here, "under": under})):
        return [configuration]
    if len(groups) == 1 or there or not _apart(groups):
        return [_with_versions(configuration, (default,))]
    return [_with_versions(configuration, (f"{default}/{name}",)) for name in groups]


def _apart(groups: Mapping[str, Sequence[Script]]) -> bool:
    """Whether no revision follows one of another folder, and none has a label to tell branches by."""
    known = {name: {script.revision for script in scripts} for name, scripts in groups.items()}
    everywhere = set().union(*known.values())
    return not any(
        script.branch_labels
        or script.nameless_branch
        or script.depends_on
        or any(parent in everywhere - known[name] for parent in script.down_revisions)
        for name, scripts in groups.items()
        for script in scripts
    )


def _with_versions(configuration: Configuration, versions: tuple[str, ...]) -> Configuration:
    source = replace(configuration.source, versions=versions)
    return replace(configuration, versions=versions, recursive=True, source=source)


def _once(found: Sequence[Configuration], files: Files) -> list[Configuration]:
    """Each folder of revisions once; a configuration that leads nowhere only if it is all there is."""
    kept: dict[tuple[str, tuple[str, ...]], Configuration] = {}
    for configuration in found:
        kept.setdefault((configuration.script_location, configuration.versions), configuration)
    leading = [one for one in kept.values() if _has_env(one, files)]
    return leading or list(kept.values())


def _beside(path: str) -> str:
    return below(posixpath.dirname(path), _TOML)
