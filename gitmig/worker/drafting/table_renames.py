"""Renamed tables: what of the difference is left once the database has given the table its new name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .changes import Change
from .objects import Key, split
from .renames import Rename

Rows = dict[Key, Change]


def table_renames(rows: Rows, renames: Sequence[Rename]) -> dict[str, str]:
    """Old key to new key of the tables that ``renames`` (schema, old, new) name."""
    found = {}
    for schema, old, new in renames:
        before, after = (f"{schema}.{name}" if schema else name for name in (old, new))
        gone, come = rows.get(("table", before, "")), rows.get(("table", after, ""))
        if gone is not None and gone[1] is None and come is not None and come[0] is None:
            found[before] = after
    return found


def under_new_names(rows: Rows, tables: dict[str, str]) -> Rows:
    """The difference that is left: the old side has the new names of the tables."""
    before: dict[Key, str] = {}
    after: dict[Key, str] = {}
    for key, (old, new) in rows.items():
        if old is not None:
            kind, table, name = key
            text = old
            for gone, come in tables.items():
                text = _renamed(text, gone, come)
            before[kind, tables.get(table, table), name] = text
        if new is not None:
            after[key] = new
    keys = {*before, *after}
    both = {key: (before.get(key), after.get(key)) for key in keys}
    return {key: change for key, change in both.items() if not _same(change)}


def table_candidates(rows: Rows, answered: Sequence[Rename]) -> list[Rename]:
    """A table that goes while one with the same columns comes; (schema, old, new)."""
    said = {name for _, old, new in answered for name in (old, new)}
    gone = [key[1] for key, (_, after) in rows.items() if key[0] == "table" and after is None]
    come = [key[1] for key, (before, _) in rows.items() if key[0] == "table" and before is None]
    found = []
    for old in sorted(gone):
        for new in sorted(come):
            (schema, plain), (other, name) = split(old), split(new)
            if schema != other or plain in said or name in said:
                continue
            if dict(_columns(rows, old, 0)) == dict(_columns(rows, new, 1)):
                found.append((schema or "", plain, name))
    return found


def _columns(rows: Rows, table: str, side: int) -> Iterator[tuple[str, str | None]]:
    for key, change in rows.items():
        if key[:2] == ("column", table):
            yield key[2], change[side]


def _renamed(text: str, old: str, new: str) -> str:
    """DDL with another name of a table, where a table is named."""
    named = rf'((?:TABLE|ON|REFERENCES|COLUMN) +)"?{re.escape(old)}"?(?=[\s.(]|$)'
    return re.sub(named, lambda found: f"{found[1]}{new}", text)


def _same(change: Change) -> bool:
    # Whether a name is quoted depends on the name.
    before, after = (text if text is None else text.replace('"', "").replace("`", "") for text in change)
    return before == after
