"""Rows that a downgrade drops and that are parked, as values; sizes in words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SIZE = re.compile(r"(\d+)\s*([kmg]?)b?", re.IGNORECASE)
DEFAULT_LIMIT = 100 << 20
"""Bytes of one table, or of a column, that are parked where nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkOrder:
    """What the worker is to do with rows that a downgrade drops."""

    park: bool
    """Whether they are parked; what was parked before is put back in any case."""
    folder: str
    """Where SQLite's rows are kept."""
    limit: int
    """Bytes of one table, or of a column, that are parked at most."""
    who: str | None = None
    operation: str | None = None
    rows_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The revisions whose rows an upgrade brings back, if these are not its own alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedRows:
    """Rows of a table or of columns of it, parked before a revision was undone."""

    id: int
    revision: str
    table: str
    schema: str | None
    columns: tuple[str, ...] | None
    """The columns that were dropped; None if the whole table was."""
    rows: int
    bytes: int
    who: str | None
    operation: str | None
    time: int
    """Seconds since 1970."""
    why: str | None
    """Why they could not be put back, if that was tried."""
    left: int = 0
    """How many rows stay parked, where some were put back."""

    @property
    def name(self) -> str:
        """What was dropped: ``table`` or ``table.column``."""
        table = f"{self.schema}.{self.table}" if self.schema not in (None, "public") else self.table
        if self.columns is None:
            return table
        return (
            f"{table}.{self.columns[0]}" if len(self.columns) == 1 else f"{table} ({', '.join(self.columns)})"
        )


def parse_size(text: str) -> int | None:
    """Bytes out of ``500``, ``20k``, ``100M`` or ``2G``; None for anything else."""
    match = _SIZE.fullmatch(text.strip())
    return int(match[1]) * _UNITS[match[2].lower()] if match is not None else None


def told_size(size: int) -> str:
    """``12 bytes``, ``1.5 kB``, ``100 MB``."""
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")):
        if size >= unit:
            return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{size} byte{'' if size == 1 else 's'}"


def told_rows(count: int) -> str:
    """``1 row``, ``100,000 rows``."""
    return f"{count:,} row{'' if count == 1 else 's'}"
