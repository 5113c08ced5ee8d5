"""An upgrade: what was parked is put back, at its end or before a constraint that needs it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

from ..wire.sql import Add, Name, Statement
from .fitting import KEY_IS_GONE
from .park_entry import Entry
from .parking_step import REBUILT, ParkingRun, Step, plain, same, told
from .putting_back import Back, PuttingBack
from .tables import Place, quoted
from .tables import run as execute
from .triggers import silenced

_ASIDE = "gitmig_aside"
_LONGEST = 50
"""Alembic cuts the name of a table that it rebuilds."""


class Upgrade(Step):
    """What one upgrade brings back, of what is parked for its revision."""

    def __init__(self, run: ParkingRun, revision: str, entries: list[Entry]):
        super().__init__(run, revision)
        self._all = tuple(entries)
        self._pending = [entry for entry in entries if not self._there(entry)]
        self._already = [entry for entry in entries if entry not in self._pending]
        self._putting_back = PuttingBack(self.connection, self.tables, self.store)
        self._now: list[Entry] = []
        """What is put back as soon as the statement that was seen is done."""
        self._filled: list[Name] = []
        """Tables into which the step puts what other tables have."""
        self._then: list[str] = []
        """What is executed after that."""
        self.touched = False
        """Whether the step is any other than it would be with nothing parked."""
        self._aside: Place | None = None
        """The table whose rows are out of it until the statement is done."""

    def _there(self, entry: Entry) -> bool:
        present = {column.name for column in self.tables.columns(entry.place)}
        return bool(present) and (entry.whole or any(each.name in present for each in entry.columns))

    def seen(self, text: str) -> str:
        """Puts back what a constraint needs; a column that must not be NULL may be so at first."""
        changed = text
        for statement in reversed(self.read(text)):
            self._made_anew(statement)
            if (fills := statement.fills()) is not None:
                self._filled.append(fills)
            self._before_constraint(statement)
            changed = self._nullable(statement, changed)
            changed = self._joined(statement, changed)
        self.touched |= changed != text
        return changed

    def done(self) -> None:
        """Fill what was made, and have it be NOT NULL then."""
        now, self._now = self._now, []
        then, self._then = self._then, []
        place, self._aside = self._aside, None
        self._put_back(now)
        with silenced(self.connection, place) if place is not None else nullcontext():
            for statement in then:
                execute(self.connection, statement)

    def end(self) -> None:
        """Put back the rest."""
        self._put_back([entry for entry in self._pending if self._there(entry)])
        for entry in (*self._pending, *self._already):
            was = "was there already" if entry in self._already else "is not there"
            name = told(entry.place, None if entry.whole else ", ".join(each.name for each in entry.columns))
            self._stays(entry, f"{name} {was}" if entry.whole or entry.key else KEY_IS_GONE)

    def leave(self, why: str) -> None:
        """Nothing of it was put back after all."""
        for entry in self._all:
            self._stays(entry, why)
            if not entry.whole:
                names = [each.name for each in entry.columns]
                self.store.unkey(entry.environment, entry.place, names)

    def _stays(self, entry: Entry, why: str) -> None:
        self.store.keep_left(entry, entry.rows, why)
        self.run.back.append({**entry.told(), "rows": 0, "left": entry.rows, "why": why})

    def _put_back(self, entries: list[Entry]) -> None:
        if entries:
            self.touched = True
            self._pending = [entry for entry in self._pending if entry not in entries]
            filled = {self.tables.resolve(name) for name in self._filled}
            places = frozenset(place for place in filled if place is not None)
            with self.store.reading():
                for back in self._putting_back.put_back(entries, places):
                    self._tell(back)

    def _tell(self, back: Back) -> None:
        told = back.entry.told() | {"rows": back.rows, "left": back.left, "why": back.why}
        self.run.back.append(told)

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
        name = (REBUILT + place.table)[:_LONGEST]
        return self.tables.resolve(Name(name, place.schema)) is not None

    def _before_constraint(self, statement: Statement) -> None:
        """Rows that a new constraint is about are put back before it is made."""
        for reference in statement.refers():
            # SQLite looks at no foreign key while a migration runs.
            place = self.tables.resolve(reference.name)
            if place is not None and place.schema is not None and self._refers(place, reference.columns):
                self._put_back(self._with_their_own(self.tables.resolve(reference.target)))
        if (required := statement.requires()) is not None:
            place = self.tables.resolve(required[0])
            # Where the step has filled it, what was parked may come at its end, like everything else.
            if place is not None and self._lacks(place, required[1]):
                self._put_back(self._with_values(place, required[1]))

    def _with_values(self, place: Place, column: str) -> list[Entry]:
        return [
            each
            for each in self._pending
            if each.place == place and any(own.name == column for own in each.columns) and self._there(each)
        ]

    def _refers(self, place: Place, names: Sequence[str]) -> bool:
        """Whether rows of the table refer to anything by these columns; a new one is there only later."""
        present = {each.name for each in self.tables.columns(place)}
        return set(names) <= present and self.tables.holds(place, names)

    def _lacks(self, place: Place, column: str) -> bool:
        if column not in {each.name for each in self.tables.columns(place)}:
            return False
        null = f"SELECT 1 FROM {place.sql} WHERE NOT {self.tables.given(quoted(column))} LIMIT 1"
        return execute(self.connection, null).first() is not None

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
                    if same(self.connection, each.name, column):
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
        enforced = execute(self.connection, "PRAGMA foreign_keys").scalar()
        if entry is None or place is None or enforced or not self.tables.holds(place):
            return
        if not self._tells_apart(entry, place):
            return
        names = [quoted(each.name) for each in self.tables.columns(place) if not each.generated]
        alike = " AND ".join(f"p.{quoted(each.name)} = a.{quoted(each.name)}" for each in entry.key)
        column = quoted(next(e.name for e in entry.columns if e.name.lower() == add.column.lower()))
        value = f"(SELECT p.{column} FROM {self.store.copy(entry.id)} p WHERE {alike})"
        execute(self.connection, f"CREATE TEMP TABLE {_ASIDE} AS SELECT * FROM {place.sql}")
        with silenced(self.connection, place):
            execute(self.connection, f"DELETE FROM {place.sql}")
        self._aside = place
        self._then += [
            f"INSERT INTO {place.sql} ({', '.join((*names, column))}) "
            f"SELECT {', '.join(f'a.{name}' for name in names)}, {value} FROM temp.{_ASIDE} a",
            f"DROP TABLE temp.{_ASIDE}",
        ]

    def _joined(self, statement: Statement, text: str) -> str:
        """The same for a table that is rebuilt: the new rows are made with the values that were parked."""
        rebuild = statement.rebuild()
        if rebuild is None or not rebuild.new.table.startswith(REBUILT):
            return text
        old, new = self.tables.resolve(rebuild.old), self.tables.resolve(rebuild.new)
        if old is None or new is None:
            return text
        names, values = "", ""
        for column in self.tables.columns(new):
            entry = self._pending_column(old, column.name)
            if entry is not None and not self._tells_apart(entry, old):
                continue
            given = any(same(self.connection, column.name, each) for each in rebuild.columns)
            if entry is not None and column.required and not column.filled and not given:
                names += f", {plain(column.name)}"
                values += f", {self._value(entry, column.name, old)}"
        text = text[: rebuild.select_end] + values + text[rebuild.select_end :]
        return text[: rebuild.list_end] + names + text[rebuild.list_end :]

    def _tells_apart(self, entry: Entry, place: Place) -> bool:
        """Whether the table has the key that its parked values are found by."""
        key = {each.name for each in entry.key}
        return bool(key) and key <= {each.name for each in self.tables.columns(place)}

    def _value(self, entry: Entry, column: str, old: Place) -> str:
        table = plain(old.table)
        alike = " AND ".join(f"p.{plain(each.name)} = {table}.{plain(each.name)}" for each in entry.key)
        return f"(SELECT p.{plain(column)} FROM {self.store.copy(entry.id)} p WHERE {alike})"
