"""A copy of a revision for another line."""

from __future__ import annotations

import pytest

from gitmig.core.plan import Plan, backports, downgrades, upgrades, with_marks
from gitmig.core.revisions.backports import copied, copy_path, heads_to_follow, missing_for
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script, read_script_bytes
from gitmig.core.schema.facets import FacetChange, FacetKey, Schema
from gitmig.errors import Refused
from gitmig.wire.values import Action, RevisionId

TEXT = b'''"""Add a name

Revision ID: b2
Revises: a1
Models: 0000000000000000
"""
revision = "b2"
down_revision = "a1"


def upgrade():
    pass
'''
HEAD = (RevisionId("z0"),)


def script(data: bytes) -> Script:
    found = read_script_bytes("v/b2_add.py", data)
    assert isinstance(found, Script)
    return found


def line(*revisions: Script) -> Graph:
    return Graph.of(revisions)


def one(revision: str, *parents: str, backport_of: str | None = None) -> Script:
    return Script(
        revision=RevisionId(revision),
        down_revisions=tuple(map(RevisionId, parents)),
        path=f"v/{revision}.py",
        backport_of=RevisionId(backport_of) if backport_of else None,
    )


def test_the_copy() -> None:
    data = copied(script(TEXT), TEXT, RevisionId("k9"), line(one("z0")), HEAD)
    assert data == TEXT.replace(b"Revision ID: b2", b"Revision ID: k9").replace(
        b"Revises: a1\nModels: 0000000000000000\n", b"Revises: z0\nBackport-of: b2\n"
    ).replace(b'"b2"', b'"k9"').replace(b'"a1"', b'"z0"')
    assert script(data).backport_of == "b2"
    assert copy_path(script(TEXT), RevisionId("k9"), "w") == "w/k9_add.py"
    assert copy_path(one("b2"), RevisionId("k9"), "w") == "w/k9.py"


def test_what_cannot_be_copied() -> None:
    needs = TEXT + b'depends_on = "x1"\n'
    with pytest.raises(Refused, match="b2 depends on x1, which this line does not have"):
        copied(script(needs), needs, RevisionId("k9"), line(one("z0")), HEAD)
    bare = TEXT.replace(b"Revises: a1\n", b"")
    with pytest.raises(Refused, match=r"has no line Revises:"):
        copied(script(bare), bare, RevisionId("k9"), line(one("z0")), HEAD)


def test_the_head_to_follow() -> None:
    here = line(one("a1"), one("a2", "a1"), one("p1"))
    theirs = line(one("a1"), one("p1"), one("p2", "p1"), one("b1"))
    assert heads_to_follow(one("p2", "p1"), here, theirs) == ("p1",)
    assert heads_to_follow(one("b1"), line(one("a1")), theirs) == ("a1",)
    assert heads_to_follow(one("m1", "a1", "p2"), here, theirs) == ("a2", "p1")
    with pytest.raises(Refused, match="b1 follows none of the lines here, which end in a2, p1"):
        heads_to_follow(one("b1"), here, theirs)


def test_what_is_missing() -> None:
    user, email = FacetKey("table", "user", ""), FacetKey("column", "user", "email")
    added, changed = FacetChange(email, None, "VARCHAR"), FacetChange(email, "VARCHAR", "TEXT")
    assert missing_for([added], Schema("sqlite", "2.0", {})) == (user,)
    assert missing_for([FacetChange(user, None, "CREATE"), added], Schema("sqlite", "2.0", {})) == ()
    assert missing_for([changed], Schema("sqlite", "2.0", {user: "CREATE"})) == (email,)
    assert missing_for([changed], Schema("sqlite", "2.0", {user: "CREATE", email: "VARCHAR"})) == ()


def test_a_copy_and_its_original_trade_places() -> None:
    release = line(one("a"), one("k9", "a", backport_of="c"))
    main = line(one("a"), one("b", "a"), one("c", "b"))

    def plan(downs: str, ups: str) -> Plan:
        steps = (*downgrades(map(RevisionId, downs.split())), *upgrades(map(RevisionId, ups.split())))
        return Plan(steps=steps)

    there, back = plan("k9", "b c"), plan("c b", "k9")
    assert backports(release, main, there) == {"k9": "c"}
    assert backports(main, release, back) == {"c": "k9"}
    assert backports(release, main, plan("", "b c")) == {}
    marked = with_marks(there, backports(release, main, there))
    assert [(step.action, step.revision, step.idle) for step in marked.steps] == [
        (Action.DOWNGRADE, "k9", True),
        (Action.UPGRADE, "b", False),
        (Action.UPGRADE, "c", True),
    ]
    assert marked.warnings == ("k9 and c are one change: c is marked as applied, and nothing runs",)
