"""DDL as text: on one line, and the names in it."""

from __future__ import annotations

import re
from typing import Any

_TOKENS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\s+")


def one_line(text: str) -> str:
    """The text on one line: white space outside of quotes is one blank, line ends inside are ``\\n``."""

    def replaced(match: re.Match[str]) -> str:
        token = match.group()
        return " " if token.isspace() else token.replace("\r", "\\r").replace("\n", "\\n")

    return _TOKENS.sub(replaced, text).strip()


def qualified(item: Any) -> str:
    """``schema.name`` of a type or sequence, or the name alone where no schema is set."""
    return f"{item.schema}.{item.name}" if item.schema else str(item.name)
