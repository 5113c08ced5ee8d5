"""The tables of a database as parking sees them: names, columns, keys, sizes. Asks, and changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from ...wire.sql import Name


@dataclass(frozen=True)
class TableName:
    """An ordinary table; ``schema`` is None on SQLite."""

    table: str
    schema: str | None = None

    @property
    def sql(self) -> str:
        """Its name in a statement."""
        return f"{quoted(self.schema)}.{quoted(self.table)}" if self.schema else quoted(self.table)


@dataclass(frozen=True)
class Column:
    """A column of a table that is there."""

    name: str
    type: str
    foreign: bool = False
    """Whether its type is the project's own, so that it may go before the copy does."""
    generated: bool = False
    required: bool = False
    filled: bool = False
    """Whether the database fills it where nothing is given."""
    collation: str | None = None
    """Its own collation, as it stands in a statement; None for that of its type."""


HIDDEN = "row level security hides rows from this database user"


@dataclass(frozen=True)
class Look:
    """What is to be known of a table that is about to be dropped."""

    place: TableName
    filled: bool = True
    """Whether there may be rows in it."""
    hidden: str | None = None
    """Why its rows cannot be separated from those of others, so that they cannot be parked."""


@dataclass(frozen=True)
class ForeignKey:
    """Columns that have to be in another table, or in the same."""

    columns: tuple[str, ...]
    target: TableName
    targets: tuple[str, ...]
    name: str | None = None


def quoted(name: str | None) -> str:
    """A name for :func:`run`."""
    return '"' + str(name).replace('"', '""').replace(":", "\\:") + '"'


def run(connection: Connection, statement: str, **values: Any) -> Any:
    """Execute one statement of ours; names in it are :func:`quoted`."""
    if not values and "%" not in statement:
        # Many are executed for each step: what has no parameters needs no compiling.
        return connection.exec_driver_sql(statement.replace("\\:", ":"))
    return connection.execute(text(statement), values)


def tables_of(connection: Connection) -> Tables:
    """What can be asked of this database."""
    return PostgresTables(connection) if connection.dialect.name == "postgresql" else SqliteTables(connection)


class Tables:
    """One database."""

    main: str | None = None
    """The schema of a :class:`TableName` without one."""

    def __init__(self, connection: Connection):
        self.connection = connection

    def resolve(self, name: Name) -> TableName | None:
        """The ordinary table that a statement means; None for none, a view or a temporary one."""
        raise NotImplementedError

    def look(self, name: Name) -> Look | None:
        """The same, with what is to be known of it before it is dropped."""
        place = self.resolve(name)
        return Look(place) if place is not None else None

    def columns(self, place: TableName) -> tuple[Column, ...]:
        """Its columns in their order; nothing if it is not there."""
        raise NotImplementedError

    def key(self, place: TableName, without: Sequence[str] = ()) -> tuple[str, ...]:
        """The columns that tell its rows apart: the primary key, else something unique without NULL.

        None of ``without`` is among them; nothing if there is no such key.
        """
        present = {column.name: column for column in self.columns(place)}
        for primary, names in self._unique(place):
            if not names or set(names) & set(without):
                continue
            if primary or all(present[name].required for name in names):
                return tuple(names)
        return ()

    def foreign_keys(self, place: TableName) -> tuple[ForeignKey, ...]:
        """The foreign keys of the table."""
        raise NotImplementedError

    def size(self, place: TableName, columns: Sequence[str], limit: int) -> int:
        """How many bytes these columns hold; not looked at closely where the whole is within ``limit``."""
        raise NotImplementedError

    def holds(self, place: TableName, columns: Sequence[str] = ()) -> bool:
        """Whether it has rows; with ``columns``, such as are not NULL in one of them."""
        where = " OR ".join(self.given(quoted(name)) for name in columns)
        found = run(self.connection, f"SELECT 1 FROM {place.sql}{f' WHERE {where}' if where else ''} LIMIT 1")
        return found.first() is not None

    def given(self, value: str) -> str:
        """That a value is not NULL."""
        return f"{value} IS NOT NULL"

    def _unique(self, place: TableName) -> list[tuple[bool, list[str]]]:
        """Whether it is the primary key, and the columns: the primary key first."""
        raise NotImplementedError


