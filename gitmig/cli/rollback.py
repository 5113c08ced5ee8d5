"""``gitmig rollback``."""

from __future__ import annotations

from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.moving import finish, undoing
from gitmig.moving.plans import RunOptions
from gitmig.operations.rollback import RollbackOptions, rollback


@undoing
def run(
    common: Common,
    how: RunOptions,
    target: Annotated[str, typer.Argument(metavar="[TARGET]", help="-1, base, an id or its prefix.")] = "-1",
    commit: Annotated[
        bool, typer.Option("--commit", help="Make it permanent: remove the unpublished revisions and commit.")
    ] = False,
    database_only: Annotated[bool, typer.Option("--database-only", help="Leave the models alone.")] = False,
    files_only: Annotated[
        bool, typer.Option("--files-only", help="Put back the models of where the database is already.")
    ] = False,
) -> int:
    """Move the database down and put the matching models into the work tree."""
    project = common.open()
    options = RollbackOptions(
        target=target, commit=commit, database_only=database_only, files_only=files_only
    )
    result = rollback(project, options, how)
    return finish(common, project, result)
