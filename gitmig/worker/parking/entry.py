"""One line of the list of what is parked, as a value and as a row."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .tables import Column, TableName

FIELDS = (
    "id", "environment", "revision", "table_schema", "table_name", "whole", "columns", "key_columns",
    "row_count", "byte_count", "who", "operation", "parked_at", "why",
)  # fmt: skip
"""The columns of the list, in their order."""


@dataclass(frozen=True)
class ParkedEntry:
    """Rows of one table, or of columns of it, that were parked before a step dropped them."""

    id: int
    environment: str
    revision: str
    place: TableName
    whole: bool
    columns: tuple[Column, ...]
    """Those that were dropped."""
    key: tuple[Column, ...]
    """What tells their rows apart; for a whole table they are among ``columns``."""
    rows: int
    bytes: int
    who: str | None
    operation: str | None
    parked_at: int
    why: str | None
    """Why these rows could not be put back when that was tried."""

    def as_json(self) -> dict[str, Any]:
        """As the command line gets it."""
        return {
            "id": self.id,
            "revision": self.revision,
            "schema": self.place.schema,
            "table": self.place.table,
            "columns": None if self.whole else [column.name for column in self.columns],
            "rows": self.rows,
            "bytes": self.bytes,
            "who": self.who,
            "operation": self.operation,
            "time": self.parked_at,
            "why": self.why,
        }


def row_of(entry: ParkedEntry) -> tuple[Any, ...]:
    """The values of FIELDS."""
    return (
        entry.id,
        entry.environment,
        entry.revision,
        entry.place.schema,
        entry.place.table,
        int(entry.whole),
        columns_text(entry.columns),
        columns_text(entry.key),
        entry.rows,
        entry.bytes,
        entry.who,
        entry.operation,
        entry.parked_at,
        entry.why,
    )


def entry_of(row: Any) -> ParkedEntry:
    """Out of the values of FIELDS."""
    number, environment, revision, schema, table, whole, columns, key, *rest = row
    rows, size, who, operation, parked_at, why = rest
    return ParkedEntry(
        id=number,
        environment=environment,
        revision=revision,
        place=TableName(table, schema),
        whole=bool(whole),
        columns=_columns(columns),
        key=_columns(key),
        rows=rows,
        bytes=size,
        who=who,
        operation=operation,
        parked_at=parked_at,
        why=why,
    )


def columns_text(columns: tuple[Column, ...]) -> str:
    """As the list holds them."""
    return json.dumps([[column.name, column.type, column.foreign] for column in columns])


def _columns(text: str) -> tuple[Column, ...]:
    return tuple(Column(*each) for each in json.loads(text))
