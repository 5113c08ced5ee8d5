"""A step whose statements are watched: what each of them takes is looked up before it is done for good.

A DROP TABLE takes the tables that it names. Any other statement that may drop something runs inside a
savepoint first: if tables or columns are gone then, it is taken back, they are looked at, and it runs again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sqlalchemy.exc import DBAPIError

from ...wire.sql import Drop, Name, Rebuild, Statement, statements
from ..channel import Failure
from ..locking.blockers import sqlstate
from .catalog import Catalog, Lost, losses, made
from .run import Loss, ParkingRun, same, shown_name
from .tables import HIDDEN, Look, TableName, run

_LOOK = "gitmig_look"
_DROPS = re.compile(r"drop|\b(?:do|call|execute)\b", re.IGNORECASE)
_READS = re.compile(r"\s*(?:select|with|values)\b|\s*(?:--|/\*)", re.IGNORECASE)
_CALLED = re.compile(r'([^\W\d][\w$]*|"(?:[^"]|"")+")\s*\(')
_ENDS = (("commit",), ("end",), ("rollback",), ("abort",))
_UNSEEN = "no statement was seen to drop it"
_NO_DDL = (("insert",), ("update",), ("delete",), ("select",), ("savepoint",), ("release",))
_IN_TRANSACTION = "25001"
"""PostgreSQL's word for a statement that cannot run inside a transaction."""
REBUILT = "_alembic_tmp_"
"""How Alembic's name of a table that is being rebuilt begins."""
_LONGEST = 50
"""Alembic cuts that name."""


