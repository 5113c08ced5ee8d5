"""``gitmig upgrade``."""

from __future__ import annotations

from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.moving import DdlLockTimeout, DryRun, Wait, Yes, finish, run_options
from gitmig.operations.upgrade import upgrade


def run(
    common: Common,
    target: Annotated[
        str, typer.Argument(metavar="[TARGET]", help="heads, head, +1, an id or its prefix.")
    ] = "heads",
    commit: Annotated[
        bool, typer.Option("--commit", help="Commit an uncommitted head revision with its models.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = 60.0,
    ddl_lock_timeout: DdlLockTimeout = None,
) -> int:
    """Move the database up; models that a rollback took back go forward again."""
    project = common.open()
    how = run_options(common, dry_run=dry_run, yes=yes, wait=wait, ddl_lock_timeout=ddl_lock_timeout)
    result = upgrade(project, target, how, commit=commit)
    return finish(common, project, result)
