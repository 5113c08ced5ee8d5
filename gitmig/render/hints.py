"""The commands in hints, with the options that the person gave, so that they mean the same project."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from gitmig.wire.redaction import without_passwords

_COMMAND = re.compile(
    r"(?<![\w.-])gitmig (?=(?:backport|check|diff|drift|hook|init|ledger|lock|log|merge|park|rebase|recover"
    r"|report|revise|rollback|show|squash|status|switch|sync|tie|upgrade|verify|why)\b)"
)
_given: list[str] = []


def give(options: Sequence[str]) -> None:
    """Have every later hint repeat these options (``["-C", "backend"]``) after ``gitmig``."""
    _given[:] = [shlex.quote(without_passwords(word)) for word in options]


def hinted(text: str) -> str:
    """A hint whose commands repeat the options of :func:`give`."""
    if not _given or not text:
        return text
    return _COMMAND.sub(lambda found: f"{found[0]}{' '.join(_given)} ", text)
