"""The local record: what moved the database from this work tree, one JSON object per line, newest last.

One file in the private git directory. It holds database names without user and password, and it is written
under the command's lock; a line that a crash tore is passed over.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from gitmig.state.files import write_bytes
from gitmig.wire.codec import built, plain
from gitmig.wire.values import LedgerRow

_NAME = "record.jsonl"
_LARGE = 1 << 22
"""Bytes from which on it is shortened: every command reads it.

Half as many of the newest rows are kept, besides the last ones of each revision.
"""


def append_rows(folder: Path, rows: Sequence[LedgerRow]) -> None:
    """Write rows at the end, so that they survive a power cut. Raises OSError."""
    if not rows:
        return
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(plain(row)) + "\n" for row in rows).encode()
    with open(folder / _NAME, "ab+") as handle:
        # After a torn line a new one has to begin.
        handle.seek(max(handle.tell() - 1, 0))
        torn = handle.read(1) not in (b"", b"\n")
        handle.write(b"\n" * torn + lines)
        handle.flush()
        os.fsync(handle.fileno())
        large = handle.tell() > _LARGE
    if large:
        _shorten(folder)


def append_missing(folder: Path, rows: Sequence[LedgerRow]) -> None:
    """Write the rows of operations that the record has nothing of yet. Raises OSError."""
    known = {row.operation for row in read_rows(folder)}
    append_rows(folder, [row for row in rows if row.operation not in known])


def read_rows(folder: Path) -> tuple[LedgerRow, ...]:
    """All rows, oldest first; none where nothing was recorded, or where it cannot be read."""
    return tuple(_rows(_values(folder)))


def newest_rows(folder: Path, database: str, environment: str) -> tuple[LedgerRow, ...]:
    """The last row of each revision of one environment in a database, oldest first."""
    last: dict[str, dict[str, object]] = {}
    for value in _values(folder):
        if (value.get("database"), value.get("environment")) == (database, environment):
            revision = str(value.get("revision"))
            last.pop(revision, None)
            last[revision] = value
    return tuple(_rows(last.values()))


def _shorten(folder: Path) -> None:
    values = list(_values(folder))
    last = {
        (str(value.get("database")), str(value.get("environment")), str(value.get("revision"))): number
        for number, value in enumerate(values)
    }
    lines = [json.dumps(value) + "\n" for value in values]
    sizes = itertools.accumulate(len(line) for line in reversed(lines))
    newest = sum(1 for size in sizes if size <= _LARGE // 2)
    kept = {*last.values(), *range(len(lines) - newest, len(lines))}
    write_bytes(folder / _NAME, "".join(lines[number] for number in sorted(kept)).encode())


def _values(folder: Path) -> Iterator[dict[str, object]]:
    try:
        text = (folder / _NAME).read_bytes().decode("utf-8", "replace")
    except OSError:
        return
    for line in text.split("\n"):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def _rows(values: Iterable[object]) -> Iterator[LedgerRow]:
    for value in values:
        try:
            yield built(LedgerRow, value)
        except (ValueError, KeyError, TypeError):
            continue
