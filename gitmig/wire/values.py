"""The values that every room of gitmig shares: frozen, without any input or output of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

CommitId = NewType("CommitId", str)
"""A full commit id in hex (40 digits, or 64 in a sha256 repository)."""
BlobId = NewType("BlobId", str)
"""A full blob id in hex."""
RevisionId = NewType("RevisionId", str)
"""An Alembic revision identifier, whole."""


def short(commit: CommitId) -> str:
    """A commit id as messages show it: eight digits, the same everywhere whatever git would abbreviate to."""
    return commit[:8]


def named(revisions: Iterable[RevisionId]) -> str:
    """Revisions as messages name them together: the heads of a state of the database."""
    return " and ".join(revisions)


class Action(StrEnum):
    """What one step of a plan does."""

    DOWNGRADE = "downgrade"
    UPGRADE = "upgrade"
    RESTORE = "restore"
    REMOVE = "remove"
    COMMIT = "commit"
    SWITCH = "switch"
    REWRITE = "rewrite"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One step that moved a database, as the ledger in the database and the local record keep it."""

    database: str
    """``driver://host:port/database``."""
    environment: str
    """``section:version table``: two environments may share a database, and revision ids."""
    operation: str
    """The id of the command's run, which all of its steps share."""
    revision: RevisionId
    direction: Action
    """UPGRADE or DOWNGRADE."""
    commit: str | None
    """The commit whose files were applied: HEAD, or ``GITMIG_COMMIT`` where there was no repository."""
    script: BlobId | None
    """The script that was run."""
    program: str | None
    """A digest of the script's syntax tree, equal for scripts that differ in their formatting only."""
    who: str | None
    time: int
    """Seconds since 1970."""
    seconds: float | None
    """How long the step took; None if a crash left nobody to say."""
    heads: tuple[RevisionId, ...] | None
    """What the version table held after the step; None likewise."""
    branch: str | None = None
    """The branch that was checked out, in the local record alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptOf:
    """The script of a step: its blob, and the digest of its syntax tree; None if it cannot be read."""

    blob: BlobId | None
    program: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One run of a command, as the rows of its steps tell it."""

    id: str
    commit: str | None
    who: str
    scripts: tuple[ScriptOf, ...]
    """One for each step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerState:
    """The ledger of one database, whether it is there or not."""

    database: str
    dialect: str
    table: str
    """The table's name, with its schema."""
    environment: str
    enabled: bool
    rows: tuple[LedgerRow, ...]
    """Newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseState:
    """Where a database stands. ``name`` is ``driver://host:port/database`` and nothing else."""

    name: str
    heads: tuple[RevisionId, ...] = ()
    exists: bool = True
    """False for an SQLite file that is not there yet."""
    versioned: bool = False
    """Whether it has Alembic's version table."""
    tables: int = 0
    """How many other tables it has (the models' or anyone's)."""
    models_tables: int = 0
    """How many of the models' tables it has."""
    environment: str = ""
    """What the ledger calls the section of alembic.ini and its version table."""
    ledger: tuple[LedgerRow, ...] | None = None
    """The last row of each revision, oldest first; None if the database has no ledger."""
    others: tuple[DatabaseState, ...] = ()
    """The further ones that an env.py goes through: several databases, or tenants in schemas of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an import of the models depended on. A tree in which all of it is equal has that schema."""

    files: Mapping[str, str] = field(default_factory=dict)
    """Path (relative to the top) to blob id, for every repository file that was read."""
    lookups: Mapping[str, str] = field(default_factory=dict)
    """``folder/name`` to what is there: any of ``d`` (folder), ``p`` (package), ``m`` (module), or empty."""
    listings: Mapping[str, str] = field(default_factory=dict)
    """Folder to a digest of its entries, for folders that user code listed."""
    asked: Mapping[str, str] = field(default_factory=dict)
    """Path that it may have asked for to what is there: ``f`` (a file), ``d`` (a folder), ``o`` (on disk,
    not in the tree), or empty."""
