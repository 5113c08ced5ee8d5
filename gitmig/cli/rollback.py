"""``gitmig rollback``."""

from __future__ import annotations

from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.moving import (
    Database,
    DdlLockTimeout,
    DryRun,
    Including,
    NoPark,
    StopAt,
    Wait,
    Yes,
    finish,
    manner,
)
from gitmig.operations.rollback import RollbackOptions, rollback


def run(
    common: Common,
    target: Annotated[str, typer.Argument(metavar="[TARGET]", help="-1, base, an id or its prefix.")] = "-1",
    commit: Annotated[
        bool, typer.Option("--commit", help="Make it permanent: remove the unpublished revisions and commit.")
    ] = False,
    database_only: Annotated[bool, typer.Option("--database-only", help="Leave the models alone.")] = False,
    stash: Annotated[
        bool, typer.Option("--stash", help="Put edits in the way into git's stash first.")
    ] = False,
    no_park: NoPark = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = 60.0,
    ddl_lock_timeout: DdlLockTimeout = None,
    database: Database = None,
    including: Including = None,
    stop_at: StopAt = None,
) -> int:
    """Move the database down and put the matching models into the work tree."""
    project = common.open()
    options = RollbackOptions(
        target=target, commit=commit, database_only=database_only, stash=stash, stop_at=tuple(stop_at or ())
    )
    how = manner(
        common,
        dry_run=dry_run,
        yes=yes,
        wait=wait,
        ddl_lock_timeout=ddl_lock_timeout,
        database=database,
        including=including,
        park=not no_park,
    )
    result = rollback(project, options, how)
    return finish(common, project, result)
