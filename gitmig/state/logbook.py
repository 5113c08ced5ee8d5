"""Where the journal is kept: one file in the private git directory, which survives a power cut."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from gitmig.errors import GitmigError
from gitmig.git.objects import Entry
from gitmig.git.switch import HeadState, Switch
from gitmig.state.history import row_json, row_of
from gitmig.state.journal import CommitNote, DraftNote, Journal, Stage
from gitmig.wire.values import BlobId, CommitId, RevisionId

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
        json.dump(_json(journal), handle)
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
