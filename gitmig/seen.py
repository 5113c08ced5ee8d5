"""Where this clone last saw its database: a note for commands that may not run the project's code.

It is never believed where the truth can be had: an SQLite file is read again.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from gitmig.model import RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The heads of a database, and when (seconds since 1970) they were read."""

    database: str
    heads: tuple[RevisionId, ...]
    time: int


def remember(folder: Path, section: str, database: str, heads: tuple[RevisionId, ...]) -> None:
    """Note what was just read from the database. A repository that cannot be written to keeps no note."""
    notes = _notes(folder)
    notes[section] = {"database": database, "heads": list(heads), "time": int(time.time())}
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".seen.{os.getpid()}"
        temporary.write_text(json.dumps(notes), "utf-8")
        temporary.replace(folder / "seen.json")


def last_seen(folder: Path, section: str, directory: Path) -> Seen | None:
    """The last note, brought up to date where the database is an SQLite file. None: never seen.

    ``directory`` is what relative paths of SQLite files are relative to.
    """
    note = _notes(folder).get(section)
    if not isinstance(note, dict):
        return None
    database, heads, when = note.get("database"), note.get("heads"), note.get("time")
    if not isinstance(database, str) or not isinstance(heads, list) or not isinstance(when, int):
        return None
    seen = Seen(database=database, heads=tuple(RevisionId(str(head)) for head in heads), time=when)
    return _read_again(seen, directory) or seen


def _notes(folder: Path) -> dict[str, object]:
    try:
        notes = json.loads((folder / "seen.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def _read_again(seen: Seen, directory: Path) -> Seen | None:
    driver, _, name = seen.database.partition(":///")
    if driver.partition("+")[0] != "sqlite" or not name or name.startswith((":", "file:")):
        return None
    path = directory / name
    if not path.is_file():
        return Seen(database=seen.database, heads=(), time=int(time.time()))
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            rows = connection.execute("SELECT version_num FROM alembic_version ORDER BY 1").fetchall()
    except sqlite3.Error:
        return None
    return Seen(
        database=seen.database, heads=tuple(RevisionId(row[0]) for row in rows), time=int(time.time())
    )
