"""The journal: what a command is about to do to database and files, written down before it does it.

One file in the private git directory. It is there only while a command is at work, or after one was
interrupted; ``gitmig recover`` settles what it tells. It never holds a URL or a password.

A command goes through up to three stages, and each is written down before its first change: it prepares
(a draft), it moves database and files, it has git commit.
"""

from __future__ import annotations

import enum
import hashlib
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace

from gitmig.git.objects import Entry
from gitmig.git.switch import Switch
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
    """A revision's script that is written, or written anew."""

    path: str
    old: bytes | None
    """What stood there before; None where nothing did."""
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
