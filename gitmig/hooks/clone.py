"""What a clone lacks though its database is in step: the hook, and a line in .gitignore."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from gitmig.git import changes
from gitmig.git.repository import Repository
from gitmig.hooks.install import hook_state


def clone_notes(repository: Repository, directory: Path, database: str) -> tuple[str, ...]:
    """Notes about a clone whose code runs in ``directory``; ``database`` is named as ``status`` names it."""
    return (*_without_hook(repository), *unignored(repository, directory, database))


def _without_hook(repository: Repository) -> tuple[str, ...]:
    # Whoever set the repository up here was told by `init`.
    if repository.config("remote.origin.url") is None:
        return ()
    state = hook_state(repository)
    if state.installed or state.owner is not None:
        return ()
    return ("this clone has no hook that checks its commits: gitmig hook install",)


def unignored(repository: Repository, directory: Path, database: str) -> tuple[str, ...]:
    """A note about an SQLite file in the work tree that the next ``git add`` would commit."""
    driver, _, rest = database.partition(":///")
    path = (directory / unquote(rest)).resolve()
    if driver.partition("+")[0] != "sqlite" or not rest or not path.is_relative_to(repository.top):
        return ()
    name = path.relative_to(repository.top).as_posix()
    if name in changes.ignored(repository, [name]):
        return ()
    return (f"git does not ignore the database {name}: add the line /{name}* to .gitignore",)
