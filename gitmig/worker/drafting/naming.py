"""The name that a constraint has in the database, if the models give it none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.sql.elements import ColumnElement, TextClause, conv
from sqlalchemy.sql.visitors import iterate

_LONGEST = 63
_SUFFIXES = (
    (PrimaryKeyConstraint, "pkey"),
    (UniqueConstraint, "key"),
    (ForeignKeyConstraint, "fkey"),
    (CheckConstraint, "check"),
)


def given_name(constraint: Any, dialect: str) -> str | None:
    """The name of a constraint: the models' own, else what PostgreSQL chooses; elsewhere one of ours.

    None on SQLite, which leaves such constraints without a name, but for keys. Empty on MariaDB for those
    that it numbers itself: they are looked up.
    """
    name = constraint.name
    if isinstance(name, str):
        return name
    columns = _columns(constraint)
    table = str(table_of(constraint).name)
    if dialect == "sqlite":
        # Alembic makes neither of these without a name.
        if isinstance(constraint, PrimaryKeyConstraint):
            return f"pk_{table}"
        return f"fk_{table}_{'_'.join(columns)}" if isinstance(constraint, ForeignKeyConstraint) else None
    if dialect == "postgresql":
        return implied_name(constraint, table, {})
    if isinstance(constraint, UniqueConstraint | ForeignKeyConstraint):
        return ""
    return conv(_short(f"{table}_{'_'.join(columns)}_{_suffix(constraint)}"))


def implied_name(constraint: Any, table: str, columns: Mapping[str, str]) -> str:
    """What PostgreSQL calls a constraint without a name in ``table``; ``columns``: other names of some."""
    suffix = _suffix(constraint)
    found = [] if suffix == "pkey" else [columns.get(name, name) for name in _columns(constraint)]
    if suffix == "key":
        found += map(str, constraint.dialect_options["postgresql"].get("include") or ())
    return implied(table, "_".join(found), suffix)


def _suffix(constraint: Any) -> str:
    return next((text for kind, text in _SUFFIXES if isinstance(constraint, kind)), "excl")


def table_of(constraint: Any) -> Any:
    """The table of a constraint, which may have been given to one of its columns."""
    owner = constraint.parent
    return owner.table if isinstance(owner, Column) else owner


def _columns(constraint: Any) -> list[str]:
    if not isinstance(constraint, CheckConstraint):
        return [str(column.name) for column in getattr(constraint, "columns", ())]
    text = constraint.sqltext
    if isinstance(text, TextClause) or not isinstance(text, ColumnElement):
        found = _named_in(str(text), [str(column.name) for column in table_of(constraint).columns])
    else:
        items: list[Any] = [item for item in iterate(text) if _is_column(item)]
        found = list(dict.fromkeys(str(item.name) for item in items))
    # PostgreSQL names a CHECK after its column if there is just one.
    return found if len(found) == 1 else []


def _is_column(item: Any) -> bool:
    return getattr(item, "__visit_name__", "") == "column"


def _named_in(sql: str, columns: Sequence[str]) -> list[str]:
    import re

    bare = re.sub(r"'(?:[^']|'')*'", "''", sql)
    words = {word.strip('"').lower() for word in re.findall(r'"(?:[^"]|"")+"|\w+', bare)}
    return [column for column in columns if column.lower() in words]


def implied(table: str, columns: str, suffix: str) -> str:
    """As ``makeObjectName`` does it: the longer of the two names is cut until all fits in."""
    first, second = table.encode(), columns.encode()
    room = _LONGEST - len(suffix) - 1 - (1 if second else 0)
    while len(first) + len(second) > room:
        if len(first) > len(second):
            first = first[:-1]
        else:
            second = second[:-1]
    parts = [first.decode(errors="ignore"), second.decode(errors="ignore"), suffix]
    return "_".join(part for part in parts if part)


def _short(name: str) -> str:
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 7]}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"
