"""Facets, dialect by dialect. The tables are the tests' own: no project's code is imported here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Sequence,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.engine import make_url

from benchmarks.facets import FACETS, HEAD, NOTHING
from gitmig.worker.schema.facets import Facet, Filters, facets_of, one_line, plain_dialect

Make = Callable[[MetaData], object]


def facets(make: Make, dialect: str = "postgresql", options: dict[str, Any] | None = None) -> list[Facet]:
    """The facets of the tables that ``make`` puts into a new MetaData."""
    metadata = MetaData()
    make(metadata)
    return facets_of(
        [metadata], plain_dialect(make_url(f"{dialect}://").get_dialect()()), Filters(options or {})
    )


def table(*items: Any, name: str = "t", **options: Any) -> Make:
    """Makes one table with an ``id`` of its own."""
    return lambda metadata: Table(name, metadata, Column("id", Integer, primary_key=True), *items, **options)


def with_parent(**options: Any) -> Make:
    """A table that refers to another."""

    def make(metadata: MetaData) -> None:
        Table("parent", metadata, Column("id", Integer, primary_key=True))
        Table("t", metadata, Column("x", Integer, ForeignKey("parent.id", **options)))

    return make


def sequence(**options: Any) -> Make:
    """A table with a sequence beside it."""

    def make(metadata: MetaData) -> None:
        table()(metadata)
        Sequence("numbers", metadata=metadata, **options)

    return make


class Wrapped(TypeDecorator[str]):
    """A type of the project's own around an enumeration."""

    impl = Enum("a", "b", name="kind")
    cache_ok = True


def x(*args: Any, **options: Any) -> Make:
    """A table with a column ``x``."""
    return table(Column("x", *args, **options))


def kinds(*labels: str, **options: Any) -> Make:
    """A table with an enumeration."""
    return x(postgresql.ENUM(*labels, name="kind", **options))


