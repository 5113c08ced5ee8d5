"""``gitmig hook install``, ``uninstall`` and ``status``."""

from __future__ import annotations

import json
import sys

from gitmig.cli.common import Common
from gitmig.hooks import HookState, hook_state, install_hook, uninstall_hook
from gitmig.project import open_repository


def install(common: Common) -> int:
    """Install the pre-commit hook; where a hook manager owns the folder, print what to add to it."""
    return _finish(common, install_hook(common.open().git))


def uninstall(common: Common) -> int:
    """Remove our part of the pre-commit hook, and nothing else."""
    return _finish(common, uninstall_hook(open_repository(common.project)))


def status(common: Common) -> int:
    """Say whether the hook is there."""
    return _finish(common, hook_state(open_repository(common.project)))


def _finish(common: Common, state: HookState) -> int:
    if common.format == "json":
        answer = {
            "version": 1,
            "installed": state.installed,
            "path": str(state.path),
            "owner": state.owner,
            "snippet": state.snippet if not state.installed else None,
        }
        print(json.dumps(answer))
        return 0
    if state.installed:
        print(f"the hook is installed ({state.owner or state.path})")
    elif state.snippet is not None:
        print(state.advice, file=sys.stderr)
        print(state.snippet, end="")
    else:
        print("the hook is not installed")
    return 0
