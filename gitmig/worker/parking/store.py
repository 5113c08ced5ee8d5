"""Where parked rows are kept, and the list of them.

PostgreSQL: tables in the schema ``gitmig`` of the database itself. SQLite: a file in the private git
directory, one for each database, attached while it is needed. Both are written in the migration's own
transaction. What is empty is removed, the file too.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError

from ..channel import Failure
from ..environment.run import first_line
from .entry import FIELDS, ParkedEntry, columns_text, entry_of, row_of
from .tables import Column, TableName, quoted, run

ROW, STATE = "gitmig_row", "gitmig_state"
"""What a copy has besides the columns: a number for each row, and how far it has come."""
NOT_THEIRS = "what is parked is not this database user's to read"
CHOSEN, LEFT, BACK = 0, 1, 2
"""A row that is to be put back, one that does not fit, one that is back."""


class Store:
    """The copies of one database, and the list of them, seen through a connection."""

    def __init__(self, connection: Connection, schema: str):
        self._connection = connection
        self._schema = schema

    @property
    def _list(self) -> str:
        return f"{quoted(self._schema)}.parked"

    def copy(self, number: int) -> str:
        """A copy's name in a statement."""
        return f"{quoted(self._schema)}.parked_{number}"

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """While it is read: raises Failure("park") where that cannot be done."""
        try:
            yield
        except DBAPIError as error:
            message = f"what is parked in {self._where} cannot be read: {first_line(error)}"
            raise Failure("park", message, hint=self._way_out) from error

    @property
    def _where(self) -> str:
        raise NotImplementedError

    @property
    def _way_out(self) -> str:
        raise NotImplementedError

    def exists(self) -> bool:
        """Whether anything was ever parked and not all of it came back."""
        return inspect(self._connection).has_table("parked", schema=self._schema)

    @property
    def why_not(self) -> str | None:
        """Why nothing can be parked; None if it can."""
        return None

    @property
    def is_closed(self) -> bool:
        """Whether something may be parked that this user may not read."""
        return False

    def prepare(self) -> None:
        """Make room for copies."""
        if not self.exists():
            kinds = {"id": "bigint PRIMARY KEY", "row_count": "bigint", "byte_count": "bigint",
                     "parked_at": "bigint", "whole": "bigint"}  # fmt: skip
            columns = ", ".join(f"{name} {kinds.get(name, 'text')}" for name in FIELDS)
            run(self._connection, f"CREATE TABLE {self._list} ({columns})")
            self._close_to_others("parked")

    def entries(self, environment: str | None = None) -> list[ParkedEntry]:
        """What is parked, oldest first."""
        if not self.exists():
            return []
        where = "" if environment is None else " WHERE environment = :environment"
        rows = run(
            self._connection,
            f"SELECT {', '.join(FIELDS)} FROM {self._list}{where} ORDER BY id",
            **({} if environment is None else {"environment": environment}),
        )
        return [entry_of(row) for row in rows]

    def park(
        self,
        place: TableName,
        columns: tuple[Column, ...],
        key: tuple[Column, ...],
        *,
        name: TableName,
        names: Mapping[str, str] | None = None,
        **about: Any,
    ) -> ParkedEntry:
        """Copy these columns with the key; ``name`` is what the table is called when they come back.

        ``names`` are those of its columns then, by what they are called now. ``about`` are the entry's other
        fields.
        """
        number = self._next()
        copy = self.copy(number)
        called = {each.name: (names or {}).get(each.name, each.name) for each in (*key, *columns)}
        select = self._selected((*key, *columns), called)
        run(self._connection, f"CREATE TABLE {copy} AS SELECT {select} FROM {place.sql}")
        self._close_to_others(f"parked_{number}")
        columns, key = (
            tuple(replace(each, name=called[each.name]) for each in listed) for listed in (columns, key)
        )
        if key:
            self._index(number, [column.name for column in key])
        entry = ParkedEntry(
            id=number,
            place=name,
            columns=columns,
            key=key,
            rows=run(self._connection, f"SELECT count(*) FROM {copy}").scalar_one(),
            bytes=self._bytes(copy, list(called.values())),
            parked_at=int(time.time()),
            why=None,
            **about,
        )
        self._enter(entry)
        return entry

    def _selected(self, columns: tuple[Column, ...], called: Mapping[str, str]) -> str:
        """What a copy holds: its own two columns, and each of these once, under the name that it gets."""
        parts = {
            each.name: f"{self._shown(each.name) if each.foreign else quoted(each.name)}"
            f" AS {quoted(called[each.name])}"
            for each in columns
        }
        return ", ".join((f"row_number() OVER () AS {ROW}", f"{CHOSEN} AS {STATE}", *parts.values()))

    def take(self, entry: ParkedEntry, copy: str) -> None:
        """Take over an entry whose rows are in another ``copy``."""
        number = self._next()
        run(self._connection, f"CREATE TABLE {self.copy(number)} AS SELECT * FROM {copy}")
        self._close_to_others(f"parked_{number}")
        if entry.key:
            self._index(number, [column.name for column in entry.key])
        self._enter(replace(entry, id=number))

    def _next(self) -> int:
        """The number of the next entry, with room made for it."""
        self.prepare()
        return int(run(self._connection, f"SELECT coalesce(max(id), 0) + 1 FROM {self._list}").scalar_one())

    def _enter(self, entry: ParkedEntry) -> None:
        values = dict(zip(FIELDS, row_of(entry), strict=True))
        names = ", ".join(FIELDS)
        run(
            self._connection,
            f"INSERT INTO {self._list} ({names}) VALUES ({', '.join(f':{name}' for name in FIELDS)})",
            **values,
        )

    def keep_left(self, entry: ParkedEntry, rows: int, why: str) -> None:
        """Keep only the rows that are not back, and why."""
        run(self._connection, f"DELETE FROM {self.copy(entry.id)} WHERE {STATE} = {BACK}")
        self._choose_all(entry)
        run(
            self._connection,
            f"UPDATE {self._list} SET row_count = :rows, why = :why WHERE id = :id",
            rows=rows,
            why=why,
            id=entry.id,
        )

    def narrow(self, entry: ParkedEntry, columns: tuple[Column, ...], why: str | None = None) -> None:
        """Of all that was parked only these columns are still wanted; without ``why`` for the first time."""
        run(
            self._connection,
            f"UPDATE {self._list} SET whole = 0, columns = :columns, why = :why WHERE id = :id",
            columns=columns_text(columns),
            why=why,
            id=entry.id,
        )
        self._choose_all(entry)

    def unkey(self, environment: str, place: TableName, columns: Sequence[str]) -> None:
        """These columns are not any more what they were: no parked value is to find its row by them."""
        for entry in self.entries(environment) if self.why_not is None else ():
            if entry.place == place and not entry.whole and {each.name for each in entry.key} & {*columns}:
                run(
                    self._connection,
                    f"UPDATE {self._list} SET columns = :columns, key_columns = '[]' WHERE id = :id",
                    columns=columns_text((*entry.key, *entry.columns)),
                    id=entry.id,
                )

    def are_there(self, entry: ParkedEntry, columns: Sequence[str]) -> bool:
        """Whether the table has all that was parked, as far as these columns go."""
        listed = ", ".join(map(self._shown, columns))
        missing = f"SELECT {listed} FROM {self.copy(entry.id)} EXCEPT SELECT {listed} FROM {entry.place.sql}"
        return run(self._connection, f"SELECT 1 FROM ({missing}) missing LIMIT 1").first() is None

    def _choose_all(self, entry: ParkedEntry) -> None:
        run(
            self._connection, f"UPDATE {self.copy(entry.id)} SET {STATE} = {CHOSEN} WHERE {STATE} <> {CHOSEN}"
        )

    def remove(self, number: int) -> None:
        """Drop a copy, and with the last one the list."""
        run(self._connection, f"DROP TABLE IF EXISTS {self.copy(number)}")
        run(self._connection, f"DELETE FROM {self._list} WHERE id = :id", id=number)
        if not run(self._connection, f"SELECT 1 FROM {self._list} LIMIT 1").first():
            self._remove_list()

    def rows(self, entry: ParkedEntry, limit: int | None) -> list[tuple[Any, ...]]:
        """The rows of a copy in the key's order: the key's columns, then the others."""
        order = ", ".join([*(quoted(column.name) for column in entry.key), ROW])
        names = list(dict.fromkeys(column.name for column in (*entry.key, *entry.columns)))
        few = f" LIMIT {limit}" if limit is not None else ""
        found = run(
            self._connection,
            f"SELECT {', '.join(map(self._shown, names))} FROM {self.copy(entry.id)} ORDER BY {order}{few}",
        )
        return [tuple(row) for row in found]

    def close(self) -> None:
        """After the transaction has ended."""

    def index(self, entry: ParkedEntry, names: Sequence[str]) -> None:
        """Have rows of a copy be found by these columns, if they are not yet."""
        if names and list(names) != [column.name for column in entry.key]:
            self._index(entry.id, list(names))

    def _index(self, number: int, names: list[str]) -> None:
        raise NotImplementedError

    def _bytes(self, copy: str, names: list[str]) -> int:
        raise NotImplementedError

    def _close_to_others(self, table: str) -> None:
        """A table that was just made here is for its owner alone."""

    def _remove_list(self) -> None:
        run(self._connection, f"DROP TABLE {self._list}")

    def _shown(self, name: str) -> str:
        return quoted(name)
