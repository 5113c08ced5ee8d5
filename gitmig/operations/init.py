"""``init``: settings, hook and, if there is none, the Alembic environment. Edits nothing else."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gitmig.core.configuration import holds_password
from gitmig.core.environments import Environment
from gitmig.errors import GitmigError, Interrupted, NoAlembic, NoConfiguration, SettingsError
from gitmig.git.flat_trees import WorkTree
from gitmig.git.repository import Repository
from gitmig.hooks.clone import unignored
from gitmig.hooks.install import HookState, hook_state, install_hook
from gitmig.project.factories import factory_of
from gitmig.project.head_file import head_path, write_head_file
from gitmig.project.opening import open_repository, project_of, surroundings_of
from gitmig.project.project import Project, ProjectOptions
from gitmig.project.scaffold import scaffold
from gitmig.project.workers import require_env
from gitmig.project.written_settings import write_settings
from gitmig.rpc.protocol import SchemaAnswer

_MANY = 5
"""As many files of one name are written down as a pattern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InitResult:
    """What ``init`` found and made."""

    environments: tuple[Environment, ...]
    """Those that it set up, or found to be set up."""
    made: tuple[str, ...]
    """Files that were made or changed, relative to the top."""
    hook: HookState | None
    warnings: tuple[str, ...] = ()
    top: Path = Path()


def init(options: ProjectOptions, *, dry_run: bool = False, head_file: bool = False) -> InitResult:
    """Set a repository up. Run again, it changes nothing but models that moved.

    ``head_file`` writes the file that names the heads; whoever has one keeps it so.

    Works before the first commit. Models that are not found are a warning: the rest is set up.
    Raises NoRepository, SettingsError.
    """
    repository = open_repository(options)
    made: list[str] = []
    try:
        found, others = _environments(options, repository)
    except NoConfiguration:
        made += scaffold(options, repository, dry_run=dry_run)
        if dry_run:
            return InitResult(environments=(), made=tuple(made), hook=None)
        found, others = _environments(options, repository)
    warnings: list[str] = []
    set_up = tuple(_set_up(options, repository, each, warnings) for each in found)
    made += write_settings(repository.top, found, set_up, others, dry_run=dry_run)
    hook = hook_state(repository) if dry_run else install_hook(repository)
    for each in set_up:
        project = project_of(options, repository, each)
        warnings += _warnings(project)
        if head_file and (dry_run or write_head_file(project)):
            made.append(head_path(project))
    return InitResult(
        environments=set_up,
        made=tuple(dict.fromkeys(made)),
        hook=hook,
        warnings=tuple(dict.fromkeys(warnings)),
        top=repository.top,
    )


_URL = re.compile(r"^\s*sqlalchemy\.url\s*=\s*(sqlite[\w+]*:///[^?\s%]+)", re.MULTILINE)


def _unignored(repository: Repository, project: Project) -> tuple[str, ...]:
    """A warning about the SQLite file that the configuration names, if git would commit it."""
    ini = project.configuration.ini
    path = repository.top / ini if ini is not None else None
    found = _URL.search(path.read_text("utf-8", "replace")) if path is not None and path.is_file() else None
    return unignored(repository, project.directory, found[1]) if found is not None else ()


def _environments(
    options: ProjectOptions, repository: Repository
) -> tuple[tuple[Environment, ...], tuple[Environment, ...]]:
    """The environments that are meant, and all others.

    Raises NoConfiguration if there are none, NoAlembic, SettingsError.
    """
    surroundings = surroundings_of(options, repository.top, tuple(WorkTree(repository).ids()))
    found = surroundings.several()
    for environment in found:
        configuration = environment.configuration
        require_env(configuration, repository.top)
        if not (repository.top / configuration.script_location / "env.py").is_file():
            raise NoAlembic(
                f"{configuration.path} leads to {configuration.script_location}, which has no env.py",
                hint=f"correct script_location in {configuration.path}, or name another file with --config",
            )
    return found, tuple(one for one in surroundings.all() if one not in found)


def _set_up(
    options: ProjectOptions,
    repository: Repository,
    environment: Environment,
    warnings: list[str],
) -> Environment:
    """The environment with what it lacked: Flask's application, and the models' files."""
    if environment.configuration.flask and environment.configuration.source.flask is None:
        environment = _with_application(repository, environment)
    project = project_of(options, repository, environment)
    gone = [path for path in environment.models if not any(repository.top.glob(path))]
    if environment.settings.models and not gone:
        # Nothing is run: whether env.py connects elsewhere than its file says is not known.
        warnings += _unignored(repository, project)
        return environment
    try:
        with project.workers.one() as worker:
            answer = worker.schema()
        found = _found_models(project, answer)
    except Interrupted:
        raise
    except GitmigError as error:
        which = "the models" if environment.alone else f"{environment.name}: its models"
        warnings.append(f"{which} were not found: {_with_way_out(error)}")
        return environment
    # env.py may connect elsewhere than its file says.
    if answer.schema.dialect == "sqlite":
        warnings += _unignored(repository, project)
    kept = [path for path in environment.models if path not in gone]
    models = _without_parts([*kept, *found])
    folder = posixpath.dirname(environment.settings_file)
    relative = tuple(posixpath.relpath(path, folder or ".") for path in models)
    return replace(environment, settings=replace(environment.settings, models=relative))


