"""Puts parked rows back into tables and columns that are there again, as far as they fit.

Everything is done by statements over whole sets. Only where the database refuses a set is it halved, until
the rows are found that do not fit; those stay parked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from .environment import first_line
from .park_entry import Entry
from .park_store import BACK, CHOSEN, LEFT, ROW, STATE, Store
from .tables import Column, ForeignKey, Place, Tables, quoted, run
from .triggers import advance_sequences, check_late, late_constraints, silenced, writable

_TRIES = 400
"""How often a set is tried that the database refuses: enough for some twenty rows that do not fit."""
_REFUSED = 3
KEY_IS_GONE = "what told their rows apart was dropped, and is not back"


@dataclass(frozen=True)
class Back:
    """What became of an entry."""

    entry: Entry
    rows: int
    """How many rows are back."""
    left: int
    why: str | None


@dataclass
class _Task:
    """An entry that is being put back."""

    entry: Entry
    copy: str
    columns: dict[str, Column]
    """Those of the table as it is now, the generated ones left out."""
    keys: tuple[ForeignKey, ...]
    reasons: Counter[str] = field(default_factory=Counter)
    """Why rows stay, and how many."""
    whole: bool = False
    """Whether all rows that were chosen are back."""
    tries: int = 0
    refusal: str = ""
    """What the database said last."""

    @property
    def given(self) -> list[str]:
        """The columns that are written."""
        return [each.name for each in self.entry.columns if each.name in self.columns]

    @property
    def key(self) -> list[str]:
        return [each.name for each in self.entry.key]

    def value(self, name: str) -> str:
        """A parked value, as the column wants it today."""
        parked = next(each for each in (*self.entry.columns, *self.entry.key) if each.name == name)
        plain = f"p.{quoted(name)}"
        now = self.columns.get(name)
        if now is None or self.entry.place.schema is None:
            return plain
        if not parked.foreign and parked.type == now.type:
            return plain
        return f"CAST({plain} AS {now.type})"

    def alike(self, table: str = "t") -> str:
        """That a row of the table is that of a parked one."""
        return " AND ".join(f"{table}.{quoted(name)} = {self.value(name)}" for name in self.key)


class PuttingBack:
    """Puts entries back, on one connection."""

    def __init__(self, connection: Connection, tables: Tables, store: Store):
        self._connection = connection
        self._tables = tables
        self._store = store
        self._circular: set[str] = set()
        """Foreign keys that are looked at last."""
        self._filled: frozenset[Place] = frozenset()
        self._lost: set[tuple[Place, str]] = set()
        """Columns that are there again, and not with what was in them."""

    def put_back(self, entries: Sequence[Entry], filled: frozenset[Place] = frozenset()) -> list[Back]:
        """Put back what fits; the copies of what is back are gone afterwards.

        ``filled`` are tables into which the step itself puts what other tables have.
        """
        self._filled = filled
        tasks = [self._task(entry) for entry in entries]
        whole = _in_order([task for task in tasks if task.entry.whole])
        columns = _keys_first([task for task in tasks if not task.entry.whole])
        try:
            with self._connection.begin_nested():
                self._put_tables_back(whole)
        except DBAPIError as error:
            # Tables that refer to each other, of which one could not take all that the other refers to.
            for task in whole:
                task.whole, task.reasons = False, Counter({first_line(error): task.entry.rows})
        settled = [self._settled(task) for task in whole]
        for task in columns:
            self._put_values_back(task)
            settled.append(self._settled(task))
        return settled

    def _put_values_back(self, task: _Task) -> None:
        try:
            with self._connection.begin_nested():
                self._choose_values(task)
                self._drop_orphans([task])
                self._write(task, self._update)
        except DBAPIError as error:
            # A key of another type, say.
            task.whole, task.reasons = False, Counter({first_line(error): task.entry.rows})

    def _put_tables_back(self, tasks: Sequence[_Task]) -> None:
        for task in tasks:
            self._choose_rows(task)
        circular = _circular(tasks)
        self._circular = {name for _, name in circular}
        with late_constraints(self._connection, circular):
            for number, task in enumerate(tasks):
                self._drop_orphans(tasks[number:])
                self._write(task, self._insert)

    def _task(self, entry: Entry) -> _Task:
        columns = {each.name: each for each in self._tables.columns(entry.place) if not each.generated}
        return _Task(entry, self._store.copy(entry.id), columns, self._tables.foreign_keys(entry.place))

    # Which rows fit.

    def _choose_rows(self, task: _Task) -> None:
        """All rows of a table but those that are there: the same row is back, another one stays."""
        if not task.given:
            self._leave(task, "1 = 1", "the columns have other names now")
            return
        if task.key and set(task.key) <= set(task.columns):
            there = f"EXISTS (SELECT 1 FROM {task.entry.place.sql} t WHERE {task.alike()}"
            same = " AND ".join(self._is_same(task, name) for name in task.given)
            self._mark(task, BACK, f"{STATE} = {CHOSEN} AND {there} AND {same})")
            self._leave(task, f"{there})", "other rows with their keys are there")
        if task.entry.place in self._filled and self._tables.holds(task.entry.place):
            # They may be the same rows under other keys.
            self._leave(task, "1 = 1", "the upgrade fills the table itself")
        self._leave_null(task)

    def _choose_values(self, task: _Task) -> None:
        """The values whose rows are there."""
        if not task.key or self._lost & {(task.entry.place, name) for name in task.key}:
            self._leave(task, "1 = 1", KEY_IS_GONE)
            return
        if not set(task.key) <= set(task.columns):
            self._leave(task, "1 = 1", "the key has other columns now")
            return
        gone = f"NOT EXISTS (SELECT 1 FROM {task.entry.place.sql} t WHERE {task.alike()})"
        self._leave(task, gone, f"no row of {task.entry.place.table} has their key")
        self._leave_null(task)

    def _leave_null(self, task: _Task) -> None:
        required = [
            name for name in task.given if task.columns[name].required and not task.columns[name].filled
        ]
        if required:
            null = " OR ".join(f"p.{quoted(name)} IS NULL" for name in required)
            self._leave(task, f"({null})", f"{', '.join(required)} must not be NULL")

    def _drop_orphans(self, tasks: Sequence[_Task]) -> None:
        """Leave the rows whose foreign keys lead nowhere, and then those that refer to them."""
        chosen = {task.entry.place: task for task in tasks if task.entry.whole}
        changed = True
        while changed:
            changed = False
            for task in tasks:
                for key in task.keys:
                    changed |= self._leave_orphans(task, key, chosen.get(key.target))

    def _leave_orphans(self, task: _Task, key: ForeignKey, coming: _Task | None) -> bool:
        if not set(key.columns) & set(task.given) or not key.targets:
            return False
        own = [self._current(task, name) for name in key.columns]
        pairs = list(zip(own, key.targets, strict=False))
        missing = " AND ".join(f"{value} IS NOT NULL" for value in own)
        if self._tables.columns(key.target):
            alike = " AND ".join(f"f.{quoted(name)} = {value}" for value, name in pairs)
            missing += f" AND NOT EXISTS (SELECT 1 FROM {key.target.sql} f WHERE {alike})"
        if coming is not None and set(key.targets) <= set(coming.given):
            others = [coming.value(name).replace("p.", "o.", 1) for name in key.targets]
            casts = [other.replace("CAST(p.", "CAST(o.") for other in others]
            alike = " AND ".join(f"{other} = {value}" for other, value in zip(casts, own, strict=True))
            missing += (
                f" AND NOT EXISTS (SELECT 1 FROM {coming.copy} o WHERE o.{STATE} = {CHOSEN} AND {alike})"
            )
        return self._leave(task, f"({missing})", f"what they refer to in {key.target.table} is gone")

    def _current(self, task: _Task, name: str) -> str:
        """What a foreign key's column holds once the row is back."""
        if name in task.given:
            return task.value(name)
        if task.entry.whole or not task.key:
            return "NULL"
        return f"(SELECT t.{quoted(name)} FROM {task.entry.place.sql} t WHERE {task.alike()})"

    def _is_same(self, task: _Task, name: str) -> str:
        if self._connection.dialect.name == "sqlite":
            return f"t.{quoted(name)} COLLATE BINARY IS {task.value(name)}"
        # Not every type knows what is equal.
        return f"CAST(t.{quoted(name)} AS text) IS NOT DISTINCT FROM CAST({task.value(name)} AS text)"

    # Writing.

    def _insert(self, task: _Task) -> str:
        names = ", ".join(map(quoted, task.given))
        values = ", ".join(map(task.value, task.given))
        kept = " OVERRIDING SYSTEM VALUE" if task.entry.place.schema is not None else ""
        return (
            f"INSERT INTO {task.entry.place.sql} ({names}){kept} SELECT {values} FROM {task.copy} p "
            f"WHERE p.{STATE} = {CHOSEN} AND p.{ROW} BETWEEN :low AND :high"
        )

    def _update(self, task: _Task) -> str:
        values = ", ".join(f"{quoted(name)} = {task.value(name)}" for name in task.given)
        table = task.entry.place.sql
        return (
            f"UPDATE {table} AS t SET {values} FROM {task.copy} p WHERE {task.alike()} "
            f"AND p.{STATE} = {CHOSEN} AND p.{ROW} BETWEEN :low AND :high"
        )

    def _write(self, task: _Task, statement: Callable[[_Task], str]) -> None:
        last = self._number(f"SELECT coalesce(max({ROW}), 0) FROM {task.copy} WHERE {STATE} = {CHOSEN}")
        if not last:
            return
        text = statement(task)
        place = task.entry.place
        with silenced(self._connection, place), writable(self._connection, place, task.given):
            task.whole = self._fits(task, text, 1, last)
            if not task.whole:
                self._halve(task, text, 1, last)
            # A row may have waited for one of its own table that was further down.
            left = 0 if task.whole else self._count(task, _REFUSED)
            while left and task.tries < _TRIES:
                self._mark(task, CHOSEN, f"{STATE} = {_REFUSED}")
                self._try(task, text, 1, last)
                before, left = left, self._count(task, _REFUSED)
                if left == before:
                    break
        if left:
            self._mark(task, LEFT, f"{STATE} = {_REFUSED}")
            task.reasons[task.refusal] += left
        advance_sequences(self._connection, task.entry.place, task.given)

    def _try(self, task: _Task, statement: str, low: int, high: int) -> None:
        if self._fits(task, statement, low, high):
            self._mark(task, BACK, _within(low, high))
        elif low == high or task.tries >= _TRIES:
            self._mark(task, _REFUSED, _within(low, high))
        else:
            self._halve(task, statement, low, high)

    def _halve(self, task: _Task, statement: str, low: int, high: int) -> None:
        if low == high:
            self._mark(task, _REFUSED, _within(low, high))
            return
        middle = (low + high) // 2
        self._try(task, statement, low, middle)
        self._try(task, statement, middle + 1, high)

    def _fits(self, task: _Task, statement: str, low: int, high: int) -> bool:
        task.tries += 1
        try:
            with self._connection.begin_nested():
                run(self._connection, statement, low=low, high=high)
                check_late(self._connection, task.entry.place, self._circular)
        except DBAPIError as error:
            task.refusal = first_line(error)
            return False
        return True

    # What became of them.

    def _settled(self, task: _Task) -> Back:
        entry = task.entry
        if self._number(f"SELECT count(*) FROM {task.copy} WHERE {STATE} <> {CHOSEN}") == 0 and task.whole:
            back, left = entry.rows, 0
        else:
            if task.whole:
                self._mark(task, BACK, f"{STATE} = {CHOSEN}")
            back = self._count(task, BACK)
            left = entry.rows - back
        missing = tuple(each for each in entry.columns if each.name not in task.columns)
        held = " OR ".join(f"p.{quoted(each.name)} IS NOT NULL" for each in missing)
        values = self._number(f"SELECT count(*) FROM {task.copy} p WHERE {held}") if held and back else 0
        if values:
            names = ", ".join(each.name for each in missing)
            why = f"{entry.place.table} has no {names} now"
            self._store.narrow(entry, missing, why)
            return Back(entry, back, values, why)
        if not left:
            self._store.remove(entry.id)
            return Back(entry, back, 0, None)
        several = len(task.reasons) > 1
        why = "; ".join(
            f"{reason} ({count:,})" if several else reason for reason, count in task.reasons.items()
        )
        self._store.keep_left(entry, left, why)
        self._lose(entry)
        return Back(entry, back, left, why)

    def _lose(self, entry: Entry) -> None:
        """What was parked with these columns as its key does not find its rows any more."""
        if not entry.whole:
            names = [each.name for each in entry.columns]
            self._lost |= {(entry.place, name) for name in names}
            self._store.unkey(entry.environment, entry.place, names)

    # The marks.

    def _mark(self, task: _Task, state: int, where: str) -> int:
        marked = run(self._connection, f"UPDATE {task.copy} AS p SET {STATE} = {state} WHERE {where}")
        return int(marked.rowcount)

    def _leave(self, task: _Task, where: str, reason: str) -> bool:
        left = self._mark(task, LEFT, f"{STATE} = {CHOSEN} AND {where}")
        if left:
            task.reasons[reason] += left
        return left > 0

    def _count(self, task: _Task, state: int) -> int:
        return self._number(f"SELECT count(*) FROM {task.copy} WHERE {STATE} = {state}")

    def _number(self, statement: str) -> int:
        return int(run(self._connection, statement).scalar_one())


