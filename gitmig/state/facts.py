"""What was read out of git before: facts of blobs and of histories, which never change.

One SQLite file in the git directory that all work trees share. It is only ever an answer that could be had
again: what is missing, damaged, locked for long or of another version counts as absent, and a failing write
is ignored. Anybody may delete it at any time. Schemas, proofs and what was last seen lie beside it, for the
hook's and the advice's first answers have no time for SQLite.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from gitmig import __version__

_T = TypeVar("_T")
_FORMAT = 1
"""Another one is another meaning of what is stored."""
_VERSION = f"{_FORMAT} {__version__} {sys.version_info[0]}.{sys.version_info[1]}"
# What a syntax tree tells may differ from one version of Python to the next.
_NAME = "facts.sqlite"
_WAIT = 2.0
"""Seconds until another process has written what it writes; without the facts they are read out of git."""
_MANY = 500
"""Keys that are asked for at once."""
_LARGE = 1 << 28
"""Bytes from which on all is forgotten: nobody says which of it is still of use."""
_TABLES = (
    "DROP TABLE IF EXISTS version",
    "DROP TABLE IF EXISTS fact",
    "CREATE TABLE version (version TEXT)",
    "CREATE TABLE fact (kind TEXT, key TEXT, value BLOB, PRIMARY KEY (kind, key)) WITHOUT ROWID",
)


class Facts:
    """The facts of one repository, by kind and key. ``folder`` is made when something is first stored."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME

    def find(self, kind: str, key: str) -> bytes | None:
        """One fact, or None."""
        return self.find_all(kind, [key]).get(key)

    def find_all(self, kind: str, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Those of some facts that are known, by key."""

        def read(database: sqlite3.Connection) -> dict[str, bytes]:
            found: dict[str, bytes] = {}
            for start in range(0, len(keys), _MANY):
                part = keys[start : start + _MANY]
                marks = ",".join("?" * len(part))
                query = f"SELECT key, value FROM fact WHERE kind = ? AND key IN ({marks})"
                for key, value in database.execute(query, [kind, *part]):
                    if value[:4] == _checksum(kind, key, value[4:]):
                        found[key] = value[4:]
            return found

        return self._done(read, write=False) or {}

    def store(self, kind: str, facts: Mapping[str, bytes]) -> None:
        """Remember some facts."""
        rows = [(kind, key, _checksum(kind, key, value) + value) for key, value in facts.items()]

        def write(database: sqlite3.Connection) -> None:
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?, ?)", rows)
            database.execute("COMMIT")

        if rows:
            self._done(write, write=True)

    def _done(self, work: Callable[[sqlite3.Connection], _T], *, write: bool) -> _T | None:
        """What ``work`` gives back; None if it cannot be done. A damaged database is removed."""
        try:
            with contextlib.closing(self._connected(write)) as database:
                self._require_version(database, write)
                return work(database)
        except (sqlite3.OperationalError, OSError):
            return None  # another process is writing, or the folder cannot be written to
        except (sqlite3.DatabaseError, UnicodeDecodeError, TypeError):
            self._remove()
            return None

    def _connected(self, write: bool) -> sqlite3.Connection:
        if write:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Nobody else reads what the repository may not show them. SQLite gives its journal the same mode.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            if self._path.stat().st_size > _LARGE:
                self._remove()
        mode = "rwc" if write else "ro"
        database = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_WAIT, isolation_level=None
        )
        # After a power cut it may be damaged, which is noticed: nobody waits for a disk.
        database.execute("PRAGMA synchronous = OFF")
        return database

    def _require_version(self, database: sqlite3.Connection, write: bool) -> None:
        if _version(database) == _VERSION:
            return
        if not write:
            raise sqlite3.OperationalError("it is of another version")
        database.execute("BEGIN IMMEDIATE")
        if _version(database) != _VERSION:  # nobody else has made it meanwhile
            for statement in _TABLES:
                database.execute(statement)
            database.execute("INSERT INTO version VALUES (?)", [_VERSION])
        database.execute("COMMIT")

    def _remove(self) -> None:
        for name in (self._path, self._path.with_name(f"{_NAME}-journal")):
            with contextlib.suppress(OSError):
                name.unlink()


def _checksum(kind: str, key: str, value: bytes) -> bytes:
    """Four bytes: SQLite notices what was cut off, and not that a disk has other bytes than were written."""
    return zlib.crc32(value, zlib.crc32(f"{kind} {key}".encode())).to_bytes(4, "big")


def _version(database: sqlite3.Connection) -> str | None:
    try:
        row = database.execute("SELECT version FROM version").fetchone()
    except sqlite3.OperationalError:  # there is no such table
        return None
    return None if row is None else str(row[0])


def packed(text: str) -> bytes:
    """A long text as a fact: shorter."""
    return zlib.compress(text.encode("utf-8", "surrogatepass"), 1)


def unpacked(data: bytes) -> str | None:
    """The text that :func:`packed` was given; None if the fact is damaged."""
    try:
        return zlib.decompress(data).decode("utf-8", "surrogatepass")
    except (zlib.error, UnicodeDecodeError, TypeError):
        return None
