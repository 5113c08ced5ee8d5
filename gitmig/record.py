"""The local record: what moved the database from this work tree, one JSON object per line, newest last.

One file in the private git directory. It holds database names without user and password, and it is written
under the command's lock; a line that a crash tore is passed over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

from gitmig.model import Action, BlobId, LedgerRow, RevisionId

_NAME = "record.jsonl"


def append_rows(folder: Path, rows: Sequence[LedgerRow]) -> None:
    """Write rows at the end, so that they survive a power cut. Raises OSError."""
    if not rows:
        return
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row_json(row)) + "\n" for row in rows).encode()
    with open(folder / _NAME, "ab+") as handle:
        # After a torn line a new one has to begin.
        handle.seek(max(handle.tell() - 1, 0))
        torn = handle.read(1) not in (b"", b"\n")
        handle.write(b"\n" * torn + lines)
        handle.flush()
        os.fsync(handle.fileno())


def append_missing(folder: Path, rows: Sequence[LedgerRow]) -> None:
    """Write the rows of operations that the record has nothing of yet. Raises OSError."""
    known = {row.operation for row in read_rows(folder)}
    append_rows(folder, [row for row in rows if row.operation not in known])


def read_rows(folder: Path) -> tuple[LedgerRow, ...]:
    """All rows, oldest first; none where nothing was recorded, or where it cannot be read."""
    try:
        lines = (folder / _NAME).read_bytes().splitlines()
    except OSError:
        return ()
    return tuple(_parsed(lines))


def row_json(row: LedgerRow) -> dict[str, object]:
    """A row as the record, the journal and ``ledger show --json`` spell it."""
    return {
        "database": row.database,
        "environment": row.environment,
        "operation": row.operation,
        "revision": row.revision,
        "direction": row.direction.value,
        "commit": row.commit,
        "script": row.script,
        "program": row.program,
        "who": row.who,
        "time": row.time,
        "seconds": row.seconds,
        "heads": None if row.heads is None else list(row.heads),
        "branch": row.branch,
    }


def row_of(value: object, database: str = "") -> LedgerRow:
    """The row that :func:`row_json` spelled, or the worker. Raises ValueError, KeyError, TypeError."""
    if not isinstance(value, dict):
        raise TypeError("a row is missing")
    row = cast("dict[str, object]", value)
    heads = row["heads"]
    return LedgerRow(
        database=str(row.get("database", database)),
        environment=str(row["environment"]),
        operation=str(row["operation"]),
        revision=RevisionId(str(row["revision"])),
        direction=Action(str(row["direction"])),
        commit=_optional(row["commit"]),
        script=BlobId(str(row["script"])) if row["script"] is not None else None,
        program=_optional(row["program"]),
        who=_optional(row["who"]),
        time=int(str(row["time"])),
        seconds=float(str(row["seconds"])) if row["seconds"] is not None else None,
        heads=tuple(RevisionId(str(head)) for head in heads) if isinstance(heads, list) else None,
        branch=_optional(row.get("branch")),
    )


def _optional(value: object) -> str | None:
    return None if value is None else str(value)


def _parsed(lines: Iterable[bytes]) -> Iterator[LedgerRow]:
    for line in lines:
        try:
            yield row_of(json.loads(line))
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
