"""Where this clone last saw its database: a note for commands that may not run the project's code.

It is never believed where the truth can be had: an SQLite file is read again.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from gitmig.state.files import write_beside_others
from gitmig.wire.values import RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The heads of a database, and when (seconds since 1970) they were read."""

    database: str
    heads: tuple[RevisionId, ...]
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceContext:
    """What the hooks' advice needs to know besides (``hooks/advice.py``)."""

    config: str
    """The alembic.ini, or the pyproject.toml, relative to the top."""
    section: str
    branch: str | None
    """What was checked out, where it had the heads."""
    messages: Mapping[RevisionId, str]
    x: tuple[str, ...]
    """The arguments for env.py with which it was read."""
    layout: tuple[int | None, tuple[str, ...], bool] | None
    """What tells whether the configuration is still the same, and where it has the revisions."""
    environment: str | None = None
    """The environment's name, if the repository has several."""


def remember(
    folder: Path,
    key: str,
    database: str,
    heads: tuple[RevisionId, ...],
    around: AdviceContext | None = None,
) -> None:
    """Note what was just read from the database. A repository that cannot be written to keeps no note.

    ``key`` is the environment's. Without ``around`` the hooks give no advice about it. If the heads are
    those noted before and the checkout has them no longer, the branch stays that was noted.
    """
    notes = _notes(folder)
    before = notes.get(key)
    # Which of two work trees saw it last may be a matter of less than a second.
    note: dict[str, object] = {"database": database, "heads": list(heads), "time": round(time.time(), 3)}
    if around is not None:
        note |= {**asdict(around), "messages": dict(around.messages)}
        same = isinstance(before, dict) and (before.get("database"), before.get("heads")) == (
            database,
            list(heads),
        )
        if around.branch is None and same and isinstance(before, dict):
            note |= {name: before[name] for name in ("branch", "messages") if name in before}
    notes[key] = note
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        write_beside_others(folder / "seen.json", json.dumps(notes))


def last_seen(folder: Path, key: str, directory: Path) -> Seen | None:
    """The last note, brought up to date where the database is an SQLite file. None: never seen.

    ``directory`` is what relative paths of SQLite files are relative to.
    """
    note = _notes(folder).get(key)
    if not isinstance(note, dict):
        return None
    database, heads, when = note.get("database"), note.get("heads"), note.get("time")
    if not isinstance(database, str) or not isinstance(heads, list) or not isinstance(when, int | float):
        return None
    seen = Seen(database=database, heads=tuple(RevisionId(str(head)) for head in heads), time=int(when))
    return _read_again(seen, directory) or seen


def all_seen(folder: Path, directory: Path) -> tuple[Seen, ...]:
    """As :func:`last_seen`, of every environment and database that was looked at."""
    return tuple(seen for key in _notes(folder) if (seen := last_seen(folder, key, directory)) is not None)


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
