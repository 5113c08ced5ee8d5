"""Schemas: digest, difference, and a change as a line of text. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from gitmig.model import FacetChange, FacetKey, Schema

KINDS = ("schema", "table", "column", "primary key", "foreign key", "unique", "check", "index", "enum", "sequence", "comment")


def digest(schema: Schema) -> str:
    """16 hex digits."""
    lines = [schema.dialect, *sorted(f"{k.kind}\0{k.table}\0{k.name}\0{ddl}" for k, ddl in schema.facets.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def difference(old: Schema, new: Schema) -> tuple[FacetChange, ...]:
    """What changed."""
    keys = sorted({*old.facets, *new.facets}, key=lambda k: (k.table, KINDS.index(k.kind), k.name))
    return tuple(
        FacetChange(key, old.facets.get(key), new.facets.get(key))
        for key in keys
        if old.facets.get(key) != new.facets.get(key)
    )


def change_digest(changes: Iterable[FacetChange]) -> str:
    """16 hex digits."""
    lines = sorted(f"{c.key}\0{c.before}\0{c.after}" for c in changes)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def render(change: FacetChange) -> str:
    """One line."""
    return f"{change.sign} {change.key.kind} {change.key.table}.{change.key.name}"


def to_json(schema: Schema) -> dict[str, object]:
    """For the cache."""
    return {"dialect": schema.dialect, "sqlalchemy": schema.sqlalchemy, "facets": [[k.kind, k.table, k.name, v] for k, v in schema.facets.items()]}


def from_json(value: Mapping[str, object]) -> Schema:
    """From the cache."""
    rows = value["facets"]
    return Schema(str(value["dialect"]), str(value["sqlalchemy"]), {FacetKey(a, b, c): d for a, b, c, d in rows})  # type: ignore
