"""``gitmig squash``."""

from __future__ import annotations

from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.moving import finish, undoing
from gitmig.moving.plans import RunOptions
from gitmig.operations.squash import SquashOptions, squash


@undoing
def run(
    common: Common,
    how: RunOptions,
    span: Annotated[
        str,
        typer.Argument(metavar="FROM..TO", help="The revisions after FROM up to TO; ..TO from the first on."),
    ],
    message: Annotated[
        str | None, typer.Option("-m", "--message", metavar="MSG", help="What the revision is called.")
    ] = None,
    published: Annotated[
        bool, typer.Option("--published", help="Also what others have: their databases need gitmig then.")
    ] = False,
    no_commit: Annotated[bool, typer.Option("--no-commit", help="Stage the files instead.")] = False,
    files_only: Annotated[
        bool, typer.Option("--files-only", help="The files alone; the database stays as it is.")
    ] = False,
) -> int:
    """Make one revision of many, proven to do what they do."""
    project = common.open()
    options = SquashOptions(
        span=span, message=message, published=published, commit=not no_commit, files_only=files_only
    )
    return finish(common, project, squash(project, options, how))
