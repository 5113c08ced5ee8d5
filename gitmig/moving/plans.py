"""What a command hands to the executor, and what it gets back: values, and the questions about them."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field

from gitmig.core.parked import ParkedRows
from gitmig.core.plan import Plan
from gitmig.core.prompter import Prompter
from gitmig.core.schema.facets import FacetChange
from gitmig.git.restore import Restoration
from gitmig.git.switch import Switch
from gitmig.rpc.protocol import MigrationRequest
from gitmig.state.journal import CommitNote
from gitmig.wire.redaction import without_passwords
from gitmig.wire.sql import Drop
from gitmig.wire.values import CommitId, RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsFollow:
    """The models of where a failure left the database, and what a person has to have agreed to first."""

    restoration: Restoration
    question: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreviewedScript:
    """A script that was fetched from somebody else and is about to be run."""

    revision: RevisionId
    text: str
    look: str
    """The command that shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMove:
    """A plan, with what it takes to carry it out."""

    plan: Plan
    moves: MigrationRequest
    restoration: Restoration | None = None
    question: str | None = None
    """What a person has to agree to first, or None."""
    details: tuple[str, ...] = ()
    commit: CommitNote | None = None
    """The commit that the command makes when everything has moved."""
    follow: Callable[[int], ModelsFollow | None] | None = None
    """The files that match the database after so many steps: a failure may leave it between two revisions.
    None if the files do not follow it."""
    scripts_of: CommitId | None = None
    """The commit whose scripts are applied; None: those on disk."""
    switch: Switch | None = None
    """What git does between the database's preparing and its commit."""
    unreviewed_scripts: tuple[UnreviewedScript, ...] = ()
    """Scripts that nobody here has run yet: a person reads them first, also with ``--yes``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What a person has seen and said yes to."""

    plan: Plan
    """With the warnings that were known without a look at the rows."""
    losses: frozenset[Drop] = frozenset()
    """What holds rows and is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What happened. ``done`` is False for a dry run."""

    plan: Plan
    database: str
    heads: tuple[RevisionId, ...]
    done: bool
    before: tuple[RevisionId, ...] = ()
    notes: tuple[str, ...] = ()
    parked: tuple[ParkedRows, ...] = ()
    """What was parked before it was dropped."""
    back: tuple[ParkedRows, ...] = ()
    """What was parked and came back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a plan is to be carried out."""

    prompter: Prompter
    dry_run: bool = False
    wait: float = 60.0
    park: bool = False
    """Whether rows are parked that a downgrade drops."""
    ddl_lock_timeout: float | None = None
    """How many seconds a statement may wait for another session; None is the database's default."""
    database: str | None = None
    """The database that the person named."""
    including: tuple[str, ...] = ()
    """The people whose work may be undone, as the ledger names them or by their name alone."""
    unattended: bool = False
    """Whether a hook does it by itself: never in a protected database, and no file changes."""
    words: tuple[str, ...] = ()
    """The command as it was given, after ``gitmig``; without how to answer."""

    def again(self, *more: str) -> str:
        """The command to give instead: the same with ``more``."""
        given = list(self.words)
        end = given.index("--") if "--" in given else len(given)
        return without_passwords(shlex.join(["gitmig", *given[:end], *more, *given[end:]]))


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveResult:
    """A plan that was carried out, or (``done`` False) only made."""

    command: str
    plan: Plan = field(default_factory=Plan)
    database: str = ""
    before: tuple[RevisionId, ...] = ()
    heads: tuple[RevisionId, ...] = ()
    done: bool = False
    commit: CommitId | None = None
    checkout: str | None = None
    """The branch or commit that ``switch`` went to."""
    revision: RevisionId | None = None
    """The revision that ``revise`` made."""
    path: str | None = None
    """The file of that revision, relative to the top."""
    changes: tuple[FacetChange, ...] = ()
    text: str | None = None
    """The drafted script, for a dry run."""
    staged: bool = False
    """Whether ``--no-commit`` left models and revision staged."""
    drafted: bool = False
    """Whether a draft was left to be reviewed, and nothing applied."""
    parked: tuple[ParkedRows, ...] = ()
    """Rows that were parked before they were dropped."""
    back: tuple[ParkedRows, ...] = ()
    """Rows that were parked and came back."""
    notes: tuple[str, ...] = ()
    hint: str | None = None

    @classmethod
    def of(cls, command: str, outcome: Outcome | None) -> MoveResult:
        """What the executor made of a command; None if it was not asked."""
        if outcome is None:
            return cls(command=command)
        return cls(
            command=command,
            plan=outcome.plan,
            database=outcome.database,
            before=outcome.before,
            heads=outcome.heads,
            done=outcome.done,
            parked=outcome.parked,
            back=outcome.back,
            notes=outcome.notes,
        )
