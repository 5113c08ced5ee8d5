"""What a live database differs in, and the revision that it comes from."""

from __future__ import annotations

import pytest

from gitmig.core.drifting import (
    Drifted,
    DriftOrigin,
    Kind,
    Way,
    candidates,
    drifted,
    finding,
    origin_of,
    unknown_tables,
    words,
)
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.core.schema.facets import FacetChange, FacetKey, Schema
from gitmig.wire.values import CommitId, RevisionId

A, B, C, D = (RevisionId(letter) for letter in "abcd")
LINE = Graph.of(
    Script(revision=revision, down_revisions=parents, path=f"{revision}.py")
    for revision, parents in ((A, ()), (B, (A,)), (C, (B,)), (D, (C,)))
)
COLUMN = FacetKey("column", "user", "name")


def change(before: str | None, after: str | None) -> FacetChange:
    return FacetChange(COLUMN, before, after)


EXTRA, MISSING, OTHER = change(None, "TEXT"), change("TEXT", None), change("TEXT", "INTEGER")


@pytest.mark.parametrize(
    ("seen", "changes", "origin"),
    [
        # The database is at b. What is extra: a later one makes it, or an earlier one should have dropped it.
        (EXTRA, {C: EXTRA}, DriftOrigin(revision=C, way=Way.MADE, later=True)),
        (EXTRA, {B: MISSING}, DriftOrigin(revision=B, way=Way.DROPPED)),
        (EXTRA, {A: EXTRA}, None),
        (EXTRA, {C: MISSING}, None),
        # What is missing: a later one drops it, or an earlier one should have made it.
        (MISSING, {C: MISSING}, DriftOrigin(revision=C, way=Way.DROPPED, later=True)),
        (MISSING, {B: EXTRA}, DriftOrigin(revision=B, way=Way.MADE)),
        (MISSING, {C: EXTRA}, None),
        # What is different: whoever changed it, or made it.
        (OTHER, {C: OTHER}, DriftOrigin(revision=C, way=Way.CHANGED, later=True)),
        (OTHER, {B: OTHER, A: EXTRA}, DriftOrigin(revision=B, way=Way.CHANGED)),
        (OTHER, {A: EXTRA}, DriftOrigin(revision=A, way=Way.MADE)),
        (OTHER, {C: EXTRA}, None),
        # The nearest comes first, and later ones before those that are applied.
        (EXTRA, {C: EXTRA, D: EXTRA}, DriftOrigin(revision=C, way=Way.MADE, later=True)),
        (EXTRA, {B: MISSING, D: EXTRA}, DriftOrigin(revision=D, way=Way.MADE, later=True)),
        (MISSING, {A: EXTRA, B: EXTRA}, DriftOrigin(revision=B, way=Way.MADE)),
        (EXTRA, {}, None),
    ],
)
def test_where_a_difference_comes_from(
    seen: FacetChange, changes: dict[RevisionId, FacetChange], origin: DriftOrigin | None
) -> None:
    def changed(revision: RevisionId) -> tuple[FacetChange, ...] | None:
        return (changes[revision],) if revision in changes else None

    assert origin_of(seen, (B,), LINE, changed) == origin


@pytest.mark.parametrize(
    ("origins", "tried"),
    [
        ([DriftOrigin(revision=C, later=True), DriftOrigin(revision=D, later=True)], (D, C)),
        ([DriftOrigin(revision=B)], (A,)),
        ([DriftOrigin(revision=B), DriftOrigin(revision=D, later=True)], (D, A)),
        ([DriftOrigin(revision=C)], ()),
        ([DriftOrigin(revision=A), DriftOrigin(commit=CommitId("x")), None], ()),
    ],
)
def test_what_the_database_may_really_be_at(
    origins: list[DriftOrigin | None], tried: tuple[RevisionId, ...]
) -> None:
    lines = [Drifted(change=EXTRA, origin=origin) for origin in origins]
    assert candidates(lines, B, LINE) == tried


def test_a_table_that_nobody_wants_is_no_difference() -> None:
    def schema(*tables: str) -> Schema:
        keys = [key for name in tables for key in (("table", name, ""), ("column", name, "id"))]
        return Schema("sqlite", "", {FacetKey(*key): "x" for key in keys})

    wanted, found = schema("user", "pet"), schema("user", "stray")
    assert unknown_tables(wanted, found) == ("stray",)
    assert {one.key.table for one in drifted(wanted, found)} == {"pet"}


def test_in_words() -> None:
    def said(origin: DriftOrigin | None) -> str:
        return words(Drifted(change=EXTRA, origin=origin), {A: "First", C: ""}.__getitem__)

    assert said(None) == ""
    assert said(DriftOrigin(revision=A, way=Way.DROPPED)) == "dropped by a First"
    assert said(DriftOrigin(revision=C, later=True)) == "made by c, which is not applied"
    assert said(DriftOrigin(commit=CommitId("0123456789"))) == "as in the models of 01234567"


@pytest.mark.parametrize(
    ("like", "message"),
    [
        (None, "the database is not what b says (1 extra, 2 missing)"),
        ("c", "the database is not what b says (1 extra, 2 missing): stamped b, has what c made"),
    ],
)
def test_the_finding_counts(like: str | None, message: str) -> None:
    lines = [Drifted(change=one) for one in (MISSING, EXTRA, MISSING)]
    said = finding("the database", "b", lines, like, "hint")
    assert (said.code, said.message, said.hint) == ("GM021", message, "hint")
    assert said.details == ("- user.name TEXT", "+ user.name TEXT", "- user.name TEXT")
    assert [line.kind for line in lines] == [Kind.MISSING, Kind.EXTRA, Kind.MISSING]
