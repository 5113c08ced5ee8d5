"""``gitmig sync``."""

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
from gitmig.operations.sync import sync


def run(
    common: Common,
    ref: Annotated[
        str | None, typer.Argument(metavar="[REF]", help="A branch, tag or commit; the checkout by default.")
    ] = None,
    no_park: NoPark = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = 60.0,
    ddl_lock_timeout: DdlLockTimeout = None,
    database: Database = None,
    including: Including = None,
    stop_at: StopAt = None,
) -> int:
    """Move the database to the revision of what is checked out, or of REF."""
    project = common.open()
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
    return finish(common, project, sync(project, ref, how, stop_at or ()))