CHANGES: list[tuple[str, Make, Make, list[str]]] = [
    ("column added", table(), x(Integer), ["+ column t x INTEGER"]),
    ("column dropped", x(Integer), table(), ["- column t x INTEGER"]),
    ("type", x(Integer), x(Numeric(10, 2)), ["- column t x INTEGER", "+ column t x NUMERIC(10, 2)"]),
    ("length", x(String(20)), x(String(30)), ["- column t x VARCHAR(20)", "+ column t x VARCHAR(30)"]),
    (
        "nullable",
        x(Integer),
        x(Integer, nullable=False),
        ["- column t x INTEGER", "+ column t x INTEGER NOT NULL"],
    ),
    (
        "server default",
        x(String, server_default="a  b"),
        x(String, server_default="a b"),
        ["- column t x VARCHAR DEFAULT 'a  b'", "+ column t x VARCHAR DEFAULT 'a b'"],
    ),
    (
        "server default function",
        x(Integer, server_default=text("1")),
        x(Integer, server_default=func.now()),
        ["- column t x INTEGER DEFAULT 1", "+ column t x INTEGER DEFAULT now()"],
    ),
    (
        "primary key",
        x(Integer),
        x(Integer, primary_key=True),
        [
            "- column t id SERIAL NOT NULL",
            "- column t x INTEGER",
            "- primary key t  PRIMARY KEY (id)",
            "+ column t id INTEGER NOT NULL",
            "+ column t x INTEGER NOT NULL",
            "+ primary key t  PRIMARY KEY (id, x)",
        ],
    ),
    (
        "foreign key",
        with_parent(),
        with_parent(ondelete="CASCADE"),
        [
            "- foreign key t x FOREIGN KEY(x) REFERENCES parent (id)",
            "+ foreign key t x FOREIGN KEY(x) REFERENCES parent (id) ON DELETE CASCADE",
        ],
    ),
    (
        "foreign key name",
        with_parent(),
        with_parent(name="fk_x", deferrable=True),
        [
            "- foreign key t x FOREIGN KEY(x) REFERENCES parent (id)",
            "+ foreign key t fk_x CONSTRAINT fk_x FOREIGN KEY(x) REFERENCES parent (id) DEFERRABLE",
        ],
    ),
    ("unique", x(Integer), x(Integer, unique=True), ["+ unique t x UNIQUE (x)"]),
    (
        "check added",
        x(Integer),
        table(Column("x", Integer), CheckConstraint("x > 0", name="pos")),
        ["+ check t pos CONSTRAINT pos CHECK (x > 0)"],
    ),
    (
        "check text",
        table(Column("x", Integer), CheckConstraint("x > 0", name="pos")),
        table(Column("x", Integer), CheckConstraint("x > 1", name="pos")),
        ["- check t pos CONSTRAINT pos CHECK (x > 0)", "+ check t pos CONSTRAINT pos CHECK (x > 1)"],
    ),
    (
        "check of a column",
        x(Integer),
        table(Column("x", Integer, CheckConstraint("x > 0"))),
        ["+ check t x CHECK (x > 0)"],
    ),
    ("index", x(Integer), x(Integer, index=True), ["+ index t ix_t_x CREATE INDEX ix_t_x ON t (x)"]),
    (
        "index unique",
        x(Integer, index=True),
        x(Integer, index=True, unique=True),
        [
            "- index t ix_t_x CREATE INDEX ix_t_x ON t (x)",
            "+ index t ix_t_x CREATE UNIQUE INDEX ix_t_x ON t (x)",
        ],
    ),
    (
        "index columns",
        table(Column("x", Integer), Column("y", Integer), Index("i", "x", "y")),
        table(Column("x", Integer), Column("y", Integer), Index("i", "y", "x")),
        ["- index t i CREATE INDEX i ON t (x, y)", "+ index t i CREATE INDEX i ON t (y, x)"],
    ),
    (
        "index predicate, method, include",
        table(Column("x", Integer), Column("y", Integer), Index("i", "x")),
        table(
            Column("x", Integer),
            Column("y", Integer),
            Index(
                "i",
                "x",
                postgresql_using="gist",
                postgresql_include=["y"],
                postgresql_where=text("x > 0"),
                postgresql_concurrently=True,
            ),
        ),
        [
            "- index t i CREATE INDEX i ON t (x)",
            "+ index t i CREATE INDEX i ON t USING gist (x) INCLUDE (y) WHERE x > 0",
        ],
    ),
    (
        "index expression",
        table(Column("x", String), Index("i", text("lower(x)"))),
        table(Column("x", String), Index("i", text("upper(x)"))),
        ["- index t i CREATE INDEX i ON t (lower(x))", "+ index t i CREATE INDEX i ON t (upper(x))"],
    ),
    (
        "enum labels",
        kinds("a", "b"),
        kinds("a", "b", "c"),
        [
            "- enum  kind CREATE TYPE kind AS ENUM ('a', 'b')",
            "+ enum  kind CREATE TYPE kind AS ENUM ('a', 'b', 'c')",
        ],
    ),
    (
        "enum labels without create_type",
        kinds("a", create_type=False),
        kinds("a", "b", create_type=False),
        ["- enum  kind CREATE TYPE kind AS ENUM ('a')", "+ enum  kind CREATE TYPE kind AS ENUM ('a', 'b')"],
    ),
    (
        "enum in an array",
        table(),
        x(ARRAY(Enum("a", name="kind"))),
        ["+ column t x kind[]", "+ enum  kind CREATE TYPE kind AS ENUM ('a')"],
    ),
    (
        "enum in a decorator",
        table(),
        x(Wrapped()),
        ["+ column t x kind", "+ enum  kind CREATE TYPE kind AS ENUM ('a', 'b')"],
    ),
    (
        "enum schema",
        kinds("a"),
        kinds("a", schema="s"),
        [
            "- column t x kind",
            "- enum  kind CREATE TYPE kind AS ENUM ('a')",
            "+ column t x s.kind",
            "+ enum  s.kind CREATE TYPE s.kind AS ENUM ('a')",
        ],
    ),
    (
        "domain",
        x(postgresql.DOMAIN("positive", Integer, check="VALUE > 0")),
        x(postgresql.DOMAIN("positive", Integer, check="VALUE > 1")),
        [
            "- enum  positive CREATE DOMAIN positive AS INTEGER CHECK (VALUE > 0)",
            "+ enum  positive CREATE DOMAIN positive AS INTEGER CHECK (VALUE > 1)",
        ],
    ),
    (
        "identity",
        x(Integer),
        x(Integer, Identity(start=5)),
        [
            "- column t x INTEGER",
            "+ column t x INTEGER GENERATED BY DEFAULT AS IDENTITY (START WITH 5)",
        ],
    ),
    (
        "computed",
        x(Integer, Computed("id + 1", persisted=True)),
        x(Integer, Computed("id + 2", persisted=True)),
        [
            "- column t x INTEGER GENERATED ALWAYS AS (id + 1) STORED",
            "+ column t x INTEGER GENERATED ALWAYS AS (id + 2) STORED",
        ],
    ),
    (
        "collation",
        x(String(collation="C")),
        x(String(collation="de_DE")),
        ['- column t x VARCHAR COLLATE "C"', '+ column t x VARCHAR COLLATE "de_DE"'],
    ),
    (
        "comment of a column",
        x(Integer),
        x(Integer, comment="it's"),
        ["+ comment t x COMMENT ON COLUMN t.x IS 'it''s'"],
    ),
    ("comment of a table", table(), table(comment="all"), ["+ comment t  COMMENT ON TABLE t IS 'all'"]),
    (
        "sequence",
        sequence(start=1),
        sequence(start=2),
        [
            "- sequence  numbers CREATE SEQUENCE numbers START WITH 1",
            "+ sequence  numbers CREATE SEQUENCE numbers START WITH 2",
        ],
    ),
    (
        "schema",
        table(),
        table(schema="s"),
        [
            "- column t id SERIAL NOT NULL",
            "- primary key t  PRIMARY KEY (id)",
            "- table t  CREATE TABLE t",
            "+ column s.t id SERIAL NOT NULL",
            "+ primary key s.t  PRIMARY KEY (id)",
            "+ schema  s CREATE SCHEMA s",
            "+ table s.t  CREATE TABLE s.t",
        ],
    ),
    (
        "exclusion",
        x(Integer),
        table(Column("x", Integer), postgresql.ExcludeConstraint(("x", "="), name="e")),
        ["+ check t e CONSTRAINT e EXCLUDE USING gist (x WITH =)"],
    ),
    (
        "table options",
        table(),
        table(postgresql_partition_by="LIST (id)"),
        ["- table t  CREATE TABLE t", "+ table t  CREATE TABLE t PARTITION BY LIST (id)"],
    ),
]


