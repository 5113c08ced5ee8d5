"""What a text of SQL drops, adds and copies."""

from __future__ import annotations

import pytest

from gitmig.worker.statements import Drop, Name, statements


def dropped(text: str) -> list[Drop]:
    return [drop for statement in statements(text) for drop in statement.drops()]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("DROP TABLE a", [Drop(Name("a"))]),
        (
            'drop table if exists A, "B c"."d""e" cascade;',
            [Drop(Name("a")), Drop(Name('d"e', "B c"))],
        ),
        (
            'ALTER TABLE IF EXISTS ONLY s.t DROP c, DROP COLUMN IF EXISTS "D" CASCADE, '
            "ALTER e DROP DEFAULT,\nDROP CONSTRAINT f, ADD g numeric(1, 2)",
            [Drop(Name("t", "s"), "c"), Drop(Name("t", "s"), "D")],
        ),
        ("-- drop table a\n/* drop /* table */ b */ select 'drop table c', E'\\'; drop table d'", []),
        ("DO $x$ drop table a; $x$; drop table b", [Drop(Name("b"))]),
        ("drop index a; drop table", []),
    ],
)
def test_drops(text: str, found: list[Drop]) -> None:
    assert dropped(text) == found


def test_a_new_column_that_nothing_fills() -> None:
    text = 'ALTER TABLE t ADD a int NOT NULL DEFAULT 1, ADD COLUMN "b" varchar(3) NOT NULL UNIQUE, ADD c int'
    ((add,),) = [statement.adds_unfilled() for statement in statements(text)]
    assert (add.name, add.column, text[add.start : add.end]) == (Name("t"), "b", "NOT NULL")


def test_a_table_that_is_rebuilt() -> None:
    """A column that is renamed on the way is used, and one that another is named after is not."""
    text = 'INSERT INTO _alembic_tmp_t (id, gone) SELECT "t".id, CAST("t".was AS TEXT) AS gone \nFROM "t"'
    (statement,) = statements(text)
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
    ("text", "opaque"),
    [("drop schema s cascade", True), ("DO $$ $$", True), ("drop table t", False), ("drop index i", False)],
)
def test_what_may_drop_without_naming_it(text: str, opaque: bool) -> None:
    assert [statement.is_opaque() for statement in statements(text)] == [opaque]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('alter table t add foreign key (a, "B") references other (x)', [("t", ("a", "B"), "other")]),
        ("alter table t add column a int references o, add b int", [("t", ("a",), "o")]),
        (
            "alter table t add constraint c foreign key (a) references o, add foreign key (b) references s.p",
            [("t", ("a",), "o"), ("t", ("b",), "p")],
        ),
        ("create table t (a int references o)", []),
    ],
)
def test_foreign_keys_that_are_added(text: str, expected: list[tuple[str, tuple[str, ...], str]]) -> None:
    (statement,) = statements(text)
    found = [(one.name.table, one.columns, one.target.table) for one in statement.refers()]
    assert found == expected


def test_names_of_sqlite() -> None:
    (drop,) = statements("alter table [a b] drop column 'it''s'", brackets=True)[0].drops()
    assert (drop.name.table, drop.column) == ("a b", "it's")
    assert statements("select a[1] from t")[0].tokens[2].text == "["
