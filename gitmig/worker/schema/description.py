"""A database in its own words: facets out of its catalog, for two databases of one server to be compared.

What the models leave to the database to name is identified by its content, since a revision may name it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
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


class _SQLite:
    def __init__(self, connection: Connection, named: Named):
        self._connection = connection
        self._inspector: Any = inspect(connection)
        self._named = named

    def facets(self) -> Iterator[Facet]:
        tables = self._rows("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        virtual = [table for table, sql in tables if re.match(r"\s*CREATE\s+VIRTUAL\b", sql, re.IGNORECASE)]
        hidden = {*virtual, *(f"{table}_{part}" for table in virtual for part in _SHADOWS)}
        for table, sql in tables:
            if table.startswith("sqlite_") or table in hidden:
                continue
            tail = sql.rpartition(")")[2].strip()
            counting = "AUTOINCREMENT" if re.search(r"\bAUTOINCREMENT\b", sql, re.IGNORECASE) else ""
            yield (
                "table",
                table,
                "",
                " ".join(filter(None, (f"CREATE TABLE {table}", tail.upper(), counting))),
            )
            yield from self._columns(table)
            yield from self._constraints(table)
            yield from self._indexes(table)

    def _columns(self, table: str) -> Iterator[Facet]:
        rows = self._rows(f"PRAGMA table_xinfo({_quoted(table)})")
        computed = {c["name"]: c.get("computed") for c in self._inspector.get_columns(table)}
        collations = self._collations(table, [row[1] for row in rows])
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

    def _constraints(self, table: str) -> Iterator[Facet]:
        primary = self._inspector.get_pk_constraint(table)
        if primary["constrained_columns"]:
            ddl = f"PRIMARY KEY ({', '.join(primary['constrained_columns'])})"
            yield _constraint(self._named, "primary key", table, primary["name"], "", ddl)
        for item in self._inspector.get_unique_constraints(table):
            columns = item["column_names"]
            ddl = f"UNIQUE ({', '.join(columns)})"
            yield _constraint(self._named, "unique", table, item["name"], ",".join(columns), ddl)
        for item in self._inspector.get_check_constraints(table):
            ddl = f"CHECK ({_worded(item['sqltext'])})"
            yield _constraint(self._named, "check", table, item["name"], "", ddl)
        for item in self._inspector.get_foreign_keys(table):
            columns = item["constrained_columns"]
            options = "".join(f" {word}={value}" for word, value in sorted(item["options"].items()))
            ddl = f"FOREIGN KEY({', '.join(columns)}) REFERENCES {item['referred_table']}"
            ddl += f" ({', '.join(item['referred_columns'])}){options}"
            yield _constraint(self._named, "foreign key", table, item["name"], ",".join(columns), ddl)
        # Reflection takes two of the same columns to the same ones for one.
        seen = set()
        for _, rows in groupby(self._rows(f"PRAGMA foreign_key_list({_quoted(table)})"), lambda row: row[0]):
            links = tuple((row[2], row[3], row[4]) for row in rows)
            if links in seen:
                yield "foreign key", table, f"{','.join(link[1] for link in links)} again", "FOREIGN KEY"
            seen.add(links)

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
        return self._connection.exec_driver_sql(statement).all()


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
