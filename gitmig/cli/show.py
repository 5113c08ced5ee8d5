"""``gitmig show``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.pager import paged
from gitmig.operations.show import show
from gitmig.render.show import show_json, show_text


def run(
    common: Common,
    revision: Annotated[str, typer.Argument(metavar="REV", help="The revision: an id, or head.")] = "head",
) -> int:
    """What a revision changes, its statements, its commits and author, and where it is applied."""
    result = show(common.open(), revision)
    if common.format == "json":
        print(json.dumps(show_json(result)))
    else:
        paged(show_text)(result)
    return 0
