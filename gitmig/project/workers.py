"""What a project's workers are started with, out of its configuration and git's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from gitmig.core.configuration import Configuration
from gitmig.errors import NoAlembic, SettingsError
from gitmig.git.repository import Repository
from gitmig.wire.opening import Opening

if TYPE_CHECKING:
    from gitmig.project.project import Project


def opening_of(project: Project, configuration: Configuration) -> Opening:
    """What a worker is opened with for a project that is configured like this."""
    settings, repository = project.settings, project.repository
    return Opening(
        top=str(project.top),
        folder=project.relative(project.directory) if project.directory != project.top else "",
        ini=configuration.ini,
        toml=configuration.toml,
        section=configuration.section,
        script_location=configuration.script_location,
        versions=configuration.versions if configuration.source.versions else (),
        paths=configuration.roots,
        flask=configuration.flask,
        app=configuration.source.flask,
        x=project.options.x,
        url_env=project.options.url_env,
        metadata=settings.metadata,
        dialect=settings.dialect,
        exclude=settings.exclude,
        others=tuple(str(top) for _, top in repository.other_work_trees()) if repository else (),
    )


def require_env(configuration: Configuration, top: Path) -> None:
    """Raise NoAlembic if a folder of revisions that no file configures has no env.py."""
    folder = configuration.script_location
    if configuration.source.folder is not None and not (top / folder / "env.py").is_file():
        raise NoAlembic(
            f"{folder} has revisions, and no env.py to run them with",
            hint="alembic init makes one, with a versions folder: move them there",
        )


def import_limit(repository: Repository | None) -> float:
    """Seconds that the import of the models may take. Raises SettingsError."""
    text = repository.config("gitmig.importLimit") if repository is not None else None
    try:
        limit = float(text) if text is not None else 60.0
    except ValueError:
        limit = 0.0
    if not 0 < limit < 1e6:
        raise SettingsError(
            f"gitmig.importLimit is not a number of seconds: {text!r}",
            hint="git config gitmig.importLimit 60",
        )
    return limit


def lock_of(repository: Repository | None) -> str | None:
    """``none`` where ``GITMIG_LOCK`` or ``git config gitmig.lock`` says so. Raises SettingsError."""
    origin, value = "GITMIG_LOCK", os.environ.get("GITMIG_LOCK")
    if not value and repository is not None:
        origin, value = "git config gitmig.lock", repository.config("gitmig.lock")
    if not value or value.lower() == "none":
        return "none" if value else None
    unset = "unset GITMIG_LOCK" if origin == "GITMIG_LOCK" else "git config --unset gitmig.lock"
    raise SettingsError(
        f"{origin} is {value!r}: only 'none' can be said there",
        hint=f"git config gitmig.lock none, or to have the lock: {unset}",
    )
