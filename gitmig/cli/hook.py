"""``gitmig hook install``, ``uninstall``, ``status`` and ``advise``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from gitmig.cli import advise as quick
from gitmig.cli.common import Common
from gitmig.cli.moving import DryRun, Yes
from gitmig.hooks.install import HookState, hook_state, install_hook, uninstall_hook
from gitmig.project.opening import open_repository


def install(common: Common, dry_run: DryRun = False, yes: Yes = False) -> int:
    """Install the hooks; if a hook manager owns the folder, print what to add to it."""
    del yes  # it asks nothing
    repository = common.open_all()[0].git
    if dry_run:
        return _previewed(common, hook_state(repository), "install")
    return _finish(common, install_hook(repository))


def uninstall(common: Common, dry_run: DryRun = False, yes: Yes = False) -> int:
    """Remove our part of the hooks, and nothing else."""
    del yes  # it asks nothing
    repository = open_repository(common.project)
    before = hook_state(repository)
    if dry_run:
        return _previewed(common, before, "remove from")
    after = uninstall_hook(repository)
    there = [each for each in (before, *before.advising) if each.installed and each.owner is None]
    if there and not after.installed and common.format != "json":
        print("\n".join(f"removed from {each.path}" for each in there))
        return 0
    if common.format != "json" and after.owner is not None:
        print(
            f"{after.owner} owns the hooks here: remove what names gitmig from its configuration"
            if after.installed
            else "the hook is not installed"
        )
        return 0
    return _finish(common, after)


def status(common: Common) -> int:
    """Say which hooks are there."""
    return _finish(common, hook_state(open_repository(common.project)))


def advise(
    common: Common,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[HOOK ARG...]", help="post-checkout or post-merge.")
    ] = None,
) -> int:
    """One line where the database was last seen elsewhere than the checkout is; for hooks."""
    quick.run(words or ())
    return 0


def _previewed(common: Common, state: HookState, verb: str) -> int:
    """What would be done to the files of the hooks that are gitmig's own."""
    hooks = (state, *state.advising)
    changed = [each for each in hooks if each.owner is None and each.installed == (verb != "install")]
    if common.format == "json" or not changed:
        return _finish(common, state)
    for each in changed:
        print(f"would {verb} {each.path}")
    return 0


def _finish(common: Common, state: HookState) -> int:
    if common.format == "json":
        print(json.dumps({"version": 1, **_json(state), "advising": [_json(one) for one in state.advising]}))
        return 0
    if state.installed:
        print(f"the hook is installed ({state.owner or state.path})")
    elif state.snippet is None:
        print("the hook is not installed")
    if any(one.installed for one in state.advising):
        *names, last = (one.name for one in state.advising if one.installed)
        print(f"advice is installed ({', '.join(names)}{' and ' if names else ''}{last})")
    _print_snippets([state, *state.advising])
    return 0


def _json(state: HookState) -> dict[str, object]:
    return {
        "installed": state.installed,
        "path": str(state.path),
        "owner": state.owner,
        "snippet": state.snippet if not state.installed else None,
    }


def _print_snippets(states: Sequence[HookState]) -> None:
    """What to add by hand, each once: the hooks may share a file."""
    shown = set[tuple[str | None, str]]()
    for state in states:
        if state.installed or state.snippet is None or (state.advice, state.snippet) in shown:
            continue
        if state.advice not in {advice for advice, _ in shown}:
            print(state.advice, file=sys.stderr)
            sys.stderr.flush()
        print(state.snippet, end="", flush=True)
        shown.add((state.advice, state.snippet))
