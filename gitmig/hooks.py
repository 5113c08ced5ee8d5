"""The native git hook: a marked block in the pre-commit script, and who else owns that folder."""

from __future__ import annotations

import json
import os
import posixpath
import re
import shlex
import stat
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

from gitmig.errors import Refused
from gitmig.git.repository import Repository

_BEGIN = "# >>> gitmig >>> (removed by: gitmig hook uninstall)"
_END = "# <<< gitmig <<<"
_CHAINED = "GITMIG_CHAINED"
_FRAMEWORK = ".pre-commit-config.yaml"
_LOCAL_LINES = """\
- repo: local
  hooks:
    - {id: gitmig, name: gitmig, entry: gitmig check --staged, language: system,
       always_run: true, pass_filenames: false, require_serial: true}
"""
_REMOTE_LINES = """\
- repo: {url}
  rev: {revision}
  hooks:
    - id: gitmig
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookState:
    """The pre-commit hook of a clone."""

    path: Path
    installed: bool
    owner: str | None
    """The hook manager that owns the folder, or None."""
    advice: str | None = None
    """What to do with the snippet, as a sentence that ends in a colon."""
    snippet: str | None = None
    """What to add to that manager's configuration, or to run; None where the hook is installed."""


def framework_lines(configuration: str, origin: str | None) -> str:
    """The four lines for a ``.pre-commit-config.yaml`` that reads like ``configuration``.

    ``origin`` is the ``direct_url.json`` of the installed gitmig (PEP 610). Installed from a git URL, the
    framework takes it from there for everybody; else the hook is the `gitmig` that is on PATH.
    """
    lines = _LOCAL_LINES
    source = json.loads(origin) if origin else {}
    if source.get("vcs_info", {}).get("vcs") == "git":
        lines = _REMOTE_LINES.format(url=source["url"], revision=source["vcs_info"]["commit_id"])
    # YAML wants all items of a list at one column; `pre-commit sample-config` has them at the first.
    found = re.search(r"^( *)- +repo:", configuration, re.MULTILINE)
    return textwrap.indent(lines, found[1] if found else "  ")


def hook_state(repository: Repository) -> HookState:
    """What is there; changes nothing."""
    path = repository.hooks_folder() / "pre-commit"
    manager = _manager(repository, path)
    if _BEGIN in _text(path) or manager is None:
        owner = manager.name if manager is not None else None
        return HookState(path=path, installed=_BEGIN in _text(path), owner=owner)
    if "gitmig" not in _text(manager.file):
        where = manager.file.relative_to(repository.top) if manager.inside else manager.file
        advice = f"{manager.name} owns the hooks here; add this to {where}:"
        return HookState(
            path=path, installed=False, owner=manager.name, advice=advice, snippet=manager.snippet
        )
    if manager.name == "pre-commit" and not _is_frameworks(path):
        advice = f"gitmig is in {_FRAMEWORK}; run this once in each clone:"
        return HookState(
            path=path, installed=False, owner=manager.name, advice=advice, snippet="pre-commit install\n"
        )
    return HookState(path=path, installed=True, owner=manager.name)


def install_hook(repository: Repository) -> HookState:
    """Add our block to the native hook, which still runs what was there first.

    Where a hook manager owns the folder nothing is written. Raises Refused.
    """
    state = hook_state(repository)
    if state.installed or state.owner is not None:
        return state
    text = _text(state.path)
    if text:
        _require_ours_to_edit(state.path, text)
    try:
        state.path.parent.mkdir(parents=True, exist_ok=True)
        first, newline, rest = (text or "#!/bin/sh\n").partition("\n")
        _write(state.path, f"{first}{newline or chr(10)}{_block(chained=bool(text))}{rest}")
    except OSError as error:
        raise Refused(f"{state.path} cannot be written: {error.strerror}", hint="make it writable") from None
    return HookState(path=state.path, installed=True, owner=None)


