"""``gitmig ledger enable`` and ``ledger show``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.moving import DryRun, Wait, Yes, run_options
from gitmig.cli.pager import paged
from gitmig.operations.ledger import enable_ledger, show_ledger
from gitmig.render.ledger import enabled_json, enabled_text, shown_json, shown_text


def enable(common: Common, dry_run: DryRun = False, yes: Yes = False, wait: Wait = 60.0) -> int:
    """Keep a table in the database that says what moved it, who, when, and from which commit."""
    result = enable_ledger(common.open(), run_options(common, dry_run=dry_run, yes=yes, wait=wait))
    if common.format == "json":
        print(json.dumps(enabled_json(result)))
    else:
        enabled_text(result)
    return 0


def show(
    common: Common,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="The newest N rows only.")
    ] = None,
) -> int:
    """What moved the database, newest first; without a ledger, what this clone recorded."""
    result = show_ledger(common.open(), limit)
    if common.format == "json":
        print(json.dumps(shown_json(result)))
    else:
        paged(shown_text)(result)
    return 0
