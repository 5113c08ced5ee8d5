"""``gitmig switch``."""

from __future__ import annotations

from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.moving import finish, undoing
from gitmig.moving.plans import RunOptions
from gitmig.operations.switch import SwitchOptions, switch


@undoing
def run(
    common: Common,
    how: RunOptions,
    ref: Annotated[
        str | None, typer.Argument(metavar="REF", help="A branch, a tag, a commit, or - for where you were.")
    ] = None,
    create: Annotated[
        str | None, typer.Option("-c", "--create", metavar="NEW", help="Make a branch, at HEAD or at REF.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Check out the commit, not the branch.")] = False,
) -> int:
    """Switch git and the database together."""
    project = common.open()
    return finish(common, project, switch(project, SwitchOptions(ref=ref, create=create, detach=detach), how))
