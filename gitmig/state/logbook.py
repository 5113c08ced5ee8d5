"""Where the journal is kept: one file in the private git directory, which survives a power cut."""

from __future__ import annotations

import json
import os
from pathlib import Path

from gitmig.errors import GitmigError
from gitmig.state.journal import Journal
from gitmig.wire.codec import built, plain

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
    """The journal of an interrupted command, or None. Raises GitmigError where it cannot be read."""
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
