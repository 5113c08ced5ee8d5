"""Schemas as sets of facets: digests, differences, and the line that shows a change.

Pure. Facets come from the worker (or a cache) as the dialect's own DDL; nothing here reads more into
that text than it takes to show it in brief.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class FacetKey:
    """What a facet is of. ``kind`` is one of the words in ``schema.KINDS``."""

    kind: str
    table: str
    name: str


@dataclass(frozen=True, slots=True)
class Schema:
    """What the models of one tree say that the database should look like.

    ``facets`` maps each key to the dialect's own DDL for it. The digest and the difference are
    functions of :mod:`gitmig.core.schema.facets`.
    """

    dialect: str
    sqlalchemy: str
    """The SQLAlchemy version, major and minor ("2.1"): it can change the DDL."""
    facets: Mapping[FacetKey, str]


@dataclass(frozen=True, slots=True)
class FacetChange:
    """One line of the difference of two schemas: ``before`` is None for ``+``, ``after`` for ``-``."""

    key: FacetKey
    before: str | None
    after: str | None

    @property
    def sign(self) -> str:
        """``+`` added, ``-`` dropped, ``~`` changed."""
        if self.before is None:
            return "+"
        return "-" if self.after is None else "~"


KINDS = (
    "schema",
    "table",
    "column",
    "primary key",
    "foreign key",
    "unique",
    "check",
    "index",
    "enum",
    "sequence",
    "comment",
)
"""The kinds of facets in the order in which a difference shows them."""

_CONSTRAINTS = frozenset(("primary key", "foreign key", "unique", "check"))
# An added or dropped one is said by its name; what it is made of is of interest when that changes.
_NAMED_ALONE = frozenset(("schema", "table", "index", "sequence"))
_NAME = r"""(?:"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|[^\s"`\[(])+"""
_LEADS = {
    "schema": re.compile(rf"CREATE SCHEMA {_NAME}\s*"),
    "table": re.compile(rf"CREATE (?P<kept>[\w ]*)TABLE {_NAME}\s*"),
    "primary key": re.compile(rf"(?:CONSTRAINT {_NAME} )?PRIMARY KEY\s*"),
    "foreign key": re.compile(rf"(?:CONSTRAINT {_NAME} )?FOREIGN KEY\s*"),
    "unique": re.compile(rf"(?:CONSTRAINT {_NAME} )?UNIQUE\s*"),
    "check": re.compile(rf"(?:CONSTRAINT {_NAME} )?(?:CHECK\s*)?"),
    "index": re.compile(rf"CREATE (?P<kept>[\w ]*)INDEX {_NAME} ON {_NAME}\s*"),
    "enum": re.compile(rf"CREATE (?:TYPE|DOMAIN) {_NAME} AS (?:ENUM )?\s*"),
    "sequence": re.compile(rf"CREATE SEQUENCE {_NAME}\s*"),
    "comment": re.compile(r"COMMENT (?:ON .*? IS )?"),
}


def digest(schema: Schema) -> str:
    """16 hex digits that are equal for equal facets under one dialect, whatever SQLAlchemy wrote them."""
    facets = sorted([key.kind, key.table, key.name, ddl] for key, ddl in schema.facets.items())
    return _hashed([schema.dialect, facets])


def change_digest(changes: Iterable[FacetChange]) -> str:
    """16 hex digits for a set of changes; their order does not matter."""
    rows = [
        [change.key.kind, change.key.table, change.key.name, change.before, change.after]
        for change in changes
    ]
    # As texts, since None does not sort.
    return _hashed(sorted(json.dumps(row) for row in rows))


def difference(old: Schema, new: Schema) -> tuple[FacetChange, ...]:
    """What it takes to get from ``old`` to ``new``, in display order.

    Database schemas first, then table by table, each in the order of ``KINDS``, then what belongs to no
    table. Only meaningful for two schemas of one dialect.
    """
    keys = old.facets.keys() | new.facets.keys()
    changes = (FacetChange(key, old.facets.get(key), new.facets.get(key)) for key in keys)
    return tuple(
        sorted(
            (change for change in changes if change.before != change.after),
            key=lambda change: _place(change.key),
        )
    )


def applied(schema: Schema, changes: Iterable[FacetChange]) -> Schema:
    """A schema with some changes made to it. A change of what is not there makes it."""
    facets: dict[FacetKey, str] = dict(schema.facets)
    for change in changes:
        if change.after is None:
            facets.pop(change.key, None)
        else:
            facets[change.key] = change.after
    return Schema(schema.dialect, schema.sqlalchemy, facets)


def undone(schema: Schema, changes: Iterable[FacetChange]) -> Schema:
    """The schema that these changes lead to ``schema`` from."""
    return applied(schema, (FacetChange(each.key, each.after, each.before) for each in changes))


def render(change: FacetChange) -> str:
    """One change as one line: ``+ user.username VARCHAR``, ``- table user``, ``~ user.n INT -> BIGINT``."""
    lead = f"{change.sign} {_label(change.key, change.after or change.before or '')}"
    if change.before is not None and change.after is not None:
        return f"{lead} {_both(change.key.kind, change.before, change.after)}"
    if change.key.kind in _NAMED_ALONE:
        return lead
    body = _body(change.key.kind, change.after if change.before is None else change.before)
    return f"{lead} {body}".rstrip()


def render_inside(change: FacetChange) -> str:
    """One change as a line below its table: ``+ username VARCHAR``, ``+ index ix_user_name (name)``."""
    key = change.key
    label, body = inside(key, change.after or change.before or "")
    if change.before is not None and change.after is not None:
        return f"{change.sign} {label} {_both(key.kind, change.before, change.after)}"
    return f"{change.sign} {label} {body}".rstrip()


def inside(key: FacetKey, ddl: str) -> tuple[str, str]:
    """What a facet is called below its table, and what it is made of: ``index ix_user_name``, ``(name)``."""
    label = _label(key, ddl).removesuffix(f" of {key.table}") if key.table else _label(key, ddl)
    if key.kind == "column":
        label = key.name
    if key.kind == "comment":
        label = f"comment of {key.name}" if key.name else "comment"
    return label, _body(key.kind, ddl)


def to_json(schema: Schema) -> dict[str, object]:
    """A schema as JSON values, facets sorted; ``from_json`` reads it back."""
    return {
        "dialect": schema.dialect,
        "sqlalchemy": schema.sqlalchemy,
        "facets": sorted([key.kind, key.table, key.name, ddl] for key, ddl in schema.facets.items()),
    }


def from_json(value: object) -> Schema:
    """The schema that ``to_json`` wrote. Raises ValueError for anything else."""
    match value:
        case {"dialect": str() as dialect, "sqlalchemy": str() as sqlalchemy, "facets": list() as rows}:
            return Schema(dialect=dialect, sqlalchemy=sqlalchemy, facets=dict(map(_facet, rows)))
    raise ValueError("not a schema")


def _facet(row: object) -> tuple[FacetKey, str]:
    match row:
        case [str() as kind, str() as table, str() as name, str() as ddl]:
            return FacetKey(kind, table, name), ddl
    raise ValueError("not a facet")


def _hashed(value: object) -> str:
    text = json.dumps(value, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _place(key: FacetKey) -> tuple[int, str, int, str, str]:
    rank = KINDS.index(key.kind) if key.kind in KINDS else len(KINDS)
    group = 0 if key.kind == "schema" else 1 if key.table else 2
    return group, key.table, rank, key.kind, key.name


def _label(key: FacetKey, ddl: str) -> str:
    if key.kind == "column":
        return f"{key.table}.{key.name}"
    if key.kind == "table":
        return f"table {key.table or key.name}"
    if key.kind in _CONSTRAINTS:
        # One that the database names is identified by its columns, which its text has anyway.
        named = ddl.startswith("CONSTRAINT ")
        return f"{key.kind} {key.name} of {key.table}" if named and key.name else f"{key.kind} of {key.table}"
    if key.kind == "comment":
        if key.name.startswith("constraint "):
            return f"comment of {key.name} of {key.table}"
        return f"comment of {key.table}.{key.name}" if key.name else f"comment of {key.table}"
    return f"{key.kind} {key.name}"


def _both(kind: str, before: str, after: str) -> str:
    parts = _body(kind, before), _body(kind, after)
    if parts[0] == parts[1] or not all(parts):
        parts = before, after
    return " -> ".join(_on_one_line(part) or "nothing" for part in parts)


def _body(kind: str, ddl: str | None) -> str:
    """A facet's DDL without the words and names that its label says already."""
    text = _on_one_line(ddl or "")
    lead = _LEADS.get(kind)
    match = lead.match(text) if lead is not None else None
    if match is None:
        return text
    kept = match.groupdict().get("kept") or ""
    return f"{kept}{text[match.end() :]}".strip()


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
