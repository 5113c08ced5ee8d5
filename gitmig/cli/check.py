"""``gitmig check``."""

from __future__ import annotations

import json
import os
from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.staged import judged
from gitmig.errors import UsageError
from gitmig.operations.check import check_tree
from gitmig.operations.check_base import check_base
from gitmig.render.findings import check_github, check_text


def run(
    common: Common,
    ref: Annotated[
        str | None, typer.Argument(metavar="[REF]", help="A commit instead of the work tree.")
    ] = None,
    staged: Annotated[bool, typer.Option("--staged", help="Judge what is being committed.")] = False,
    base: Annotated[
        str | None,
        typer.Option("--base", metavar="REF", help="Judge what HEAD (or REF) adds to this branch."),
    ] = None,
    each_commit: Annotated[
        bool, typer.Option("--each-commit", help="With --base: judge every commit by itself.")
    ] = False,
) -> int:
    """Findings for the work tree, for what is being committed, for a commit, or for a pull request."""
    if staged and (ref is not None or base is not None):
        other = "REF" if base is None else "--base"
        raise UsageError(f"--staged and {other} exclude each other", hint="gitmig check --help")
    if each_commit and base is None:
        raise UsageError("--each-commit needs --base", hint="gitmig check --base origin/main --each-commit")
    if staged and (pushed := os.environ.get("PRE_COMMIT_FROM_REF")):
        # `pre-commit run --from-ref … --to-ref …`, and its pre-push hook.
        staged, base, ref = False, pushed, os.environ.get("PRE_COMMIT_TO_REF")
    if base is not None:
        result = check_base(common.open(), base, ref or "HEAD", each_commit=each_commit)
    elif staged:
        result = judged(common.project)
    else:
        result = check_tree(common.open(), ref)
    if result.problem is not None and common.format == "json":
        raise result.problem
    match common.format:
        case "json":
            from gitmig.render.json import check_json

            print(json.dumps(check_json(result)))
        case "github":
            check_github(result)
        case _:
            check_text(result)
    if result.problem is not None:
        raise result.problem
    return 1 if result.failed else 0
