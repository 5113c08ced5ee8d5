"""A downgrade: its rows are parked just before the statement that drops them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.exc import DBAPIError

from ..wire.sql import Drop, Name, Statement
from .channel import Failure
from .environment import first_line
from .park_entry import Entry
from .park_store import ROW, STATE
from .parking_step import REBUILT, ParkingRun, Step, same, told, too_large, why_not
from .tables import HIDDEN, Column, Look, Place


class Downgrade(Step):
    """What one downgrade drops."""

    def __init__(self, run: ParkingRun, revision: str):
        super().__init__(run, revision)
        self._made: list[Entry] = []
        self._kept: dict[str, tuple[Name, frozenset[str]]] = {}
        """Of a table that is being rebuilt the new one, and the columns that go over into it."""
        self._created: set[Place] = set()
        self._origins: dict[Place, Place] = {}
        """Of tables that this step has renamed the names before."""
        self._everything: dict[tuple[int, int], tuple[str | None, str, str]] | None = None
        self._accounted: set[tuple[str | None, str, str | None]] = set()

    def seen(self, text: str) -> str:
        """Parks first; the text stays as it is."""
        renamed = _Renamed()
        for statement in self.read(text):
            rebuild = statement.rebuild()
            if rebuild is not None and rebuild.new.table.startswith(REBUILT):
                used = frozenset(each.lower() for each in rebuild.used)
                self._kept[rebuild.old.table.lower()] = (rebuild.new, used)
            for drop in statement.drops():
                self._dropping(renamed.before(drop))
            self._making(statement)
            if statement.is_opaque() and self._everything is None:
                self._everything = self.tables.everything(parts=False)
            renamed.note(statement)
        return text

    def _making(self, statement: Statement) -> None:
        """What comes back has the name that the table has above this step."""
        if (made := statement.makes()) is not None:
            self._created.add(Place(made.table, made.schema))
        if (renamed := statement.renames()) is None:
            return
        place = self.tables.resolve(renamed[0])
        if place is not None and not self._is_new(place):
            self._origins[Place(renamed[1], place.schema)] = self._origins.pop(place, place)

    def _is_new(self, place: Place) -> bool:
        return any(
            same(self.connection, place.table, each.table) and each.schema in (None, place.schema)
            for each in self._created
        )

    def _dropping(self, drop: Drop) -> None:
        found = self.tables.look(drop.name)
        if found is None:
            return
        place = found.place
        if drop.column is not None:
            wanted = [each for each in self._stored(place) if same(self.connection, each.name, drop.column)]
            self._account(place, [each.name for each in wanted])
            self._park(found, wanted, whole=False)
            return
        new, kept = self._kept.pop(place.table.lower(), (None, frozenset[str]()))
        if new is not None and self.tables.resolve(new) is not None:
            left = [each for each in self._stored(place) if each.name.lower() not in kept]
            self._park(found, left, whole=False)
            return
        self._account(place, [None])
        if found.filled and (found.hidden == HIDDEN or self.tables.holds(place)):
            self._park(found, self._stored(place), whole=True)

    def _account(self, place: Place, names: Sequence[str | None]) -> None:
        """What a statement names is told of where it is dropped, under the name that it had at first too."""
        for each in (place, self._origin(place)):
            self._accounted |= {(each.schema, each.table, name) for name in names}

    def _stored(self, place: Place) -> list[Column]:
        return [column for column in self.tables.columns(place) if not column.generated]

    def _park(self, found: Look, columns: list[Column], *, whole: bool) -> None:
        place, names = found.place, [column.name for column in columns]
        if not names or not (whole or found.hidden == HIDDEN or self.tables.holds(place, names)):
            return
        if not self.run.order.park:
            if not whole:
                self.store.unkey(self.run.environment, self._origin(place), names)
            return
        key = self.tables.key(place, () if whole else names)
        if (why := why_not(self.store, found, key, whole=whole)) is not None:
            self.run.unparked.append(f"{told(place, None if whole else ', '.join(names))}: {why}")
            if not whole:
                self.store.unkey(self.run.environment, self._origin(place), names)
            return
        run, dropped = self.run, tuple(columns)
        keys = tuple(each for each in self.tables.columns(place) if each.name in key)
        about = {
            "environment": run.environment,
            "revision": self.revision,
            "whole": whole,
            "who": run.order.who,
            "operation": run.order.operation,
        }
        if taken := {ROW, STATE} & {each.name.lower() for each in (*dropped, *keys)}:
            raise Failure("park", f"the rows of {told(place, None)} cannot be parked: {taken.pop()} is ours")
        try:
            self._require_small(place, [*names, *(each for each in key if each not in names)], whole)
            if run.crash_copy is not None:
                run.crash_copy.keep(self._origin(place), dropped, keys, **about)
            entry = self.store.park(place, dropped, keys, name=self._origin(place), **about)
        except (DBAPIError, OSError) as error:
            name = told(place, None if whole else ", ".join(names))
            raise Failure("park", f"the rows of {name} cannot be parked: {first_line(error)}") from error
        self._made.append(entry)

    def _origin(self, place: Place) -> Place:
        return self._origins.get(place, place)

    def _require_small(self, place: Place, names: list[str], whole: bool) -> None:
        limit = self.run.order.limit
        size = self.tables.size(place, names, limit)
        if size > limit:
            raise too_large(place.schema, place.table, None if whole else names[0], size, limit)

    def end(self) -> None:
        """Tell what was parked, and what is gone that could not be."""
        there = {entry.id for entry in self.store.entries(self.run.environment)} if self._made else set()
        for entry in self._made:
            # What was parked inside a savepoint may have been taken back with it.
            if entry.id in there:
                self._settle(entry)
        self._look_for_the_rest()

    def _settle(self, entry: Entry) -> None:
        """A table that was dropped and made again with its rows has lost some columns, or none."""
        present = {column.name for column in self.tables.columns(entry.place)} if entry.whole else set()
        stayed = [column.name for column in entry.columns if column.name in present]
        if stayed and self.store.are_there(entry, stayed):
            gone = tuple(column for column in entry.columns if column.name not in present)
            if not gone:
                self.store.remove(entry.id)
                return
            if entry.key and {each.name for each in entry.key} <= present:
                self.store.narrow(entry, gone)
                entry = replace(entry, whole=False, columns=gone)
            self.store.unkey(entry.environment, entry.place, [each.name for each in gone])
        self.run.parked.append(entry.told())

    def _look_for_the_rest(self) -> None:
        if self._everything is None:
            return
        there = self.tables.everything(parts=True)
        gone = {name for number, name in self._everything.items() if number not in there}
        before = set(self._everything.values())
        tables = {(schema, table) for schema, table, _ in before} - {
            (schema, table) for schema, table, _ in before - gone
        }
        for schema, table in sorted(tables, key=str):
            if (schema, table, None) not in self._accounted:
                self.run.unparked.append(f"{told(Place(table, schema), None)}: no statement names it")
        for schema, table, column in sorted(gone, key=str):
            if (schema, table) not in tables and (schema, table, column) not in self._accounted:
                self.run.unparked.append(f"{told(Place(table, schema), column)}: no statement names it")


@dataclass
class _Renamed:
    """What the statements before in the same text rename: none of them has run when the text is read."""

    tables: dict[Name, Name] = field(default_factory=dict)
    columns: dict[tuple[Name, str], str] = field(default_factory=dict)

    def before(self, drop: Drop) -> Drop:
        """The same drop with the names that the database knows yet."""
        name = self.tables.get(drop.name, drop.name)
        if drop.column is None:
            return Drop(table=name.table, schema=name.schema)
        column = self.columns.get((name, drop.column), drop.column)
        return Drop(table=name.table, column=column, schema=name.schema)

    def note(self, statement: Statement) -> None:
        """Hear of one more statement."""
        if (table := statement.renames()) is not None:
            old, new = table
            self.tables[Name(new, old.schema)] = self.tables.get(old, old)
        if (column := statement.renames_column()) is not None:
            old, was, new = column
            old = self.tables.get(old, old)
            self.columns[old, new] = self.columns.get((old, was), was)
