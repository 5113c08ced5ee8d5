"""Which of the rows that are parked fit into the tables that are there again: marked in their copies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from .entry import ParkedEntry
from .store import BACK, CHOSEN, LEFT, ROW, STATE, Store
from .tables import Column, ForeignKey, TableName, Tables, quoted, run

KEY_IS_GONE = "the key of their rows was dropped, and is not back"


@dataclass
class Task:
    """An entry that is being put back."""

    entry: ParkedEntry
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
        """What tells rows apart."""
        return [each.name for each in self.entry.key]

    def value(self, name: str) -> str:
        """A parked value, as the column wants it today."""
        parked = next(each for each in (*self.entry.columns, *self.entry.key) if each.name == name)
        plain = f"p.{quoted(name)}"
        now = self.columns.get(name)
        if now is None or self.entry.place.schema is None:
            return plain
        cast = plain if not parked.foreign and parked.type == now.type else f"CAST({plain} AS {now.type})"
        return cast if now.collation is None else f"{cast} COLLATE {now.collation}"

    def alike(self, table: str = "t") -> str:
        """That a row of the table is that of a parked one."""
        return " AND ".join(f"{table}.{quoted(name)} = {self.value(name)}" for name in self.key)


class Fitting:
    """Marks the rows of tasks, on one connection."""

    def __init__(
        self, connection: Connection, tables: Tables, store: Store, lost: set[tuple[TableName, str]]
    ):
        self._connection = connection
        self._tables = tables
        self._store = store
        self.filled: frozenset[TableName] = frozenset()
        """Tables into which the step itself puts what other tables have."""
        self.lost = lost
        """Columns that are there again, and not with what was in them."""
        self._indexed: set[tuple[int, tuple[str, ...]]] = set()

    def choose_rows(self, task: Task) -> None:
        """All rows of a table but those that are there: the same row is back, another one stays."""
        if not task.given:
            self._leave(task, "1 = 1", "the columns have other names now")
            return
        if task.key and set(task.key) <= set(task.columns):
            there = f"EXISTS (SELECT 1 FROM {task.entry.place.sql} t WHERE {task.alike()}"
            same = " AND ".join(self._is_same(task, name) for name in task.given)
            self.mark(task, BACK, f"{STATE} = {CHOSEN} AND {there} AND {same})")
            self._leave(task, f"{there})", "other rows with their keys are there")
        elif not task.key and self._tables.holds(task.entry.place):
            self._take_for_back(task)
        if task.entry.place in self.filled and self._tables.holds(task.entry.place):
            # They may be the same rows under other keys.
            self._leave(task, "1 = 1", "the upgrade fills the table itself")
        self._leave_null(task)

    def _take_for_back(self, task: Task) -> None:
        """Without a key a row that is there is the same: of each kind as many are back as the step made."""
        kinds = ", ".join(self._kind(name) for name in task.given)
        same = " AND ".join(self._is_same(task, name) for name in task.given)
        nth = f"row_number() OVER (PARTITION BY {kinds} ORDER BY {ROW}) AS nth"
        there = f"(SELECT count(*) FROM {task.entry.place.sql} t WHERE {same})"
        run(
            self._connection,
            f"UPDATE {task.copy} AS p SET {STATE} = {BACK} FROM (SELECT {ROW}, {nth} FROM {task.copy}) n "
            f"WHERE n.{ROW} = p.{ROW} AND p.{STATE} = {CHOSEN} AND n.nth <= {there}",
        )

    def _kind(self, name: str) -> str:
        if self._connection.dialect.name == "sqlite":
            return f"typeof({quoted(name)}), {quoted(name)} COLLATE BINARY"
        return f'CAST({quoted(name)} AS text) COLLATE "C"'

    def choose_values(self, task: Task) -> None:
        """The values whose rows are there."""
        if not task.key or self.lost & {(task.entry.place, name) for name in task.key}:
            self._leave(task, "1 = 1", KEY_IS_GONE)
            return
        if not set(task.key) <= set(task.columns):
            self._leave(task, "1 = 1", "the key has other columns now")
            return
        gone = f"NOT EXISTS (SELECT 1 FROM {task.entry.place.sql} t WHERE {task.alike()})"
        self._leave(task, gone, f"no row of {task.entry.place.table} has their key")
        self._leave_null(task)

    def _leave_null(self, task: Task) -> None:
        required = [
            name for name in task.given if task.columns[name].required and not task.columns[name].filled
        ]
        if required:
            null = " OR ".join(f"NOT {self._tables.given(f'p.{quoted(name)}')}" for name in required)
            self._leave(task, f"({null})", f"{', '.join(required)} must not be NULL")

    def drop_orphans(self, tasks: Sequence[Task]) -> None:
        """Leave the rows whose foreign keys lead nowhere, and then those that refer to them."""
        chosen = {task.entry.place: task for task in tasks if task.entry.whole}
        changed = True
        while changed:
            changed = False
            for task in tasks:
                for key in task.keys:
                    changed |= self._leave_orphans(task, key, chosen.get(key.target))

    def _leave_orphans(self, task: Task, key: ForeignKey, coming: Task | None) -> bool:
        if not set(key.columns) & set(task.given) or not key.targets:
            return False
        own = [self._current(task, name) for name in key.columns]
        pairs = list(zip(own, key.targets, strict=False))
        missing = " AND ".join(f"{value} IS NOT NULL" for value in own)
        if self._tables.columns(key.target):
            alike = " AND ".join(f"f.{quoted(name)} = {value}" for value, name in pairs)
            missing += f" AND NOT EXISTS (SELECT 1 FROM {key.target.sql} f WHERE {alike})"
        if coming is not None and set(key.targets) <= set(coming.given):
            if (coming.entry.id, key.targets) not in self._indexed:
                self._indexed.add((coming.entry.id, key.targets))
                self._store.index(coming.entry, key.targets)
            others = [coming.value(name).replace("p.", "o.", 1) for name in key.targets]
            alike = " AND ".join(f"{other} = {value}" for other, value in zip(others, own, strict=True))
            missing += (
                f" AND NOT EXISTS (SELECT 1 FROM {coming.copy} o WHERE o.{STATE} = {CHOSEN} AND {alike})"
            )
        return self._leave(task, f"({missing})", f"what they refer to in {key.target.table} is gone")

    def _current(self, task: Task, name: str) -> str:
        """What a foreign key's column holds once the row is back."""
        if name in task.given:
            return task.value(name)
        if task.entry.whole or not task.key:
            return "NULL"
        return f"(SELECT t.{quoted(name)} FROM {task.entry.place.sql} t WHERE {task.alike()})"

    def _is_same(self, task: Task, name: str) -> str:
        if self._connection.dialect.name == "sqlite":
            return f"t.{quoted(name)} COLLATE BINARY IS {task.value(name)}"
        # Not every type knows what is equal.
        now, then = f"CAST(t.{quoted(name)} AS text)", f"CAST({task.value(name)} AS text)"
        return f'{now} COLLATE "C" IS NOT DISTINCT FROM {then} COLLATE "C"'

    def mark(self, task: Task, state: int, where: str) -> int:
        """Give parked rows a state; of how many."""
        marked = run(self._connection, f"UPDATE {task.copy} AS p SET {STATE} = {state} WHERE {where}")
        return int(marked.rowcount)

    def _leave(self, task: Task, where: str, reason: str) -> bool:
        left = self.mark(task, LEFT, f"{STATE} = {CHOSEN} AND {where}")
        if left:
            task.reasons[reason] += left
        return left > 0

    def count(self, task: Task, state: int) -> int:
        """How many parked rows have a state."""
        return self.number(f"SELECT count(*) FROM {task.copy} WHERE {STATE} = {state}")

    def number(self, statement: str) -> int:
        """The one number that a statement gives."""
        return int(run(self._connection, statement).scalar_one())