class ParkingStep:
    """The statements of one step."""

    action = "upgrade"

    def __init__(self, run: ParkingRun, revision: str, start: Catalog):
        """``start`` are the tables whose rows count: not those that the step makes itself."""
        self.run = run
        self.revision = revision
        self.tables = run.tables
        self.connection = run.connection
        self.start = start
        self.ended = False
        """Whether the step has ended the transaction that it began in."""
        self._rebuilds: dict[Name, Rebuild] = {}
        """How the tables are filled that Alembic makes to take the place of others."""
        self._replaced: dict[Name, Lost] = {}
        """The tables whose place they take."""
        self._judged: set[tuple[int, int | None]] = set()
        """What was looked at before it went: tables, and columns of them."""
        self._silent = False

    # What is watched of it.

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Our own statements are not watched."""
        before, self._silent = self._silent, True
        try:
            yield
        finally:
            self._silent = before

    def run_watched(self, statement: str, execute: Callable[[str], None]) -> bool:
        """Execute a statement part by part, watched; whether that was done: our own are left to others."""
        if self._silent:
            return False
        with self.silent():
            for part in self._parts(statement):
                self.execute(part, execute)
        return True

    def _parts(self, text: str) -> list[str]:
        """A text that ends the transaction between its statements is run one by one."""
        read = statements(text, self.connection.dialect.name) if ";" in text else ()
        if len(read) < 2 or not any(map(_ends, read)):
            return [text]
        return [text[each.tokens[0].start : each.tokens[-1].end] for each in read]

    # What is done with each statement.

    def execute(self, text: str, execute: Callable[[str], None]) -> None:
        """Execute one text of SQL, watched."""
        read = self.read(text)
        self.ended |= any(map(_ends, read))
        for each in read:
            self._note_rebuild(each)
        if self._may_drop(text):
            self._watched(read, lambda: execute(text))
            return
        execute(text)
        if any(each.words(1) == ("rollback",) for each in read):
            # What was dropped since a savepoint is there again.
            self.run.look(again=self.start)
        self.run.fresh &= all(each.words(1) in _NO_DDL for each in read)

    def read(self, text: str) -> tuple[Statement, ...]:
        """The statements of a text."""
        return statements(self.undoubled(text), self.connection.dialect.name)

    @property
    def doubles(self) -> bool:
        """Whether parameters begin with a percent sign, so that each other one stands twice."""
        return self.connection.dialect.paramstyle in ("format", "pyformat")

    def undoubled(self, text: str) -> str:
        """The text as the database gets it."""
        return text.replace("%%", "%") if self.doubles else text

    def end(self) -> None:
        """The step is applied."""

    def going(self, loss: Loss) -> None:
        """Called before something is dropped, with rows or without."""

    def lose(self, loss: Loss) -> None:
        """Called before rows are lost, with everything still there. Raises Failure if they may not be."""
        raise NotImplementedError

    def require_announced(
        self, place: TableName, column: str | None, why: str | None, *, at: TableName
    ) -> None:
        """Raise Failure("loss") if a person does not know that something is dropped.

        ``place`` and ``column`` are its names at the start of the step, ``at`` the table's name now, ``why``
        what keeps its rows from being parked.
        """
        if any(self._is_about(drop, each, column) for drop in self.run.announced for each in (place, at)):
            return
        schema = None if place.schema == "public" else place.schema
        loss = {"table": place.table, "column": column, "schema": schema, "why": why}
        down = self.action == "downgrade"
        message = f"{shown_name(place, column)} is dropped, and no script says so"
        raise Failure("loss", message, losses=[{**loss, "down": down, "rows": None, "parked": False}])

    def _is_about(self, drop: Drop, place: TableName, column: str | None) -> bool:
        if drop.table is None:
            return True
        return (
            same(self.connection, drop.table, place.table)
            and drop.schema in (None, place.schema)
            and (drop.column is None or (column is not None and same(self.connection, drop.column, column)))
        )

    def look_for_the_rest(self) -> None:
        """Raise Failure("loss") for what is gone although no statement was seen to take it."""
        replaced = {number for number, _ in self.run.successors.values()}
        for lost in losses(self.start, self.run.look()):
            if lost.number in replaced or (lost.number, None) in self._judged:
                continue
            for column in (None,) if lost.columns is None else lost.columns:
                if (lost.number, column) not in self._judged:
                    name = None if column is None else lost.table.columns[column]
                    self.require_announced(lost.table.place, name, _UNSEEN, at=lost.table.place)

    def _may_drop(self, text: str) -> bool:
        if self.connection.dialect.name == "sqlite":
            return "drop" in text.lower()
        if _DROPS.search(text):
            return True
        called = {name.strip('"').lower() for name in _CALLED.findall(text)} if _READS.match(text) else set()
        if not called:
            return False
        found = run(
            self.connection,
            "SELECT 1 FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
            "WHERE lower(p.proname) = ANY(:names) AND p.provolatile = 'v' "
            "AND n.nspname NOT IN ('pg_catalog', 'information_schema') LIMIT 1",
            names=list(called),
        )
        return found.first() is not None

    def _watched(self, read: tuple[Statement, ...], execute: Callable[[], None]) -> None:
        before = self.run.now()
        ours = self._begin()
        try:
            if not self._dropped(read, before, execute):
                self._on_trial(before, execute)
        except BaseException as error:
            if ours:
                with suppress(DBAPIError):
                    run(self.connection, "ROLLBACK")
            if not ours or sqlstate(error) != _IN_TRANSACTION:
                raise
            execute()
            self.run.look(dropping=True)
            return
        if ours:
            run(self.connection, "COMMIT")

    def _begin(self) -> bool:
        """Begin a transaction if every statement commits by itself here; whether that was so."""
        driver = self.connection.connection.dbapi_connection
        if self.connection.dialect.name == "sqlite":
            if getattr(driver, "in_transaction", True):
                return False
        elif not getattr(driver, "autocommit", True):
            return False
        else:
            with suppress(DBAPIError):
                run(self.connection, f"SAVEPOINT {_LOOK}")
                return False  # the script has begun one itself
        run(self.connection, "BEGIN")
        return True

    def _dropped(self, read: tuple[Statement, ...], before: Catalog, execute: Callable[[], None]) -> bool:
        """Execute a statement that takes the tables that it names, and nothing else; False for any other."""
        numbers = {table.place: number for number, table in before.items()}
        looks = [self.tables.look(name) for name in read[0].drops_alone()] if len(read) == 1 else []
        found = [look for look in looks if look is not None and look.place in numbers]
        if not found or len(found) < len(looks):
            return False
        for look in found:
            number = numbers[look.place]
            self._judge(Lost(number, before[number], None), look)
        execute()
        self.run.catalog = self.run.catalogs.without(before, (numbers[look.place] for look in found))
        if self._replaced:
            self._succeed(self.run.look(dropping=True))
        return True

    def _on_trial(self, before: Catalog, execute: Callable[[], None]) -> None:
        """Execute a statement once to see what it takes, and once for good."""
        run(self.connection, f"SAVEPOINT {_LOOK}")
        try:
            execute()
        except self.connection.dialect.loaded_dbapi.Error:
            if self.connection.dialect.name == "sqlite":
                # PostgreSQL's transaction is aborted, and stays so.
                with suppress(DBAPIError):
                    run(self.connection, f"RELEASE SAVEPOINT {_LOOK}")
            raise
        after = self.run.look(dropping=True)
        lost = list(losses(before, after))
        if lost:
            self.run.catalog = before
            run(self.connection, f"ROLLBACK TO SAVEPOINT {_LOOK}")
            for each in lost:
                self._judge(each)
            execute()
            self.run.catalog = after
            if self._replaced or made(before, after):
                self._succeed(self.run.look(dropping=True))
        run(self.connection, f"RELEASE SAVEPOINT {_LOOK}")

    # What a statement takes.

    def origin(self, number: int, start: Catalog) -> tuple[TableName, dict[str, str]] | None:
        """What a table, and its columns by their present names, were called at the ``start``.

        A column that was not there is missing; None if the table was not.
        """
        table = self.run.catalog[number]
        columns = dict(table.columns)
        steps: dict[int, int] = {each: each for each in columns}
        while number not in start and number in self.run.successors:
            number, theirs = self.run.successors[number]
            steps = {now: theirs[was] for now, was in steps.items() if was in theirs}
        first = start.get(number)
        if first is None:
            return None
        names = {columns[now]: first.columns[was] for now, was in steps.items() if was in first.columns}
        return first.place, names

    def _judge(self, lost: Lost, found: Look | None = None) -> None:
        self._judged |= {(lost.number, each) for each in lost.columns or (None,)}
        before = self.origin(lost.number, self.start)
        if before is None:
            return
        place = lost.table.place
        found = found or self.tables.look(Name(place.table, place.schema or self.tables.main))
        if found is None:
            return
        if not found.filled and self.action == "downgrade" and self.rebuilt(found.place) is None:
            return
        # What the step has added itself is nobody's loss.
        stored = [
            each for each in self.tables.columns(found.place) if not each.generated and each.name in before[1]
        ]
        if lost.columns is not None:
            names = {lost.table.columns[each] for each in lost.columns}
            key = self.tables.key(found.place)
            # What tells rows apart goes last: others are found by it.
            for column in sorted(stored, key=lambda each: each.name in key):
                if column.name in names:
                    self._weigh(Loss(found, (column,), False, lost.number))
            return
        if (new := self.rebuilt(found.place)) is not None:
            self._replaced[new] = lost
            used = {each.lower() for each in self._rebuilds[new].used}
            left = tuple(each for each in stored if each.name.lower() not in used)
            self._weigh(Loss(found, left, False, lost.number))
        else:
            self._weigh(Loss(found, tuple(stored), True, lost.number))

    def _weigh(self, loss: Loss) -> None:
        """Whether there is anything in it."""
        self.going(loss)
        found, names = loss.found, [] if loss.whole else loss.names
        hidden = found.hidden == HIDDEN
        if loss.columns and found.filled and (hidden or self.tables.holds(found.place, names)):
            self.lose(loss)

    # A table that Alembic makes again.

    def _note_rebuild(self, statement: Statement) -> None:
        rebuild = statement.rebuild()
        if rebuild is not None and rebuild.new.table.startswith(REBUILT):
            self._rebuilds[rebuild.new] = rebuild

    def rebuilt(self, place: TableName) -> Name | None:
        """The table that Alembic has made to take the place of this one."""
        for name in self._rebuilds:
            new = self.tables.resolve(name)
            cut = (REBUILT + place.table)[:_LONGEST]
            if new is not None and new.schema == place.schema and new.table == cut:
                return name
        return None

    def _succeed(self, after: Catalog) -> None:
        """A table that takes the place of one that is gone is the same from now on."""
        for name, lost in self._replaced.items():
            place = self.tables.resolve(name)
            numbers = {column.lower(): each for each, column in lost.table.columns.items()}
            sources = {
                new.lower(): numbers[old.lower()]
                for new, old in self._rebuilds[name].sources.items()
                if old.lower() in numbers
            }
            for number, table in after.items():
                if table.place == place:
                    columns = {each: sources.get(new.lower()) for each, new in table.columns.items()}
                    known = {each: was for each, was in columns.items() if was is not None}
                    self.run.successors[number] = (lost.number, known)
        self._replaced.clear()


def _ends(statement: Statement) -> bool:
    words = statement.words(2)
    return words[:1] in _ENDS and words[1:] != ("to",)
