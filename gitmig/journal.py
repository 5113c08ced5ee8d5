"""The journal: what a command is about to do to database and files, written down before it does it.

One file in the private git directory. It is there only while a command is at work, or after one was
interrupted; ``gitmig recover`` settles what it tells. It never holds a URL or a password.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gitmig.errors import GitmigError
from gitmig.git.objects import Entry
from gitmig.model import BlobId, CommitId, LedgerRow, RevisionId
from gitmig.record import row_json, row_of

_NAME = "journal.json"
_VERSION = 1


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
    }


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
    )


def _revisions(value: object) -> tuple[RevisionId, ...]:
    if not isinstance(value, list):
        raise TypeError("a list of revisions is missing")
    return tuple(RevisionId(str(item)) for item in value)


def _entries(value: object) -> Mapping[str, Entry]:
    if not isinstance(value, dict):
        raise TypeError("the files are missing")
    return {str(path): Entry(str(mode), BlobId(str(blob))) for path, (mode, blob) in value.items()}