def uninstall_hook(repository: Repository) -> HookState:
    """Take our block out again, byte for byte; a script that held nothing else is removed."""
    state = hook_state(repository)
    text = _text(state.path)
    if _BEGIN not in text:
        return state
    before, _, rest = text.partition(_BEGIN)
    left = before + rest.partition(_END + "\n")[2]
    if left == "#!/bin/sh\n" and _CHAINED not in text:
        state.path.unlink()
    else:
        _write(state.path, left)
    return hook_state(repository)


def _require_ours_to_edit(path: Path, text: str) -> None:
    by_hand = "call `gitmig check --staged` from it"
    if path.is_symlink():
        raise Refused(f"{path} is a link to {path.readlink()}", hint=by_hand)
    if not _is_shell(text):
        raise Refused(f"{path} is there and is not a shell script", hint=by_hand)
    if not os.access(path, os.X_OK):
        # Git passes over it in silence; with our block in it, it would run again.
        raise Refused(f"{path} is there and is not executable", hint="make it executable, or remove it")


def _block(*, chained: bool) -> str:
    python = shlex.quote(sys.executable)
    # The block stands first and runs the script below by itself: an `exit` or `exec` at its end
    # would otherwise pass every commit in silence.
    below = f'if [ -z "${{{_CHAINED}:-}}" ]; then {_CHAINED}=1 "$0" "$@" || exit $?\n' if chained else ""
    # Commits that the script below makes elsewhere have hooks of their own.
    end = f"exit 0; fi\nunset {_CHAINED}\n" if chained else ""
    # GUI clients start git with a bare PATH: the interpreter is named in full.
    return (
        f"{_BEGIN}\n{below}"
        f"if [ -x {python} ]; then {python} -P -m gitmig check --staged || exit $?\n"
        "elif command -v gitmig >/dev/null 2>&1; then gitmig check --staged || exit $?\n"
        "else echo 'gitmig is not installed any more: gitmig hook uninstall, or install it' >&2; exit 2\n"
        f"fi\n{end}{_END}\n"
    )


_LEFTHOOK = tuple(
    f"{dot}lefthook.{ending}" for dot in ("", ".", ".config/") for ending in ("yml", "yaml", "toml", "json")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Manager:
    name: str
    file: Path
    """Where it is told what to run."""
    snippet: str
    inside: bool = True
    """Whether that file is in the work tree."""


def _manager(repository: Repository, path: Path) -> _Manager | None:
    """Who owns the folder of hooks, if anybody does."""
    top = repository.top
    if (top / _FRAMEWORK).is_file() or _is_frameworks(path):
        lines = framework_lines(_text(top / _FRAMEWORK), _origin())
        return _Manager(name="pre-commit", file=top / _FRAMEWORK, snippet=lines)
    command = "gitmig check --staged || exit $?\n"
    if (top / ".husky").is_dir():
        return _Manager(name="husky", file=top / ".husky" / "pre-commit", snippet=command)
    for name in _LEFTHOOK:
        if (top / name).is_file():
            lines = "pre-commit:\n  commands:\n    gitmig:\n      run: gitmig check --staged\n"
            return _Manager(name="lefthook", file=top / name, snippet=lines)
    if repository.config("core.hooksPath"):
        return _Manager(name="core.hooksPath", file=path, snippet=command, inside=path.is_relative_to(top))
    return None


def _is_frameworks(path: Path) -> bool:
    return "pre-commit.com" in _text(path)


def _origin() -> str | None:
    """Where pip had gitmig from, if it wrote that down."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return distribution("gitmig").read_text("direct_url.json")
    except PackageNotFoundError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def _is_shell(text: str) -> bool:
    first = text.splitlines()[0]
    if not first.startswith("#!"):
        return False
    program, *words = first.removeprefix("#!").split() or [""]
    name = posixpath.basename(program)
    if name == "env":
        name = next((word for word in words if not word.startswith("-")), "")
    return name in ("sh", "ash", "bash", "dash", "ksh", "zsh")


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.gitmig-{os.getpid()}")
    temporary.write_bytes(text.encode("utf-8", "surrogateescape"))
    mode = path.stat().st_mode if path.exists() else 0o644
    temporary.chmod(stat.S_IMODE(mode) | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    temporary.replace(path)