class PostgresTables(Tables):
    """PostgreSQL: its catalog, by oid."""

    def resolve(self, name: Name) -> TableName | None:
        """By the search path, as the statement itself."""
        found = self.look(name)
        return found.place if found is not None else None

    def look(self, name: Name) -> Look | None:
        """A table whose file is empty has no rows: most that are dropped soon after they were made."""
        found = run(
            self.connection,
            "SELECT n.nspname, c.relname, c.relhassubclass OR pg_relation_size(c.oid) > 0, CASE "
            "WHEN c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid) "
            "THEN 'other tables inherit from it' WHEN row_security_active(c.oid) "
            f"THEN '{HIDDEN}' END "
            "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.oid = to_regclass(CAST(:name AS text)) AND c.relkind IN ('r', 'p') "
            "AND c.relpersistence <> 't'",
            name=_regclass(name.schema, name.table),
        ).first()
        if found is None:
            return None
        return Look(TableName(found[1], found[0]), bool(found[2]), found[3])

    def given(self, value: str) -> str:
        """A value of several parts is something, of which one or all are NULL."""
        return f"{value} IS DISTINCT FROM NULL"

    def columns(self, place: TableName) -> tuple[Column, ...]:
        """From pg_attribute."""
        rows = run(
            self.connection,
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod), "
            "n.nspname <> 'pg_catalog' OR coalesce(cn.nspname <> 'pg_catalog', false), "
            "a.attgenerated::text <> '', a.attnotnull, a.atthasdef OR a.attidentity::text <> '', "
            "CASE WHEN a.attcollation <> t.typcollation "
            "THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END "
            "FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
            "JOIN pg_namespace n ON n.oid = t.typnamespace "
            "LEFT JOIN pg_collation co ON co.oid = a.attcollation "
            "LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace "
            "WHERE a.attrelid = to_regclass(CAST(:name AS text)) AND a.attnum > 0 AND NOT a.attisdropped "
            "ORDER BY a.attnum",
            name=_regclass(place.schema, place.table),
        )
        return tuple(Column(*row) for row in rows)

    def foreign_keys(self, place: TableName) -> tuple[ForeignKey, ...]:
        """From pg_constraint."""
        names = (
            "(SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(c.{0}) WITH ORDINALITY k(num, n) "
            "JOIN pg_attribute a ON a.attrelid = c.{1} AND a.attnum = k.num)"
        )
        rows = run(
            self.connection,
            f"SELECT {names.format('conkey', 'conrelid')}, n.nspname, t.relname, "
            f"{names.format('confkey', 'confrelid')}, c.conname FROM pg_constraint c "
            "JOIN pg_class t ON t.oid = c.confrelid JOIN pg_namespace n ON n.oid = t.relnamespace "
            "WHERE c.contype = 'f' AND c.conrelid = to_regclass(CAST(:name AS text)) ORDER BY c.conname",
            name=_regclass(place.schema, place.table),
        )
        return tuple(
            ForeignKey(tuple(own), TableName(table, schema), tuple(theirs), name)
            for own, schema, table, theirs, name in rows
        )

    def size(self, place: TableName, columns: Sequence[str], limit: int) -> int:
        """The table's own size where that is within the limit, else the sum of its values' sizes."""
        name = _regclass(place.schema, place.table)
        whole = run(
            self.connection,
            "SELECT coalesce(sum(pg_table_size(relid)), 0)::bigint FROM "
            "(SELECT to_regclass(CAST(:name AS text)) AS relid UNION "
            "SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass(CAST(:name AS text))) parts",
            name=name,
        ).scalar_one()
        if whole <= limit:
            return int(whole)
        sizes = " + ".join(f"coalesce(pg_column_size({quoted(column)}), 0)" for column in columns) or "0"
        found = run(self.connection, f"SELECT coalesce(sum({sizes}), 0)::bigint FROM {place.sql}")
        return int(found.scalar_one())

    def _unique(self, place: TableName) -> list[tuple[bool, list[str]]]:
        rows = run(
            self.connection,
            "SELECT i.indisprimary, (SELECT array_agg(a.attname::text ORDER BY k.n) "
            "FROM unnest(i.indkey::smallint[]) WITH ORDINALITY k(num, n) "
            "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num WHERE k.n <= i.indnkeyatts) "
            "FROM pg_index i WHERE i.indrelid = to_regclass(CAST(:name AS text)) AND i.indisunique "
            "AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL "
            "ORDER BY i.indisprimary DESC, i.indexrelid",
            name=_regclass(place.schema, place.table),
        )
        return [(row[0], list(row[1] or ())) for row in rows]


