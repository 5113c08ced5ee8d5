"""A step whose statements are listened to, for the rows that it drops or brings back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from ..wire.sql import Statement, statements
from .channel import Failure
from .crash_copy import CrashCopy
from .park_store import Store
from .tables import Look, Place, Tables, quoted

_MATTERS = re.compile(
    r"\b(drop|alter|do|call|execute|select|create\s[\s\w]*table)\b",
    re.IGNORECASE | re.DOTALL,
)
_ENDS = re.compile(r"\s*(?:commit|end|rollback(?!\s+to)|abort)\b", re.IGNORECASE)
REBUILT = "_alembic_tmp_"
"""How Alembic's name of a table that is being rebuilt begins."""


@dataclass(frozen=True)
class Order:
    """What the command line wants of it."""

    park: bool
    """Whether rows are parked; they are put back in any case."""
    folder: str
    """Where SQLite's rows are kept."""
    limit: int
    """How many bytes of one table are parked at most."""
    who: str | None
    operation: str | None

    @classmethod
    def of(cls, answer: dict[str, Any] | None) -> Order | None:
        """Out of the plan; None where nothing is parked or put back."""
        return cls(**answer) if answer is not None else None


@dataclass
class ParkingRun:
    """What the steps of one run have in common."""

    connection: Connection
    store: Store
    tables: Tables
    order: Order
    environment: str
    crash_copy: CrashCopy | None = None
    parked: list[dict[str, Any]] = field(default_factory=list)
    """The entries that were made, as the command line is told."""
    back: list[dict[str, Any]] = field(default_factory=list)
    """What came back, and what did not."""
    unparked: list[str] = field(default_factory=list)
    """What is gone and could not be parked, in words."""
    unread: str | None = None
    """Why nothing is put back, whatever is parked."""


class Step:
    """The statements of one step."""

    def __init__(self, run: ParkingRun, revision: str):
        self.run = run
        self.revision = revision
        self.tables = run.tables
        self.connection = run.connection
        self.store = run.store
        self.ended = False
        """Whether the step has ended the transaction that it began in."""
        self._silent = False

    def ending(self, connection: Any) -> None:
        """Called before each commit and rollback."""
        self.ended = True

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Our own statements are not listened to."""
        before, self._silent = self._silent, True
        try:
            yield
        finally:
            self._silent = before

    def before(
        self, connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> tuple[str, Any]:
        """Called before each statement."""
        self.ended |= not self._silent and _ENDS.match(statement) is not None
        if self._silent or not _MATTERS.search(statement):
            return statement, parameters
        # A driver whose parameters begin with a percent sign has each other one twice.
        doubled = connection.dialect.paramstyle in ("format", "pyformat")
        text = statement.replace("%%", "%") if doubled else statement
        with self.silent():
            found = self.seen(text)
        if found == text:
            return statement, parameters
        return found.replace("%", "%%") if doubled else found, parameters

    def after(
        self, connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        """Called after each statement."""
        if not self._silent:
            with self.silent():
                self.done()

    def read(self, text: str) -> tuple[Statement, ...]:
        """The statements of a text."""
        return statements(text, self.connection.dialect.name)

    def seen(self, text: str) -> str:
        """The text to execute instead."""
        raise NotImplementedError

    def done(self) -> None:
        """The statement that was seen is done."""

    def end(self) -> None:
        """The step is applied."""


def too_large(schema: str | None, table: str, column: str | None, size: int, limit: int) -> Failure:
    """More than the limit: nothing is parked, and nothing dropped."""
    name = told(Place(table, schema), column)
    return Failure("park-limit", f"{name} holds too much to be parked", name=name, size=size, limit=limit)


def why_not(store: Store, found: Look, key: Sequence[str], *, whole: bool) -> str | None:
    """Why the rows of a table, or the values of columns with this key, cannot be parked; None: they can."""
    if found.hidden is not None:
        return found.hidden
    return "the table has no key to park values by" if not whole and not key else store.why_not


def plain(name: str) -> str:
    """A name in a statement of the script's."""
    return quoted(name).replace("\\:", ":")


def told(place: Place, column: str | None) -> str:
    """``table`` or ``table.column``, with a schema other than the usual one."""
    schema = f"{place.schema}." if place.schema not in (None, "public") else ""
    return f"{schema}{place.table}" + (f".{column}" if column is not None else "")


def same(connection: Connection, one: str, other: str) -> bool:
    """Whether two names are one: SQLite does not tell upper from lower case."""
    return one.lower() == other.lower() if connection.dialect.name == "sqlite" else one == other
