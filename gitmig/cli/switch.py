"""``gitmig switch``."""

from __future__ import annotations

from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.moving import Database, DdlLockTimeout, DryRun, Including, NoPark, Wait, Yes, finish, manner
from gitmig.operations.switch import SwitchOptions, switch


def run(
    common: Common,
    ref: Annotated[
        str | None, typer.Argument(metavar="REF", help="A branch, a tag, a commit, or - for where you were.")
    ] = None,
    create: Annotated[
        str | None, typer.Option("-c", "--create", metavar="NEW", help="Make a branch, at HEAD or at REF.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Check out the commit, not the branch.")] = False,
    no_park: NoPark = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = 60.0,
    ddl_lock_timeout: DdlLockTimeout = None,
    database: Database = None,
    including: Including = None,
) -> int:
    """Switch git and the database together."""
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
    return finish(common, project, switch(project, SwitchOptions(ref=ref, create=create, detach=detach), how))
