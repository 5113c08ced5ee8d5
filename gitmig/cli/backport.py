"""``gitmig backport``."""

from __future__ import annotations

from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.moving import finish, undoing
from gitmig.moving.plans import RunOptions
from gitmig.operations.backport import BackportOptions, backport


@undoing
def run(
    common: Common,
    how: RunOptions,
    revision: Annotated[
        str, typer.Argument(metavar="REV", help="The whole id of a revision of another branch.")
    ],
    onto: Annotated[
        str | None,
        typer.Option("--onto", metavar="REF", help="The line that gets it; it has to be checked out."),
    ] = None,
    no_commit: Annotated[bool, typer.Option("--no-commit", help="Stage the files instead.")] = False,
    files_only: Annotated[
        bool, typer.Option("--files-only", help="The files alone; the database follows with gitmig sync.")
    ] = False,
) -> int:
    """Copy a revision of another branch to this line, under an id of its own."""
    project = common.open()
    options = BackportOptions(revision=revision, onto=onto, commit=not no_commit, files_only=files_only)
    return finish(common, project, backport(project, options, how))
