"""Where in the models a change stands: a file and a line. Pure: the models are read as text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gitmig.core.schema.facets import FacetChange

Place = tuple[str, int | None]
"""A path, and a line counted from 1."""


def place_of(changes: Sequence[FacetChange], texts: Mapping[str, str]) -> Place | None:
    """The place of the first change that can be found in these files (text by path), else the first file.

    A column is looked for below the name of its table, everything else stands where its table does.
    """
    for change in changes:
        table = change.key.table.rpartition(".")[2]
        for path, text in texts.items() if table else ():
            start = re.search(rf"""(?:__tablename__\s*=|\bTable\()\s*["']{re.escape(table)}["']""", text)
            if start is not None:
                found = _column(text, start.end(), change.key.name) if change.key.kind == "column" else None
                return path, _line(text, start.start() if found is None else found)
    return next(((path, None) for path in texts), None)


def _column(text: str, start: int, name: str) -> int | None:
    below = text[start:]
    end = re.search(r"^(?:class |\w+ *= *(?:\w+\.)?Table\()", below, re.MULTILINE)
    within = below[: end.start()] if end else below
    found = re.search(rf"""^\s+{re.escape(name)}\s*[:=]|["']{re.escape(name)}["']""", within, re.MULTILINE)
    return None if found is None else start + found.start() + len(found[0]) - len(found[0].lstrip())


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
