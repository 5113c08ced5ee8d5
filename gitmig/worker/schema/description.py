"""A database in its own words: facets out of its catalog, for two databases of one server to be compared.

What the models leave to the database to name is identified by its content, since a revision may name it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import closing
from itertools import groupby
from typing import Any, TypeAlias

from sqlalchemy import Connection, inspect, text

from .catalog import COLUMNS, CONSTRAINTS, INDEXES, SEQUENCES, TABLES, TYPES
from .facets import Facet

Wanted: TypeAlias = "Callable[[str, str, str], bool]"
"""Whether a facet (kind, table, name) takes part; a table is asked for by its own facet first."""
Named: TypeAlias = "frozenset[tuple[str, str, str]]"
"""The constraints (kind, table, name) that the models name."""

_KINDS = {"p": "primary key", "u": "unique", "f": "foreign key", "c": "check", "x": "check"}
_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|\w+|[^\w\s]""")
_VIRTUAL = re.compile(r"\s*CREATE\s+VIRTUAL\b", re.IGNORECASE)
_BOOLEAN = {"TRUE": "1", "FALSE": "0"}
_WHOLE = re.compile(r"'(-?(?:0|[1-9]\d*))'")


def describe(
    connection: Connection, schemas: Iterable[str | None], named: Named, wanted: Wanted
) -> list[Facet]:
    """The facets of what a database holds in these schemas (None: the default one), sorted."""
    if connection.dialect.name == "postgresql":
        found = list(_PostgreSQL(connection, schemas, named).facets())
    else:
        with warnings.catch_warnings():
            # Reflection leaves out what is described here all the same, such as indexes of expressions.
            warnings.simplefilter("ignore")
            found = list(_SQLite(connection, named).facets())
    kept = []
    tables: dict[str, bool] = {}
    for kind, table, name, ddl in sorted(found):
        if table and table not in tables:
            tables[table] = wanted("table", table, "")
        if tables.get(table, True) and (kind == "table" or wanted(kind, table, name)):
            kept.append((kind, table, name, ddl))
    return _distinct(kept)


def _distinct(facets: list[Facet]) -> list[Facet]:
    """Two constraints may be made of the same: the second has a key of its own."""
    if len({facet[:3] for facet in facets}) == len(facets):
        return facets
    seen: dict[tuple[str, str, str], int] = {}
    result = []
    for kind, table, name, ddl in facets:
        count = seen[kind, table, name] = seen.get((kind, table, name), 0) + 1
        result.append((kind, table, name if count == 1 else f"{name} ({count})", ddl))
    return result


def _constraint(named: Named, kind: str, table: str, name: str | None, columns: str, ddl: str) -> Facet:
    if name is not None and (kind, table, name) in named:
        return (kind, table, "" if kind == "primary key" else name, f"CONSTRAINT {name} {ddl}")
    return (kind, table, "" if kind == "primary key" else columns or ddl, ddl)


class _PostgreSQL:
    def __init__(self, connection: Connection, schemas: Iterable[str | None], named: Named):
        self._connection = connection
        self._named = named
        wanted = set(schemas) | {None}
        default = str(connection.execute(text("SELECT current_schema()")).scalar())
        self._default = None if default in wanted else default
        self._schemas = sorted({schema or default for schema in wanted})

    def facets(self) -> Iterator[Facet]:
        for schema, table, persistence, partition, comment in self._rows(TABLES):
            key = self._key(schema, table)
            yield "table", key, "", " ".join(filter(None, (f"CREATE {persistence}TABLE {key}", partition)))
            if comment is not None:
                yield "comment", key, "", f"COMMENT ON TABLE {key} IS '{comment}'"
        for schema, table, column, ddl, comment in self._rows(COLUMNS):
            key = self._key(schema, table)
            yield "column", key, column, ddl
            if comment is not None:
                yield "comment", key, column, f"COMMENT ON COLUMN {key}.{column} IS '{comment}'"
        for schema, table, kind, name, columns, ddl, comment in self._rows(CONSTRAINTS):
            key = self._key(schema, table)
            # A new table's are valid from the start, whatever they say.
            ddl = ddl.removesuffix(" NOT VALID")
            facet = _constraint(self._named, _KINDS[kind], key, name, columns or "", ddl)
            yield facet
            if comment is not None:
                ddl = f"COMMENT ON CONSTRAINT {name} ON {key} IS '{comment}'"
                yield "comment", key, f"constraint {facet[2]}", ddl
        for schema, table, name, ddl in self._rows(INDEXES):
            yield "index", self._key(schema, table), name, ddl
        for schema, name, ddl in self._rows(TYPES):
            yield "enum", "", self._key(schema, name), f"CREATE TYPE {self._key(schema, name)} AS {ddl}"
        for schema, name, ddl in self._rows(SEQUENCES):
            yield "sequence", "", self._key(schema, name), f"CREATE SEQUENCE {self._key(schema, name)} {ddl}"

    def _key(self, schema: str, name: str) -> str:
        return name if schema == self._default else f"{schema}.{name}"

    def _rows(self, query: str) -> Sequence[Any]:
        return self._connection.execute(text(query), {"schemas": self._schemas}).all()


