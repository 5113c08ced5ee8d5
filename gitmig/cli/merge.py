"""``gitmig merge``."""

from __future__ import annotations

from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.joining import move, two_sided
from gitmig.cli.moving import undoing
from gitmig.moving.plans import RunOptions
from gitmig.operations.merge import MergeOptions, merge


@undoing
def run(
    common: Common,
    how: RunOptions,
    revisions: Annotated[
        list[str] | None, typer.Argument(metavar="[REV...]", help="The heads to join; by default all.")
    ] = None,
    message: Annotated[
        str | None, typer.Option("-m", "--message", metavar="MSG", help="What the revision is called.")
    ] = None,
    no_commit: Annotated[bool, typer.Option("--no-commit", help="Stage the file instead.")] = False,
    files_only: Annotated[
        bool, typer.Option("--files-only", help="The file alone; the database follows with gitmig sync.")
    ] = False,
) -> int:
    """Join lines of revisions that are all published."""
    named = tuple(revisions or ())
    options = MergeOptions(revisions=named, message=message, commit=not no_commit, files_only=files_only)
    return move(common, two_sided(common, named), lambda one: merge(one, options, how))