@pytest.mark.parametrize(
    ("before", "after", "lines"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES]
)
def test_every_change_is_seen(before: Make, after: Make, lines: list[str]) -> None:
    old, new = set(facets(before)), set(facets(after))
    gone = ["- " + " ".join(facet) for facet in sorted(old - new)]
    assert gone + ["+ " + " ".join(facet) for facet in sorted(new - old)] == lines


def both_ways(metadata: MetaData, *, backwards: bool) -> None:
    """Two tables, with everything in them in one order or the other."""
    step = -1 if backwards else 1
    for name in ["a", "b"][::step]:
        columns = [
            Column("one", Integer, primary_key=True),
            Column("two", Integer, primary_key=True),
            Column("three", Integer, nullable=False),
        ]
        constraints = [
            UniqueConstraint("three"),
            UniqueConstraint("two", "three"),
            CheckConstraint("one > 0"),
            CheckConstraint("two > 0"),
            Index(f"ix_{name}", "three"),
            Index(f"iy_{name}", "one"),
        ]
        Table(name, metadata, *columns[::step], *constraints[::step])


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite", "mysql"])
def test_the_order_is_no_part_of_it(dialect: str) -> None:
    forward = facets(lambda metadata: both_ways(metadata, backwards=False), dialect)
    assert facets(lambda metadata: both_ways(metadata, backwards=True), dialect) == forward
    assert ("primary key", "a", "", "PRIMARY KEY (one, two)") in forward


def test_the_order_of_an_explicit_primary_key_is_part_of_it() -> None:
    def make(*names: str) -> Make:
        return lambda metadata: Table(
            "t", metadata, Column("a", Integer), Column("b", Integer), PrimaryKeyConstraint(*names)
        )

    assert facets(make("b", "a")) != facets(make("a", "b"))


