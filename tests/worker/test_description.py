"""A database in its own words: what a difference is, and what is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Connection,
    Enum,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Sequence,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.engine import make_url

from gitmig.worker.schema.description import describe

Key = tuple[str, str, str]
NAMED = frozenset(
    {("unique", "user", "uq_name"), ("check", "user", "ck_age"), ("primary key", "team", "pk_team")}
)


def models(dialect: str) -> MetaData:
    """One of everything."""
    metadata = MetaData()
    Table("team", metadata, Column("id", Integer), Column("name", String(20)), comment="Who works together")
    Table(
        "user",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("name", String(50), nullable=False),
        Column("age", Integer, server_default="0"),
        Column("nick", String(10), unique=True, comment="What friends say"),
        Column("lower", String(50, collation="C" if dialect == "postgresql" else "NOCASE")),
        Column("double", Integer, Computed("age * 2", persisted=True)),
        Column("state", Enum("on", "off", name="state")),
        Column("boss", Integer, ForeignKey("user.id", ondelete="CASCADE")),
        Column("ok", Boolean, nullable=True),
        UniqueConstraint("name", "age", name="uq_name"),
        CheckConstraint("age >= 0", name="ck_age"),
        Index("ix_age", "age", postgresql_where=text("age > 1"), sqlite_where=text("age > 1")),
    )
    if dialect == "postgresql":
        Table("pg", metadata, Column("tags", ARRAY(String)), Column("words", TSVECTOR))
        Sequence("number", start=5, metadata=metadata)
    return metadata


@dataclass
class Described:
    """A database, and what it said of itself at first."""

    connection: Connection
    first: set[tuple[str, ...]]

    def after(self, *statements: str) -> set[str]:
        """The keys of what is described otherwise after these statements, which are undone."""
        inner = self.connection.begin_nested()
        try:
            for statement in statements:
                self.connection.exec_driver_sql(statement)
            return {" ".join(filter(None, facet[:3])) for facet in facets(self.connection) ^ self.first}
        finally:
            inner.rollback()


def facets(connection: Connection) -> set[tuple[str, ...]]:
    return set(describe(connection, [None], NAMED, lambda kind, table, name: name != "hidden"))


def described(url: str) -> Iterator[Described]:
    engine = create_engine(url)
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            driver: Any = connection.connection.driver_connection
            driver.isolation_level = None
            connection.exec_driver_sql("BEGIN")
        models(connection.dialect.name).create_all(connection)
        yield Described(connection, facets(connection))
        connection.rollback()
    engine.dispose()


@pytest.fixture
def sqlite() -> Iterator[Described]:
    yield from described("sqlite://")


@pytest.fixture
def postgresql(postgres_url: str) -> Iterator[Described]:
    yield from described(make_url(postgres_url).render_as_string(hide_password=False))


def rebuilt(old: str, new: str) -> tuple[str, ...]:
    """Statements that change the text of SQLite's table user, in which nothing can be altered."""
    return (
        "PRAGMA writable_schema=ON",
        f"UPDATE sqlite_master SET sql = replace(sql, '{old}', '{new}') WHERE name = 'user'",
        "PRAGMA writable_schema=RESET",
    )


def test_what_sqlite_tells(sqlite: Described) -> None:
    changed = {
        ("ALTER TABLE user ADD COLUMN more TEXT",): {"column user more"},
        ("ALTER TABLE user DROP COLUMN lower",): {"column user lower"},
        ("DROP INDEX ix_age",): {"index user ix_age"},
        ("DROP INDEX ix_age", "CREATE INDEX ix_age ON user (age) WHERE age > 2"): {"index user ix_age"},
        ("DROP INDEX ix_age", "CREATE UNIQUE INDEX ix_age ON user (age) WHERE age > 1"): {
            "index user ix_age"
        },
        ("DROP INDEX ix_age", "CREATE INDEX ix_age ON user (age DESC) WHERE age > 1"): {"index user ix_age"},
        ("DROP INDEX ix_age", "CREATE INDEX ix_age ON user (age + 1) WHERE age > 1"): {"index user ix_age"},
        ("CREATE TABLE more (id INTEGER PRIMARY KEY AUTOINCREMENT)",): {
            "table more",
            "column more id",
            "primary key more",
        },
        ("ALTER TABLE user ADD COLUMN hidden TEXT",): set(),
        # The same in other words.
        ("DROP INDEX ix_age", 'create index "ix_age" on "user" ( "age" ) where "age" > 1'): set(),
    }
    for statements, keys in changed.items():
        assert sqlite.after(*statements) == keys, statements


