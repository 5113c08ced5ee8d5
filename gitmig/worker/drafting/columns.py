"""A column's DDL taken apart: what differs, and whether one type is another one with more room."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..schema.column_parts import Aspects as Aspects
from ..schema.column_parts import aspects as aspects
from ..schema.column_parts import composed


def differing(before: str, after: str) -> set[str]:
    """The names of the parts that differ."""
    old, new = aspects(before), aspects(after)
    return {part for part in (*old, *new) if old.get(part) != new.get(part)}


def with_parts(ddl: str, other: str, parts: Iterable[str]) -> str:
    """A column's DDL with these parts of another one."""
    whole, taken = aspects(ddl), aspects(other)
    kept = {part: text for part, text in whole.items() if part not in parts}
    return composed(kept | {part: taken[part] for part in parts if part in taken})


def same_type(before: str, after: str) -> bool:
    """Whether two columns' types are equal, as for a column that was only renamed."""
    return aspects(before).get("type") == aspects(after).get("type")


def same_family(before: str, after: str) -> bool:
    """Whether one type becomes the other by its length or precision alone, or with room to spare."""
    old, new = _kind(before), _kind(after)
    return old == new or (old, new) in _WIDER or all(kind in _TEXTS for kind in (old, new))


def shrinks(before: str, after: str) -> bool:
    """Whether a type has less room than it had."""
    old, new = ([int(number) for number in re.findall(r"\d+", text)] for text in (before, after))
    if _kind(before) != _kind(after):
        return (_kind(after), _kind(before)) in _WIDER or (bool(new) and _kind(before) in _TEXTS)
    return bool(new) and (not old or any(b > a for b, a in zip(old, new, strict=False)))


def is_text(type_: str) -> bool:
    """Whether a type holds texts."""
    return _kind(type_) in _TEXTS


_TEXTS = {"VARCHAR", "TEXT", "CHAR", "CHARACTER"}
_WIDER = {
    ("SMALLINT", "INTEGER"),
    ("SMALLINT", "BIGINT"),
    ("INTEGER", "BIGINT"),
    ("SMALLSERIAL", "SERIAL"),
    ("SERIAL", "BIGSERIAL"),
    ("INTEGER", "NUMERIC"),
    ("BIGINT", "NUMERIC"),
    ("REAL", "DOUBLE"),
    ("FLOAT", "DOUBLE"),
}


def _kind(type_: str) -> str:
    kind = re.split(r"[\s(]", type_.strip().upper(), maxsplit=1)[0]
    return f"{kind}[]" if "[]" in type_ else kind
