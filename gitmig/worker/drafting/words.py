"""Facets in words, and the words in facets."""

from __future__ import annotations

import re

from .objects import Key


def comment_text(ddl: str | None) -> str | None:
    """The text in ``COMMENT ON … IS 'text'``."""
    match = re.search(r"'((?:[^']|'')*)'\s*$", ddl or "")
    return unfolded(match.group(1)).replace("''", "'") if match else None


def unfolded(text: str) -> str:
    """Text of a facet with its line ends, which are written as ``\\n`` there."""
    return text.replace("\\n", "\n").replace("\\r", "\r")


def described(key: Key, before: str | None, after: str | None) -> str:
    """``~ user.name VARCHAR(20) -> VARCHAR(30)``, on one line."""
    kind, table, name = key
    sign = "+" if before is None else "-" if after is None else "~"
    if kind == "column":
        label = f"{table}.{name}"
    elif kind == "comment":
        label = f"comment on {'.'.join(filter(None, (table, name)))}"
    else:
        label = " ".join(filter(None, (kind, name, f"of {table}" if table and name else table)))
    return " ".join(f"{sign} {label} {' -> '.join(text for text in (before, after) if text)}".split())
