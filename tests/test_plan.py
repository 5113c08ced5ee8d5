"""Plans out of facts."""

from __future__ import annotations

import pytest

from gitmig.core.plan import Plan, Step, commits, downgrades, plan_rollback, plan_upgrade, restores, upgrades
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.errors import Refused
from gitmig.render.plans import plan_lines
from gitmig.wire.values import Action, CommitId, RevisionId

A, B, C = RevisionId("aaaa"), RevisionId("bbbb"), RevisionId("cccc")
COMMIT = CommitId("0123456789" * 4)


def script(revision: RevisionId, *parents: RevisionId, message: str = "") -> Script:
    return Script(revision=revision, down_revisions=parents, path=f"versions/{revision}.py", message=message)


CHAIN = Graph.of([script(A), script(B, A), script(C, B)])


def test_steps_are_in_the_order_given() -> None:
    assert downgrades([B, A]) == (
        Step(action=Action.DOWNGRADE, revision=B),
        Step(action=Action.DOWNGRADE, revision=A),
    )
    assert upgrades([A, B]) == (
        Step(action=Action.UPGRADE, revision=A),
        Step(action=Action.UPGRADE, revision=B),
    )
    assert commits(["x", "y"]) == (
        Step(action=Action.COMMIT, path="x"),
        Step(action=Action.COMMIT, path="y"),
    )


def test_a_file_that_the_commit_does_not_have_is_removed() -> None:
    assert restores(["app/models.py", "app/new.py"], ["app/new.py"], COMMIT) == (
        Step(action=Action.RESTORE, path="app/models.py", commit=COMMIT),
        Step(action=Action.REMOVE, path="app/new.py"),
    )


@pytest.mark.parametrize(
    ("heads", "target", "ups"), [((), C, (A, B, C)), ((A,), C, (B, C)), ((C,), C, ()), ((C,), A, ())]
)
def test_the_way_up(heads: tuple[RevisionId, ...], target: RevisionId, ups: tuple[RevisionId, ...]) -> None:
    plan = plan_upgrade(CHAIN, heads, [target])
    assert plan.steps == upgrades(ups)
    assert plan.heads == ((target,) if ups else heads)


@pytest.mark.parametrize(
    ("target", "downs", "left"),
    [
        ("-1", (C,), (B,)),
        ("-2", (C, B), (A,)),
        ("base", (C, B, A), ()),
        ("aaaa", (C, B), (A,)),
        ("cccc", (), (C,)),
    ],
)
def test_the_way_down(target: str, downs: tuple[RevisionId, ...], left: tuple[RevisionId, ...]) -> None:
    assert plan_rollback(CHAIN, (C,), target) == Plan(steps=downgrades(downs), heads=left)


@pytest.mark.parametrize("target", ["-1", "base", "aaaa"])
def test_base_is_the_bottom(target: str) -> None:
    with pytest.raises(Refused) as caught:
        plan_rollback(CHAIN, (), target)
    assert caught.value.message == "the database is at base: there is nothing to roll back"
    assert caught.value.hint == "gitmig status"


def test_a_plan_in_lines() -> None:
    plan = Plan(
        steps=(
            *downgrades([C]),
            *upgrades([B]),
            *restores(["app/models.py", "app/new.py"], ["app/new.py"], COMMIT),
            *commits(["app/models.py"]),
            Step(action=Action.SWITCH, commit=COMMIT),
        ),
        warnings=("it takes long",),
    )
    assert plan_lines(plan) == (
        "▼ downgrade cccc",
        "▲ upgrade bbbb",
        "  restore app/models.py from 01234567",
        "  remove app/new.py",
        "  commit app/models.py",
        "  switch to 01234567",
        "! it takes long",
    )
