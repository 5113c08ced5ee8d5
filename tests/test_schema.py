"""Facets: digests, differences, and how a change reads."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitmig.core.schema.facets import (
    KINDS,
    FacetChange,
    FacetKey,
    Schema,
    change_digest,
    difference,
    digest,
    from_json,
    render,
    to_json,
)

Facets = Mapping[tuple[str, str, str], str]


def schema(facets: Facets, *, dialect: str = "postgresql", sqlalchemy: str = "2.1") -> Schema:
    return Schema(
        dialect=dialect, sqlalchemy=sqlalchemy, facets={FacetKey(*key): ddl for key, ddl in facets.items()}
    )


def change(kind: str, table: str, name: str, before: str | None, after: str | None) -> FacetChange:
    return FacetChange(FacetKey(kind, table, name), before, after)


BEFORE = schema({("table", "user", ""): 'CREATE TABLE "user"', ("column", "user", "id"): "INTEGER NOT NULL"})
AFTER = schema(
    {
        ("index", "user", "ix_user_username"): 'CREATE INDEX ix_user_username ON "user" (username)',
        ("column", "user", "username"): "VARCHAR",
        ("column", "user", "id"): "INTEGER NOT NULL",
        ("table", "user", ""): 'CREATE TABLE "user"',
    }
)

names = st.text(max_size=6)
keys = st.builds(FacetKey, st.sampled_from(KINDS), names, names)
schemas = st.builds(
    Schema,
    dialect=st.just("sqlite"),
    sqlalchemy=st.sampled_from(["2.0", "2.1"]),
    facets=st.dictionaries(keys, st.text(max_size=8), max_size=8),
)
quick = settings(max_examples=150, deadline=None)


def test_the_articles_difference() -> None:
    assert [render(one) for one in difference(BEFORE, AFTER)] == [
        "+ user.username VARCHAR",
        "+ index ix_user_username",
    ]
    assert [render(one) for one in difference(AFTER, BEFORE)] == [
        "- user.username VARCHAR",
        "- index ix_user_username",
    ]


@pytest.mark.parametrize(
    ("kind", "table", "name", "before", "after", "line"),
    [
        ("column", "user", "name", None, "VARCHAR NOT NULL", "+ user.name VARCHAR NOT NULL"),
        ("column", "user", "age", None, "INTEGER DEFAULT 1", "+ user.age INTEGER DEFAULT 1"),
        ("column", "user", "name", "VARCHAR(20)", "VARCHAR(30)", "~ user.name VARCHAR(20) -> VARCHAR(30)"),
        ("column", "s.user", "name", "VARCHAR", None, "- s.user.name VARCHAR"),
        ("table", "user", "", None, 'CREATE TABLE "user"', "+ table user"),
        ("table", "user", "", "CREATE TABLE user", None, "- table user"),
        (
            "table",
            "user",
            "",
            "CREATE TABLE user",
            "CREATE TABLE user ENGINE=InnoDB",
            "~ table user CREATE TABLE user -> CREATE TABLE user ENGINE=InnoDB",
        ),
        (
            "table",
            "user",
            "",
            "CREATE TABLE user ENGINE=Aria",
            "CREATE TEMPORARY TABLE user ENGINE=InnoDB",
            "~ table user ENGINE=Aria -> TEMPORARY ENGINE=InnoDB",
        ),
        (
            "index",
            "user",
            "ix_n",
            'CREATE INDEX ix_n ON "user" (n)',
            'CREATE UNIQUE INDEX ix_n ON "user" (n, "Order by")',
            '~ index ix_n (n) -> UNIQUE (n, "Order by")',
        ),
        (
            "index",
            "s.user",
            "ix_n",
            'CREATE INDEX ix_n ON s."a user" (n)',
            'CREATE INDEX ix_n ON s."a user" USING hash (n) WHERE n > 1',
            "~ index ix_n (n) -> USING hash (n) WHERE n > 1",
        ),
        ("primary key", "user", "", None, "PRIMARY KEY (id)", "+ primary key of user (id)"),
        (
            "primary key",
            "user",
            "",
            "PRIMARY KEY (id)",
            "CONSTRAINT pk PRIMARY KEY (id, n)",
            "~ primary key of user (id) -> (id, n)",
        ),
        (
            "primary key",
            "user",
            "",
            "PRIMARY KEY (id)",
            "CONSTRAINT pk PRIMARY KEY (id)",
            "~ primary key of user PRIMARY KEY (id) -> CONSTRAINT pk PRIMARY KEY (id)",
        ),
        (
            "foreign key",
            "address",
            "user_id",
            None,
            'FOREIGN KEY(user_id) REFERENCES "user" (id)',
            '+ foreign key of address (user_id) REFERENCES "user" (id)',
        ),
        (
            "foreign key",
            "address",
            "fk_u",
            "CONSTRAINT fk_u FOREIGN KEY(u) REFERENCES user (id)",
            None,
            "- foreign key fk_u of address (u) REFERENCES user (id)",
        ),
        ("unique", "user", "n", None, "UNIQUE (n)", "+ unique of user (n)"),
        ("check", "user", "ck", None, "CONSTRAINT ck CHECK (n > 0)", "+ check ck of user (n > 0)"),
        (
            "check",
            "user",
            "ck",
            "CONSTRAINT ck CHECK (n > 0)",
            "CONSTRAINT ck CHECK (n > 1)",
            "~ check ck of user (n > 0) -> (n > 1)",
        ),
        (
            "check",
            "stay",
            "ex",
            None,
            "CONSTRAINT ex EXCLUDE USING gist (room WITH =)",
            "+ check ex of stay EXCLUDE USING gist (room WITH =)",
        ),
        (
            "enum",
            "",
            "mood",
            "CREATE TYPE mood AS ENUM ('sad')",
            "CREATE TYPE mood AS ENUM ('sad', 'ok')",
            "~ enum mood ('sad') -> ('sad', 'ok')",
        ),
        ("enum", "", "s.mood", None, "CREATE TYPE s.mood AS ENUM ('sad')", "+ enum s.mood ('sad')"),
        ("sequence", "", "sq", None, "CREATE SEQUENCE sq START WITH 5", "+ sequence sq"),
        (
            "sequence",
            "",
            "sq",
            "CREATE SEQUENCE sq START WITH 5",
            "CREATE SEQUENCE sq START WITH 6",
            "~ sequence sq START WITH 5 -> START WITH 6",
        ),
        ("schema", "", "app", None, "CREATE SCHEMA app", "+ schema app"),
        ("comment", "user", "", None, "COMMENT ON TABLE \"user\" IS 'all'", "+ comment of user 'all'"),
        (
            "comment",
            "user",
            "n",
            "COMMENT 'a'",
            "COMMENT 'b  c\n'",
            "~ comment of user.n 'a' -> 'b c '",
        ),
        (
            "comment",
            "user",
            "constraint ck",
            None,
            "COMMENT ON CONSTRAINT ck ON user IS 'x'",
            "+ comment of constraint ck of user 'x'",
        ),
        ("view", "", "v", None, "CREATE VIEW v", "+ view v CREATE VIEW v"),
    ],
)
def test_how_a_change_reads(
    kind: str, table: str, name: str, before: str | None, after: str | None, line: str
) -> None:
    assert render(change(kind, table, name, before, after)) == line


def test_an_empty_text_is_there() -> None:
    assert render(change("column", "t", "c", None, "")) == "+ t.c"
    assert render(change("column", "t", "c", "", "INTEGER")) == "~ t.c nothing -> INTEGER"
    assert change_digest([change("column", "t", "c", None, "")]) != change_digest(
        [change("column", "t", "c", "", None)]
    )


@quick
@given(schemas, schemas)
def test_every_line_is_one_line_with_its_sign(old: Schema, new: Schema) -> None:
    for one in difference(old, new):
        assert render(one).startswith(f"{one.sign} ")


def test_the_display_order_is_table_by_table() -> None:
    new = schema(
        {
            ("sequence", "", "a_seq"): "CREATE SEQUENCE a_seq",
            ("enum", "", "mood"): "CREATE TYPE mood AS ENUM ('sad')",
            ("comment", "b", ""): "COMMENT 'b'",
            ("table", "b", ""): "CREATE TABLE b",
            ("index", "a", "ix"): "CREATE INDEX ix ON a (y)",
            ("column", "a", "y"): "INTEGER",
            ("column", "a", "x"): "INTEGER",
            ("primary key", "a", ""): "PRIMARY KEY (x)",
            ("column", "b", "x"): "INTEGER",
            ("table", "a", ""): "CREATE TABLE a",
            ("schema", "", "z"): "CREATE SCHEMA z",
        }
    )
    changes = difference(schema({}), new)
    assert [render(one) for one in changes] == [
        "+ schema z",
        "+ table a",
        "+ a.x INTEGER",
        "+ a.y INTEGER",
        "+ primary key of a (x)",
        "+ index ix",
        "+ table b",
        "+ b.x INTEGER",
        "+ comment of b 'b'",
        "+ enum mood ('sad')",
        "+ sequence a_seq",
    ]


@quick
@given(schemas, schemas)
def test_a_difference_takes_one_schema_to_the_other(old: Schema, new: Schema) -> None:
    facets = dict(old.facets)
    for one in difference(old, new):
        assert facets.pop(one.key, None) == one.before
        if one.after is not None:
            facets[one.key] = one.after
    assert facets == new.facets


@quick
@given(schemas, schemas)
def test_digests_are_equal_where_the_facets_are(one: Schema, other: Schema) -> None:
    assert (digest(one) == digest(other)) == (not difference(one, other))
    assert len(digest(one)) == 16
    assert set(digest(one)) <= set("0123456789abcdef")


@quick
@given(schemas)
def test_order_and_sqlalchemy_version_are_not_in_the_digest(one: Schema) -> None:
    turned = Schema(dialect=one.dialect, sqlalchemy="2.9", facets=dict(sorted(one.facets.items())[::-1]))
    assert digest(turned) == digest(one)


def test_the_dialect_is_in_the_digest() -> None:
    assert digest(schema({}, dialect="sqlite")) != digest(schema({}, dialect="postgresql"))


def test_digests_do_not_move_between_versions_of_gitmig() -> None:
    """They are written into files; a change here makes every header count as absent."""
    assert digest(AFTER) == "47378f412e1e45d1"
    assert change_digest(difference(BEFORE, AFTER)) == "156e3a69032d6930"


@quick
@given(schemas, schemas)
def test_the_order_of_changes_is_not_in_their_digest(old: Schema, new: Schema) -> None:
    changes = difference(old, new)
    assert change_digest(changes[::-1]) == change_digest(changes)
    if changes:
        assert change_digest(changes[1:]) != change_digest(changes)


@quick
@given(schemas)
def test_json_and_back(one: Schema) -> None:
    assert from_json(json.loads(json.dumps(to_json(one)))) == one


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"dialect": "sqlite", "sqlalchemy": "2.1"},
        {"dialect": 1, "sqlalchemy": "2.1", "facets": []},
        {"dialect": "sqlite", "sqlalchemy": "2.1", "facets": [["table", "user", ""]]},
        {"dialect": "sqlite", "sqlalchemy": "2.1", "facets": [["table", "user", "", None]]},
        {"dialect": "sqlite", "sqlalchemy": "2.1", "facets": ["abcd"]},
    ],
)
def test_what_is_not_a_schema(value: object) -> None:
    with pytest.raises(ValueError, match="not a"):
        from_json(value)
