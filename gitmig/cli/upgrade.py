"""``gitmig upgrade``."""

from __future__ import annotations

from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.moving import DryRun, Wait, Yes, finish, manner
from gitmig.operations.upgrade import upgrade


def run(
    common: Common,
    target: Annotated[
        str, typer.Argument(metavar="[TARGET]", help="head, +1, an id or its prefix.")
    ] = "head",
    commit: Annotated[
        bool, typer.Option("--commit", help="Commit an uncommitted head revision with its models.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = 60.0,
) -> int:
    """Move the database up; models that a rollback took back go forward again."""
    project = common.open()
    result = upgrade(project, target, manner(common, dry_run=dry_run, yes=yes, wait=wait), commit=commit)
    return finish(common, project, result)
