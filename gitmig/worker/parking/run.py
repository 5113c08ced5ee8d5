"""What the steps of one run have in common, and how their rows are spoken of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from ...wire.sql import Drop
from ..channel import Failure
from .catalog import Catalog, Catalogs
from .crash_copy import CrashCopy
from .store import Store
from .tables import Column, Look, TableName, Tables, quoted


@dataclass(frozen=True)
class ParkingPolicy:
    """What the command line wants of it."""

    park: bool = False
    """Whether rows are parked; they are put back in any case."""
    folder: str = ""
    """Where SQLite's rows are kept."""
    limit: int = 0
    """How many bytes of one table are parked at most."""
    who: str | None = None
    operation: str | None = None
    rows_of: dict[str, list[str]] = field(default_factory=dict)
    """The revisions whose rows an upgrade brings back, if these are not its own alone."""

    @classmethod
    def of(cls, answer: dict[str, Any] | None) -> ParkingPolicy | None:
        """Out of the plan; None if nothing is parked or put back."""
        return cls(**answer) if answer is not None else None


@dataclass
class ParkingRun:
    """What the steps of one run have in common."""

    connection: Connection
    store: Store | None
    """Where rows are parked; None if nowhere."""
    tables: Tables
    catalogs: Catalogs
    order: ParkingPolicy
    environment: str
    announced: Sequence[Drop]
    """What a person knows of that is dropped."""
    crash_copy: CrashCopy | None = None
    parked: list[dict[str, Any]] = field(default_factory=list)
    """The entries that were made, as the command line gets them."""
    back: list[dict[str, Any]] = field(default_factory=list)
    """What came back, and what did not."""
    unparked: list[str] = field(default_factory=list)
    """What is gone and could not be parked, in words."""
    unread: str | None = None
    """Why nothing is put back, whatever is parked."""
    first: Catalog = field(default_factory=dict)
    """The tables that there were before the first step."""
    successors: dict[int, tuple[int, dict[int, int]]] = field(default_factory=dict)
    """Tables that were made to take the place of another: its number, and those of the columns."""
    catalog: Catalog = field(default_factory=dict)
    """The tables that there were when that was looked at last."""

    fresh: bool = False
    """Whether nothing may have changed since."""
    alone: bool = True
    """Whether nothing but the steps runs on the connection while they are applied, and nobody else can."""

    def now(self) -> Catalog:
        """The tables that there are, looked at only if something may have changed."""
        return self.catalog if self.fresh else self.look()

    def look(self, *, dropping: bool = False, again: Catalog | None = None) -> Catalog:
        """Look at the tables again; see :meth:`Catalogs.look`."""
        self.catalog = self.catalogs.look(self.catalog, dropping=dropping, again=again or {})
        self.fresh = True
        return self.catalog


@dataclass(frozen=True)
class Loss:
    """Rows that a statement takes: of a whole table, or of columns of it."""

    found: Look
    columns: tuple[Column, ...]
    whole: bool
    number: int
    """The table's in the catalog."""

    @property
    def names(self) -> list[str]:
        """The columns' names."""
        return [column.name for column in self.columns]


def too_large(schema: str | None, table: str, column: str | None, size: int, limit: int) -> Failure:
    """More than the limit: nothing is parked, and nothing dropped."""
    name = shown_name(TableName(table, schema), column)
    return Failure("park-limit", f"{name} holds too much to be parked", name=name, size=size, limit=limit)


def why_not(store: Store, found: Look, key: Sequence[str], *, whole: bool) -> str | None:
    """Why the rows of a table, or the values of columns with this key, cannot be parked; None: they can."""
    if found.hidden is not None:
        return found.hidden
    return "the table has no key to park values by" if not whole and not key else store.why_not


def plain(name: str) -> str:
    """A name in a statement of the script's."""
    return quoted(name).replace("\\:", ":")


def shown_name(place: TableName, column: str | None) -> str:
    """``table`` or ``table.column``, with a schema other than the usual one."""
    schema = f"{place.schema}." if place.schema not in (None, "public") else ""
    return f"{schema}{place.table}" + (f".{column}" if column is not None else "")


def same(connection: Connection, one: str, other: str) -> bool:
    """Whether two names are one: SQLite does not tell upper from lower case."""
    return one.lower() == other.lower() if connection.dialect.name == "sqlite" else one == other
