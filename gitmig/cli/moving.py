"""What the commands that change something share: their options, and how their result is shown."""

from __future__ import annotations

import functools
import inspect
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Concatenate, ParamSpec

import typer

from gitmig.cli.common import Common
from gitmig.cli.terminal import Terminal
from gitmig.cli.words import without_common
from gitmig.hooks.notes import note_seen
from gitmig.moving.plans import MoveResult, RunOptions
from gitmig.project.project import Project
from gitmig.render.json import move_json
from gitmig.render.moves import move_text

P = ParamSpec("P")

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
_Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="NAME",
        help="The database that is meant, as status prints it or its last part; see gitmig.protected.",
    ),
]
_Including = Annotated[
    list[str] | None,
    typer.Option(
        "--including",
        metavar="NAME",
        help="Whose work may be undone too, by the ledger's name for them; repeatable.",
    ),
]
_NoPark = Annotated[
    bool, typer.Option("--no-park", help="Lose the rows that are dropped, instead of parking them.")
]
Wait = Annotated[float, typer.Option("--wait", metavar="SECONDS", help="How long to wait for a lock.")]


def run_options(
    common: Common,
    *,
    dry_run: bool,
    yes: bool,
    wait: float,
    ddl_lock_timeout: float | None = None,
) -> RunOptions:
    """How the operation is to go about it, with the terminal as its person."""
    return RunOptions(
        prompter=Terminal(agreed=yes, quiet=common.format == "json"),
        dry_run=dry_run,
        wait=wait,
        ddl_lock_timeout=ddl_lock_timeout,
        words=without_common(sys.argv[1:]),
    )


def undoing(
    function: Callable[Concatenate[Common, RunOptions, P], int],
) -> Callable[Concatenate[Common, P], int]:
    """Give a command that undoes revisions the options for that; it gets them as its second argument."""
    common, _, *own = inspect.signature(function, eval_str=True).parameters.values()
    shared = list(inspect.signature(_undoing, eval_str=True).parameters.values())[1:]

    @functools.wraps(function)
    def run(common: Common, /, *args: P.args, **values: P.kwargs) -> int:
        how = _undoing(common, **{each.name: values.pop(each.name) for each in shared})  # type: ignore[arg-type]
        return function(common, how, *args, **values)

    run.__signature__ = inspect.Signature([common, *own, *shared])  # type: ignore[attr-defined]
    return run


def _undoing(
    common: Common,
    no_park: _NoPark = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = 60.0,
    ddl_lock_timeout: DdlLockTimeout = None,
    database: _Database = None,
    including: _Including = None,
) -> RunOptions:
    how = run_options(common, dry_run=dry_run, yes=yes, wait=wait, ddl_lock_timeout=ddl_lock_timeout)
    return replace(how, database=database, including=tuple(including or ()), park=not no_park)


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
    if result.done and result.database:
        note_seen(project, result.database, result.heads)