class SqliteTables(Tables):
    """SQLite: its pragmas, of the main database."""

    main = "main"

    def resolve(self, name: Name) -> TableName | None:
        """Upper and lower case are one; a temporary table goes before one of the same name."""
        if (name.schema or "main").lower() != "main":
            return None
        found = run(
            self.connection,
            "SELECT name FROM main.sqlite_master m WHERE type = 'table' AND rootpage > 0 "
            "AND lower(name) = lower(:name) AND (:main OR NOT EXISTS "
            "(SELECT 1 FROM temp.sqlite_master t WHERE lower(t.name) = lower(m.name)))",
            name=name.table,
            main=name.schema is not None,
        ).first()
        return TableName(found[0]) if found is not None else None

    def columns(self, place: TableName) -> tuple[Column, ...]:
        """From table_xinfo, which tells of generated columns too."""
        rows = run(
            self.connection,
            'SELECT name, type, hidden, "notnull", dflt_value IS NOT NULL, pk '
            "FROM pragma_table_xinfo(:name, 'main') ORDER BY cid",
            name=place.table,
        )
        return tuple(
            Column(
                name=row[0],
                type=row[1],
                generated=row[2] != 0,
                required=bool(row[3]),
                filled=bool(row[4]) or (bool(row[5]) and str(row[1]).upper() == "INTEGER"),
            )
            for row in rows
        )

    def foreign_keys(self, place: TableName) -> tuple[ForeignKey, ...]:
        """From foreign_key_list; where it names no columns the other table's primary key is meant."""
        rows = run(
            self.connection,
            'SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(:name, \'main\') ORDER BY id, seq',
            name=place.table,
        )
        found: dict[int, tuple[str, list[str], list[str | None]]] = {}
        for number, table, own, theirs in rows:
            _, columns, targets = found.setdefault(number, (table, [], []))
            columns.append(own)
            targets.append(theirs)
        keys = []
        for table, columns, targets in found.values():
            target = self.resolve(Name(table)) or TableName(table)
            named = tuple(each for each in targets if each is not None) or self._primary(target)
            keys.append(ForeignKey(tuple(columns), target, named))
        return tuple(keys)

    def size(self, place: TableName, columns: Sequence[str], limit: int) -> int:
        """The file's size where that is within the limit, else the sum of its values' lengths."""
        whole = run(
            self.connection,
            "SELECT page_count * page_size FROM pragma_page_count('main'), pragma_page_size('main')",
        ).scalar_one()
        if whole <= limit:
            return int(whole)
        sizes = " + ".join(f"coalesce(length(CAST({quoted(each)} AS BLOB)), 0)" for each in columns) or "0"
        return int(run(self.connection, f"SELECT coalesce(sum({sizes}), 0) FROM {place.sql}").scalar_one())

    def _primary(self, place: TableName) -> tuple[str, ...]:
        rows = run(
            self.connection,
            "SELECT name FROM pragma_table_info(:name, 'main') WHERE pk > 0 ORDER BY pk",
            name=place.table,
        )
        return tuple(row[0] for row in rows)

    def _unique(self, place: TableName) -> list[tuple[bool, list[str]]]:
        found = [(True, list(self._primary(place)))]
        indexes = run(
            self.connection,
            "SELECT name FROM pragma_index_list(:name, 'main') "
            "WHERE \"unique\" AND NOT partial AND origin <> 'pk'",
            name=place.table,
        )
        for (index,) in indexes.all():
            rows = run(
                self.connection,
                "SELECT name FROM pragma_index_info(:name, 'main') ORDER BY seqno",
                name=index,
            )
            names = [row[0] for row in rows]
            if None not in names:
                found.append((False, names))
        return found


def _regclass(schema: str | None, table: str) -> str:
    names = (schema, table) if schema else (table,)
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)