def test_keys_are_unique() -> None:
    found = facets(
        table(
            Column("x", Integer, CheckConstraint("x > 0"), CheckConstraint("x > 1"), CheckConstraint("x > 1"))
        )
    )
    assert [facet[2:] for facet in found if facet[0] == "check"] == [
        ("x", "CHECK (x > 0)"),
        ("x (2)", "CHECK (x > 1)"),
    ]


def test_naming_conventions() -> None:
    def make(metadata: MetaData) -> None:
        metadata.naming_convention = {
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
        table(Column("x", Integer, unique=True), CheckConstraint("x > 0", name="Pos"))(metadata)

    found = {facet[0]: facet[2:] for facet in facets(make)}
    assert found["unique"] == ("uq_t_x", "CONSTRAINT uq_t_x UNIQUE (x)")
    assert found["check"] == ("ck_t_Pos", 'CONSTRAINT "ck_t_Pos" CHECK (x > 0)')
    assert found["primary key"] == ("", "CONSTRAINT pk_t PRIMARY KEY (id)")


def test_constraints_of_types_only_where_the_dialect_makes_them() -> None:
    def make(metadata: MetaData) -> None:
        kind = Enum("a", "b", name="kind", create_constraint=True)
        Table("t", metadata, Column("x", kind), Column("y", Boolean(create_constraint=True, name="yes")))

    assert [facet[2] for facet in facets(make, "sqlite") if facet[0] == "check"] == ["kind", "yes"]
    assert [facet[2] for facet in facets(make, "postgresql") if facet[0] == "check"] == []


def test_what_is_for_another_dialect_is_left_out() -> None:
    def make(metadata: MetaData) -> None:
        made = Table("t", metadata, Column("x", Integer))
        Index("i", made.c.x).ddl_if(dialect="postgresql")
        made.append_constraint(CheckConstraint("x > 0", name="c").ddl_if(dialect="sqlite"))

    assert [facet[2] for facet in facets(make, "sqlite") if facet[0] in ("index", "check")] == ["c"]
    assert [facet[2] for facet in facets(make, "postgresql") if facet[0] in ("index", "check")] == ["i"]


@pytest.mark.parametrize("dialect", ["mysql", "mariadb"])
def test_comments_on_mysql_are_facets_of_their_own(dialect: str) -> None:
    found = facets(x(Integer, comment="it's"), dialect)
    assert ("column", "t", "x", "INTEGER") in found
    assert ("comment", "t", "x", "COMMENT 'it''s'") in found
    found = facets(table(comment="all", mysql_engine="InnoDB", mariadb_engine="InnoDB"), dialect)
    assert ("table", "t", "", "CREATE TABLE t ENGINE=InnoDB") in found
    assert ("comment", "t", "", "COMMENT 'all'") in found


def test_comments_where_the_database_has_none() -> None:
    assert not [facet for facet in facets(x(Integer, comment="no"), "sqlite") if facet[0] == "comment"]


def test_enumerations_of_mysql_are_in_the_column() -> None:
    found = facets(x(mysql.ENUM("a", "b")), "mysql")
    assert ("column", "t", "x", "ENUM('a','b')") in found
    assert not [facet for facet in found if facet[0] == "enum"]


@pytest.mark.parametrize("dialect", ["oracle", "mssql", "mariadb", "mysql", "sqlite", "postgresql"])
def test_dialects_without_their_driver(dialect: str) -> None:
    make = table(
        Column("x", String(5), index=True, unique=True, server_default="a"), Column("y", Numeric, Identity())
    )
    assert {facet[0] for facet in facets(make, dialect)} == {"table", "column", "primary key", "index"}


@pytest.mark.parametrize("driver", ["psycopg2", "asyncpg", "psycopg", "pg8000"])
def test_the_driver_makes_no_difference(driver: str) -> None:
    def make(metadata: MetaData) -> None:
        x = Column("x", String, CheckConstraint("x LIKE 'a%'"), server_default="50%")
        Table("t", metadata, x, Column("y", postgresql.JSONB, server_default=text("'{}'")))

    assert facets(make, f"postgresql+{driver}") == facets(make)
    assert ("check", "t", "x", "CHECK (x LIKE 'a%')") in facets(make, f"postgresql+{driver}")


def test_a_type_that_the_dialect_has_not() -> None:
    found = facets(x(postgresql.TSVECTOR, nullable=False, server_default="a"), "sqlite")
    assert ("column", "t", "x", "TSVECTOR() DEFAULT 'a' NOT NULL") in found


def test_a_reference_to_a_table_that_is_not_there() -> None:
    def make(metadata: MetaData) -> None:
        Table(
            "t", metadata, Column("x", Integer), ForeignKeyConstraint(["x"], ["gone.id"], ondelete="CASCADE")
        )

    assert ("foreign key", "t", "x", "FOREIGN KEY(x) REFERENCES gone.id ON DELETE CASCADE") in facets(make)


def test_filters_see_what_alembic_would_show_them() -> None:
    asked = []

    def include(item: Any, name: Any, kind: Any, reflected: Any, other: Any) -> bool:
        asked.append((type(item).__name__, name, kind, reflected, other))
        return bool(kind != "index")

    make = table(Column("x", Integer, index=True), Column("y", Integer, unique=True), schema="s")
    found = facets(make, options={"include_object": include})
    assert "index" not in {facet[0] for facet in found}
    assert sorted(asked, key=str) == [
        ("Column", "id", "column", False, None),
        ("Column", "x", "column", False, None),
        ("Column", "y", "column", False, None),
        ("Index", "ix_s_t_x", "index", False, None),
        ("Table", "t", "table", False, None),
        ("UniqueConstraint", None, "unique_constraint", False, None),
    ]


def test_schemas_are_filtered_by_name_where_env_py_includes_them() -> None:
    def include(name: Any, kind: str, parents: dict[str, Any]) -> bool:
        return kind != "schema" or name != "s"

    options = {"include_name": include}
    assert facets(table(schema="s"), options=options) != []
    assert facets(table(schema="s"), options={**options, "include_schemas": True}) == []


def test_the_sequence_of_an_excluded_table_is_excluded() -> None:
    def make(metadata: MetaData) -> None:
        Table("t", metadata, Column("id", Integer, Sequence("numbers"), primary_key=True))

    assert [facet[0] for facet in facets(make)].count("sequence") == 1
    assert facets(make, options={"include_object": lambda *args: False}) == []


def test_two_metadata_with_the_same_table() -> None:
    first, second = MetaData(), MetaData()
    table()(first)
    table()(second)
    with pytest.raises(ValueError, match="Duplicate table keys across multiple MetaData objects: t"):
        facets_of([first, second], plain_dialect(make_url("sqlite://").get_dialect()()), Filters({}))


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("CHECK (a  >\n\t 0)", "CHECK (a > 0)"),
        ("DEFAULT 'a  b'", "DEFAULT 'a  b'"),
        ("DEFAULT 'a\nb''  c'", "DEFAULT 'a\\nb''  c'"),
        ('"odd  name"  INTEGER', '"odd  name" INTEGER'),
    ],
)
def test_one_line(given: str, line: str) -> None:
    assert one_line(given) == line


def test_the_table_in_the_docs_is_right_about_us() -> None:
    """`benchmarks/facets.py` writes it, and runs `alembic check` beside."""
    lines = (Path(__file__).parents[2] / "docs" / "hook.md").read_text("utf-8").splitlines()
    told = {cells[1].strip(): cells[2].strip() for line in lines if len(cells := line.split("|")) == 5}
    found = {}
    for name, sides in {**FACETS, **NOTHING}.items():
        one, two = (facets(lambda metadata, code=code: _run(code, metadata)) for code in sides)  # type: ignore[misc]
        found[name] = "passes" if one == two else "sees it"
    assert {name: told.get(name) for name in found} == found
    assert len([name for name, what in found.items() if what == "sees it"]) == 26


def _run(code: str, metadata: MetaData) -> None:
    names: dict[str, Any] = {}
    exec(HEAD, names)
    names["metadata"] = metadata
    exec(code, names)
