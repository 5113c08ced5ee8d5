"""``gitmig lock``."""

from __future__ import annotations

from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.moving import Wait
from gitmig.cli.terminal import Terminal
from gitmig.operations.lock import lock


def run(
    common: Common,
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="What to run.")],
    wait: Wait = 60.0,
) -> int:
    """Run a command, plain Alembic say, while gitmig holds the database's lock.

    Its exit code is passed on. A gitmig that the command runs does not wait for the lock.
    """
    terminal = Terminal(agreed=True, quiet=common.format == "json")
    return lock(common.open(), command, common.project.directory, wait, terminal)
