"""Puts parked rows back into tables and columns that are there again, as far as they fit.

Everything is done by statements over whole sets. Only if the database refuses a set is it halved, until
the rows are found that do not fit; those stay parked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ..environment.run import first_line
from .entry import ParkedEntry
from .fitting import Fitting, Task
from .store import BACK, CHOSEN, LEFT, ROW, STATE, Store
from .tables import TableName, Tables, quoted, run
from .triggers import advance_sequences, check_late, late_constraints, silenced, writable

_TRIES = 400
"""How often a set is tried that the database refuses: enough for some twenty rows that do not fit."""
_REFUSED = 3


@dataclass(frozen=True)
class Back:
    """What became of an entry."""

    entry: ParkedEntry
    rows: int
    """How many rows are back."""
    left: int
    why: str | None


class PuttingBack:
    """Puts entries back, on one connection."""

    def __init__(
        self, connection: Connection, tables: Tables, store: Store, lost: set[tuple[TableName, str]]
    ):
        """``lost`` are the columns that are there again and not with what was in them: it grows."""
        self._connection = connection
        self._tables = tables
        self._store = store
        self._circular: set[str] = set()
        """Foreign keys that are looked at last."""
        self._fitting = Fitting(connection, tables, store, lost)

    def put_back(
        self, entries: Sequence[ParkedEntry], filled: frozenset[TableName] = frozenset()
    ) -> list[Back]:
        """Put back what fits; the copies of what is back are gone afterwards.

        ``filled`` are tables into which the step itself puts what other tables have.
        """
        self._fitting.filled = filled
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

    def _put_values_back(self, task: Task) -> None:
        try:
            with self._connection.begin_nested():
                self._fitting.choose_values(task)
                self._fitting.drop_orphans([task])
                self._write(task, self._update)
        except DBAPIError as error:
            # A key of another type, say.
            task.whole, task.reasons = False, Counter({first_line(error): task.entry.rows})

    def _put_tables_back(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            self._fitting.choose_rows(task)
        circular = _circular(tasks)
        self._circular = {name for _, name in circular}
        with late_constraints(self._connection, circular):
            for number, task in enumerate(tasks):
                self._fitting.drop_orphans(tasks[number:])
                self._write(task, self._insert)

    def _task(self, entry: ParkedEntry) -> Task:
        columns = {each.name: each for each in self._tables.columns(entry.place) if not each.generated}
        return Task(entry, self._store.copy(entry.id), columns, self._tables.foreign_keys(entry.place))

    # Writing.

    def _insert(self, task: Task) -> str:
        names = ", ".join(map(quoted, task.given))
        values = ", ".join(map(task.value, task.given))
        kept = " OVERRIDING SYSTEM VALUE" if task.entry.place.schema is not None else ""
        return (
            f"INSERT INTO {task.entry.place.sql} ({names}){kept} SELECT {values} FROM {task.copy} p "
            f"WHERE p.{STATE} = {CHOSEN} AND p.{ROW} BETWEEN :low AND :high"
        )

    def _update(self, task: Task) -> str:
        values = ", ".join(f"{quoted(name)} = {task.value(name)}" for name in task.given)
        table = task.entry.place.sql
        return (
            f"UPDATE {table} AS t SET {values} FROM {task.copy} p WHERE {task.alike()} "
            f"AND p.{STATE} = {CHOSEN} AND p.{ROW} BETWEEN :low AND :high"
        )

    def _write(self, task: Task, statement: Callable[[Task], str]) -> None:
        last = self._fitting.number(
            f"SELECT coalesce(max({ROW}), 0) FROM {task.copy} WHERE {STATE} = {CHOSEN}"
        )
        if not last:
            return
        text = statement(task)
        place = task.entry.place
        with silenced(self._connection, place), writable(self._connection, place, task.given):
            task.whole = self._fits(task, text, 1, last)
            if not task.whole:
                self._halve(task, text, 1, last)
            # A row may have waited for one of its own table that was further down.
            left = 0 if task.whole else self._fitting.count(task, _REFUSED)
            while left and task.tries < _TRIES:
                self._fitting.mark(task, CHOSEN, f"{STATE} = {_REFUSED}")
                self._try(task, text, 1, last)
                before, left = left, self._fitting.count(task, _REFUSED)
                if left == before:
                    break
        if left:
            self._fitting.mark(task, LEFT, f"{STATE} = {_REFUSED}")
            task.reasons[task.refusal] += left
        advance_sequences(self._connection, task.entry.place, task.given)

    def _try(self, task: Task, statement: str, low: int, high: int) -> None:
        if self._fits(task, statement, low, high):
            self._fitting.mark(task, BACK, _within(low, high))
        elif low == high or task.tries >= _TRIES:
            self._fitting.mark(task, _REFUSED, _within(low, high))
        else:
            self._halve(task, statement, low, high)

    def _halve(self, task: Task, statement: str, low: int, high: int) -> None:
        if low == high:
            self._fitting.mark(task, _REFUSED, _within(low, high))
            return
        middle = (low + high) // 2
        self._try(task, statement, low, middle)
        self._try(task, statement, middle + 1, high)

    def _fits(self, task: Task, statement: str, low: int, high: int) -> bool:
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

    def _settled(self, task: Task) -> Back:
        entry = task.entry
        if (
            self._fitting.number(f"SELECT count(*) FROM {task.copy} WHERE {STATE} <> {CHOSEN}") == 0
            and task.whole
        ):
            back, left = entry.rows, 0
        else:
            if task.whole:
                self._fitting.mark(task, BACK, f"{STATE} = {CHOSEN}")
            back = self._fitting.count(task, BACK)
            left = entry.rows - back
        missing = tuple(each for each in entry.columns if each.name not in task.columns)
        held = " OR ".join(self._tables.given(f"p.{quoted(each.name)}") for each in missing)
        values = (
            self._fitting.number(f"SELECT count(*) FROM {task.copy} p WHERE {held}") if held and back else 0
        )
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

    def _lose(self, entry: ParkedEntry) -> None:
        """What was parked with these columns as its key does not find its rows any more."""
        if not entry.whole:
            names = [each.name for each in entry.columns]
            self._fitting.lost.update((entry.place, name) for name in names)
            self._store.unkey(entry.environment, entry.place, names)


def _within(low: int, high: int) -> str:
    return f"{STATE} = {CHOSEN} AND {ROW} BETWEEN {low} AND {high}"


def _keys_first(tasks: Sequence[Task]) -> list[Task]:
    """What tells rows apart before what is found by it."""
    keys = {(task.entry.place, name) for task in tasks for name in task.key}
    return sorted(
        tasks, key=lambda task: not keys & {(task.entry.place, each.name) for each in task.entry.columns}
    )


def _in_order(tasks: list[Task]) -> list[Task]:
    """Tables before those that refer to them, as far as that goes."""
    ordered: list[Task] = []
    left = list(tasks)
    while left:
        places = {task.entry.place for task in left}
        free = [
            task for task in left if not {key.target for key in task.keys} & (places - {task.entry.place})
        ]
        ordered += free or left[:1]
        left = [task for task in left if task not in ordered]
    return ordered


def _circular(tasks: Sequence[Task]) -> list[tuple[TableName, str]]:
    """The foreign keys that lead to a table which comes later."""
    found: list[tuple[TableName, str]] = []
    for number, task in enumerate(tasks):
        later = {other.entry.place for other in tasks[number + 1 :]}
        found += [(task.entry.place, key.name) for key in task.keys if key.target in later and key.name]
    return found
