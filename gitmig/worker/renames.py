"""Renamed columns: which a person has named, which might be, and the operations for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from alembic.operations import ops

from .blind import Writer
from .columns import same_type
from .objects import DatabaseObjects, Key, ModelObjects, split
from .operations import Changes
from .render import RenameColumnOp

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


def write_renames(
    upgrade: list[ops.MigrateOperation],
    changes: Changes,
    renames: Sequence[Rename],
    models: ModelObjects,
    database: DatabaseObjects,
    writer: Writer,
) -> None:
    """Put each rename after what drops the old column's indexes and constraints, before those of the new."""
    for table, old, new in renames:
        schema, plain = split(table)
        before, after = changes.all["column", table, old][0], changes.all["column", table, new][1]
        existing, column = database.column(table, old), models.column(table, new)
        rename = RenameColumnOp(
            plain,
            old,
            schema=schema,
            existing_type=existing.type if existing is not None else getattr(column, "type", None),
            existing_nullable=existing.nullable if existing is not None else None,
            modify_name=new,
        )
        position, first = _split_drops(upgrade, plain, schema)
        upgrade[position:position] = [*first, rename]
        assert before is not None
        assert after is not None
        if writer.alter(table, old, new, before, after):
            changes.cover(("column", table, old), ("column", table, new), ("comment", table, old))
        else:
            changes.cover(("column", table, old))
            changes.open["column", table, new] = (before, after)


def _following(changes: Changes, table: str, old: str, new: str) -> Iterator[Key]:
    """Facets that differ by the column's name alone: the database renames it in them."""
    for key, (before, after) in changes.all.items():
        if key[0] not in _PARTS or before is None:
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
    return re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", lambda match: new, text)


def _split_drops(
    upgrade: list[ops.MigrateOperation], table: str, schema: str | None
) -> tuple[int, list[ops.MigrateOperation]]:
    """Take the table's dropped indexes and constraints out of its operations; where they were, and they."""
    for position, operation in enumerate(upgrade):
        if isinstance(operation, ops.ModifyTableOps) and (operation.table_name, operation.schema) == (
            table,
            schema,
        ):
            drops = [
                each for each in operation.ops if isinstance(each, ops.DropIndexOp | ops.DropConstraintOp)
            ]
            operation.ops[:] = [each for each in operation.ops if each not in drops]
            if drops:
                return position, [ops.ModifyTableOps(table, drops, schema=schema)]
            return position, []
    return len(upgrade), []
