"""``gitmig why``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.pager import paged
from gitmig.operations.why import why
from gitmig.render.show import why_json, why_text


def run(
    common: Common,
    what: Annotated[str, typer.Argument(metavar="TABLE[.COLUMN]", help="A table, or a column of one.")],
) -> int:
    """Which revisions, commits and authors made a table or a column what it is, newest first."""
    result = why(common.open(), what)
    if common.format == "json":
        print(json.dumps(why_json(result)))
    else:
        paged(why_text)(result)
    return 0
