"""Parks the rows that a downgrade drops, just before it drops them, and has them put back by the upgrade.

Listens to the statements of a step on its own connection: what it copies is in the step's transaction, so
that it stays or goes with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError

from .channel import Failure
from .environment import first_line
from .park_store import Entry, Store, store_of
from .putting_back import Back, PuttingBack
from .statements import Add, Drop, Name, Statement, statements
from .tables import Column, Place, Tables, quoted, run, tables_of
from .triggers import silenced

_MATTERS = re.compile(r"\b(drop|alter|do|call|execute)\b|\binsert\s+into\s+\S*_alembic_tmp_", re.IGNORECASE)
_REBUILT = "_alembic_tmp_"
_ASIDE = "gitmig_aside"


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


class Parking:
    """The parking of one run of env.py on one connection.

    Attributes:
        parked: the entries that were made, as the command line is told.
        back: what came back, and what did not.
        unparked: what is gone and could not be parked, in words.
    """

    def __init__(
        self, connection: Connection, store: Store, order: Order, environment: str, new_database: bool
    ):
        self._connection = connection
        self._store = store
        self._order = order
        self._environment = environment
        self._tables: Tables = tables_of(connection)
        self._new_database = new_database
        self._step: _Step | None = None
        self.parked: list[dict[str, Any]] = []
        self.back: list[dict[str, Any]] = []
        self.unparked: list[str] = []

    @contextmanager
    def watching(self, action: str, revision: str) -> Iterator[None]:
        """While a step is applied. Raises Failure("park") where the rows cannot be kept."""
        step: _Step
        if action == "downgrade":
            if not self._order.park:
                yield
                return
            step = _Downgrade(self, revision)
        else:
            entries = self._entries(revision)
            if not entries:
                yield
                return
            step = _Upgrade(self, revision, entries)
        event.listen(self._connection, "before_cursor_execute", step.before, retval=True)
        event.listen(self._connection, "after_cursor_execute", step.after)
        try:
            yield
            with step.silent():
                step.end()
        finally:
            event.remove(self._connection, "before_cursor_execute", step.before)
            event.remove(self._connection, "after_cursor_execute", step.after)

    def close(self) -> None:
        """The transaction has ended."""
        self._store.close()

    def _entries(self, revision: str) -> list[Entry]:
        """What the upgrade of a revision may bring back: of each table or column the newest copy."""
        newest: dict[tuple[Place, bool, tuple[str, ...]], Entry] = {}
        # The rows of a database that was made anew are those of another one.
        for entry in self._store.entries(self._environment) if not self._new_database else ():
            if entry.revision == revision:
                newest[entry.place, entry.whole, tuple(each.name for each in entry.columns)] = entry
        return list(newest.values())


class _Step:
    """The statements of one step."""

    def __init__(self, parking: Parking, revision: str):
        self.parking = parking
        self.revision = revision
        self.tables = parking._tables
        self.connection = parking._connection
        self.store = parking._store
        self._silent = False

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

    def seen(self, text: str) -> str:
        """The text to execute instead."""
        raise NotImplementedError

    def done(self) -> None:
        """The statement that was seen is done."""

    def end(self) -> None:
        """The step is applied."""


class _Downgrade(_Step):
    def __init__(self, parking: Parking, revision: str):
        super().__init__(parking, revision)
        self._made: list[Entry] = []
        self._kept: dict[str, frozenset[str]] = {}
        """Of a table that is being rebuilt the columns that go over into the new one."""
        self._everything: set[tuple[str | None, str, str]] | None = None
        self._accounted: set[tuple[str | None, str, str | None]] = set()

    def seen(self, text: str) -> str:
        for statement in statements(text):
            rebuild = statement.rebuild()
            if rebuild is not None and rebuild.new.table.startswith(_REBUILT):
                self._kept[rebuild.old.table.lower()] = frozenset(each.lower() for each in rebuild.used)
            for drop in statement.drops():
                self._dropping(drop)
            if statement.is_opaque() and self._everything is None:
                self._everything = self.tables.everything()
        return text

    def _dropping(self, drop: Drop) -> None:
        place = self.tables.resolve(drop.name)
        if place is None:
            return
        columns = [column for column in self.tables.columns(place) if not column.generated]
        if drop.column is not None:
            wanted = [each for each in columns if _same(self.connection, each.name, drop.column)]
            self._accounted |= {(place.schema, place.table, each.name) for each in wanted}
            self._park(place, wanted, whole=False)
            return
        kept = self._kept.pop(place.table.lower(), None)
        if kept is not None and self.tables.resolve(Name(_REBUILT + place.table)) is not None:
            self._park(place, [each for each in columns if each.name.lower() not in kept], whole=False)
            return
        self._accounted.add((place.schema, place.table, None))
        self._park(place, columns, whole=True)

    def _park(self, place: Place, columns: list[Column], *, whole: bool) -> None:
        names = [column.name for column in columns]
        if not names or not self.tables.holds(place, () if whole else names):
            return
        key = self.tables.key(place, () if whole else names)
        if not whole and not key:
            listed = ", ".join(names)
            self.parking.unparked.append(f"{_told(place, listed)}: the table has no key to park values by")
            return
        parking = self.parking
        try:
            self._require_small(place, [*names, *(each for each in key if each not in names)], whole)
            entry = self.store.park(
                self.tables,
                place,
                tuple(columns),
                tuple(each for each in self.tables.columns(place) if each.name in key),
                environment=parking._environment,
                revision=self.revision,
                whole=whole,
                who=parking._order.who,
                operation=parking._order.operation,
            )
        except DBAPIError as error:
            name = _told(place, None if whole else ", ".join(names))
            raise Failure("park", f"the rows of {name} cannot be parked: {first_line(error)}") from error
        self._made.append(entry)

    def _require_small(self, place: Place, names: list[str], whole: bool) -> None:
        limit = self.parking._order.limit
        size = self.tables.size(place, names, limit)
        if size > limit:
            raise too_large(place.schema, place.table, None if whole else names[0], size, limit)

    def end(self) -> None:
        there = {entry.id for entry in self.store.entries(self.parking._environment)} if self._made else set()
        for entry in self._made:
            # What was parked inside a savepoint may have been taken back with it.
            if entry.id in there:
                self._settle(entry)
        self._look_for_the_rest()

    def _settle(self, entry: Entry) -> None:
        """A table that was dropped and made again under its name has lost some columns, or none."""
        present = {column.name for column in self.tables.columns(entry.place)} if entry.whole else set()
        if present:
            gone = tuple(column for column in entry.columns if column.name not in present)
            if not gone or not entry.key or not {each.name for each in entry.key} <= present:
                self.store.remove(entry.id)
                return
            self.store.narrow(entry, gone)
            entry = replace(entry, whole=False, columns=gone)
        self.parking.parked.append(entry.told())

    def _look_for_the_rest(self) -> None:
        if self._everything is None:
            return
        gone = self._everything - self.tables.everything()
        tables = {(schema, table) for schema, table, _ in self._everything} - {
            (schema, table) for schema, table, _ in self._everything - gone
        }
        for schema, table in sorted(tables, key=str):
            if (schema, table, None) not in self._accounted:
                self.parking.unparked.append(f"{_told(Place(table, schema), None)}: no statement names it")
        for schema, table, column in sorted(gone, key=str):
            if (schema, table) not in tables and (schema, table, column) not in self._accounted:
                self.parking.unparked.append(f"{_told(Place(table, schema), column)}: no statement names it")


class _Upgrade(_Step):
    def __init__(self, parking: Parking, revision: str, entries: list[Entry]):
        super().__init__(parking, revision)
        self._pending = [entry for entry in entries if not self._there(entry)]
        self._already = [entry for entry in entries if entry not in self._pending]
        self._putting_back = PuttingBack(self.connection, self.tables, self.store)
        self._now: list[Entry] = []
        """What is put back as soon as the statement that was seen is done."""
        self._then: list[str] = []
        """What is executed after that."""
        self._aside: Place | None = None
        """The table whose rows are out of it until the statement is done."""

    def _there(self, entry: Entry) -> bool:
        present = {column.name for column in self.tables.columns(entry.place)}
        return bool(present) and (entry.whole or any(each.name in present for each in entry.columns))

    def seen(self, text: str) -> str:
        for statement in reversed(statements(text)):
            self._made_anew(statement)
            self._before_constraint(statement)
            text = self._nullable(statement, text)
            text = self._joined(statement, text)
        return text

    def done(self) -> None:
        now, self._now = self._now, []
        then, self._then = self._then, []
        place, self._aside = self._aside, None
        self._put_back(now)
        with silenced(self.connection, place) if place is not None else nullcontext():
            for statement in then:
                run(self.connection, statement)

    def end(self) -> None:
        self._put_back([entry for entry in self._pending if self._there(entry)])
        for entry in (*self._pending, *self._already):
            was = "was there already" if entry in self._already else "is not there"
            name = _told(entry.place, None if entry.whole else ", ".join(each.name for each in entry.columns))
            self.parking.back.append({**entry.told(), "rows": 0, "left": entry.rows, "why": f"{name} {was}"})

    def _put_back(self, entries: list[Entry]) -> None:
        if entries:
            self._pending = [entry for entry in self._pending if entry not in entries]
            for back in self._putting_back.put_back(entries):
                self._tell(back)

    def _tell(self, back: Back) -> None:
        told = back.entry.told() | {"rows": back.rows, "left": back.left, "why": back.why}
        self.parking.back.append(told)

    def _made_anew(self, statement: Statement) -> None:
        """What this step itself drops first comes back too, should it make it again."""
        for drop in statement.drops():
            place = self.tables.resolve(drop.name)
            for entry in list(self._already):
                names = [each.name for each in entry.columns]
                dropped = entry.whole if drop.column is None else names == [drop.column]
                if entry.place == place and dropped and not self._is_rebuilt(entry.place):
                    self._already.remove(entry)
                    self._pending.append(entry)

    def _is_rebuilt(self, place: Place) -> bool:
        return self.tables.resolve(Name(_REBUILT + place.table, place.schema)) is not None

    def _before_constraint(self, statement: Statement) -> None:
        """Rows that a new constraint is about are put back before it is made."""
        if (referred := statement.referred()) is not None:
            place = self.tables.resolve(referred)
            self._put_back(self._with_their_own(place))
        if (required := statement.requires()) is not None:
            place = self.tables.resolve(required[0])
            self._put_back(
                [
                    each
                    for each in self._pending
                    if each.place == place
                    and any(column.name == required[1] for column in each.columns)
                    and self._there(each)
                ]
            )

    def _with_their_own(self, place: Place | None) -> list[Entry]:
        """The table's rows, with those of the tables that they refer to."""
        whole = {each.place: each for each in self._pending if each.whole}
        found: list[Entry] = []
        wanted = [place]
        while wanted:
            entry = whole.pop(wanted.pop(), None)  # type: ignore[arg-type]
            if entry is not None and self._there(entry):
                found.append(entry)
                wanted += [key.target for key in self.tables.foreign_keys(entry.place)]
        return found

    def _pending_column(self, place: Place | None, column: str) -> Entry | None:
        for entry in self._pending:
            if entry.place == place and not entry.whole:
                for each in entry.columns:
                    if _same(self.connection, each.name, column):
                        return entry
        return None

    def _nullable(self, statement: Statement, text: str) -> str:
        """A new column that must not be NULL is filled first, and then must not be."""
        if self.connection.dialect.name == "sqlite":
            for add in statement.adds_unfilled():
                self._set_aside(add)
            return text
        for add in reversed(statement.adds_unfilled()):
            place = self.tables.resolve(add.name)
            entry = self._pending_column(place, add.column)
            if entry is None or place is None:
                continue
            text = text[: add.start] + text[add.end :]
            self._now.append(entry)
            self._then.append(f"ALTER TABLE {place.sql} ALTER COLUMN {quoted(add.column)} SET NOT NULL")
        return text

    def _set_aside(self, add: Add) -> None:
        """SQLite adds such a column to an empty table alone: the rows are moved out, and in again with it."""
        place = self.tables.resolve(add.name)
        entry = self._pending_column(place, add.column)
        enforced = run(self.connection, "PRAGMA foreign_keys").scalar()
        if entry is None or place is None or enforced or not self.tables.holds(place):
            return
        names = [quoted(each.name) for each in self.tables.columns(place) if not each.generated]
        alike = " AND ".join(f"p.{quoted(each.name)} = a.{quoted(each.name)}" for each in entry.key)
        column = quoted(next(e.name for e in entry.columns if e.name.lower() == add.column.lower()))
        value = f"(SELECT p.{column} FROM {self.store.copy(entry.id)} p WHERE {alike})"
        run(self.connection, f"CREATE TEMP TABLE {_ASIDE} AS SELECT * FROM {place.sql}")
        with silenced(self.connection, place):
            run(self.connection, f"DELETE FROM {place.sql}")
        self._aside = place
        self._then += [
            f"INSERT INTO {place.sql} ({', '.join((*names, column))}) "
            f"SELECT {', '.join(f'a.{name}' for name in names)}, {value} FROM temp.{_ASIDE} a",
            f"DROP TABLE temp.{_ASIDE}",
        ]

    def _joined(self, statement: Statement, text: str) -> str:
        """The same for a table that is rebuilt: the new rows are made with the values that were parked."""
        rebuild = statement.rebuild()
        if rebuild is None or not rebuild.new.table.startswith(_REBUILT):
            return text
        old, new = self.tables.resolve(rebuild.old), self.tables.resolve(rebuild.new)
        if old is None or new is None:
            return text
        names, values = "", ""
        for column in self.tables.columns(new):
            entry = self._pending_column(old, column.name)
            given = any(_same(self.connection, column.name, each) for each in rebuild.columns)
            if entry is not None and column.required and not column.filled and not given:
                names += f", {_plain(column.name)}"
                values += f", {self._value(entry, column.name, old)}"
        text = text[: rebuild.select_end] + values + text[rebuild.select_end :]
        return text[: rebuild.list_end] + names + text[rebuild.list_end :]

    def _value(self, entry: Entry, column: str, old: Place) -> str:
        table = _plain(old.table)
        alike = " AND ".join(f"p.{_plain(each.name)} = {table}.{_plain(each.name)}" for each in entry.key)
        return f"(SELECT p.{_plain(column)} FROM {self.store.copy(entry.id)} p WHERE {alike})"


