"""The statements that take a database from one schema to another, written from the facets alone.

Pure. It is what a person reads to see what a difference means, and a good start for a revision by hand.
Nothing in gitmig runs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gitmig.core.differences import by_table
from gitmig.core.schema.facets import FacetChange, FacetKey, Schema, difference

_NAME = r"""(?:"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|[^\s"`\[(])+"""
_TABLE = re.compile(rf"CREATE [\w ]*?TABLE (?P<name>{_NAME})(?P<rest>.*)", re.DOTALL)
_NAMED = re.compile(rf"CONSTRAINT (?P<name>{_NAME}) ")
_TYPE = re.compile(rf"CREATE (?P<kind>TYPE|DOMAIN) (?P<name>{_NAME}) ")
_LABEL = re.compile(r"'(?:[^']|'')*'")
_COLUMN = re.compile(
    r"(?P<type>.*?)(?: DEFAULT (?P<default>.*?))?(?P<generated> GENERATED .*?)?(?P<null> NOT NULL)?",
    re.DOTALL,
)
_ITS_OWN_SEQUENCE = re.compile(r"(SMALL|BIG)?(?:INTEGER|INT) DEFAULT nextval\(its own sequence\)")
_SERIAL = re.compile(r"(SMALL|BIG)?SERIAL\b")
_CONSTRAINTS = ("primary key", "unique", "check")
_SUFFIX = {"primary key": "pkey", "unique": "key", "foreign key": "fkey", "check": "check"}


def statements(old: Schema, new: Schema) -> tuple[str, ...]:
    """The statements, in the order in which they can be run. Both schemas are of one dialect."""
    changes = difference(old, new)
    writer = _SQLite(old, new) if new.dialect == "sqlite" else _Server(old, new)
    return tuple(writer.all(changes))


@dataclass(frozen=True, slots=True)
class _Writer:
    old: Schema
    new: Schema
    _tables: dict[str, dict[FacetKey, str]] = field(init=False, default_factory=dict)
    """The new schema's facets, by their tables."""

    def __post_init__(self) -> None:
        for key, ddl in self.new.facets.items():
            self._tables.setdefault(key.table, {})[key] = ddl

    def all(self, changes: tuple[FacetChange, ...]) -> Iterator[str]:
        raise NotImplementedError

    def quoted(self, name: str) -> str:
        quote = "`" if self.new.dialect in ("mysql", "mariadb") else '"'
        return quote + name.replace(quote, quote * 2) + quote

    def path(self, key: str) -> str:
        return ".".join(self.quoted(part) for part in key.rsplit(".", 1))

    def create(self, table: str, *, within: tuple[str, ...], name: str | None = None) -> str:
        """CREATE TABLE with its columns, and the constraints of the kinds ``within``."""
        facets = self._tables[table]
        found = _TABLE.fullmatch(facets[FacetKey("table", table, "")])
        lead, rest = "CREATE TABLE", ""
        if found is not None:
            text = facets[FacetKey("table", table, "")]
            lead, rest = text[: found.start("name")].rstrip(), found["rest"].rstrip()
        columns = [f"{self.quoted(k.name)} {_plain(d)}" for k, d in facets.items() if k.kind == "column"]
        parts = [d for kind in within for k, d in sorted(facets.items()) if k.kind == kind]
        inside = ",\n    ".join([*columns, *parts])
        return f"{lead} {name or self.path(table)} (\n    {inside}\n){rest}"


class _SQLite(_Writer):
    """SQLite can alter little: if more changes, a new table is made and the rows are copied."""

    def all(self, changes: tuple[FacetChange, ...]) -> Iterator[str]:
        every = (*_CONSTRAINTS, "foreign key")
        for group in by_table(changes):
            if group.table and group.sign == "-":
                yield f"DROP TABLE {self.path(group.table)}"
        for group in by_table(changes):
            if not group.table or group.sign == "-":
                continue
            if group.sign == "+":
                yield self.create(group.table, within=every)
            elif all(_is_simple(change) for change in group.changes):
                yield from self._altered(group.changes)
                continue
            else:
                yield from self._rebuilt(group.table, every)
            yield from (ddl for key, ddl in self._tables[group.table].items() if key.kind == "index")

    def _altered(self, changes: Iterable[FacetChange]) -> Iterator[str]:
        for change in changes:
            if change.key.kind == "column":
                name = self.quoted(change.key.name)
                yield f"ALTER TABLE {self.path(change.key.table)} ADD COLUMN {name} {change.after}"
            elif change.before is not None:
                yield f"DROP INDEX {self.quoted(change.key.name)}"
        yield from (change.after for change in changes if change.key.kind == "index" and change.after)

    def _rebuilt(self, table: str, within: tuple[str, ...]) -> Iterator[str]:
        copy = self.quoted(f"_new_{table}")
        columns = [key.name for key in self._tables[table] if key.kind == "column"]
        kept = [self.quoted(name) for name in columns if FacetKey("column", table, name) in self.old.facets]
        yield self.create(table, within=within, name=copy)
        if kept:
            names = ", ".join(kept)
            yield f"INSERT INTO {copy} ({names}) SELECT {names} FROM {self.path(table)}"
        yield f"DROP TABLE {self.path(table)}"
        yield f"ALTER TABLE {copy} RENAME TO {self.quoted(table)}"


def _is_simple(change: FacetChange) -> bool:
    """Whether SQLite can do it by itself: indexes, and columns that rows without them can get."""
    if change.key.kind == "index":
        return True
    if change.key.kind != "column" or change.before is not None or change.after is None:
        return False
    column = _COLUMN.fullmatch(change.after)
    plain = re.fullmatch(r"'(?:[^']|'')*'|[\d.+-]+", column["default"] or "0") if column else None
    stored = column is not None and column["generated"] is not None
    return plain is not None and not stored and bool(column and (column["default"] or not column["null"]))


class _Server(_Writer):
    """PostgreSQL, and as far as they agree MySQL, MariaDB and the others."""

    def all(self, changes: tuple[FacetChange, ...]) -> Iterator[str]:
        groups = by_table(changes)
        gone = {group.table for group in groups if group.sign == "-" and group.table}
        made = {group.table for group in groups if group.sign == "+" and group.table}
        inside = [c for c in changes if c.key.table not in gone | made]
        of_gone = [c for c in changes if c.key.table in gone]
        yield from self._dropped([c for c in (*of_gone, *inside) if c.key.kind == "foreign key"])
        yield from self._dropped([c for c in inside if c.key.kind in (*_CONSTRAINTS, "index")])
        yield from (f"DROP TABLE {self.path(table)}" for table in sorted(gone))
        yield from self._objects(changes)
        yield from (self.create(table, within=_CONSTRAINTS) for table in sorted(made))
        for change in inside:
            if change.key.kind == "column":
                yield from self._column(change)
        added = [c for c in changes if c.after is not None and c.key.table and c.key.table not in gone]
        for kinds in (_CONSTRAINTS, ("index",), ("foreign key",), ("comment",)):
            for change in added:
                within = change.key.table in made and change.key.kind in _CONSTRAINTS
                if change.key.kind in kinds and not within:
                    yield self._added(change)
        yield from self._objects_gone(changes)

    def _dropped(self, changes: Iterable[FacetChange]) -> Iterator[str]:
        mysql = self.new.dialect in ("mysql", "mariadb")
        for change in changes:
            key, table = change.key, self.path(change.key.table)
            if change.before is None:
                continue
            if key.kind == "index":
                name = self.quoted(key.name)
                schema = f"{self.quoted(key.table.rpartition('.')[0])}." if "." in key.table else ""
                yield f"DROP INDEX {name} ON {table}" if mysql else f"DROP INDEX {schema}{name}"
            elif mysql and key.kind == "primary key":
                yield f"ALTER TABLE {table} DROP PRIMARY KEY"
            else:
                word = {"foreign key": "FOREIGN KEY", "unique": "INDEX"}.get(key.kind, "CONSTRAINT")
                name = self._constraint(key, change.before)
                yield f"ALTER TABLE {table} DROP {word if mysql else 'CONSTRAINT'} {name}"

    def _constraint(self, key: FacetKey, ddl: str) -> str:
        named = _NAMED.match(ddl)
        if named is not None:
            return named["name"]
        # What PostgreSQL calls a constraint that nobody named.
        columns = [] if key.kind == "primary key" else key.name.split(",")
        return self.quoted("_".join([key.table.rpartition(".")[2], *columns, _SUFFIX[key.kind]]))

    def _added(self, change: FacetChange) -> str:
        ddl = change.after or ""
        whole = change.key.kind in ("index", "comment")
        return ddl if whole else f"ALTER TABLE {self.path(change.key.table)} ADD {ddl}"

    def _column(self, change: FacetChange) -> Iterator[str]:
        alter = f"ALTER TABLE {self.path(change.key.table)}"
        name = self.quoted(change.key.name)
        if change.after is None:
            yield f"{alter} DROP COLUMN {name}"
        elif change.before is None:
            yield f"{alter} ADD COLUMN {name} {_plain(change.after)}"
        elif self.new.dialect in ("mysql", "mariadb"):
            yield f"{alter} MODIFY COLUMN {name} {change.after}"
        else:
            yield from (f"{alter} {part}" for part in _altered(name, change.before, change.after))

    def _objects(self, changes: Iterable[FacetChange]) -> Iterator[str]:
        order = {"schema": 0, "enum": 1, "sequence": 2}
        for change in sorted((c for c in changes if c.key.kind in order), key=lambda c: order[c.key.kind]):
            if change.before is None and change.after is not None:
                yield change.after
            elif change.after is not None and change.before is not None:
                yield from self._changed_object(change.key, change.before, change.after)

    def _changed_object(self, key: FacetKey, before: str, after: str) -> Iterator[str]:
        old, new = (_LABEL.findall(ddl) for ddl in (before, after))
        if key.kind == "enum" and new[: len(old)] == old:
            for label in new[len(old) :]:
                yield f"ALTER TYPE {self.path(key.name)} ADD VALUE {label}"
            return
        yield f"-- {key.kind} {key.name} by hand: {before} -> {after}"

    def _objects_gone(self, changes: Iterable[FacetChange]) -> Iterator[str]:
        words: Mapping[str, str] = {"sequence": "SEQUENCE", "enum": "TYPE", "schema": "SCHEMA"}
        for kind in words:
            for change in changes:
                if change.key.kind == kind and change.after is None and change.before is not None:
                    found = _TYPE.match(change.before)
                    word = found["kind"] if found is not None else words[kind]
                    yield f"DROP {word} {self.path(change.key.name)}"


def _plain(ddl: str) -> str:
    """A column as it is written in DDL, also if a database described it."""
    return _ITS_OWN_SEQUENCE.sub(lambda found: f"{found[1] or ''}SERIAL", ddl)


def _altered(name: str, before: str, after: str) -> Iterator[str]:
    old, new = (_COLUMN.fullmatch(_plain(ddl)) for ddl in (before, after))
    assert old is not None
    assert new is not None
    types = [_SERIAL.sub(lambda found: f"{found[1] or ''}INT", one["type"]) for one in (old, new)]
    # A new type converts the default, which then reads as another one.
    other = old["default"] != new["default"] or types[0] != types[1]
    if old["default"] is not None and other:
        yield f"ALTER COLUMN {name} DROP DEFAULT"
    if types[0] != types[1]:
        kind = types[1].partition(" COLLATE ")[0]
        yield f"ALTER COLUMN {name} TYPE {types[1]} USING {name}::{kind}"
    if new["default"] is not None and other:
        yield f"ALTER COLUMN {name} SET DEFAULT {new['default']}"
    if old["generated"] != new["generated"]:
        if old["generated"] is not None:
            word = "IDENTITY" if "IDENTITY" in old["generated"] else "EXPRESSION"
            yield f"ALTER COLUMN {name} DROP {word}"
        if new["generated"] is not None:
            yield f"ALTER COLUMN {name} ADD{new['generated']}"
    if bool(old["null"]) != bool(new["null"]):
        yield f"ALTER COLUMN {name} {'SET' if new['null'] else 'DROP'} NOT NULL"
