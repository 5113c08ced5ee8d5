"""``gitmig park list``, ``park show`` and ``park drop``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.moving import DryRun, Wait, Yes, run_options
from gitmig.cli.pager import paged
from gitmig.operations.park import drop_parked, list_parked, show_parked
from gitmig.render.park import (
    dropped_json,
    dropped_text,
    listed_json,
    listed_text,
    shown_rows_json,
    shown_rows_text,
)

_Id = Annotated[int, typer.Argument(metavar="ID", help="As in `gitmig park list`.")]
_FEW = 50


def list(common: Common) -> int:
    """The rows that were parked before a downgrade dropped them, oldest first."""
    result = list_parked(common.open())
    if common.format == "json":
        print(json.dumps(listed_json(result)))
    else:
        paged(listed_text)(result)
    return 0


def show(
    common: Common,
    number: _Id,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="N rows only (as text 50, as JSON all).")
    ] = None,
) -> int:
    """The rows of one copy: the key, then what was dropped."""
    as_json = common.format == "json"
    result = show_parked(common.open(), number, limit if limit is not None or as_json else _FEW)
    if as_json:
        print(json.dumps(shown_rows_json(result)))
    else:
        paged(shown_rows_text)(result)
    return 0


def drop(
    common: Common,
    number: Annotated[int | None, typer.Argument(metavar="[ID]", help="As in `gitmig park list`.")] = None,
    all_of_them: Annotated[bool, typer.Option("--all", help="Everything that is parked.")] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = 60.0,
) -> int:
    """Delete parked rows for good."""
    how = run_options(common, dry_run=dry_run, yes=yes, wait=wait)
    result = drop_parked(common.open(), number, all_of_them=all_of_them, run_options=how)
    if common.format == "json":
        print(json.dumps(dropped_json(result)))
    else:
        dropped_text(result)
    return 0
