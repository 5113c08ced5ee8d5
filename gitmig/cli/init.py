"""``gitmig init``."""

from __future__ import annotations

import json
import sys

from gitmig.cli.common import Common
from gitmig.cli.moving import DryRun
from gitmig.operations.init import InitResult, init
from gitmig.render.harmless import harmless


def run(common: Common, dry_run: DryRun = False) -> int:
    """Set the repository up: the models' files, the hook, and Alembic where there is none."""
    result = init(common.project, dry_run=dry_run)
    if common.format == "json":
        print(json.dumps(_json(result)))
    else:
        _text(result, dry_run)
    return 0


def _json(result: InitResult) -> dict[str, object]:
    hook = result.hook
    return {
        "version": 1,
        "configuration": result.configuration,
        "models": list(result.models),
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


def _text(result: InitResult, dry_run: bool) -> None:
    print(harmless(f"alembic   {result.configuration}"))
    if result.models:
        print(harmless(f"models    {', '.join(result.models)}"))
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
