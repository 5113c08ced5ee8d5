"""The Alembic environments of a repository: found by what its files say, and chosen by where somebody works.

Pure. An environment is a folder with env.py and revisions, how its env.py is run, and the settings that go
with it. Settings list environments (``[[tool.gitmig.environments]]``), or stand for the one that they lie
nearest to.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gitmig.core.configuration import Configuration, Source, read_configuration
from gitmig.core.discovery import find_sources
from gitmig.core.script_folders import Files, below, upwards
from gitmig.core.settings import EnvironmentSettings, Settings, parse_settings
from gitmig.errors import NoAlembic, NoConfiguration, SettingsError

SETTINGS = "pyproject.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One Alembic environment."""

    name: str
    configuration: Configuration
    settings: Settings
    settings_file: str
    """The pyproject.toml that its settings stand in, or would; relative to the top."""
    configured: bool = False
    """Whether settings list it, or stand for it."""
    alone: bool = True
    """Whether the repository has no other one."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models files and folders, relative to the top."""
        return models_in(self.settings_file, self.settings.models)

    @property
    def homes(self) -> tuple[str, ...]:
        """The folders that belong to it: who works in one of them means it."""
        configuration = self.configuration
        place = posixpath.dirname(configuration.path)
        return tuple(dict.fromkeys((place, configuration.script_location, *configuration.versions)))


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEnvironments:
    """The environments of a repository, and what kept others from being read."""

    environments: tuple[Environment, ...]
    problem: NoAlembic | SettingsError | None = None


def environments_of(paths: Collection[str], files: Files, top: str) -> FoundEnvironments:
    """All environments among ``paths``, those that settings list first.

    ``paths`` are relative to the top folder, whose absolute path is ``top``. Raises SettingsError for
    settings that do not parse.
    """
    settings = read_settings(paths, files)
    listed = [
        environment
        for path, one in settings.items()
        for declared in one.environments
        if (environment := _declared(path, one, declared, files, top)) is not None
    ]
    _require_distinct(listed)
    sources, problem = find_sources(paths, files, top)
    others = [one for one in sources if not any(_same(one, each.configuration) for each in listed)]
    named = _named(others, {one.name for one in listed})
    covered = _covered(named, settings)
    plain = []
    for name, configuration in named:
        path = covered.get(name) or settings_file(configuration, settings, files)
        plain.append(
            Environment(
                name=name,
                configuration=configuration,
                settings=settings[path] if name in covered else Settings(),
                settings_file=path,
                configured=name in covered,
            )
        )
    several = len(listed) + len(plain) > 1
    found = tuple(replace(each, alone=not several) for each in (*listed, *plain))
    return FoundEnvironments(environments=found, problem=problem if not found else None)


def models_in(settings_file: str, names: Iterable[str]) -> tuple[str, ...]:
    """Models paths relative to the top, of what settings name relative to their own file."""
    folder = posixpath.dirname(settings_file)
    return tuple(posixpath.normpath(posixpath.join(folder, name)) for name in names)


def read_settings(paths: Iterable[str], files: Files) -> Mapping[str, Settings]:
    """Path to settings of every pyproject.toml that has any. Raises SettingsError."""
    found: dict[str, Settings] = {}
    for path in sorted(paths):
        if posixpath.basename(path) != SETTINGS:
            continue
        data = files.read(path) or b""
        if b"gitmig" not in data:
            continue
        try:
            settings = parse_settings(data.decode("utf-8"), path)
        except UnicodeDecodeError:
            raise SettingsError(f"{path} is not in UTF-8", hint=f"correct {path}") from None
        if b"tool.gitmig" in data:
            found[path] = settings
    return found


def settings_file(configuration: Configuration, settings: Collection[str], files: Files) -> str:
    """The pyproject.toml that an environment's settings belong into: the nearest one above it.

    One that has settings goes first; if there is none at all it is in the folder that Alembic is run in.
    """
    place = posixpath.dirname(configuration.path)
    above = [below(folder, SETTINGS) for folder in upwards(place)]
    for path in above:
        if path in settings:
            return path
    found = next((path for path in above if files.exists(path)), None)
    return found or below(configuration.directory, SETTINGS)


def choose(found: FoundEnvironments, here: str, name: str | None = None) -> tuple[Environment, ...]:
    """The environments that are meant in the folder ``here`` (relative to the top), or by ``name``.

    That is the one in whose folder it lies; at the top, and in a folder of none, those that settings are of,
    or all if there are no settings. Raises NoConfiguration if there are none, SettingsError for a name that
    none has.
    """
    if not found.environments:
        raise found.problem or NoConfiguration(
            "no Alembic environment in this repository", hint="gitmig init"
        )
    if name is not None:
        return (_by_name(found.environments, name),)
    depths = [_depth(environment, here) if here else 0 for environment in found.environments]
    best = [one for one, depth in zip(found.environments, depths, strict=True) if depth == max(depths)]
    return tuple(one for one in best if one.configured) or tuple(best)