def _up_to_its_end(expression: str) -> str:
    """An expression without what follows its parenthesis: SQLAlchemy reads on to the end of a line."""
    depth, quote = 0, ""
    for place, letter in enumerate(expression):
        if quote or letter in "'\"`":
            quote = "" if letter == quote else quote or letter
        elif letter in "()":
            depth += 1 if letter == "(" else -1
            if depth < 0:
                return expression[:place]
    return expression


_SHADOWS = (
    *("data", "idx", "content", "docsize", "config", "segments", "segdir", "stat"),
    *("node", "parent", "rowid"),
)
"""The tables that a virtual table of SQLite (FTS, R*Tree) keeps its rows in. Models know none of them."""


_Found: TypeAlias = tuple[str, str, str, str | None, str]
"""Kind, table, name, columns (None if it is no constraint), DDL."""
_tables: dict[tuple[str, ...], list[_Found]] = {}
"""What was found of a table of SQLite, by the statements that made it and its indexes: they say all of it."""


class _SQLite:
    def __init__(self, connection: Connection, named: Named):
        self._connection = connection
        self._inspector: Any = inspect(connection)
        self._named = named

    def facets(self) -> Iterator[Facet]:
        rows = self._rows("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        made: dict[str, list[str]] = {}
        for kind, name, table, sql in sorted(rows):
            if kind == "index":
                made.setdefault(table, []).extend((name, sql))
        tables = [(name, sql) for kind, name, _, sql in rows if kind == "table"]
        virtual = [table for table, sql in tables if _VIRTUAL.match(sql)]
        hidden = {*virtual, *(f"{table}_{part}" for table in virtual for part in _SHADOWS)}
        for table, sql in tables:
            if table.startswith("sqlite_") or table in hidden:
                continue
            for kind, _, name, columns, ddl in self._table((table, sql, *made.get(table, ()))):
                if columns is None:
                    yield kind, table, name, ddl
                else:
                    yield _constraint(self._named, kind, table, name or None, columns, ddl)

    def _table(self, made: tuple[str, ...]) -> list[_Found]:
        if made in _tables:
            return _tables[made]
        table, sql = made[:2]
        words = set(re.findall(r"[A-Z]+", sql.upper()))
        tail = sql.rpartition(")")[2].strip()
        counting = "AUTOINCREMENT" if "AUTOINCREMENT" in words else ""
        ddl = " ".join(filter(None, (f"CREATE TABLE {table}", tail.upper(), counting)))
        found: list[_Found] = [("table", table, "", None, ddl)]
        links = self._rows(f"PRAGMA foreign_key_list({_quoted(table)})") if "REFERENCES" in words else ()
        rows = self._rows(f"PRAGMA table_xinfo({_quoted(table)})")
        found += [(*facet[:3], None, facet[3]) for facet in self._columns(table, rows, words)]
        found += [*self._constraints(table, rows, words), *self._references(table, links)]
        if len(made) > 2:
            found += [(*facet[:3], None, facet[3]) for facet in self._indexes(table)]
        # A foreign key that names no columns means the key of the other table, whose statement is another.
        if all(row[4] is not None for row in links):
            _tables[made] = found
        return found

    def _columns(self, table: str, rows: Sequence[Any], words: Set[str]) -> Iterator[Facet]:
        computed: dict[str, Any] = {}
        if any(row[6] in (2, 3) for row in rows):
            computed = {c["name"]: c.get("computed") for c in self._inspector.get_columns(table)}
        collations = self._collations(table, [row[1] for row in rows]) if "COLLATE" in words else {}
        for _, name, type_, not_null, default, _, hidden in rows:
            parts = [" ".join(type_.upper().split())]
            if collations.get(name, "BINARY") != "BINARY":
                parts.append(f"COLLATE {collations[name]}")
            if computed.get(name):
                kind = "STORED" if hidden == 3 else "VIRTUAL"
                expression = _worded(_up_to_its_end(computed[name]["sqltext"]))
                parts.append(f"GENERATED ALWAYS AS ({expression}) {kind}")
            if default is not None:
                parts.append(f"DEFAULT {_default(default)}")
            yield "column", table, name, " ".join([*parts, *(["NOT NULL"] if not_null else [])])

    def _collations(self, table: str, columns: Sequence[str]) -> dict[str, str]:
        """SQLite tells the collation of a column only if it is in an index."""
        name, listed = "_gitmig_collations", ", ".join(map(_quoted, columns))
        self._connection.execute(text(f"CREATE INDEX {name} ON {_quoted(table)} ({listed})"))
        try:
            return {row[2]: row[4].upper() for row in self._rows(f"PRAGMA index_xinfo({name})") if row[2]}
        finally:
            self._connection.execute(text(f"DROP INDEX {name}"))

    def _constraints(self, table: str, rows: Sequence[Any], words: Set[str]) -> Iterator[_Found]:
        """The keys and checks; reflection is slow, and not asked for what the statement has no word of."""
        key = [row[1] for row in sorted(rows, key=lambda row: row[5]) if row[5]]
        if key:
            name = self._inspector.get_pk_constraint(table)["name"] if "CONSTRAINT" in words else None
            yield "primary key", table, name or "", "", f"PRIMARY KEY ({', '.join(key)})"
        for item in self._inspector.get_unique_constraints(table) if "UNIQUE" in words else ():
            columns = item["column_names"]
            yield "unique", table, item["name"] or "", ",".join(columns), f"UNIQUE ({', '.join(columns)})"
        for item in self._inspector.get_check_constraints(table) if "CHECK" in words else ():
            yield "check", table, item["name"] or "", "", f"CHECK ({_worded(item['sqltext'])})"

    def _references(self, table: str, links: Sequence[Any]) -> Iterator[_Found]:
        for item in self._inspector.get_foreign_keys(table) if links else ():
            columns = item["constrained_columns"]
            options = "".join(f" {word}={value}" for word, value in sorted(item["options"].items()))
            ddl = f"FOREIGN KEY({', '.join(columns)}) REFERENCES {item['referred_table']}"
            ddl += f" ({', '.join(item['referred_columns'])}){options}"
            yield "foreign key", table, item["name"] or "", ",".join(columns), ddl
        # Reflection takes two of the same columns to the same ones for one.
        seen = set()
        for _, rows in groupby(links, lambda row: row[0]):
            one = tuple((row[2], row[3], row[4]) for row in rows)
            if one in seen:
                yield "foreign key", table, f"{','.join(link[1] for link in one)} again", None, "FOREIGN KEY"
            seen.add(one)

    def _indexes(self, table: str) -> Iterator[Facet]:
        rows = self._rows("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        texts = {name: sql for name, sql in rows}
        for row in self._rows(f"PRAGMA index_list({_quoted(table)})"):
            name, unique, partial = row[1], row[2], row[4]
            if name not in texts:
                continue
            parts = [part for part in self._rows(f"PRAGMA index_xinfo({_quoted(name)})") if part[5]]
            if any(part[1] == -2 for part in parts):
                # An expression: the text is all that there is of it.
                columns = _worded(texts[name].partition("(")[2])
            else:
                columns = ", ".join(f"{part[2]}{' DESC' if part[3] else ''} {part[4]}" for part in parts)
                columns = columns.replace(" BINARY", "")
            where = re.split(r"\bWHERE\b", texts[name], flags=re.IGNORECASE)[-1] if partial else ""
            ddl = f"CREATE {'UNIQUE ' if unique else ''}INDEX {name} ON {table} ({columns})"
            yield "index", table, name, f"{ddl} WHERE {_worded(where)}" if partial else ddl

    def _rows(self, statement: str) -> Sequence[Any]:
        # Of what SQLAlchemy makes of a result nothing is needed: it takes ten times as long.
        with closing(self._connection.connection.cursor()) as cursor:
            cursor.execute(statement)
            return cursor.fetchall()


def _default(sql: str) -> str:
    # A number is the same in quotes: the column's type decides what is stored.
    number = _WHOLE.fullmatch(sql)
    return number[1] if number else _BOOLEAN.get(sql.upper(), sql)


def _worded(sql: str) -> str:
    """An expression without what says nothing: blanks, outer parentheses, quotes and case of names."""
    text_ = ""
    for token in _TOKEN.findall(sql):
        if token[0] != "'":
            token = (token[1:-1] if token[0] in '"`[' else token).lower()
        apart = re.search(r"\w$", text_) and re.match(r"\w", token)
        text_ += f" {token}" if apart else token
    while _enclosed(text_):
        text_ = text_[1:-1]
    return text_


def _enclosed(sql: str) -> bool:
    """Whether the first parenthesis is closed by the last."""
    depth = 0
    for place, sign in enumerate(re.sub(r"'[^']*'", lambda found: "'" * len(found[0]), sql)):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth == 0:
            return place == len(sql) - 1 and place > 0
    return False


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
