"""``gitmig tie``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.moving import DryRun, Wait, Yes, run_options
from gitmig.operations.tie import tie
from gitmig.render.tie import tie_json, tie_text


def run(
    common: Common,
    revision: Annotated[str, typer.Argument(metavar="REV", help="The revision: an id, or head.")],
    trust: Annotated[
        bool, typer.Option("--trust", help="Record it where nothing can prove it, on your word.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = 60.0,
) -> int:
    """Prove a hand-written or edited revision, and record in it which models it was made for."""
    result = tie(
        common.open(), revision, run_options(common, dry_run=dry_run, yes=yes, wait=wait), trust=trust
    )
    if common.format == "json":
        print(json.dumps(tie_json(result)))
    else:
        tie_text(result)
    return 0