def _within(low: int, high: int) -> str:
    return f"{STATE} = {CHOSEN} AND {ROW} BETWEEN {low} AND {high}"


def _keys_first(tasks: Sequence[_Task]) -> list[_Task]:
    """What tells rows apart before what is found by it."""
    keys = {(task.entry.place, name) for task in tasks for name in task.key}
    return sorted(
        tasks, key=lambda task: not keys & {(task.entry.place, each.name) for each in task.entry.columns}
    )


def _in_order(tasks: list[_Task]) -> list[_Task]:
    """Tables before those that refer to them, as far as that goes."""
    ordered: list[_Task] = []
    left = list(tasks)
    while left:
        places = {task.entry.place for task in left}
        free = [
            task for task in left if not {key.target for key in task.keys} & (places - {task.entry.place})
        ]
        ordered += free or left[:1]
        left = [task for task in left if task not in ordered]
    return ordered


def _circular(tasks: Sequence[_Task]) -> list[tuple[Place, str]]:
    """The foreign keys that lead to a table which comes later."""
    found: list[tuple[Place, str]] = []
    for number, task in enumerate(tasks):
        later = {other.entry.place for other in tasks[number + 1 :]}
        found += [(task.entry.place, key.name) for key in task.keys if key.target in later and key.name]
    return found
