"""The ledger: a table in the database that says what moved it, written in the migration's own transaction.

It is there only if somebody asked for it. Text has no length in it: SQLite would ignore one, and
PostgreSQL would fail on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Float,
    Identity,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    func,
    inspect,
    select,
)
from sqlalchemy.schema import CreateSchema, CreateTable

from ..hidden import ledger_name

_MARIADB: dict[str, Any] = {
    f"{dialect}_{key}": value
    for dialect in ("mysql", "mariadb")
    for key, value in (("charset", "utf8mb4"), ("engine", "InnoDB"))
}


class Ledger:
    """The rows of one environment in one database.

    An environment is a section of alembic.ini and its version table: two of them may share a database,
    and revision ids.
    """

    def __init__(self, context: MigrationContext, section: str):
        assert context.connection is not None
        self._connection: Connection = context.connection
        schema = context.version_table_schema or _tenant(context)
        versions = f"{schema}.{context.version_table}" if schema else context.version_table
        self.environment = f"{section}:{versions}"
        self._table = _table(context.dialect.name)
        self._operation: dict[str, Any] | None = None
        self._scripts: Iterator[dict[str, Any]] = iter(())

    @property
    def name(self) -> str:
        """The table's name, with its schema."""
        return self._table.fullname

    def exists(self) -> bool:
        """Whether the table is there."""
        return inspect(self._connection).has_table(self._table.name, schema=self._table.schema)

    def create(self) -> None:
        """Make the table, and the schema that it lies in."""
        schema = self._table.schema
        if schema is not None and not inspect(self._connection).has_schema(schema):
            self._connection.execute(CreateSchema(schema))
        self._connection.execute(CreateTable(self._table))

    def expect(self, operation: dict[str, Any] | None) -> None:
        """What the coming rows have in common, and the scripts of the steps in their order; None: no rows."""
        self._operation = operation
        self._scripts = iter(operation["scripts"] if operation is not None else ())

    def write(self, action: str, revision: str, seconds: float, heads: Sequence[str]) -> None:
        """The row of a step that was just applied, in its transaction."""
        if self._operation is None:
            return
        script = next(self._scripts)
        row = {
            "environment": self.environment,
            "operation": self._operation["id"],
            "revision": revision,
            "direction": action,
            "commit_id": self._operation["commit"],
            "script": script["blob"],
            "program": script["program"],
            "who": self._operation["who"],
            "moved_at": datetime.now(timezone.utc),  # noqa: UP017 - the project's Python may be 3.10
            "seconds": seconds,
            "heads": json.dumps(list(heads)),
        }
        self._connection.execute(self._table.insert().inline().values(row))

    def count(self, operation: str) -> int:
        """How many rows an operation has left."""
        counted = select(func.count()).where(self._table.c.operation == operation)
        return int(self._connection.execute(counted).scalar_one())

    def latest(self) -> list[dict[str, Any]]:
        """The last row of each revision, oldest first: the very last one says where the database was left."""
        columns = self._table.c
        last = select(func.max(columns.id)).where(columns.environment == self.environment)
        return self._read(
            select(self._table).where(columns.id.in_(last.group_by(columns.revision))).order_by(columns.id)
        )

    def newest(self, limit: int | None) -> list[dict[str, Any]]:
        """The rows, newest first."""
        columns = self._table.c
        rows = select(self._table).where(columns.environment == self.environment).order_by(columns.id.desc())
        return self._read(rows.limit(limit))

    def _read(self, rows: Select[Any]) -> list[dict[str, Any]]:
        return [_told(row._mapping) for row in self._connection.execute(rows)]


def _tenant(context: MigrationContext) -> str | None:
    """The schema that env.py works in if it is not PostgreSQL's usual one: that of a tenant.

    Alembic's cookbook sets ``default_schema_name`` together with the search path.
    """
    name = context.dialect.default_schema_name if context.dialect.name == "postgresql" else None
    return None if name == "public" else name


def ledger_facts(ledger: Ledger, operation: str | None = None) -> dict[str, Any]:
    """What the command line learns of the ledger, there or not; ``operation`` is one that it asks about."""
    there = ledger.exists()
    return {
        "environment": ledger.environment,
        "ledger": ledger.latest() if there else None,
        "recorded": ledger.count(operation) if there and operation is not None else None,
    }


def _table(dialect: str) -> Table:
    schema, name = ledger_name(dialect)
    return Table(
        name,
        MetaData(),
        Column("id", BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True),
        Column("environment", Text, nullable=False),
        Column("operation", String(32), nullable=False),
        Column("revision", Text, nullable=False),
        Column("direction", String(9), nullable=False),
        Column("commit_id", Text),
        Column("script", String(64)),
        Column("program", String(16)),
        Column("who", Text),
        Column("moved_at", DateTime(timezone=True), nullable=False),
        Column("seconds", Float),
        Column("heads", Text, nullable=False),
        schema=schema,
        # SQLAlchemy imports a dialect to see whether it has an option: only if it is in use.
        **(_MARIADB if dialect in ("mysql", "mariadb") else {}),
    )


def _told(row: Any) -> dict[str, Any]:
    moment: datetime = row["moved_at"]
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)  # noqa: UP017
    return {
        "environment": row["environment"],
        "operation": row["operation"],
        "revision": row["revision"],
        "direction": row["direction"],
        "commit": row["commit_id"],
        "script": row["script"],
        "program": row["program"],
        "who": row["who"],
        "time": int(moment.timestamp()),
        "seconds": row["seconds"],
        "heads": json.loads(row["heads"]),
    }
