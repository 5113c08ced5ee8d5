"""The tables and columns of a database, by numbers that outlive their names; and what a statement takes.

Asks, and changes nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from .tables import TableName, run


@dataclass(frozen=True)
class Table:
    """An ordinary table that is there."""

    place: TableName
    columns: Mapping[int, str]
    """The names of its columns by their numbers, in their order."""
    part_of: int | None = None
    """The number of the table that it is a partition of."""
    page: int = 0
    """On SQLite where its rows begin: that outlives its name until something is dropped."""


Catalog = Mapping[int, Table]
"""All tables by their numbers."""
NOTHING: Catalog = {}


@dataclass(frozen=True)
class Lost:
    """A table, or columns of one, that a statement takes; as they were before it."""

    number: int
    table: Table
    columns: tuple[int, ...] | None
    """None for the whole table."""


def losses(before: Catalog, after: Catalog) -> Iterator[Lost]:
    """What is gone; partitions go with the table that they are parts of."""
    for number, table in before.items():
        now = after.get(number)
        parent = before.get(table.part_of) if table.part_of is not None else None
        if now is None:
            if parent is None or table.part_of in after:
                yield Lost(number, table, None)
            continue
        gone = tuple(each for each in table.columns if each not in now.columns)
        if parent is not None and table.part_of is not None and table.part_of in after:
            left = set(after[table.part_of].columns.values())
            of_parent = set(parent.columns.values()) - left
            gone = tuple(each for each in gone if table.columns[each] not in of_parent)
        if gone:
            yield Lost(number, table, gone)


def made(before: Catalog, after: Catalog) -> bool:
    """Whether tables or columns are new: done once more, a statement gives them other numbers."""
    return any(
        number not in before or table.columns.keys() - before[number].columns.keys()
        for number, table in after.items()
    )


class Catalogs:
    """Looks at one database."""

    def __init__(self, connection: Connection):
        self.connection = connection

    def look(self, before: Catalog, *, dropping: bool = False, again: Catalog = NOTHING) -> Catalog:
        """What is there now. ``before`` is what was seen last, ``dropping`` if one statement lies between.

        Otherwise nothing was dropped since; but after a rollback some of ``again`` may be there again.
        """
        raise NotImplementedError

    def without(self, before: Catalog, numbers: Iterable[int]) -> Catalog:
        """What is there after a statement that took just these tables; their partitions go with them."""
        gone = set(numbers)
        while more := {number for number, table in before.items() if table.part_of in gone} - gone:
            gone |= more
        return {number: table for number, table in before.items() if number not in gone}


class PostgresCatalogs(Catalogs):
    """PostgreSQL: oid and attnum."""

    def look(self, before: Catalog, *, dropping: bool = False, again: Catalog = NOTHING) -> Catalog:
        """One row a table."""
        rows = run(
            self.connection,
            "SELECT c.oid\\:\\:bigint, n.nspname, c.relname, "
            "(SELECT inhparent\\:\\:bigint FROM pg_inherits WHERE inhrelid = c.oid AND c.relispartition), "
            "array_agg(a.attnum\\:\\:int ORDER BY a.attnum) FILTER (WHERE a.attnum IS NOT NULL), "
            "array_agg(a.attname\\:\\:text ORDER BY a.attnum) FILTER (WHERE a.attnum IS NOT NULL) "
            "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attribute a "
            "ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
            "WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' "
            "AND n.nspname NOT IN ('information_schema', 'gitmig') GROUP BY c.oid, n.nspname",
        )
        return {
            oid: Table(TableName(table, schema), dict(zip(numbers or (), names or (), strict=True)), parent)
            for oid, schema, table, parent, numbers, names in rows
        }


class SqliteCatalogs(Catalogs):
    """SQLite, which has no such numbers: they are given out here."""

    def __init__(self, connection: Connection):
        super().__init__(connection)
        self._numbers = itertools.count(1)
        self._moves = bool(run(connection, "PRAGMA main.auto_vacuum").scalar())
        """Whether a drop may move the pages of other tables."""

    def without(self, before: Catalog, numbers: Iterable[int]) -> Catalog:
        """Looked at only if others may have moved."""
        return self.look(before, dropping=True) if self._moves else super().without(before, numbers)

    def look(self, before: Catalog, *, dropping: bool = False, again: Catalog = NOTHING) -> Catalog:
        """Tables are known by their page, columns by their position; after a drop by their names."""
        found = self._found()
        known = _by_name(before, found) if dropping else {table.page: n for n, table in before.items()}
        names = {table.place.table: n for n, table in again.items() if n not in before}
        catalog: dict[int, Table] = {}
        for page, (name, columns) in found.items():
            number = known.get(page) or names.get(name) or next(self._numbers)
            old = _columns(before, number) or _columns(again, number)
            catalog[number] = Table(TableName(name), self._columns(old, columns), page=page)
        return catalog

    def _found(self) -> dict[int, tuple[str, list[str]]]:
        rows = run(
            self.connection,
            "SELECT m.name, m.rootpage, c.name FROM main.sqlite_master m "
            "LEFT JOIN pragma_table_xinfo(m.name, 'main') c WHERE m.type = 'table' AND m.rootpage > 0 "
            "AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY m.rowid, c.cid",
        ).all()
        virtual = run(
            self.connection,
            "SELECT name || '_' FROM main.sqlite_master WHERE type = 'table' AND rootpage = 0",
        ).scalars()
        # What a virtual table keeps in ordinary ones comes and goes with it.
        hidden = tuple(virtual.all())
        found: dict[int, tuple[str, list[str]]] = {}
        for table, page, column in rows:
            if hidden and table.startswith(hidden):
                continue
            _, columns = found.setdefault(page, (table, []))
            if column is not None:
                columns.append(column)
        return found

    def _columns(self, old: Mapping[int, str], names: list[str]) -> dict[int, str]:
        if len(names) < len(old):
            numbers: dict[str, int] = {name: number for number, name in old.items()}
            return {numbers.get(name) or next(self._numbers): name for name in names}
        numbered = list(old)
        more = (next(self._numbers) for _ in names[len(old) :])
        return dict(zip(itertools.chain(numbered, more), names, strict=False))


def _columns(catalog: Catalog, number: int) -> Mapping[int, str]:
    return catalog[number].columns if number in catalog else {}


def _by_name(before: Catalog, found: Mapping[int, tuple[str, list[str]]]) -> dict[int, int]:
    """The numbers of tables by their pages, after one statement: a drop may have moved the pages."""
    names = {table.place.table: number for number, table in before.items()}
    new = [page for page, (name, _) in found.items() if name not in names]
    gone = names.keys() - {name for name, _ in found.values()}
    known = {page: names[name] for page, (name, _) in found.items() if name in names}
    # A statement that renames a table makes none, and drops none.
    return known | ({new[0]: names[next(iter(gone))]} if len(new) == len(gone) == 1 else {})


def catalogs_of(connection: Connection) -> Catalogs:
    """What looks at this database."""
    kinds: dict[str, Any] = {"postgresql": PostgresCatalogs, "sqlite": SqliteCatalogs}
    looks: Catalogs = kinds[connection.dialect.name](connection)
    return looks
