"""What a step has done so far, on a database that cannot take DDL back: a file of JSON lines.

The worker writes a line before and after each statement. Whoever finds the file after a crash knows from it
what was committed, and which one statement may or may not have been.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Logged:
    """A statement that was begun."""

    digest: str
    ddl: bool
    before: Mapping[str, str]
    """What the tables that it names looked like."""
    done: bool = False


@dataclass(frozen=True, slots=True)
class HalfStep:
    """The last step that was begun."""

    action: str
    revision: str
    path: str
    """Where its script was."""
    source: bytes
    graph: list[dict[str, Any]]
    """The revisions that it is one of, as the worker was given them."""
    operation: dict[str, Any] | None
    """What the ledger is to say of it."""
    statements: tuple[Logged, ...] = ()
    committed: int = 0
    """How many of the statements the database has kept for certain."""
    doubtful: bool = False
    """Whether a commit of rows was begun of which nobody knows the end."""

    @property
    def has_begun(self) -> bool:
        """Whether the database may have kept a part of it."""
        return bool(self.committed or self.doubtful or any(one.ddl for one in self.statements))


def read_half_step(path: str) -> HalfStep | None:
    """The last step that a file tells of; None if there is no file, or no step in it."""
    try:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")[:-1]  # what comes after the last newline was cut off
    except FileNotFoundError:
        return None
    half: HalfStep | None = None
    for line in lines:
        half = _after(half, json.loads(line))
    return half


def _after(half: HalfStep | None, line: dict[str, Any]) -> HalfStep | None:
    if "step" in line:
        return HalfStep(
            action=line["step"],
            revision=line["revision"],
            path=line["path"],
            source=base64.b64decode(line["source"]),
            graph=line["graph"],
            operation=line["operation"],
        )
    if half is None:
        return None
    if "do" in line:
        if half.doubtful:
            # A statement comes after a commit has ended.
            half = replace(half, committed=len(half.statements), doubtful=False)
        one = Logged(line["do"], line["ddl"], line["before"])
        return replace(half, statements=(*half.statements, one))
    if "done" in line:
        last = replace(half.statements[-1], done=True)
        statements = (*half.statements[:-1], last)
        committed = len(statements) if last.ddl else half.committed
        return replace(half, statements=statements, committed=committed)
    if line["commit"] == "begun":
        return replace(half, doubtful=half.committed < len(half.statements))
    return replace(half, doubtful=False, committed=len(half.statements))


class StepLogWriter:
    """Appends to the file; each line is on the disk before the next thing happens."""

    def __init__(self, path: str, *, resumed: bool = False) -> None:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (0 if resumed else os.O_TRUNC)
        # The text of a script, and of nothing else: but nobody else's business.
        self._handle = os.open(path, flags, 0o600)

    def begin(self, half: HalfStep) -> None:
        """A step begins."""
        self._write(
            step=half.action,
            revision=half.revision,
            path=half.path,
            source=base64.b64encode(half.source).decode(),
            graph=half.graph,
            operation=half.operation,
        )

    def doing(self, one: Logged) -> None:
        """A statement is about to run."""
        self._write(do=one.digest, ddl=one.ddl, before=dict(one.before))

    def done(self) -> None:
        """It has run."""
        self._write(done=True)

    def committing(self) -> None:
        """What has run is about to be committed."""
        self._write(commit="begun")

    def committed(self) -> None:
        """It is committed."""
        self._write(commit="done")

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)

    def _write(self, **line: object) -> None:
        os.write(self._handle, json.dumps(line).encode() + b"\n")
        os.fsync(self._handle)
