"""Opening the project, or the projects, that a command is for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gitmig.core.environments import Environment
from gitmig.core.parsing import use_reader
from gitmig.errors import NoRepository, SettingsError
from gitmig.git.repository import Repository
from gitmig.project.environments import StartingPoint
from gitmig.project.project import PASSED_ON, Project, ProjectOptions
from gitmig.rpc import launch
from gitmig.rpc.syntax import ElsewhereReader


def open_project(options: ProjectOptions) -> Project:
    """The project that ``options`` name. Raises NoAlembic, SettingsError, GitError."""
    surroundings, repository = _surroundings(options)
    return _project(surroundings, repository, surroundings.one(), options)


def open_projects(options: ProjectOptions) -> tuple[Project, ...]:
    """The projects that a command speaks of, one for each environment; at least one.

    At the top those are all of the repository. Raises as :func:`open_project`.
    """
    surroundings, repository = _surroundings(options)
    return tuple(_project(surroundings, repository, each, options) for each in surroundings.several())


def project_of(options: ProjectOptions, repository: Repository, environment: Environment) -> Project:
    """The project of an environment of the repository."""
    return Project(top=repository.top, repository=repository, environment=environment, options=options)


def _surroundings(options: ProjectOptions) -> tuple[StartingPoint, Repository | None]:
    directory = _directory(options)
    repository = launch.discover(directory)
    return surroundings_of(options, repository.top if repository is not None else None), repository


def surroundings_of(
    options: ProjectOptions, top: Path | None, listed: tuple[str, ...] | None = None
) -> StartingPoint:
    """Where a command was started; environments are looked for among ``listed``, or what git tracks."""
    return StartingPoint(
        directory=_directory(options),
        top=top,
        config=options.config,
        section=options.section,
        name=options.environment,
        listed=listed,
    )


def _project(
    surroundings: StartingPoint,
    repository: Repository | None,
    environment: Environment,
    options: ProjectOptions,
) -> Project:
    folder = surroundings.base / environment.configuration.directory
    use_reader(ElsewhereReader(lambda: launch.interpreter_of(repository, folder).command))
    if options.hook and not options.x:
        options = replace(options, x=hook_arguments(repository))
    return Project(top=surroundings.base, repository=repository, environment=environment, options=options)


def pass_on(x: Sequence[str]) -> None:
    """Let the hooks of this command's own commit have its arguments for env.py. Changes the environment."""
    if x:
        os.environ[PASSED_ON] = "\n".join(x)


def hook_arguments(repository: Repository | None) -> tuple[str, ...]:
    """The arguments for env.py in a hook: those of the command that commits, else ``gitmig.x`` of git."""
    passed = os.environ.get(PASSED_ON)
    if passed is not None:
        return tuple(passed.split("\n"))
    return repository.config_all("gitmig.x") if repository is not None else ()


def open_repository(options: ProjectOptions) -> Repository:
    """The repository alone, for what needs no Alembic. Raises NoRepository, SettingsError, GitError."""
    directory = _directory(options)
    repository = Repository.discover(directory)
    if repository is None:
        raise NoRepository(f"{directory} is not in a git repository", hint="git init")
    return repository


def _directory(options: ProjectOptions) -> Path:
    directory = options.directory.resolve()
    if not directory.is_dir():
        raise SettingsError(f"{options.directory} is not a folder", hint="name one with -C DIR")
    return directory
