"""Whether the rows that a command drops are parked, where, and how many at most."""

from __future__ import annotations

from pathlib import Path

from gitmig.core.parked import DEFAULT_LIMIT, ParkOrder, parse_size
from gitmig.errors import SettingsError
from gitmig.git.repository import Repository
from gitmig.moving.consent import is_protected
from gitmig.project.origin import who
from gitmig.rpc.protocol import DatabaseFacts


def park_order(
    repository: Repository | None, directory: Path, facts: DatabaseFacts, *, wanted: bool
) -> ParkOrder | None:
    """What the worker is to do; None if there is nowhere to park. Raises SettingsError.

    ``directory`` is the folder of alembic.ini.
    """
    if repository is None or facts.provisional:
        return None
    park = wanted and why_not(repository, directory, facts) is None
    return ParkOrder(
        park=park,
        folder=folder_of(repository),
        limit=_limit(repository),
        who=who(repository) if park else None,
    )


def folder_of(repository: Repository) -> str:
    """Where the rows of SQLite databases are parked, one file for each: all work trees share it."""
    return str(repository.common_dir / "gitmig" / "parked")


def why_not(repository: Repository | None, directory: Path, facts: DatabaseFacts) -> str | None:
    """Why nothing is parked from this database; None where rows can be."""
    if repository is None:
        return "there is no git repository"
    if not facts.transactional:
        return "this database cannot take DDL back"
    if is_protected(repository, facts.database, directory):
        return "gitmig.protected names this database"
    return None


def _limit(repository: Repository) -> int:
    text = repository.config("gitmig.parkLimit")
    limit = DEFAULT_LIMIT if text is None else parse_size(text)
    if limit is None:
        raise SettingsError(
            f"gitmig.parkLimit is not a size: {text!r}", hint="git config gitmig.parkLimit 100M"
        )
    return limit
