"""What Alembic's operations need before they can be rendered: names, and on SQLite batches."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from alembic.operations import ops
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.types import Enum

from .blind import check_lines, check_name
from .objects import DatabaseObjects, condition, plain
from .operations import columns_of
from .render import RenameColumnOp, WrittenOp, nothing

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


def needs_rebuild(operation: ops.MigrateOperation) -> bool:
    """Whether SQLite has no ALTER TABLE for an operation, or for one in it, in either direction."""
    match operation:
        case ops.ModifyTableOps():
            return any(map(needs_rebuild, operation.ops))
        case RenameColumnOp():
            return False
        case WrittenOp():
            return operation.rebuilds
        case ops.DropColumnOp():
            return sqlite3.sqlite_version_info < (3, 35)
        case ops.AddColumnOp():
            column: Any = operation.column
            default: Any = getattr(column.server_default, "arg", None)
            constrained = isinstance(column.type, Enum) and column.type.create_constraint
            old = sqlite3.sqlite_version_info < (3, 35)
            return old or constrained or isinstance(default, ClauseElement) or bool(column.computed)
        case ops.AlterColumnOp() | ops.AddConstraintOp() | ops.DropConstraintOp():
            return True
        case _:
            return False


def keep_checks(
    upgrade: Sequence[ops.MigrateOperation], database: DatabaseObjects, gone: Sequence[str]
) -> None:
    """Write down the unnamed CHECKs of tables that are rebuilt: Alembic's batch would lose them.

    ``gone`` is the DDL before of everything that changes. They have a name from then on.
    """
    changed = {plain(condition(ddl)) for ddl in gone if "CHECK" in ddl.upper()}
    for operation in upgrade:
        if isinstance(operation, ops.ModifyTableOps) and needs_rebuild(operation):
            for sql in database.unnamed_checks(operation.table_name):
                if plain(sql) not in changed:
                    ddl = f"CHECK ({sql})"
                    _, create = check_lines(check_name(operation.table_name, ddl), operation.table_name, ddl)
                    operation.ops.append(WrittenOp(create, nothing, rebuilds=True))


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
