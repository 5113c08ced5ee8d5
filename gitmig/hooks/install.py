"""The native git hooks: a marked block in each script, and who else owns that folder."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from gitmig.errors import Refused
from gitmig.git.repository import Repository
from gitmig.hooks.blocks import COMMANDS, has_block, is_shell, with_block, without_block
from gitmig.hooks.managers import manager_of, text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class HookState:
    """One hook of a clone."""

    path: Path
    installed: bool
    owner: str | None
    """The hook manager that owns the folder, or None."""
    advice: str | None = None
    """What to do with the snippet, as a sentence that ends in a colon."""
    snippet: str | None = None
    """What to add to that manager's configuration, or to run; None if the hook is installed."""
    advising: tuple[HookState, ...] = ()
    """Of the pre-commit hook: those that give advice after a checkout and a merge."""

    @property
    def name(self) -> str:
        """As git calls it."""
        return self.path.name


def hook_state(repository: Repository) -> HookState:
    """What is there; changes nothing."""
    first, *others = _states(repository)
    return replace(first, advising=tuple(others))


def install_hook(repository: Repository) -> HookState:
    """Add our block to the native hooks, which still run what was there first.

    Where a hook manager owns the folder nothing is written. Raises Refused for a pre-commit hook that no
    block can be added to; of another one that is said in its ``advice``.
    """
    first, *others = _states(repository)
    first = _installed(first)
    return replace(first, advising=tuple(_installed_if_it_can(state) for state in others))


def uninstall_hook(repository: Repository) -> HookState:
    """Take our blocks out again, byte for byte; a script that held nothing else is removed."""
    for state in _states(repository):
        text = text_of(state.path)
        if not has_block(text):
            continue
        left = without_block(text)
        if left is None:
            state.path.unlink()
        else:
            _write(state.path, left)
    return hook_state(repository)


def _states(repository: Repository) -> list[HookState]:
    folder = repository.hooks_folder()
    return [_state(repository, folder / name) for name in COMMANDS]


def _state(repository: Repository, path: Path) -> HookState:
    manager = manager_of(repository, path)
    ours = has_block(text_of(path))
    if ours or manager is None:
        return HookState(path=path, installed=ours, owner=manager.name if manager is not None else None)
    state = HookState(path=path, installed=False, owner=manager.name)
    where = manager.file.relative_to(repository.top) if manager.inside else manager.file
    if manager.mark not in text_of(manager.file):
        what = f"{manager.name} owns the hooks here; add this to {where}:"
        if manager.once is not None and path.name != "pre-commit":
            what = f"for advice after a checkout too, add this to {where}, then run {manager.once}:"
        return replace(state, advice=what, snippet=manager.snippet)
    if manager.once is not None:
        what = f"{manager.mark} is in {where}; run this once in each clone:"
        return replace(state, advice=what, snippet=f"{manager.once}\n")
    return replace(state, installed=True)


def _installed(state: HookState) -> HookState:
    if state.installed or state.owner is not None:
        return state
    text = text_of(state.path)
    if text:
        _require_ours_to_edit(state.path, text)
    try:
        state.path.parent.mkdir(parents=True, exist_ok=True)
        _write(state.path, with_block(state.name, text, sys.executable))
    except OSError as error:
        raise Refused(f"{state.path} cannot be written: {error.strerror}", hint="make it writable") from None
    return HookState(path=state.path, installed=True, owner=None)


def _installed_if_it_can(state: HookState) -> HookState:
    try:
        return _installed(state)
    except Refused as refusal:
        return replace(state, advice=f"{refusal.message}; for advice, add this to it:", snippet=_line(state))


def _line(state: HookState) -> str:
    return f"{COMMANDS[state.name]} || :\n"


def _require_ours_to_edit(path: Path, text: str) -> None:
    by_hand = "call `gitmig check --staged` from it"
    if path.is_symlink():
        raise Refused(f"{path} is a link to {path.readlink()}", hint=by_hand)
    if not is_shell(text):
        raise Refused(f"{path} is there and is not a shell script", hint=by_hand)
    if not os.access(path, os.X_OK):
        # Git passes over it in silence; with our block in it, it would run again.
        raise Refused(f"{path} is there and is not executable", hint="make it executable, or remove it")


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.gitmig-{os.getpid()}")
    temporary.write_bytes(text.encode("utf-8", "surrogateescape"))
    temporary.chmod(stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o755)
    temporary.replace(path)
