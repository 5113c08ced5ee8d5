"""What a text of SQL drops, adds and copies."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import psycopg2
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url

from gitmig.wire.sql import Name, dropped, statements

POSTGRESQL, SQLITE, MYSQL = "postgresql", "sqlite:///app.db", "mariadb+pymysql://host/db"


@pytest.mark.parametrize(
    ("dialect", "text", "found"),
    [
        (POSTGRESQL, "DROP TABLE a", "a"),
        (POSTGRESQL, 'drop table if exists A, "B c"."d""e", x.y.z cascade;', 'a; B c.d"e; y.z'),
        (POSTGRESQL, "DROP TABLE /* old */ a -- b\n, /* c /* d */ e */ f", "a; f"),
        (POSTGRESQL, "-- drop table a\n/* drop /* table */ b */ select 'drop table c', E'\\'; drop '", ""),
        (POSTGRESQL, "DO $x$ begin if true then drop table a; end if; end $x$; drop table b", "a; b"),
        (POSTGRESQL, "DO $$ begin execute 'alter table a drop x; drop table c'; end $$", "a x; c"),
        (POSTGRESQL, "create function f() returns void as $$ drop table a $$ language sql", ""),
        (POSTGRESQL, "select U&'\\0061', '; drop table a', $a$; drop table b$a$ ; drop table c", "c"),
        (
            POSTGRESQL,
            'ALTER TABLE IF EXISTS ONLY s.t DROP c, DROP COLUMN IF EXISTS "D" CASCADE, ALTER e DROP DEFAULT, '
            "DROP CONSTRAINT f, ADD g numeric(1, 2), DROP key",
            "s.t c; s.t D; s.t key",
        ),
        (POSTGRESQL, "ALTER TABLE t ADD d text DEFAULT ', drop it', ADD CHECK (x in ('a, drop b'))", ""),
        (POSTGRESQL, "ALTER TABLE t * DROP x; ALTER TABLE t ALTER x DROP DEFAULT, ALTER y DROP NOT", "t x"),
        (POSTGRESQL, "drop index a; drop table; drop view v; explain drop table a", ""),
        (SQLITE, "ALTER TABLE [t u] DROP COLUMN 'it''s'", "t u it's"),
        (SQLITE, "DROP TABLE IF EXISTS a; drop table s.b; drop table `c`; DROP TABLE 'd'", "a; s.b; c; d"),
        (SQLITE, "/* a /* b */ DROP TABLE c -- /* d\n; /* e /*/ drop table f /* drop table g", "c; f"),
        (SQLITE, "select '\\'; drop table a", "a"),
        (MYSQL, "select '\\'; drop table a', \"; drop table b\"; # drop table c\ndrop table d", "d"),
        (MYSQL, "drop table a--b\n; /*!50100 DROP TABLE c */; /* drop table d */", "a; c"),
        (MYSQL, "ALTER ONLINE IGNORE TABLE t DROP x, DROP PRIMARY KEY, DROP KEY i, DROP PARTITION p", "t x"),
    ],
)  # fmt: skip
def test_what_is_dropped(dialect: str, text: str, found: str) -> None:
    assert "; ".join(
        ".".join(filter(None, (drop.schema, drop.table))) + (f" {drop.column}" if drop.column else "")
        for drop in dropped(text, dialect)
    ) == (found)


NAMES = {"a": ("a", "A"), "b c": ('"b c"',), 'd"e': ('"d""e"',), "über": ("über", '"über"')}
COLUMNS = ("x", "key", "Drop it")
GAPS = (" ", "\n\t", " -- drop table a\n", "/* alter table a drop x */", "/**/", "/*'*/", '/*"*/', "--'\n")
NOISE = ("select 'drop table a'", "select '; drop table b'", 'select 1 as "; drop table a; "', "select ''''")
ONLY = {
    SQLITE: (("/* /* */", "/* /*/"), ("select '\\'", "select 1 as [drop]"), ("'%s'", "[%s]", "`%s`")),
    POSTGRESQL: (
        ("/* /* */ */", "/* /*/ */ */"),
        ("select E'\\'; drop table a --'", "select $$; drop table a$$, $x$'$$$x$", "select U&'a'"),
        (),
    ),
}


def texts(dialect: str) -> st.SearchStrategy[str]:
    gaps, noise, styles = ONLY[dialect]
    gap = st.sampled_from((*GAPS, *gaps))

    def named(name: str, plain: tuple[str, ...]) -> st.SearchStrategy[str]:
        # A name in apostrophes or brackets holds what it would need twice in quotation marks.
        return st.sampled_from((*plain, *(style % name for style in styles)))

    table = st.sampled_from(sorted(NAMES)).flatmap(lambda name: named(name, NAMES[name]))
    column = st.sampled_from(COLUMNS).flatmap(lambda name: named(name, (f'"{name}"',)))
    drop = st.tuples(st.sampled_from(("DROP TABLE", "drop table if exists")), table)
    alter = st.tuples(st.just("ALTER TABLE"), table, st.sampled_from(("drop", "DROP COLUMN")), column)
    one = st.one_of(drop, alter, st.tuples(st.sampled_from((*NOISE, *noise)))).flatmap(
        lambda parts: st.lists(gap, min_size=9, max_size=9).map(lambda gaps: _with_gaps(parts, gaps))
    )
    return st.lists(one, min_size=1, max_size=4).map(";".join)


def _with_gaps(parts: tuple[str, ...], gaps: list[str]) -> str:
    words = [word for part in parts for word in (part.split() if part[0].isalpha() else [part])]
    if parts[0].startswith("select"):
        words = list(parts)
    return "".join(f"{gap}{word}" for gap, word in zip(gaps, words, strict=False)) + gaps[-1]


Found = set[tuple[str, str]]


def made(execute: Callable[[str], object]) -> None:
    for name in NAMES:
        execute('CREATE TABLE "{}" (id int, x int, "key" int, "Drop it" int)'.format(name.replace('"', '""')))


def expected(text: str, dialect: str, before: Found) -> Found:
    """What is left when all that the text drops by our reading is gone."""
    left = set(before)
    for drop in dropped(text, dialect):
        same = str.lower if dialect == SQLITE else str
        left -= {
            (table, column)
            for table, column in left
            if same(table) == same(drop.table or "") and drop.column in (None, column)
        }
    return left


def columns_of_sqlite(connection: sqlite3.Connection) -> Found:
    listing = "select m.name, c.name from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table'"
    return set(connection.execute(listing))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts(SQLITE))
def test_sqlite_drops_what_is_read(text: str) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        made(connection.execute)
        before = columns_of_sqlite(connection)
        try:
            connection.executescript(text)
        except sqlite3.Error:
            assume(False)
        assert columns_of_sqlite(connection) == expected(text, SQLITE, before)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(texts(POSTGRESQL))
def test_postgresql_drops_what_is_read(postgres_url: str, text: str) -> None:
    dsn = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    listing = "select table_name, column_name from information_schema.columns where table_schema = 'public'"
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        made(cursor.execute)
        cursor.execute(listing)
        before = {(str(table), str(column)) for table, column in cursor.fetchall()}
        try:
            cursor.execute(text)
        except psycopg2.Error:
            assume(False)
        cursor.execute(listing)
        left = {(str(table), str(column)) for table, column in cursor.fetchall()}
        assert left == expected(text, POSTGRESQL, before)


def test_a_new_column_that_nothing_fills() -> None:
    text = 'ALTER TABLE t ADD a int NOT NULL DEFAULT 1, ADD COLUMN "b" varchar(3) NOT NULL UNIQUE, ADD c int'
    ((add,),) = [statement.adds_unfilled() for statement in statements(text, POSTGRESQL)]
    assert (add.name, add.column, text[add.start : add.end]) == (Name("t"), "b", "NOT NULL")


def test_a_table_that_is_rebuilt() -> None:
    """A column that is renamed on the way is used, and one that another is named after is not."""
    text = 'INSERT INTO _alembic_tmp_t (id, gone) SELECT "t".id, CAST("t".was AS TEXT) AS gone \nFROM "t"'
    (statement,) = statements(text, SQLITE)
    rebuild = statement.rebuild()
    assert rebuild is not None
    assert (rebuild.old, rebuild.columns, rebuild.used) == (
        Name("t"),
        ("id", "gone"),
        frozenset(("id", "was")),
    )
    assert text[rebuild.list_end :].startswith(") SELECT")
    assert text[rebuild.select_end :].strip() == 'FROM "t"'


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("insert into t (x) select x from u", "t"),
        ("create table if not exists t as select 1", "t"),
        ("insert into t values ('select')", None),
        ("create temporary table t (x int)", None),
    ],
)
def test_a_table_that_is_filled_out_of_others(text: str, table: str | None) -> None:
    (statement,) = statements(text, POSTGRESQL)
    assert statement.fills() == (Name(table) if table else None)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("DROP TABLE t", [("t", None)]),
        ('drop table if exists s."T", u', [("T", "s"), ("u", None)]),
        ("DROP TABLE t /* cascade */ RESTRICT", [("t", None)]),
        ('DROP TABLE "cascade"', [("cascade", None)]),
        ("DROP TABLE t CASCADE", []),
        ("DROP TABLE t, 5", []),
        ("DROP VIEW t", []),
        ("ALTER TABLE t DROP COLUMN x", []),
    ],
)
def test_what_is_dropped_with_nothing_besides(text: str, names: list[tuple[str, str | None]]) -> None:
    (statement,) = statements(text, "postgresql")
    assert [(name.table, name.schema) for name in statement.drops_alone()] == names
