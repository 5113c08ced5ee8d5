"""Renamed columns: which a person has named, which might be, and the operations for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from alembic.operations import ops

from .changes import Changes
from .code import RenameColumnOp, WrittenOp, execute
from .columns import same_type
from .objects import Key, split
from .words import comment_text

if TYPE_CHECKING:
    from .writer import Writer

Rename = tuple[str, str, str]
"""table, old name, new name."""
_PARTS = ("primary key", "foreign key", "unique", "check", "index")


def candidates(changes: Changes, answered: Sequence[Rename]) -> list[Rename]:
    """A column that goes while one of equal type comes, in a table that stays; those not asked about yet."""
    columns = sorted((key[1], key[2], change) for key, change in changes.all.items() if key[0] == "column")
    known = {(table, name) for table, old, new in answered for name in (old, new)}
    found: list[Rename] = []
    for table, group in groupby(columns, key=lambda column: column[0]):
        if None in changes.all.get(("table", table, ""), ("", "")):
            continue
        here = [(name, change) for _, name, change in group if (table, name) not in known]
        gone = [(name, before) for name, (before, after) in here if before is not None and after is None]
        come = [(name, after) for name, (before, after) in here if after is not None and before is None]
        found += [
            (table, old, new) for old, before in gone for new, after in come if same_type(before, after)
        ]
    return found


def renamed(renames: Sequence[Rename]) -> set[Key]:
    """The facets of the columns that have a new name."""
    return {("column", table, name) for table, old, new in renames for name in (old, new)}


def cover_renames(changes: Changes, renames: Sequence[Rename]) -> list[Rename]:
    """The renames that the difference holds; what the database changes with them by itself is covered.

    Raises nothing: a rename of columns that are not in the difference is left out.
    """
    real = [
        (table, old, new)
        for table, old, new in renames
        if changes.all.get(("column", table, old), ("", ""))[1] is None
        and changes.all.get(("column", table, new), ("", ""))[0] is None
    ]
    for table, old, new in real:
        for key in list(_following(changes, table, old, new)):
            changes.cover(key)
            changes.all.pop(key)
    return real


def write_renames(writer: Writer, renames: Sequence[Rename]) -> None:
    """Write the new names, and what else changes in those columns."""
    changes = writer.changes
    for table, old, new in renames:
        before, after = changes.all["column", table, old][0], changes.all["column", table, new][1]
        assert before is not None
        assert after is not None
        writer.steps.of(table).renamed.append(_operation(writer, table, old, new))
        changes.cover(("column", table, old), ("column", table, new))
        _keep_comment(changes, table, old, new)
        if not writer.alter(table, old, new, before, after):
            changes.open["column", table, new] = (before, after)
        changes.cover(("comment", table, new))


def _operation(writer: Writer, table: str, old: str, new: str) -> ops.MigrateOperation:
    schema, plain = split(table)
    if writer.dialect not in ("mysql", "mariadb"):
        return RenameColumnOp(plain, old, schema=schema, modify_name=new)
    # Alembic's operation would say the whole column, and lose what it is not given.
    full, before, after = writer.models.quoted(table), *map(writer.models.quoted_name, (old, new))
    up, down = (
        execute(f"ALTER TABLE {full} RENAME COLUMN {one} TO {other}")
        for one, other in ((before, after), (after, before))
    )
    return WrittenOp(up, down)


def _keep_comment(changes: Changes, table: str, old: str, new: str) -> None:
    """A column keeps its comment: what differs is the text."""
    gone, come = (("comment", table, name) for name in (old, new))
    before, after = changes.all.get(gone, ("", ""))[0], changes.all.get(come, ("", ""))[1]
    changes.cover(gone, come)
    if comment_text(before) != comment_text(after):
        changes.open[come] = (before or None, after or None)


def _following(changes: Changes, table: str, old: str, new: str) -> Iterator[Key]:
    """Facets that differ by the column's name alone: the database renames it in them."""
    for key, (before, after) in changes.all.items():
        computed = key[0] == "column" and " AS (" in (before or "") and after is not None
        if before is None or (key[0] not in _PARTS and not computed):
            continue
        before = _unquoted(before)
        if key[1] != table and not re.search(rf"REFERENCES \S*{re.escape(split(table)[1])}\b", before):
            continue
        renamed = _renamed(before, old, new)
        if after is not None and renamed == _unquoted(after):
            yield key
        elif after is None:
            # Not named by the models, its columns stand for the name.
            other = (key[0], key[1], _renamed(key[2], old, new))
            made = changes.all.get(other, ("", ""))
            if (
                other != key
                and made[0] is None
                and _unquoted(made[1] or "") == renamed
                and _unnamed(key, before)
            ):
                yield key
                yield other


def _unnamed(key: Key, ddl: str) -> bool:
    return f"CONSTRAINT {key[2]} " not in ddl and f"INDEX {key[2]} " not in ddl


def _unquoted(text: str) -> str:
    # Whether a name is quoted depends on the name.
    return text.replace('"', "").replace("`", "")


def _renamed(text: str, old: str, new: str) -> str:
    """DDL with another name of a column, but not in what it quotes."""
    found = rf"'(?:[^']|'')*'|(?<!\w){re.escape(old)}(?!\w)"
    return re.sub(found, lambda match: new if match[0] == old else match[0], text)