@pytest.mark.parametrize(
    ("old", "new", "keys"),
    [
        ("VARCHAR(50) NOT NULL", "VARCHAR(50)", {"column user name"}),
        ("VARCHAR(50) NOT NULL", "VARCHAR(60) NOT NULL", {"column user name"}),
        ("DEFAULT ''0''", "DEFAULT ''1''", {"column user age"}),
        ("DEFAULT ''0''", "DEFAULT 0", set()),
        ("COLLATE \"NOCASE\"", "", {"column user lower"}),
        ("age * 2", "age * 3", {"column user double"}),
        (" ON DELETE CASCADE", "", {"foreign key user boss"}),
        ("CONSTRAINT uq_name ", "CONSTRAINT other ", {"unique user uq_name", "unique user name,age"}),
        ("UNIQUE (nick)", "CONSTRAINT somehow UNIQUE (nick)", set()),
        ("age >= 0", "age > 0", {"check user ck_age"}),
        ("age >= 0", "(\"age\" >=  0)", set()),
        ("age >= 0", "(age >= 0) or (age < 9)", {"check user ck_age"}),
        ("DEFAULT ''0''", "DEFAULT FALSE", set()),
        ("PRIMARY KEY (id)", "PRIMARY KEY (id, name)", {"primary key user"}),
    ],
)  # fmt: skip
def test_what_sqlite_tells_of_a_table(sqlite: Described, old: str, new: str, keys: set[str]) -> None:
    assert sqlite.after(*rebuilt(old, new)) == keys


def test_what_postgresql_tells(postgresql: Described) -> None:
    user = 'ALTER TABLE "user"'
    index = ("DROP INDEX ix_age",)
    changed: dict[tuple[str, ...], set[str]] = {
        (f"{user} ALTER name TYPE varchar(60)",): {"column user name"},
        (f"{user} ALTER name DROP NOT NULL",): {"column user name"},
        (f"{user} ALTER age DROP DEFAULT",): {"column user age"},
        (f"{user} ALTER age SET DEFAULT '0'::integer",): set(),
        (f"{user} ALTER id DROP DEFAULT",): {"column user id"},
        ("ALTER SEQUENCE user_id_seq RENAME TO other_seq",): set(),
        (f'{user} ALTER lower TYPE varchar(50) COLLATE "POSIX"',): {"column user lower"},
        (f"{user} ADD more int GENERATED ALWAYS AS IDENTITY",): {"column user more"},
        (f"{user} ADD hidden int",): set(),
        ("ALTER TABLE pg ALTER tags TYPE text[]",): {"column pg tags"},
        ("ALTER TABLE pg ALTER words TYPE text",): {"column pg words"},
        (f"{user} RENAME CONSTRAINT user_pkey TO other",): set(),
        (f"{user} RENAME CONSTRAINT user_nick_key TO other",): set(),
        (f"{user} RENAME CONSTRAINT uq_name TO other",): {"unique user uq_name", "unique user name,age"},
        (f"{user} DROP CONSTRAINT user_nick_key",): {"unique user nick"},
        (f"{user} DROP CONSTRAINT ck_age", f"{user} ADD CONSTRAINT ck_age CHECK (age > 0)"): {
            "check user ck_age"
        },
        (f"{user} DROP CONSTRAINT ck_age", f"{user} ADD CONSTRAINT ck_age CHECK ((age) >= 0)"): set(),
        (
            f"{user} DROP CONSTRAINT user_boss_fkey",
            f'{user} ADD CONSTRAINT user_boss_fkey FOREIGN KEY (boss) REFERENCES "user" (id)',
        ): {"foreign key user boss"},
        index: {"index user ix_age"},
        (*index, 'CREATE INDEX ix_age ON "user" (age)'): {"index user ix_age"},
        (*index, 'CREATE INDEX ix_age ON "user" (age) INCLUDE (name) WHERE age > 1'): {"index user ix_age"},
        (*index, 'CREATE INDEX ix_age ON "user" USING hash (age) WHERE age > 1'): {"index user ix_age"},
        (*index, 'CREATE INDEX ix_age ON "user" (age) WHERE (age>1)'): set(),
        ("ALTER TYPE state RENAME VALUE 'off' TO 'out'",): {"enum state"},
        ("CREATE TYPE other AS ENUM ('a')",): {"enum other"},
        ("CREATE DOMAIN more AS int CHECK (VALUE > 0)",): {"enum more"},
        ("ALTER SEQUENCE number START 6",): {"sequence number"},
        ("DROP SEQUENCE number",): {"sequence number"},
        ("COMMENT ON TABLE team IS NULL",): {"comment team"},
        ("""COMMENT ON COLUMN "user".nick IS 'Else'""",): {"comment user nick"},
        ("CREATE SCHEMA other", "CREATE TABLE other.more (id int)"): set(),
    }
    for statements, keys in changed.items():
        assert postgresql.after(*statements) == keys, statements
