"""What other sessions are called and run, made fit to be shown."""

from __future__ import annotations

import re

from ...wire.redaction import without_passwords

_LITERAL = {"postgresql": re.compile(r"'|\$\w*\$"), "mysql": re.compile(r"['\"]")}
_MOST = 100


def one_line(text: str | None) -> str:
    """A text on one line, without control characters and passwords, cut short."""
    printable = "".join(char if char.isprintable() else " " for char in text or "")
    line = without_passwords(" ".join(printable.split()))
    return line if len(line) <= _MOST else f"{line[:_MOST]}…"


def without_literals(query: str | None, backend: str) -> str:
    """A query as :func:`one_line`, cut off before its first literal: that may be a password.

    Cut off, not replaced: a quote in a comment would have the literals taken for what is between them.
    """
    before, *rest = _LITERAL[backend].split(query or "", maxsplit=1)
    return one_line(f"{before}…" if rest else before)
