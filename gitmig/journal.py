"""The journal: what a command is about to do to database and files, written down before it does it.

One file in the private git directory. It is there only while a command is at work, or after one was
interrupted; ``gitmig recover`` settles what it tells. It never holds a URL or a password.

A command goes through up to three stages, and each is written down before its first change: it prepares
(a draft, a stash), it moves database and files, it has git commit.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import json
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from gitmig.errors import GitmigError
from gitmig.git.objects import Entry
from gitmig.git.switching import HeadState, Switch
from gitmig.model import BlobId, CommitId, LedgerRow, RevisionId
from gitmig.record import row_json, row_of

_NAME = "journal.json"
_VERSION = 2


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
    stash: str | None = None
    """The message of the stash entry that edits are put into."""
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
            stash=None,
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


class Logbook:
    """The journal of the command that runs. Without a folder (no repository) nothing is written.

    Attributes:
        journal: what the command is about, written down or not.
    """

    def __init__(self, folder: Path | None, journal: Journal) -> None:
        self._folder = folder
        self.journal = journal

    def write(self, journal: Journal) -> None:
        """Write it down, before what it tells of is begun. Raises OSError."""
        self.journal = journal
        if self._folder is not None:
            write_journal(self._folder, journal)

    def remove(self) -> None:
        """Forget it: everything that it tells has happened, or nothing of it."""
        if self._folder is not None:
            remove_journal(self._folder)


def digest(data: bytes) -> str:
    """How a journal names the content of a draft."""
    return hashlib.sha256(data).hexdigest()


def write_journal(folder: Path, journal: Journal) -> None:
    """Write it so that it survives a power cut. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{_NAME}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as handle:
        json.dump(_json(journal), handle)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(folder / _NAME)
    _sync(folder)


def remove_journal(folder: Path) -> None:
    """Forget it: everything that it tells has happened, or nothing of it."""
    (folder / _NAME).unlink(missing_ok=True)
    _sync(folder)


def read_journal(folder: Path) -> Journal | None:
    """The journal of an interrupted command, or None. Raises GitmigError where it cannot be read."""
    path = folder / _NAME
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    try:
        return _parsed(json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise GitmigError(
            f"the journal of an interrupted command cannot be read: {error}",
            hint=f"compare database and models by hand (gitmig log), then remove {path}",
        ) from None


def _sync(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _json(journal: Journal) -> dict[str, object]:
    return {
        "version": _VERSION,
        "operation": journal.operation,
        "command": journal.command,
        "started": journal.started,
        "section": journal.section,
        "before": list(journal.before),
        "after": list(journal.after),
        "ups": list(journal.ups),
        "downs": list(journal.downs),
        "head": journal.head,
        "old": {path: list(entry) for path, entry in journal.old.items()},
        "new": {path: list(entry) for path, entry in journal.new.items()},
        "backup": journal.backup,
        "ledger": journal.ledger,
        "rows": [row_json(row) for row in journal.rows],
        "stage": journal.stage,
        "draft": None if journal.draft is None else _draft_json(journal.draft),
        "commit": None if journal.commit is None else asdict(journal.commit),
        "stash": journal.stash,
        "files": journal.files,
        "switch": None if journal.switch is None else asdict(journal.switch),
        "follows": journal.follows,
        "cut": journal.cut,
    }


def _draft_json(draft: DraftNote) -> dict[str, object]:
    return asdict(draft) | {"old": _encoded(draft.old), "new": _encoded(draft.new)}


def _encoded(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode("ascii")


def _decoded(text: object) -> bytes | None:
    return None if text is None else base64.b64decode(str(text), validate=True)


def _parsed(value: dict[str, object]) -> Journal:
    if value["version"] != _VERSION:
        raise ValueError(f"it is of version {value['version']}")
    head, backup, rows = value["head"], value["backup"], value.get("rows", [])
    if not isinstance(rows, list):
        raise TypeError("the rows are missing")
    return Journal(
        operation=str(value["operation"]),
        command=str(value["command"]),
        started=int(str(value["started"])),
        section=str(value["section"]),
        before=_revisions(value["before"]),
        after=_revisions(value["after"]),
        ups=_revisions(value["ups"]),
        downs=_revisions(value["downs"]),
        head=CommitId(str(head)) if head is not None else None,
        old=_entries(value["old"]),
        new=_entries(value["new"]),
        backup=str(backup) if backup is not None else None,
        ledger=bool(value.get("ledger")),
        rows=tuple(row_of(row) for row in rows),
        stage=Stage(str(value["stage"])),
        draft=_draft(value["draft"]),
        commit=_commit(value["commit"]),
        stash=_text(value["stash"]),
        files=_text(value.get("files")),
        switch=_switch(value.get("switch")),
        follows=bool(value.get("follows")),
        cut=int(str(cut)) if (cut := value.get("cut")) is not None else None,
    )


def _switch(value: object) -> Switch | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise TypeError("the switch is not an object")
    before, after = (
        HeadState(commit=CommitId(str(side["commit"])), branch=_text(side["branch"]))
        for side in (value["before"], value["after"])
    )
    upstream = _text(value["upstream"])
    return Switch(before=before, after=after, created=bool(value["created"]), upstream=upstream)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _draft(value: object) -> DraftNote | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise TypeError("the draft is not an object")
    return DraftNote(
        path=str(value["path"]),
        old=_decoded(value["old"]),
        held=bool(value["held"]),
        ours=tuple(map(str, value["ours"])),
        new=_decoded(value["new"]),
    )


def _commit(value: object) -> CommitNote | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise TypeError("the commit is not an object")
    return CommitNote(
        paths=tuple(map(str, value["paths"])),
        complete=str(value["complete"]),
        removed={str(path): BlobId(str(blob)) for path, blob in value["removed"].items()},
    )


def _revisions(value: object) -> tuple[RevisionId, ...]:
    if not isinstance(value, list):
        raise TypeError("a list of revisions is missing")
    return tuple(RevisionId(str(item)) for item in value)


def _entries(value: object) -> Mapping[str, Entry]:
    if not isinstance(value, dict):
        raise TypeError("the files are missing")
    return {str(path): Entry(str(mode), BlobId(str(blob))) for path, (mode, blob) in value.items()}
