"""PostgreSQL's enumeration types: made before they are used, given labels, dropped in the end.

Alembic makes the type of a table that it creates, of a column that it adds it does not, and drops none. A
type that is there already it would make again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from alembic.operations import ops
from sqlalchemy import Column, Enum
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import ARRAY

from . import facets
from .ddl_text import qualified
from .objects import ModelObjects, enums_of, split
from .operations import Changes
from .render import Lines, WrittenOp, execute, nothing

_DIALECT: Any = postgresql.dialect  # an untyped class
_LABEL = re.compile(r"'((?:[^']|'')*)'")


def write_enums(upgrade: list[ops.MigrateOperation], changes: Changes, models: ModelObjects) -> None:
    """Put what the difference says of enumeration types in front of ``upgrade`` and behind it."""
    created = {
        name: after
        for (kind, _, name), (before, after) in changes.open.items()
        if kind == "enum" and before is None
    }
    explicit = {name for name in created if not _made_with_one_table(name, upgrade)}
    _leave_alone(upgrade, {name for name in created if name not in explicit})
    for (kind, table, name), (before, after) in sorted(changes.open.items()):
        if kind != "enum":
            continue
        if before is None and after is not None:
            up = _create(name, after) if name in explicit else nothing
            upgrade.insert(0, WrittenOp(up, _drop(name)))
        elif after is None and before is not None:
            upgrade.append(WrittenOp(_drop(name), _create(name, before)))
        elif not _write_labels(upgrade, name, labels(before), labels(after), models):
            continue
        changes.cover((kind, table, name))


def labels(ddl: str | None) -> list[str]:
    """The labels in ``CREATE TYPE mood AS ENUM ('a', 'b')``."""
    return [label.replace("''", "'") for label in _LABEL.findall(ddl or "")]


def _write_labels(
    upgrade: list[ops.MigrateOperation],
    name: str,
    old: Sequence[str],
    new: Sequence[str],
    models: ModelObjects,
) -> bool:
    columns = models.enum_columns(name)
    added = [label for label in new if label not in old]
    removed = [label for label in old if label not in new]
    if added and removed:
        return False  # renamed? A person knows.
    back = _made_anew(name, old, columns)
    if [label for label in new if label in old] == list(old):
        upgrade.insert(0, WrittenOp(_add_labels(name, old, new), back))
    else:
        upgrade.insert(0, WrittenOp(_made_anew(name, new, columns), back))
    return True


def _add_labels(name: str, old: Sequence[str], new: Sequence[str]) -> Lines:
    """ADD VALUE for each, in place; it cannot be used in the transaction that adds it."""

    def statements() -> Iterator[str]:
        there = list(old)
        for position, label in enumerate(new):
            if label in there:
                continue
            follows = next((other for other in new[position + 1 :] if other in there), None)
            where = f" BEFORE {_quoted(follows)}" if follows is not None else ""
            there.append(label)
            yield f"ALTER TYPE {identifier(name)} ADD VALUE IF NOT EXISTS {_quoted(label)}{where}"

    def lines(prefix: str, batch: bool) -> list[str]:
        inside = [line for statement in statements() for line in execute(statement)("op.", False)]
        return ["with op.get_context().autocommit_block():", *inside, ""]

    return lines


def _made_anew(name: str, new: Sequence[str], columns: Sequence[Column[Any]]) -> Lines:
    """PostgreSQL drops no label: a new type takes the old one's place. Fails where rows hold a lost label."""
    schema, plain = split(name)
    old = f"{plain}_old"
    full_old = identifier(f"{schema}.{old}" if schema else old)
    listed = ", ".join(_quoted(label) for label in new)
    statements = [
        f"ALTER TYPE {identifier(name)} RENAME TO {identifier(old)}",
        f"CREATE TYPE {identifier(name)} AS ENUM ({listed})",
    ]
    for column in columns:
        name_of_table, name_of_column = facets.table_key(column.table), identifier(str(column.name))
        table = f"ALTER TABLE {identifier(name_of_table)} ALTER COLUMN {name_of_column}"
        array = "[]" if isinstance(column.type, ARRAY) else ""
        default = _default(column)
        if default is not None:
            statements.append(f"{table} DROP DEFAULT")
        target = f"{identifier(name)}{array}"
        statements.append(f"{table} TYPE {target} USING {name_of_column}::text{array}::{target}")
        if default is not None:
            statements.append(f"{table} SET DEFAULT {default}")
    statements.append(f"DROP TYPE {full_old}")
    return lambda prefix, batch: [
        line for statement in statements for line in execute(statement)("op.", False)
    ]


