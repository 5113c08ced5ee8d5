"""What Alembic's operations need before they can be rendered: names, and on SQLite batches."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from alembic.operations import ops
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import Enum

from .operations import columns_of
from .render import RenameColumnOp, WrittenOp

_LONGEST_NAME = 63


def name_constraints(upgrade: Sequence[ops.MigrateOperation], dialect: str) -> None:
    """Name the unique and foreign key constraints that are added: without a name none can be dropped again.

    On PostgreSQL it is the name that the server itself would choose.
    """
    for table, operation in _in_tables(upgrade):
        if isinstance(operation, ops.CreateUniqueConstraintOp) and operation.constraint_name is None:
            operation.constraint_name = _name(table, columns_of(operation), "uq", "key", dialect)
        elif isinstance(operation, ops.CreateForeignKeyOp) and operation.constraint_name is None:
            operation.constraint_name = _name(table, operation.local_cols, "fk", "fkey", dialect)


def needs_rebuild(upgrade: Sequence[ops.MigrateOperation]) -> bool:
    """Whether SQLite has no ALTER TABLE for one of the operations, in either direction."""
    return any(_needs_rebuild(operation) for _, operation in _in_tables(upgrade))


def _needs_rebuild(operation: ops.MigrateOperation) -> bool:
    match operation:
        case RenameColumnOp() | ops.CreateIndexOp() | ops.DropIndexOp():
            return False
        case ops.AddColumnOp() | ops.DropColumnOp():
            column: Any = operation.column if isinstance(operation, ops.AddColumnOp) else None
            if sqlite3.sqlite_version_info < (3, 35):
                return True
            if column is None:
                return False
            default: Any = getattr(column.server_default, "arg", None)
            constrained = isinstance(column.type, Enum) and column.type.create_constraint
            return isinstance(default, ClauseElement) or constrained or bool(column.computed)
        case ops.AlterColumnOp() | ops.AddConstraintOp() | ops.DropConstraintOp() | WrittenOp():
            return True
        case _:
            return False


def _in_tables(upgrade: Sequence[ops.MigrateOperation]) -> Iterator[tuple[str, ops.MigrateOperation]]:
    for operation in upgrade:
        if isinstance(operation, ops.ModifyTableOps):
            yield from ((operation.table_name, inner) for inner in operation.ops)


def _name(table: str, columns: Sequence[str], prefix: str, suffix: str, dialect: str) -> str:
    joined = "_".join(columns)
    name = f"{table}_{joined}_{suffix}" if dialect == "postgresql" else f"{prefix}_{table}_{joined}"
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 7]}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"
