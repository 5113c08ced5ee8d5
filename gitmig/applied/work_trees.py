"""What the work trees of this clone recorded of one database, which they may share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from gitmig.git.repository import Repository
from gitmig.state.history import newest_rows
from gitmig.wire.values import LedgerRow


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStep:
    """A step that a work tree of this clone recorded."""

    row: LedgerRow
    tree: Path
    """The top of that work tree."""
    here: bool
    """Whether it is this one."""


def recorded_moves(
    repository: Repository, notes: str, database: str, environment: str
) -> tuple[RecordedStep, ...]:
    """The last step of each revision in a database, oldest first, from each work tree.

    An SQLite file that is named relative to its work tree is that work tree's own. ``notes`` is the
    environment's folder in that of each of them.
    """
    driver, _, path = database.partition(":///")
    own = driver.partition("+")[0] == "sqlite" and not os.path.isabs(path)
    here = repository.private()
    found = [
        RecordedStep(row=row, tree=tree, here=private == here)
        for private, tree in ((repository.private(), repository.top), *repository.other_work_trees())
        if private == here or not own
        for row in newest_rows(private / notes, database, environment)
    ]
    return tuple(sorted(found, key=lambda moved: moved.row.time))
