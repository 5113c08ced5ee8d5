"""``gitmig diff``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.pager import paged
from gitmig.operations.diff import diff
from gitmig.render.diff import diff_json, diff_markdown, diff_sql, diff_text

_SIDE = "a ref, a revision, : (the index), . (the work tree), base, or db (the live database)"


def run(
    common: Common,
    a: Annotated[str, typer.Argument(metavar="A", help=f"From: {_SIDE}.")],
    b: Annotated[str, typer.Argument(metavar="[B]", help="To: likewise; by default the work tree.")] = ".",
    sql: Annotated[bool, typer.Option("--sql", help="Show the statements, in the database's SQL.")] = False,
) -> int:
    """The schema difference of two points. Exits with 0 if there is none, with 1 where there is one."""
    result = diff(common.open(), a, b)
    match common.format:
        case "json":
            print(json.dumps(diff_json(result, sql=sql)))
        case "markdown":
            diff_markdown(result)
        case _:
            paged(diff_sql if sql else diff_text)(result)
    return 0 if result.equal else 1
