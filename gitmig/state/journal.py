"""The journal: what a command is about to do to database and files, written down before it does it.

One file in the private git directory. It is there only while a command is at work, or after one was
interrupted; ``gitmig recover`` settles what it tells. It never holds a URL or a password.

A command goes through up to three stages, and each is written down before its first change: it prepares
(a draft), it moves database and files, it has git commit.
"""

from __future__ import annotations

import enum
import hashlib
import json
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gitmig.errors import GitmigError
from gitmig.git.objects import Entry
from gitmig.git.switch import Switch
from gitmig.wire.codec import built, plain
from gitmig.wire.values import BlobId, CommitId, LedgerRow, RevisionId


class Stage(enum.StrEnum):
    """How far the command may have come."""

    PREPARING = "preparing"
    """Nothing has moved: it is taken back."""
    MOVING = "moving"
    """The database knows whether it moved, and the files follow it."""
    COMMITTING = "committing"
    """Everything moved; at most the commit is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftNote:
    """A revision's script that is written, for the first time or again."""

    path: str
    old: bytes | None
    """What stood there before; None if nothing did."""
    held: bool
    """Whether git has the old one."""
    ours: tuple[str, ...]
    """Digests of what gitmig wrote there, or the project's formatters; anything else a person wrote."""
    new: bytes | None = None
    """What the database is moved by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitNote:
    """A commit that is going to be made when everything has moved."""

    paths: tuple[str, ...]
    """What is staged for it."""
    complete: str
    """The command that makes it where it was not made."""
    removed: Mapping[str, BlobId]
    """Files that go before it, and what they held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """One command that moves database and files together."""

    operation: str
    """The command's own id: 32 hex digits."""
    command: str
    started: int
    """Seconds since 1970."""
    section: str
    before: tuple[RevisionId, ...]
    after: tuple[RevisionId, ...]
    ups: tuple[RevisionId, ...]
    downs: tuple[RevisionId, ...]
    head: CommitId | None
    """HEAD when it began: recovery imports from that commit, never from half-written files."""
    old: Mapping[str, Entry]
    """The files as they were, by path; a path that is only in ``new`` was absent."""
    new: Mapping[str, Entry]
    """The files as they are to be; a path that is only in ``old`` is to be absent."""
    backup: str | None = None
    """The ref that keeps what is replaced."""
    ledger: bool = False
    """Whether the database had a ledger, so that its rows say whether it committed."""
    rows: tuple[LedgerRow, ...] = ()
    """What the local record is to say of the steps."""
    stage: Stage = Stage.PREPARING
    draft: DraftNote | None = None
    commit: CommitNote | None = None
    files: str | None = None
    """The tree that holds the scripts that are applied."""
    switch: Switch | None = None
    """HEAD before and after."""
    follows: bool = False
    """Whether the models follow a database that was left between two revisions."""
    cut: int | None = None
    """How many steps there were before recovery cut it down to those that the database has kept."""

    @property
    def revisions(self) -> tuple[RevisionId, ...]:
        """Of the steps, in their order."""
        return (*self.downs, *self.ups)

    def first(self, count: int, old: Mapping[str, Entry], new: Mapping[str, Entry]) -> Journal:
        """The journal of a command that had no more than so many steps, and these files to move."""
        done = self.revisions[:count]
        return replace(
            self,
            after=self.rows[count - 1].heads or (),
            downs=done[: len(self.downs)],
            ups=done[len(self.downs) :],
            rows=self.rows[:count],
            old=old,
            new=new,
            draft=None,
            commit=None,
            switch=None,
            follows=False,
            cut=len(self.revisions),
        )

    @classmethod
    def blank(cls, command: str, section: str, head: CommitId | None) -> Journal:
        """Of a command that begins: nothing is done yet."""
        return cls(
            operation=uuid.uuid4().hex,
            command=command,
            started=int(time.time()),
            section=section,
            before=(),
            after=(),
            ups=(),
            downs=(),
            head=head,
            old={},
            new={},
        )


def digest(data: bytes) -> str:
    """How a journal names the content of a draft."""
    return hashlib.sha256(data).hexdigest()


_NAME = "journal.json"
_NEW = f".{_NAME}.new"
_VERSION = 2


class Logbook:
    """The journal of the command that runs. Without a folder (no repository) nothing is written.

    Attributes:
        journal: what the command is about, written down or not.
        folder: where this work tree keeps its notes of the environment.
    """

    def __init__(self, folder: Path | None, journal: Journal) -> None:
        self.folder = folder
        self.journal = journal

    def write(self, journal: Journal) -> None:
        """Write it down, before what it tells of is begun. Raises OSError."""
        self.journal = journal
        if self.folder is not None:
            write_journal(self.folder, journal)

    @property
    def step_log(self) -> Path | None:
        """Where the statements of a step are logged beside it."""
        return None if self.folder is None else step_log(self.folder)

    def remove(self) -> None:
        """Forget it: everything that it tells has happened, or nothing of it."""
        if self.folder is not None:
            remove_journal(self.folder)


def write_journal(folder: Path, journal: Journal) -> None:
    """Write it so that it survives a power cut. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    # One command at a time writes here: what a killed one left of it is written over.
    temporary = folder / _NEW
    with open(temporary, "w", encoding="utf-8") as handle:
        json.dump({"version": _VERSION, **plain(journal)}, handle)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(folder / _NAME)
    _sync(folder)


def remove_journal(folder: Path) -> None:
    """Forget it: everything that it tells has happened, or nothing of it."""
    (folder / _NAME).unlink(missing_ok=True)
    log = step_log(folder)
    for path in (log, log.with_name(f"{log.name}.py")):
        path.unlink(missing_ok=True)
    remove_half_written(folder)
    _sync(folder)


def step_log(folder: Path) -> Path:
    """Where the statements of a step are logged, on a database that keeps each of them."""
    return folder / "step.jsonl"


def remove_half_written(folder: Path) -> None:
    """Remove what a command left that was killed while it wrote its journal: nothing had begun yet."""
    (folder / _NEW).unlink(missing_ok=True)


def has_journal(folder: Path) -> bool:
    """Whether there is one, or the half of one."""
    return (folder / _NAME).exists() or (folder / _NEW).exists()


def read_journal(folder: Path) -> Journal | None:
    """The journal of an interrupted command, or None. Raises GitmigError if it cannot be read."""
    path = folder / _NAME
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    try:
        value = json.loads(text)
        if value["version"] != _VERSION:
            raise ValueError(f"it is of version {value['version']}")
        return built(Journal, value)
    except (ValueError, KeyError, TypeError) as error:
        raise GitmigError(
            f"the journal of an interrupted command cannot be read: {error}",
            hint=f"compare database and models by hand (gitmig log), then remove {path}",
        ) from None


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