def parking_of(
    context: MigrationContext, order: Order | None, environment: str, *, transactional: bool
) -> Parking | None:
    """The parking of a run; None where nothing can be parked."""
    connection = context.connection
    if order is None or connection is None or not transactional:
        return None
    if connection.dialect.name not in ("postgresql", "sqlite"):
        return None
    store = store_of(connection, order.folder)
    if store is None:
        return None
    new = not tables_of(connection).columns(Place(context.version_table, _schema(context)))
    return Parking(connection, store, order, environment, new)


def foretold(
    connection: Connection, order: Order | None, found: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The losses with ``parked``, whether their rows are parked, and ``why`` where they cannot be.

    Raises Failure("park-limit").
    """
    return [loss | _foretold(connection, order, loss) for loss in found]


def _foretold(connection: Connection, order: Order | None, loss: dict[str, Any]) -> dict[str, Any]:
    if order is None or not order.park or not loss["down"] or loss["table"] is None:
        return {"parked": False, "why": None}
    if connection.dialect.name not in ("postgresql", "sqlite"):
        return {"parked": False, "why": "only PostgreSQL and SQLite park rows"}
    if store_of(connection, order.folder) is None:
        return {"parked": False, "why": "the database is in memory"}
    tables = tables_of(connection)
    place = tables.resolve(Name(loss["table"], loss["schema"]))
    if place is None:
        return {"parked": False, "why": "it is no ordinary table"}
    dropped = [loss["column"]] if loss["column"] is not None else []
    key = tables.key(place, dropped)
    if dropped and not key:
        return {"parked": False, "why": "the table has no key to park them by"}
    names = [*dropped, *key] if dropped else [each.name for each in tables.columns(place)]
    size = tables.size(place, names, order.limit)
    if size > order.limit:
        raise too_large(place.schema, place.table, loss["column"], size, order.limit)
    return {"parked": True, "why": None}


def _schema(context: MigrationContext) -> str | None:
    return context.version_table_schema


def too_large(schema: str | None, table: str, column: str | None, size: int, limit: int) -> Failure:
    """More than the limit: nothing is parked, and nothing dropped."""
    name = _told(Place(table, schema), column)
    return Failure("park-limit", f"{name} holds too much to be parked", name=name, size=size, limit=limit)


def _plain(name: str) -> str:
    """A name in a statement of the script's."""
    return quoted(name).replace("\\:", ":")


def _told(place: Place, column: str | None) -> str:
    schema = f"{place.schema}." if place.schema not in (None, "public") else ""
    return f"{schema}{place.table}" + (f".{column}" if column is not None else "")


def _same(connection: Connection, one: str, other: str) -> bool:
    """Whether two names are one: SQLite does not tell upper from lower case."""
    return one.lower() == other.lower() if connection.dialect.name == "sqlite" else one == other