def choose_one(found: FoundEnvironments, here: str, name: str | None = None) -> Environment:
    """As :func:`choose` for what works in one. Raises NoAlembic if several may be meant."""
    several = choose(found, here, name)
    if len(several) > 1 and not here:
        # What people run from the top is that of the top, whatever services have of their own.
        own = [one for one in several if posixpath.dirname(one.configuration.path) == ""]
        several = tuple(own) if len(own) == 1 else several
    if len(several) > 1:
        names = ", ".join(one.name for one in several)
        raise NoAlembic(
            f"more than one Alembic environment: {names}",
            hint=f"name one, as in -e {several[0].name}, or start in its folder",
        )
    return several[0]


def _by_name(environments: Sequence[Environment], name: str) -> Environment:
    found = next((one for one in environments if one.name == name), None)
    if found is None:
        names = ", ".join(one.name for one in environments)
        raise SettingsError(f"no environment is named {name!r}", hint=f"there are: {names}")
    return found


def _depth(environment: Environment, here: str) -> int:
    """How many folders deep the environment's folder is that ``here`` lies in; -1 if in none."""
    homes = (*environment.homes, environment.configuration.directory)
    within = [home for home in homes if not home or here == home or here.startswith(f"{home}/")]
    return max((len(home.split("/")) if home else 0 for home in within), default=-1)


def _declared(
    path: str, settings: Settings, declared: EnvironmentSettings, files: Files, top: str
) -> Environment | None:
    """The environment that settings list; None if its files are not there, as on another branch."""
    folder = posixpath.dirname(path)

    def inside(name: str | None) -> str | None:
        return None if name is None else posixpath.normpath(posixpath.join(folder, name))

    config = inside(declared.config)
    is_toml = config is not None and config.endswith(".toml")
    beside = below(posixpath.dirname(config), SETTINGS) if config is not None else None
    source = Source(
        ini=None if is_toml else config,
        toml=config if is_toml else beside,
        section=declared.section,
        folder=inside(declared.script_location),
        versions=tuple(inside(one) or "" for one in declared.version_locations),
        flask=declared.flask,
    )
    configuration = read_configuration(source, files, top)
    if configuration is None:
        return None
    return Environment(
        name=declared.name,
        configuration=configuration,
        settings=settings.of(declared),
        settings_file=path,
        configured=True,
    )


def _covered(others: Sequence[tuple[str, Configuration]], settings: Mapping[str, Settings]) -> dict[str, str]:
    """The environments that settings without a list are of: those in their folder, else all below them."""
    nearest: dict[str, list[tuple[str, Configuration]]] = {}
    for name, configuration in others:
        above = (below(folder, SETTINGS) for folder in upwards(posixpath.dirname(configuration.path)))
        path = next((path for path in above if path in settings), None)
        if path is not None and not settings[path].environments:
            nearest.setdefault(path, []).append((name, configuration))
    found: dict[str, str] = {}
    for path, those in nearest.items():
        folder = posixpath.dirname(path)
        own = [one for one in those if folder in (posixpath.dirname(one[1].path), one[1].directory)]
        found |= {name: path for name, _ in own or those}
    return found


def _same(one: Configuration, other: Configuration) -> bool:
    """Whether two are one environment, which several files may configure."""
    return (one.script_location, one.versions) == (other.script_location, other.versions)


_GENERAL = (
    "alembic",
    "migrations",
    "_migrations",
    "migration",
    "alembic_migrations",
    "db",
    "database",
    "src",
    "app",
)


def _named(configurations: Sequence[Configuration], used: Collection[str]) -> list[tuple[str, Configuration]]:
    """Each with the shortest name that no other has."""
    offers = [_names(configuration) for configuration in configurations]
    named: list[tuple[str, Configuration]] = []
    for number, configuration in enumerate(configurations):
        others = {name for other, names in enumerate(offers) if other != number for name in names} | {*used}
        taken = {name for name, _ in named} | {*used}
        own = next((name for name in offers[number] if name not in others), offers[number][-1])
        while own in taken:
            own += "-2"
        named.append((own, configuration))
    return named


def _names(configuration: Configuration) -> list[str]:
    """What an environment may be called, the best first."""
    names = []
    if configuration.source.versions and posixpath.basename(configuration.versions[0]) != "versions":
        names.append(posixpath.basename(configuration.versions[0]))
    if configuration.section != "alembic":
        names.append(configuration.section)
    place = posixpath.dirname(configuration.path)
    for folder in (place, configuration.script_location):
        parts = [part for part in folder.split("/") if part and part not in _GENERAL]
        if parts:
            names.append(parts[-1])
    last = [part for part in configuration.script_location.split("/") if part]
    whole = "/".join((*last, *([configuration.section] if configuration.section != "alembic" else [])))
    return [*dict.fromkeys(names), *last[-1:], whole or "alembic"]


def _require_distinct(listed: Sequence[Environment]) -> None:
    names = [one.name for one in listed]
    twice = next((one for one in listed if names.count(one.name) > 1), None)
    if twice is not None:
        raise SettingsError(
            f"two environments of the repository are named {twice.name!r}",
            hint=f"give one another name in {twice.settings_file}",
        )
