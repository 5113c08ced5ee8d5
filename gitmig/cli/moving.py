"""What the commands that change something share: their options, and how their result is shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.terminal import Terminal
from gitmig.operations.noting import note_seen
from gitmig.operations.results import MoveResult
from gitmig.prepared import Manner
from gitmig.project import Project
from gitmig.render.json import move_json
from gitmig.render.moves import move_text

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")]
Yes = Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")]
DdlLockTimeout = Annotated[
    float | None,
    typer.Option(
        "--ddl-lock-timeout",
        metavar="SECONDS",
        min=0,
        help="How long a step may wait for another session's lock; 0: as long as it takes.",
    ),
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="NAME",
        help="The database that is meant, as status prints it or its last part; see gitmig.protected.",
    ),
]
Including = Annotated[
    list[str] | None,
    typer.Option(
        "--including",
        metavar="NAME",
        help="Whose work may be undone too, by the ledger's name for them; repeatable.",
    ),
]
NoPark = Annotated[
    bool, typer.Option("--no-park", help="Lose the rows that are dropped, instead of parking them.")
]
StopAt = Annotated[
    list[str] | None,
    typer.Option("--stop-at", metavar="REV", help="Go down no further than to REV, which stays; repeatable."),
]
Wait = Annotated[float, typer.Option("--wait", metavar="SECONDS", help="How long to wait for a lock.")]


def manner(
    common: Common,
    *,
    dry_run: bool,
    yes: bool,
    wait: float,
    ddl_lock_timeout: float | None = None,
    database: str | None = None,
    including: Sequence[str] | None = None,
    park: bool = False,
) -> Manner:
    """How the operation is to go about it, with the terminal as its person."""
    return Manner(
        person=Terminal(agreed=yes, quiet=common.format == "json"),
        dry_run=dry_run,
        wait=wait,
        ddl_lock_timeout=ddl_lock_timeout,
        database=database,
        including=tuple(including or ()),
        words=tuple(word for word in sys.argv[1:] if word != "--json"),
        park=park,
    )


def finish(common: Common, project: Project, result: MoveResult) -> int:
    """Show the result and note where the database is now. Returns the exit code."""
    if common.format == "json":
        note(project, result)
        print(json.dumps(move_json(result)))
    else:
        show(project, result)
    return 0


def show(project: Project, result: MoveResult) -> None:
    """The same, as text."""
    note(project, result)
    move_text(result, project)


def note(project: Project, result: MoveResult) -> None:
    """Note where the database is, where something was done."""
    if result.done:
        note_seen(project, result.database, result.heads)
