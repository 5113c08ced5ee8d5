"""The environments that a command works in: listed by git, read from disk, and chosen."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from gitmig.core.configuration import Configuration, Source, read_configuration
from gitmig.core.discovery import PLACEHOLDERS
from gitmig.core.environments import (
    SETTINGS,
    Environment,
    FoundEnvironments,
    choose,
    choose_one,
    environments_of,
    read_settings,
    settings_file,
)
from gitmig.core.script_folders import TEMPLATE, Files, below, upwards
from gitmig.core.settings import Settings
from gitmig.errors import NoAlembic, NoConfiguration
from gitmig.git.command import probe
from gitmig.git.folder_tree import FolderTree

_NAMES = ("alembic.ini", SETTINGS, "env.py", TEMPLATE)
_ENDINGS = (".ini", ".cfg", SETTINGS, "/env.py", f"/{TEMPLATE}")
_WORTH_A_LOOK = tuple(map(os.fsencode, (".py", ".ini", ".cfg", *_NAMES, *PLACEHOLDERS)))


@dataclass(frozen=True, kw_only=True)
class StartingPoint:
    """Where a command was started, and which options name its environment."""

    directory: Path
    top: Path | None
    """The top level of the work tree; None without git."""
    config: Path | None = None
    """The file that configures Alembic, as the command line names it."""
    section: str = "alembic"
    name: str | None = None
    """The environment's name."""
    listed: tuple[str, ...] | None = None
    """The files among which environments are looked for; by default those that git tracks."""

    @cached_property
    def base(self) -> Path:
        """The folder that paths are relative to: the top level, or without git that of the configuration."""
        if self.top is not None:
            return self.top
        config = self._config
        if config is not None and not config.is_relative_to(self.directory):
            return config.parent
        return self.directory

    def one(self) -> Environment:
        """The environment that a command works in. Raises NoAlembic, SettingsError, NoConfiguration."""
        if self._config is not None:
            return self._configured(self._config)
        if self.section != "alembic":
            meant = choose(self._found, self._here, self.name)
            named = [one for one in meant if one.configuration.section == self.section]
            if len(named) == 1:
                return named[0]
        environment = choose_one(self._found, self._here, self.name)
        return self._of_section(environment)

    def several(self) -> tuple[Environment, ...]:
        """The environments that a command speaks of, at least one. Raises as :meth:`one`."""
        if self._config is not None or self.section != "alembic":
            return (self.one(),)
        return choose(self._found, self._here, self.name)

    @cached_property
    def _files(self) -> Files:
        return FolderTree(self.base)

    @cached_property
    def _config(self) -> Path | None:
        """The file that is named, by an option or as for Alembic itself by ``ALEMBIC_CONFIG``."""
        if self.config is not None:
            path = (self.directory / self.config).resolve()
            if not path.is_file():
                raise NoAlembic(f"{self.config} does not exist", hint="name the alembic.ini with --config")
            return path
        named = os.environ.get("ALEMBIC_CONFIG")
        if not named or self.name is not None:
            return None
        path = (self.directory / named).resolve()
        # It may be exported for another project.
        return path if path.is_file() and path.is_relative_to(self.top or self.directory) else None

    @property
    def _here(self) -> str:
        here = self.directory.relative_to(self.base).as_posix()
        return "" if here == "." else here

    @cached_property
    def _found(self) -> FoundEnvironments:
        paths = set(self._listed() if self.listed is None else self.listed)
        found = environments_of(self._with_settings(paths), self._files, str(self.base))
        if not found.environments and self.top is not None:
            paths |= set(_listing(self.top, "--others", "--exclude-standard"))
            found = environments_of(self._with_settings(paths), self._files, str(self.base))
        if not found.environments and found.problem is None:
            raise NoConfiguration(
                f"no Alembic configuration in {self.directory} or above it", hint="gitmig init"
            )
        return found

    def _listed(self) -> Iterator[str]:
        """The files that may make an environment: those that git tracks, and those in the folders above."""
        if self.top is not None:
            yield from _listing(self.top, "--cached")
        for folder in upwards(self._here):
            yield from (path for name in _NAMES if self._files.exists(path := below(folder, name)))

    def _with_settings(self, paths: Iterable[str]) -> set[str]:
        """The same with the settings on disk beside and above them, which may not be tracked yet."""
        listed = set(paths)
        folders = {
            above for path in listed if path.endswith(_ENDINGS) for above in upwards(posixpath.dirname(path))
        }
        beside = {below(folder, SETTINGS) for folder in folders}
        return listed | {path for path in beside if self._files.exists(path)}

    def _configured(self, path: Path) -> Environment:
        """The environment of a file, with the settings that name it or are nearest to it."""
        if not path.is_relative_to(self.base):
            raise NoAlembic(
                f"{path} is outside {self.base}", hint="start gitmig in that repository, or with -C DIR"
            )
        name = path.relative_to(self.base).as_posix()
        known = [
            one
            for one in self._known()
            if name in (one.configuration.ini, one.configuration.toml)
            and one.configuration.section == self.section
        ]
        if known and self.name is None:
            return choose_one(FoundEnvironments(environments=tuple(known)), self._here)
        beside = below(posixpath.dirname(name), SETTINGS)
        is_toml = name.endswith(".toml")
        source = Source(
            ini=None if is_toml else name,
            toml=beside if self._files.exists(beside) else None,
            section=self.section,
        )
        configuration = read_configuration(
            replace(source, toml=name if is_toml else source.toml), self._files, str(self.base)
        )
        if configuration is None:
            raise NoAlembic(f"{self.config} has no [tool.alembic]", hint="name the alembic.ini with --config")
        return self._with_nearest(configuration, self.name or name)

    def all(self) -> tuple[Environment, ...]:
        """Every environment that there is, whether meant or not."""
        return self._known()

    def _known(self) -> tuple[Environment, ...]:
        try:
            return self._found.environments
        except NoConfiguration:
            return ()

    def _of_section(self, environment: Environment) -> Environment:
        """The environment that another section of the same file configures."""
        ours = environment.configuration
        if self.section in ("alembic", ours.section):
            return environment
        other = next(
            (
                one
                for one in self._found.environments
                if one.configuration.section == self.section and one.configuration.ini == ours.ini
            ),
            None,
        )
        if other is not None:
            return other
        source = replace(ours.source, section=self.section, versions=())
        configuration = read_configuration(source, self._files, str(self.base))
        assert configuration is not None
        return replace(environment, name=self.section, configuration=configuration)

    def _with_nearest(self, configuration: Configuration, name: str) -> Environment:
        above = [below(folder, SETTINGS) for folder in upwards(posixpath.dirname(configuration.path))]
        settings = read_settings(above, self._files)
        path = settings_file(configuration, settings, self._files)
        return Environment(
            name=name,
            configuration=configuration,
            settings=replace(settings.get(path, Settings()), environments=()),
            settings_file=path,
        )


def _listing(top: Path, *kinds: str) -> Iterator[str]:
    # Every command comes by here, with all files of a repository.
    listed = probe(top, "ls-files", "-z", *kinds).split(b"\0")
    paths = [os.fsdecode(path) for path in listed if path.endswith(_WORTH_A_LOOK)]
    templates = {path.removesuffix(TEMPLATE) for path in paths if path.endswith(TEMPLATE)}
    for path in paths:
        in_versions = "/versions/" in path and path.endswith((".py", *PLACEHOLDERS))
        # Revisions may lie beside the template too, without a folder of their own.
        beside = path.endswith(".py") and path[: path.rfind("/") + 1] in templates
        if in_versions or beside or path.endswith((*_NAMES, ".ini", ".cfg")):
            yield path
