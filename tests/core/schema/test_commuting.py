"""Do two changes commute, by their facets."""

from __future__ import annotations

import pytest

from gitmig.core.schema.commuting import Relation, compare
from gitmig.core.schema.facets import FacetChange, FacetKey, Schema, applied, difference

COLUMN = FacetKey("column", "user", "email")
OTHER = FacetKey("column", "user", "phone")
TABLE = FacetKey("table", "user", "")
NEW = FacetKey("table", "order", "")
INDEX = FacetKey("index", "user", "ix_user_email")
FOREIGN = FacetKey("foreign key", "order", "")
ENUM = FacetKey("enum", "", "colour")
PRIMARY = FacetKey("primary key", "user", "")


def change(key: FacetKey, before: str | None, after: str | None) -> FacetChange:
    return FacetChange(key, before, after)


ADDED = change(COLUMN, None, "email VARCHAR")
DROPPED = change(COLUMN, "email VARCHAR", None)
TABLE_DROPPED = change(TABLE, 'CREATE TABLE "user"', None)
INDEXED = change(INDEX, None, 'CREATE INDEX ix_user_email ON "user" (email)')
REFERS = change(FOREIGN, None, 'FOREIGN KEY(user_id) REFERENCES "user" (id)')


@pytest.mark.parametrize(
    ("ours", "theirs", "relation"),
    [
        ([ADDED], [change(OTHER, None, "phone VARCHAR")], Relation.DISJOINT),
        ([ADDED], [], Relation.DISJOINT),
        ([ADDED], [change(NEW, None, 'CREATE TABLE "order"')], Relation.DISJOINT),
        ([ADDED], [change(COLUMN, None, "email TEXT")], Relation.CONFLICT),
        ([ADDED], [ADDED], Relation.CONFLICT),
        ([DROPPED], [DROPPED], Relation.CONFLICT),
        ([ADDED], [TABLE_DROPPED], Relation.CONFLICT),
        ([TABLE_DROPPED], [ADDED], Relation.CONFLICT),
        ([INDEXED], [change(COLUMN, "email VARCHAR", "email TEXT")], Relation.TRY),
        ([DROPPED], [INDEXED], Relation.TRY),
        ([DROPPED], [change(OTHER, None, "phone VARCHAR")], Relation.DISJOINT),
        ([REFERS], [change(PRIMARY, "PRIMARY KEY (id)", "PRIMARY KEY (id, n)")], Relation.TRY),
        ([REFERS], [TABLE_DROPPED], Relation.TRY),
        ([change(ENUM, "'red'", "'red', 'blue'")], [change(OTHER, None, "phone colour")], Relation.TRY),
        ([change(ENUM, None, "'red'")], [change(OTHER, None, "phone colour")], Relation.DISJOINT),
    ],
)
def test_by_the_facets(ours: list[FacetChange], theirs: list[FacetChange], relation: Relation) -> None:
    assert compare(ours, theirs).relation is relation
    assert compare(theirs, ours).relation is relation


def test_a_clash_has_the_lines_of_both_sides() -> None:
    found = compare([ADDED], [change(COLUMN, None, "email TEXT")])
    assert [clash.lines for clash in found.clashes] == [
        ("ours:   + user.email email VARCHAR", "theirs: + user.email email TEXT")
    ]
    # A table that both make is named once.
    table = change(NEW, None, 'CREATE TABLE "order"')
    column = change(FacetKey("column", "order", "id"), None, "id INTEGER")
    assert [clash.ours.key for clash in compare([table, column], [table, column]).clashes] == [NEW]


def test_what_has_to_be_tried_is_named() -> None:
    assert compare([INDEXED], [change(COLUMN, "VARCHAR", "TEXT")]).reason == (
        "~ user.email VARCHAR -> TEXT / + index ix_user_email"
    )


def test_changes_made_to_a_schema() -> None:
    before = Schema("sqlite", "2.0", {COLUMN: "VARCHAR", TABLE: "CREATE TABLE"})
    after = Schema("sqlite", "2.0", {COLUMN: "TEXT", OTHER: "VARCHAR"})
    assert applied(before, difference(before, after)) == after
    assert applied(before, ()) == before
