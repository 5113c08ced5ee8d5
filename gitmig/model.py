"""The values that every room of gitmig shares: frozen, without any input or output of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The record that ``revise`` writes into a script's docstring; absent parts are None.

    ``models`` is a content digest of the models files; ``schema`` and ``change`` are digests of the
    schema after the revision and of what it changes, for ``dialect`` under ``sqlalchemy`` ("2.1").
    """

    models: str | None = None
    dialect: str | None = None
    schema: str | None = None
    change: str | None = None
    sqlalchemy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One revision file, read as text."""

    revision: RevisionId
    down_revisions: tuple[RevisionId, ...]
    path: str
    """Relative to the top of the tree it was read from, with forward slashes."""
    depends_on: tuple[str, ...] = ()
    branch_labels: tuple[str, ...] = ()
    message: str = ""
    """The first paragraph of the docstring."""
    title: str = ""
    """The first line of that, for lists."""
    header: Header = Header()
    squashes: tuple[RevisionId, ...] = ()
    """The revisions that became this one, oldest first, itself last: none for one that is no squash."""
    backport_of: RevisionId | None = None
    """The revision of another line that this one is a copy of."""
    open_lines: tuple[int, ...] = ()
    """Line numbers (from 1) of lines ``# gitmig: write by hand: …``."""
    revision_line: int | None = field(default=None, compare=False)
    parents_line: int | None = field(default=None, compare=False)
    """Where ``revision`` and ``down_revision`` are assigned."""

    @property
    def outside(self) -> bool:
        """Whether it is not in the repository, but in an installed package."""
        return self.path.startswith("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A file in a versions folder whose identifiers cannot be read without running it."""

    path: str
    reason: str
    line: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class FacetKey:
    """What a facet is of. ``kind`` is one of the words in ``schema.KINDS``."""

    kind: str
    table: str
    name: str


@dataclass(frozen=True, slots=True)
class Schema:
    """What the models of one tree say that the database should look like.

    ``facets`` maps each key to the dialect's own DDL for it. The digest and the difference are
    functions of :mod:`gitmig.schema`.
    """

    dialect: str
    sqlalchemy: str
    """The SQLAlchemy version, major and minor ("2.1"): it can change the DDL."""
    facets: Mapping[FacetKey, str]


@dataclass(frozen=True, slots=True)
class FacetChange:
    """One line of the difference of two schemas: ``before`` is None for ``+``, ``after`` for ``-``."""

    key: FacetKey
    before: str | None
    after: str | None

    @property
    def sign(self) -> str:
        """``+`` added, ``-`` dropped, ``~`` changed."""
        if self.before is None:
            return "+"
        return "-" if self.after is None else "~"


class TieState(StrEnum):
    """How sure a tie is; see the design's "Tie"."""

    VERIFIED = "verified"
    APPROXIMATE = "approximate"
    UNTIED = "untied"
    UNCOMMITTED = "uncommitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """A revision and the commits of its models, derived from history."""

    revision: RevisionId
    state: TieState
    introduced: CommitId | None = None
    models_commit: CommitId | None = None
    candidates: tuple[CommitId, ...] = ()
    """The commits from ``introduced`` to just before a child arrives, oldest first: of commits in a
    row whose models are the same bytes, only the first."""
    undecided: tuple[CommitId, ...] = ()
    """The candidates whose schema would have to be computed to settle the tie, newest first."""
    re_parented: bool = False
    """Whether it is verified by what the revision changes alone: its record was written on another parent."""


class Severity(StrEnum):
    """Errors decide the exit code; warnings never do."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a check found. Codes (GM0xx) never change meaning."""

    code: str
    severity: Severity
    message: str
    hint: str | None = None
    path: str | None = None
    line: int | None = None
    details: tuple[str, ...] = ()
    """Further lines, such as the facets of a schema difference."""
    earlier: bool = False
    """Whether it was so before what is judged: a warning then, whatever the settings make of its code."""

    def at(self, severity: Severity) -> Finding:
        """The same with another severity."""
        return replace(self, severity=severity)

    def told(self, message: str) -> Finding:
        """The same with another message."""
        return replace(self, message=message)


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
class Step:
    """One thing that a plan does. Only what its action needs is set.

    ``downgrade``/``upgrade``: ``revision``. ``restore``: ``path`` and the ``commit`` it comes from.
    ``remove``: ``path``. ``commit``: ``path`` (one step for each). ``switch``: ``commit``. ``rewrite``:
    ``revision`` and the ``path`` of its file.
    """

    action: Action
    revision: RevisionId | None = None
    path: str | None = None
    commit: CommitId | None = None
    idle: bool = False
    """Whether the version table alone changes, and no script runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a command is about to do, in order."""

    steps: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()
    heads: tuple[RevisionId, ...] = ()
    """What the version table must hold when the plan was carried out."""

    def of(self, *actions: Action) -> tuple[Step, ...]:
        """The steps with one of these actions, in order."""
        return tuple(step for step in self.steps if step.action in actions)

    def revisions(self, action: Action) -> tuple[RevisionId, ...]:
        """The revisions of the steps with this action, in order."""
        return tuple(step.revision for step in self.of(action) if step.revision is not None)


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
    """How long the step took; None where a crash left nobody to say."""
    heads: tuple[RevisionId, ...] | None
    """What the version table held after the step; None likewise."""
    branch: str | None = None
    """The branch that was checked out, in the local record alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptOf:
    """The script of a step: its blob, and the digest of its syntax tree; None where it cannot be read."""

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
    """The last row of each revision, oldest first; None where the database has no ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit as the history reads it."""

    id: CommitId
    parents: tuple[CommitId, ...] = ()
    time: int = 0
    """Committer time in seconds since 1970."""
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an import of the models depended on. A tree in which all of it is equal has that schema."""

    files: Mapping[str, str] = field(default_factory=dict)
    """Path (relative to the top) to blob id, for every repository file that was read."""
    lookups: Mapping[str, str] = field(default_factory=dict)
    """``folder/name`` to what is there: any of ``d`` (folder), ``p`` (package), ``m`` (module), or empty."""
    listings: Mapping[str, str] = field(default_factory=dict)
    """Folder to a digest of its entries, for folders that user code listed."""
