"""``init``: settings, hook and, where there is none, the Alembic environment. Edits nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace

import tomlkit
from tomlkit.exceptions import TOMLKitError

from gitmig.configuration import holds_password
from gitmig.errors import NoAlembic, SettingsError
from gitmig.files import write_text
from gitmig.hooks import HookState, hook_state, install_hook
from gitmig.operations.scaffold import has_configuration, scaffold
from gitmig.project import Project, ProjectOptions, open_project, open_repository
from gitmig.settings import parse_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class InitResult:
    """What ``init`` found and made."""

    configuration: str
    """The Alembic configuration, relative to the top."""
    models: tuple[str, ...]
    made: tuple[str, ...]
    """Files that were made or changed, relative to the top."""
    hook: HookState | None
    warnings: tuple[str, ...] = ()


def init(options: ProjectOptions, *, dry_run: bool = False) -> InitResult:
    """Set a repository up. Run again, it changes nothing. Works before the first commit.

    Raises NoRepository, ProjectCodeError where the models do not import, SettingsError where no file
    of the repository defines a table.
    """
    repository = open_repository(options)
    made: list[str] = []
    try:
        project = open_project(options)
    except NoAlembic as error:
        if options.config is not None:
            raise
        if has_configuration(options, repository):
            hint = "name one with --config" if error.hint == "gitmig init" else error.hint
            raise NoAlembic(error.message, hint=hint) from None
        made += scaffold(options, repository, dry_run=dry_run)
        if dry_run:
            return InitResult(configuration="alembic.ini", models=(), made=tuple(made), hook=None)
        project = open_project(options)
    if not project.settings.models:
        models = _found_models(project)
        made += _write_settings(project, models, dry_run=dry_run)
        project.settings = replace(project.settings, models=models)
    hook = hook_state(repository) if dry_run else install_hook(repository)
    return InitResult(
        configuration=project.configuration.path,
        models=project.models,
        made=tuple(dict.fromkeys(made)),
        hook=hook,
        warnings=_warnings(project),
    )


def _found_models(project: Project) -> tuple[str, ...]:
    """The files whose code defines tables; a package as a whole where it holds several."""
    with project.worker() as worker:
        sources = set(worker.schema().sources.values())
    prefix = project.configuration.directory
    inside = sorted(path for path in sources if not prefix or path.startswith(prefix + "/"))
    if not inside:
        raise SettingsError(
            "no file of the repository defines a table",
            hint='name them: models = ["app/models.py"] in [tool.gitmig] of pyproject.toml',
        )
    return tuple(path.removeprefix(prefix + "/") if prefix else path for path in _packages(project, inside))


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
    kept = dict.fromkeys(found)
    return [path for path in kept if not any(path.startswith(other + "/") for other in kept)]


def _write_settings(project: Project, models: tuple[str, ...], *, dry_run: bool) -> list[str]:
    path = project.directory / "pyproject.toml"
    try:
        # Bytes, so that line ends stay as they are.
        text = path.read_bytes().decode("utf-8") if path.is_file() else ""
        document = tomlkit.parse(text)
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}", hint=f"correct {path}") from None
    if "tool" not in document:
        document["tool"] = tomlkit.table(is_super_table=True)
    tool = document["tool"]
    assert isinstance(tool, dict)
    if "gitmig" not in tool:
        tool["gitmig"] = tomlkit.table()
    tool["gitmig"]["models"] = list(models)
    changed = tomlkit.dumps(document)
    parse_settings(changed)
    if not dry_run:
        write_text(path, changed if text else changed.lstrip())
    return [project.relative(path)]


def _warnings(project: Project) -> tuple[str, ...]:
    path = project.configuration.ini or project.configuration.path
    tracked = path in project.index.ids()
    if tracked and holds_password(project.configuration.url):
        return (
            f"{path} is tracked and holds a password, which everybody with the "
            "repository has: take it from the environment in env.py, and change it",
        )
    return ()
