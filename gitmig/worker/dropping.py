"""A downgrade: its rows are parked just before the statement that drops them."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.exc import DBAPIError

from .channel import Failure
from .environment import first_line
from .park_entry import Entry
from .park_store import ROW, STATE
from .parking_step import REBUILT, ParkingRun, Step, same, told, too_large
from .statements import Drop, Name, Statement, statements
from .tables import Column, Place


class Downgrade(Step):
    """What one downgrade drops."""

    def __init__(self, run: ParkingRun, revision: str):
        super().__init__(run, revision)
        self._made: list[Entry] = []
        self._kept: dict[str, frozenset[str]] = {}
        """Of a table that is being rebuilt the columns that go over into the new one."""
        self._created: set[Place] = set()
        self._origins: dict[Place, Place] = {}
        """Of tables that this step has renamed the names before."""
        self._everything: set[tuple[str | None, str, str]] | None = None
        self._accounted: set[tuple[str | None, str, str | None]] = set()

    def seen(self, text: str) -> str:
        """Parks first; the text stays as it is."""
        for statement in statements(text):
            rebuild = statement.rebuild()
            if rebuild is not None and rebuild.new.table.startswith(REBUILT):
                self._kept[rebuild.old.table.lower()] = frozenset(each.lower() for each in rebuild.used)
            for drop in statement.drops():
                self._dropping(drop)
            self._making(statement)
            if statement.is_opaque() and self._everything is None:
                self._everything = self.tables.everything()
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
        place, filled = found
        if drop.column is not None:
            wanted = [each for each in self._stored(place) if same(self.connection, each.name, drop.column)]
            self._accounted |= {(place.schema, place.table, each.name) for each in wanted}
            self._park(place, wanted, whole=False)
            return
        kept = self._kept.pop(place.table.lower(), None)
        if kept is not None and self.tables.resolve(Name(REBUILT + place.table)) is not None:
            left = [each for each in self._stored(place) if each.name.lower() not in kept]
            self._park(place, left, whole=False)
            return
        self._accounted.add((place.schema, place.table, None))
        if filled and self.tables.holds(place):
            self._park(place, self._stored(place), whole=True)

    def _stored(self, place: Place) -> list[Column]:
        return [column for column in self.tables.columns(place) if not column.generated]

    def _park(self, place: Place, columns: list[Column], *, whole: bool) -> None:
        names = [column.name for column in columns]
        if not names or not (whole or self.tables.holds(place, names)):
            return
        if not self.run.order.park:
            if not whole:
                self.store.unkey(self.run.environment, self._origin(place), names)
            return
        key = self.tables.key(place, () if whole else names)
        if not whole and not key:
            listed = ", ".join(names)
            self.run.unparked.append(f"{told(place, listed)}: the table has no key to park values by")
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
        gone = self._everything - self.tables.everything()
        tables = {(schema, table) for schema, table, _ in self._everything} - {
            (schema, table) for schema, table, _ in self._everything - gone
        }
        for schema, table in sorted(tables, key=str):
            if (schema, table, None) not in self._accounted:
                self.run.unparked.append(f"{told(Place(table, schema), None)}: no statement names it")
        for schema, table, column in sorted(gone, key=str):
            if (schema, table) not in tables and (schema, table, column) not in self._accounted:
                self.run.unparked.append(f"{told(Place(table, schema), column)}: no statement names it")
