"""``gitmig init``."""

from __future__ import annotations

import json
import shlex
import sys
from typing import Annotated

import typer

from gitmig.cli.common import Common
from gitmig.cli.moving import DryRun, Yes
from gitmig.operations.init import InitResult, init
from gitmig.render.harmless import harmless
from gitmig.render.hints import at, hinted


def run(
    common: Common,
    head_file: Annotated[
        bool,
        typer.Option("--head-file", help="Keep a file with the head: git stops a merge that makes two."),
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Set the repository up: the models' files, the hook, and Alembic if there is none."""
    del yes  # it asks nothing
    result = init(common.project, dry_run=dry_run, head_file=head_file)
    if common.format == "json":
        print(json.dumps(_json(result)))
    else:
        _text(result, dry_run)
    return 0


def _json(result: InitResult) -> dict[str, object]:
    hook = result.hook
    return {
        "version": 1,
        **_environments(result),
        "made": list(result.made),
        "hook": None
        if hook is None
        else {
            "installed": hook.installed,
            "owner": hook.owner,
            "snippet": None if hook.installed else hook.snippet,
        },
        "warnings": list(result.warnings),
    }


def _environments(result: InitResult) -> dict[str, object]:
    each = [
        {"name": one.name, "configuration": one.configuration.path, "models": list(one.models)}
        for one in result.environments
    ]
    if len(each) == 1:
        return {"configuration": each[0]["configuration"], "models": each[0]["models"]}
    return {"environments": each} if each else {"configuration": "alembic.ini", "models": []}


def _text(result: InitResult, dry_run: bool) -> None:
    for one in result.environments:
        if len(result.environments) > 1:
            print(
                harmless(f"\n{one.name}".lstrip("\n") if one is result.environments[0] else f"\n{one.name}")
            )
        print(harmless(f"alembic   {one.configuration.path}"))
        if one.models:
            print(harmless(f"models    {', '.join(one.models)}"))
    if not result.environments:
        print("alembic   alembic.ini")
    if len(result.environments) > 1:
        print()
    for path in result.made:
        print(harmless(f"{'would write' if dry_run else 'wrote'}     {path}"))
    hook = result.hook
    if hook is not None and hook.installed:
        print(harmless(f"hook      {hook.owner or hook.path}"))
    elif hook is not None and hook.snippet is not None:
        print(f"hook      {hook.advice}")
        print(hook.snippet, end="")
    for warning in result.warnings:
        print(harmless(f"Warning: {warning}"), file=sys.stderr)
    if result.made and not dry_run:
        files = " ".join(shlex.quote(path) for path in result.made)
        at(result.top, result.top)
        hint = hinted(f'git add {files} && git commit -m "Set up gitmig"')
        print(harmless(f"Hint: {hint}"), file=sys.stderr)
