"""What a key's definition says: which columns it has, and which table and columns they refer to. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gitmig.wire.sql.tokens import Token, dialect_of, tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A foreign key: its columns, and those of the other table (none if the database knows which)."""

    columns: tuple[str, ...]
    table: str
    """As schemas write it: ``table``, ``schema.table``."""
    to: tuple[str, ...]


def key_columns(ddl: str, dialect: str) -> tuple[str, ...]:
    """The columns in the first parentheses of a key: ``PRIMARY KEY (id)``."""
    return _listed(list(tokens(ddl, dialect_of(dialect))))


def reference(ddl: str, dialect: str) -> Reference | None:
    """What ``FOREIGN KEY(a) REFERENCES other (id) ON DELETE …`` refers to; None for what is no such thing."""
    found = list(tokens(ddl, dialect_of(dialect)))
    words = [token.text if token.kind == "word" else "" for token in found]
    at = words.index("references") if "references" in words else None
    if at is None:
        return None
    path = tuple(_path(found[at + 1 :]))
    after = found[at + 2 * len(path) :]
    if not path:
        return None
    # A table that is in no metadata is written with its column: other.id.
    table, to = (path, _listed(after)) if after and after[0].text == "(" else (path[:-1], path[-1:])
    return Reference(columns=_listed(found[:at]), table=".".join(table), to=to) if table else None


def _path(rest: Sequence[Token]) -> Iterator[str]:
    """The names at the beginning, which dots join."""
    for place, token in enumerate(rest):
        if place % 2 == 0 and token.is_name:
            yield token.text
        elif token.text != ".":
            return


def _listed(rest: Sequence[Token]) -> tuple[str, ...]:
    """The names in the first parentheses."""
    begin = next((n for n, token in enumerate(rest) if token.text == "("), len(rest))
    end = next((n for n, token in enumerate(rest) if n > begin and token.text == ")"), len(rest))
    return tuple(token.text for token in rest[begin + 1 : end] if token.is_name)
