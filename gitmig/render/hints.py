"""The commands in hints, so that they mean the same project when they are pasted where the person is."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from gitmig.wire.redaction import without_passwords

_COMMAND = re.compile(
    r"(?<![\w.-])gitmig (?=(?:backport|check|diff|drift|hook|init|ledger|lock|log|merge|park|rebase|recover"
    r"|report|revise|rollback|show|squash|status|switch|sync|tie|upgrade|verify|why)\b)"
)
_GIT = re.compile(
    r"(?<![\w.-])git (?=(?:-C|add(?! them)|apply|branch|check-attr|check-ignore|commit|config|fetch|log|merge"
    r"|mergetool|mv|push|rebase|restore|rm|show|sparse-checkout|status|switch|update-index)\b)"
)
_ALEMBIC = re.compile(r"(?<![\w.-])(?<!that: )alembic (?=(?:merge|stamp|current|upgrade)\b)")
_given: list[str] = []
_folders: dict[str, str] = {}
"""Before ``git`` and ``alembic``: what leads there from the current folder."""


def give(options: Sequence[str]) -> None:
    """Have every later hint repeat these options (``["-C", "backend"]``) after ``gitmig``."""
    _given[:] = [shlex.quote(without_passwords(word)) for word in options]


def at(top: Path, directory: Path) -> None:
    """Have every later hint run git at the top, and Alembic beside its configuration."""
    here = Path.cwd().resolve()
    _folders.clear()
    if top.resolve() != here:
        _folders["git"] = f"git -C {shlex.quote(os.path.relpath(top, here))} "
    if directory.resolve() != here:
        _folders["alembic"] = f"cd {shlex.quote(os.path.relpath(directory, here))} && alembic "


def hinted(text: str) -> str:
    """A hint whose commands repeat the options of :func:`give`, and run in the folders of :func:`at`."""
    if _given and text:
        text = _COMMAND.sub(lambda found: f"{found[0]}{' '.join(_given)} ", text)
    if "git" in _folders:
        text = _GIT.sub(lambda _: _folders["git"], text)
    if "alembic" in _folders:
        text = _ALEMBIC.sub(lambda _: _folders["alembic"], text, count=1)
    return text