def _made_with_one_table(name: str, upgrade: Sequence[ops.MigrateOperation]) -> bool:
    """Whether exactly one CREATE TABLE uses the type, which then makes it, and nothing else does."""
    users: list[bool] = []
    for operation in _flat(upgrade):
        if isinstance(operation, ops.CreateTableOp):
            columns = [item for item in operation.columns if isinstance(item, Column)]
            users += [True] * any(_has(column, name) and _makes(column) for column in columns)
        elif isinstance(operation, ops.AddColumnOp):
            users += [False] * _has(operation.column, name)
        elif isinstance(operation, ops.AlterColumnOp) and operation.modify_type is not None:
            users += [False] * any(qualified(enum) == name for enum in enums_of(operation.modify_type))
    return users == [True]


def _leave_alone(upgrade: Sequence[ops.MigrateOperation], made: set[str]) -> None:
    """Tables that are created do not make types that are there, or are made before."""
    for operation in _flat(upgrade):
        if isinstance(operation, ops.CreateTableOp):
            operation.columns = [_without_create(item, made) for item in operation.columns]


def _without_create(item: Any, made: set[str]) -> Any:
    if not isinstance(item, Column):
        return item
    type_ = item.type
    inner = type_.item_type if isinstance(type_, ARRAY) else type_
    if not isinstance(inner, Enum) or not inner.native_enum or not inner.name or qualified(inner) in made:
        return item
    plain: Any = postgresql.ENUM(*inner.enums, name=inner.name, schema=inner.schema, create_type=False)
    copy = item._copy()
    copy.type = type(type_)(plain, dimensions=type_.dimensions) if isinstance(type_, ARRAY) else plain
    return copy


def _flat(operations: Sequence[ops.MigrateOperation]) -> Iterator[ops.MigrateOperation]:
    for operation in operations:
        if isinstance(operation, ops.OpContainer):
            yield from _flat(operation.ops)
        else:
            yield operation


def _has(column: Column[Any], name: str) -> bool:
    return any(qualified(enum) == name for enum in enums_of(column.type))


def _makes(column: Column[Any]) -> bool:
    return isinstance(column.type, Enum) and getattr(column.type, "create_type", True)


def _create(name: str, ddl: str) -> Lines:
    listed = "".join(f"{label!r}, " for label in labels(ddl))
    return lambda prefix, batch: [f"sa.Enum({listed}{_named(name)}).create(op.get_bind(), checkfirst=True)"]


def _drop(name: str) -> Lines:
    return lambda prefix, batch: [f"sa.Enum({_named(name)}).drop(op.get_bind(), checkfirst=True)"]


def _named(name: str) -> str:
    schema, plain = split(name)
    return f"name={plain!r}, schema={schema!r}" if schema else f"name={plain!r}"


def _default(column: Column[Any]) -> str | None:
    default: Any = getattr(column.server_default, "arg", None)
    if default is None:
        return None
    return _quoted(default) if isinstance(default, str) else str(default.compile(dialect=_DIALECT()))


def identifier(name: str) -> str:
    """A name as PostgreSQL wants it, quoted where that is needed."""
    preparer = _DIALECT().identifier_preparer
    return ".".join(preparer.quote(part) for part in name.split("."))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
