"""``gitmig sync``."""

from __future__ import annotations

from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.moving import finish, undoing
from gitmig.moving.plans import RunOptions
from gitmig.operations.sync import sync


@undoing
def run(
    common: Common,
    how: RunOptions,
    ref: Annotated[
        str | None, typer.Argument(metavar="[REF]", help="A branch, tag or commit; the checkout by default.")
    ] = None,
) -> int:
    """Move the database to the revision of what is checked out, or of REF."""
    project = common.open()
    return finish(common, project, sync(project, ref, how))