def _with_application(repository: Repository, environment: Environment) -> Environment:
    """With what Flask finds its application by, where a hook would not know it."""
    configuration = environment.configuration
    folder = repository.top / configuration.directory
    named = os.environ.get("FLASK_APP")
    if named is None and not any(_is_found(folder, repository.top)):
        named = factory_of(repository, configuration.directory)
    if named is None:
        return environment
    name = _portable(named, folder)
    source = replace(configuration.source, flask=name)
    return replace(environment, configuration=replace(configuration, source=source))


def _is_found(folder: Path, top: Path) -> Iterator[bool]:
    """Whether Flask finds the application unasked."""
    yield (folder / "wsgi.py").is_file() or (folder / "app.py").is_file()
    for above in (folder, *folder.parents):
        place = above / ".flaskenv"
        yield place.is_file() and "FLASK_APP" in place.read_text("utf-8", "replace")
        if above == top:
            return


def _portable(name: str, folder: Path) -> str:
    """The same for another clone."""
    path, colon, rest = name.rpartition(":") if name.count(":") else (name, "", "")
    path = path or rest
    if not os.path.isabs(path):
        return name
    return os.path.relpath(path, folder) + colon + (rest if colon else "")


def _with_way_out(error: GitmigError) -> str:
    """What went wrong, where, and what to do before ``init`` is run again."""
    way_out = (error.hint or "").removesuffix(", then run the command again")
    if way_out and "gitmig init" not in way_out:
        way_out += "; then: gitmig init"
    where = [f"  {line}" for line in (error.detail or "").splitlines()]
    return "\n".join([error.message, *where, *([f"Hint: {way_out}"] if way_out else [])])


def _found_models(project: Project, answer: SchemaAnswer) -> list[str]:
    """The files whose code defines tables; a package as a whole where it holds several."""
    inside = sorted(set(answer.sources.values()))
    if not inside:
        raise SettingsError(
            "no file of the repository defines a table",
            hint='name them: models = ["app/models.py"] in [tool.gitmig] of pyproject.toml',
        )
    return _packages(project, inside)


def _packages(project: Project, paths: list[str]) -> list[str]:
    """Two or more models files of one package, or its ``__init__``, stand for the package's folder."""
    found: list[str] = []
    for path in paths:
        folder, _, name = path.rpartition("/")
        siblings = [other for other in paths if other.rpartition("/")[0] == folder]
        whole = folder and (
            name == "__init__.py" or (len(siblings) > 1 and (project.top / folder / "__init__.py").is_file())
        )
        found.append(folder if whole else path)
    return _as_patterns(project, _without_parts(found))


def _as_patterns(project: Project, paths: list[str]) -> list[str]:
    """Many files of one name, each in a folder of its own, as a pattern, if it fits few others."""
    tracked = project.index.ids()
    for top, name in dict.fromkeys((path.partition("/")[0], path.rpartition("/")[2]) for path in paths):
        same = [path for path in paths if path.startswith(f"{top}/") and path.endswith(f"/{name}")]
        above = posixpath.commonpath(same) if len(same) >= _MANY else ""
        alike = [path for path in tracked if path.startswith(f"{above}/") and path.endswith(f"/{name}")]
        if above and len(same) > len(alike) / 2:
            paths = [f"{above}/**/{name}", *(path for path in paths if path not in same)]
    return paths


def _without_parts(paths: Sequence[str]) -> list[str]:
    kept = dict.fromkeys(paths)
    return [path for path in kept if not any(path.startswith(other + "/") for other in kept)]


def _warnings(project: Project) -> Iterator[str]:
    modules = project.index.modules()
    for module in [path for path in project.models if path in modules]:
        yield (
            f"the models are in the submodule {module}: commit them there first; here its bump is committed "
            "with the revision, and a rollback leaves it where it is"
        )
    path = project.configuration.ini or project.configuration.path
    tracked = path in project.index.ids()
    if tracked and holds_password(project.configuration.url):
        yield (
            f"{path} is tracked and holds a password, which everybody with the "
            "repository has: take it from the environment in env.py, and change it"
        )
