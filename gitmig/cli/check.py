"""``gitmig check``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.errors import UsageError
from gitmig.operations.check import check_staged, check_tree
from gitmig.render.json import check_json
from gitmig.render.text import check_github, check_text


def run(
    common: Common,
    ref: Annotated[
        str | None, typer.Argument(metavar="[REF]", help="A commit instead of the work tree.")
    ] = None,
    staged: Annotated[bool, typer.Option("--staged", help="Judge what is being committed.")] = False,
) -> int:
    """Findings for the work tree, for what is being committed, or for a commit."""
    if staged and ref is not None:
        raise UsageError("--staged and REF exclude each other", hint="gitmig check --help")
    result = check_staged(common.open()) if staged else check_tree(common.open(), ref)
    match common.format:
        case "json":
            print(json.dumps(check_json(result)))
        case "github":
            check_github(result)
        case _:
            check_text(result)
    return 1 if result.failed else 0
