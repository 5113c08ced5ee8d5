"""An upgrade: what was parked is put back, at its end or when a statement fails without it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

from sqlalchemy.exc import DBAPIError

from ...wire.sql import Add, Name, Statement
from .catalog import Catalog
from .entry import ParkedEntry
from .fitting import KEY_IS_GONE
from .restore import PuttingBack
from .run import Loss, ParkingRun, plain, same, shown_name
from .step import REBUILT, ParkingStep
from .store import Store
from .tables import TableName, quoted, run
from .triggers import silenced

_ASIDE = "gitmig_aside"
_RETRY = "gitmig_retry"


class Upgrade(ParkingStep):
    """What one upgrade brings back, of what is parked for its revision."""

    def __init__(self, run: ParkingRun, revision: str, entries: list[ParkedEntry], start: Catalog):
        super().__init__(run, revision, start)
        self._pending = [entry for entry in entries if not self._there(entry)]
        self._already = [entry for entry in entries if entry not in self._pending]
        self._lost: set[tuple[TableName, str]] = set()
        """Columns that are there again, and not with what was in them."""
        self._now: list[ParkedEntry] = []
        """What is put back as soon as the statement at hand is done."""
        self._filled: list[Name] = []
        """Tables into which the step puts what other tables have."""
        self._then: list[str] = []
        """What is executed after that."""
        self._aside: TableName | None = None
        """The table whose rows are out of it until the statement is done."""

    @property
    def store(self) -> Store:
        """Where its entries are."""
        assert self.run.store is not None
        return self.run.store

    def _there(self, entry: ParkedEntry) -> bool:
        present = {column.name for column in self.tables.columns(entry.place)}
        return bool(present) and (entry.whole or any(each.name in present for each in entry.columns))

    def execute(self, text: str, execute: Callable[[str], None]) -> None:
        """A statement that fails without what is parked is executed again with it."""
        if not (self._pending or self._already):
            super().execute(text, execute)
            return
        changed = self._rewritten(text)
        self._retried(lambda: super(Upgrade, self).execute(changed, execute))
        self._done()

    def _rewritten(self, text: str) -> str:
        """The text to execute instead: a column that must not be NULL may be so at first."""
        plain_text = self.undoubled(text)
        changed = plain_text
        for statement in reversed(self.read(text)):
            if (fills := statement.fills()) is not None:
                self._filled.append(fills)
            changed = self._nullable(statement, changed)
            changed = self._joined(statement, changed)
        if changed == plain_text:
            return text
        return changed.replace("%", "%%") if self.doubles else changed

    def _retried(self, execute: Callable[[], None]) -> None:
        """If a constraint is violated, what is parked may be what it waits for: nothing else comes early."""
        if self._tried(execute, []):
            return
        there = [entry for entry in self._pending if self._there(entry)]
        for entries in (*([each] for each in there), there):
            if self._tried(execute, entries):
                return
        execute()

    def _tried(self, execute: Callable[[], None], entries: list[ParkedEntry]) -> bool:
        """Whether it can be executed with these entries put back first; they are not if it cannot."""
        before = [*self._pending], set(self._lost), len(self.run.back)
        if not self._pending or not self._savepoint():
            return False
        try:
            self._put_back(entries)
            execute()
        except self.connection.dialect.loaded_dbapi.IntegrityError:
            run(self.connection, f"ROLLBACK TO SAVEPOINT {_RETRY}")
            run(self.connection, f"RELEASE SAVEPOINT {_RETRY}")
            self._pending, self._lost, length = before
            del self.run.back[length:]
            return False
        if not self.ended:
            run(self.connection, f"RELEASE SAVEPOINT {_RETRY}")
        return True

    def _savepoint(self) -> bool:
        """Make one; False if every statement commits by itself."""
        try:
            run(self.connection, f"SAVEPOINT {_RETRY}")
        except DBAPIError:
            return False
        return True

    def _done(self) -> None:
        """Fill what was made, and have it be NOT NULL then."""
        now, self._now = self._now, []
        then, self._then = self._then, []
        place, self._aside = self._aside, None
        self._put_back(now)
        with silenced(self.connection, place) if place is not None else nullcontext():
            for statement in then:
                run(self.connection, statement)

    def going(self, loss: Loss) -> None:
        """What this step drops first comes back too if it makes it again."""
        for entry in list(self._already):
            dropped = loss.whole if entry.whole else {each.name for each in entry.columns} <= {*loss.names}
            if entry.place == loss.found.place and dropped:
                self._already.remove(entry)
                self._pending.append(entry)

    def lose(self, loss: Loss) -> None:
        """Raise Failure("loss") if nobody knows of it: what an upgrade takes is not parked."""
        place, names = self.origin(loss.number, self.start) or (loss.found.place, {})
        for each in (None,) if loss.whole else loss.names:
            name = None if each is None else names.get(each, each)
            self.require_announced(place, name, None, at=loss.found.place)

    def end(self) -> None:
        """Put back the rest."""
        self._put_back([entry for entry in self._pending if self._there(entry)])
        for entry in (*self._pending, *self._already):
            if entry.revision != self.revision and entry in self._pending:
                continue  # another upgrade may make its place
            was = "was there already" if entry in self._already else "is not there"
            columns = None if entry.whole else ", ".join(each.name for each in entry.columns)
            name = shown_name(entry.place, columns)
            self._stays(entry, f"{name} {was}" if entry.whole or entry.key else KEY_IS_GONE)

    def _stays(self, entry: ParkedEntry, why: str) -> None:
        self.store.keep_left(entry, entry.rows, why)
        self.run.back.append({**entry.as_json(), "rows": 0, "left": entry.rows, "why": why})

    def _put_back(self, entries: list[ParkedEntry]) -> None:
        if entries:
            self._pending = [entry for entry in self._pending if entry not in entries]
            filled = {self.tables.resolve(name) for name in self._filled}
            places = frozenset(place for place in filled if place is not None)
            with self.store.reading():
                putting_back = PuttingBack(self.connection, self.tables, self.store, self._lost)
                for back in putting_back.put_back(entries, places):
                    shown_name = back.entry.as_json() | {
                        "rows": back.rows,
                        "left": back.left,
                        "why": back.why,
                    }
                    self.run.back.append(shown_name)

    def _pending_column(self, place: TableName | None, column: str) -> ParkedEntry | None:
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
        enforced = run(self.connection, "PRAGMA foreign_keys").scalar()
        if entry is None or place is None or enforced or not self.tables.holds(place):
            return
        if not self._tells_apart(entry, place):
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

    def _tells_apart(self, entry: ParkedEntry, place: TableName) -> bool:
        """Whether the table has the key that its parked values are found by."""
        key = {each.name for each in entry.key}
        return bool(key) and key <= {each.name for each in self.tables.columns(place)}

    def _value(self, entry: ParkedEntry, column: str, old: TableName) -> str:
        table = plain(old.table)
        alike = " AND ".join(f"p.{plain(each.name)} = {table}.{plain(each.name)}" for each in entry.key)
        return f"(SELECT p.{plain(column)} FROM {self.store.copy(entry.id)} p WHERE {alike})"
