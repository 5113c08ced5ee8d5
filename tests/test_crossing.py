"""The way from one revision graph to another, walked by Alembic's own bookkeeping of the version table."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from gitmig.core.plan import Plan, common_revisions, plan_crossing
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.errors import GitmigError, Refused, UnknownRevision
from gitmig.wire.values import Action, RevisionId
from tests.test_graph import Step, VersionTable, by_alembic, revs, script

PAIRS = 2500


def _random_graph(dice: random.Random, below: Sequence[Script], names: Sequence[str]) -> list[Script]:
    """The scripts of ``below`` and one for each name: bases, branches, merges and dependencies."""
    scripts = list(below)
    for name in names:
        graph = Graph.of(scripts)
        known = sorted(graph.scripts)
        parents = graph.tips(dice.sample(known, min(len(known), dice.choice((0, 1, 1, 1, 1, 2, 3)))))
        needed: list[RevisionId] = []
        if known and dice.random() < 0.2:
            under = graph.ancestors(parents)
            # Alembic's version table goes wrong where a dependency is above or below a parent.
            needed = [
                rev
                for rev in graph.tips(dice.sample(known, min(len(known), dice.choice((1, 2)))))
                if rev not in under and not graph.ancestors([rev]) & set(parents)
            ]
        scripts.append(
            Script(
                revision=RevisionId(name),
                down_revisions=parents,
                # A dependency may be named by the label that it has.
                depends_on=tuple((*graph.scripts[rev].branch_labels, rev)[0] for rev in needed),
                branch_labels=(f"label_{name}",) if dice.random() < 0.3 else (),
                path=f"versions/{dice.randrange(50):02}_{name}.py",
            )
        )
    return scripts


def _pair(dice: random.Random) -> tuple[Graph, Graph, frozenset[RevisionId]]:
    """Two graphs that grew from one; the second has some of the common ones re-parented or edited."""
    base = _random_graph(dice, [], [f"base{n}" for n in range(dice.randrange(5))])
    left = Graph.of(_random_graph(dice, base, [f"left{n}" for n in range(dice.randrange(5))]))
    moved: list[Script] = []
    known: list[RevisionId] = []
    for one in base:
        if known and dice.random() < 0.15:
            one = replace(one, down_revisions=(dice.choice(known),), depends_on=())
        known.append(one.revision)
        moved.append(one)
    if dice.random() < 0.3:
        # A branch that was put on top of another one under its own ids.
        moved += [
            replace(left.scripts[rev], down_revisions=(known[-1],) if known else (), depends_on=())
            for rev in sorted(left.scripts)
            if rev.startswith("left") and dice.random() < 0.3
        ]
    right = Graph.of(_random_graph(dice, moved, [f"right{n}" for n in range(dice.randrange(5))]))
    both = sorted(left.scripts.keys() & right.scripts.keys())
    return left, right, frozenset(rev for rev in both if dice.random() < 0.1)


def _walked(table: VersionTable, graph: Graph, path: Sequence[RevisionId], *, up: bool) -> None:
    alembic = by_alembic(graph)
    for rev in path:
        revision = alembic.get_revision(rev)
        assert revision is not None
        table.update_to_step(Step(alembic, revision, up=up))


def _path(plan: Plan, action: Action) -> tuple[RevisionId, ...]:
    return tuple(step.revision for step in plan.of(action) if step.revision is not None)


def _overlapping(graph: Graph) -> bool:
    """Whether a dependency is among what a revision follows anyway: Alembic's table keeps too much then."""
    return any(
        dependency in graph.ancestors(graph.line_parents[rev])
        or graph.ancestors([dependency]) & set(graph.line_parents[rev])
        for rev, one in graph.scripts.items()
        for dependency in (graph.labels.get(name, RevisionId(name)) for name in one.depends_on)
    )


def test_random_pairs_end_where_alembic_alone_would_be() -> None:
    dice, walked, crossed = random.Random(20261122), 0, 0
    met: Counter[str] = Counter()
    while walked < PAIRS:
        left, right, differing = _pair(dice)
        if _overlapping(left) or _overlapping(right):
            continue
        walked += 1
        known = sorted(left.scripts)
        heads = left.tips(left.ancestors(dice.sample(known, min(len(known), dice.choice((1, 1, 2, 3))))))
        targets = right.heads if dice.random() < 0.8 else right.heads[:1]
        plan = plan_crossing(left, right, heads, targets, differing)
        downs, ups = _path(plan, Action.DOWNGRADE), _path(plan, Action.UPGRADE)
        crossed += bool(downs and ups)
        if downs and ups:
            met.update(_kinds(left, right))

        # Each step has what it needs when its turn comes, and no step is missing or too much.
        applied = set(left.applied(heads))
        for rev in downs:
            assert not applied.intersection(left.children(rev))
            applied.remove(rev)
        for rev in ups:
            assert applied.issuperset(right.parents[rev])
            applied.add(rev)
        assert applied == right.ancestors(targets)
        kept = applied - set(ups)
        assert kept.isdisjoint(differing)
        # Nothing is undone that could have stayed.
        assert kept == common_revisions(left, right, differing) & left.applied(heads) & applied

        table = VersionTable(heads)
        _walked(table, left, downs, up=False)
        _walked(table, right, ups, up=True)
        fresh = VersionTable(())
        _walked(fresh, right, right.topological(right.ancestors(targets)), up=True)
        assert set(table.heads) == set(fresh.heads) == set(plan.heads)
    assert crossed > PAIRS / 3
    assert {kind: number for kind, number in met.items() if number < 50} == {}
    assert len(met) == 7


def _kinds(left: Graph, right: Graph) -> set[str]:
    """What is out of the ordinary in a pair."""
    scripts = [*left.scripts.values(), *right.scripts.values()]
    both = left.scripts.keys() & right.scripts.keys()
    found = {
        "labels": any(one.branch_labels for one in scripts),
        "dependencies": any(one.depends_on for one in scripts),
        "dependencies by label": any(
            name in graph.labels and name not in graph.scripts
            for graph in (left, right)
            for one in graph.scripts.values()
            for name in one.depends_on
        ),
        "bases": len(left.bases) > 1 and len(right.bases) > 1,
        "merges": any(len(one.down_revisions) > 1 for one in scripts),
        "heads": len(left.heads) > 1 and len(right.heads) > 1,
        "rewritten parents": any(left.line_parents[rev] != right.line_parents[rev] for rev in both),
    }
    return {kind for kind, here in found.items() if here}


BASE = (script("a"), script("b", "a"))


def test_a_branch_on_each_side() -> None:
    present, target = Graph.of([*BASE, script("c", "b")]), Graph.of([*BASE, script("d", "b")])
    plan = plan_crossing(present, target, revs("c"), revs("d"))
    assert (_path(plan, Action.DOWNGRADE), _path(plan, Action.UPGRADE)) == (revs("c"), revs("d"))
    assert plan.heads == revs("d")


def test_one_id_with_other_content_is_undone_and_redone_with_all_above_it() -> None:
    graph = Graph.of([*BASE, script("c", "b")])
    plan = plan_crossing(graph, graph, revs("c"), revs("c"), revs("b"))
    assert (_path(plan, Action.DOWNGRADE), _path(plan, Action.UPGRADE)) == (revs("c b"), revs("b c"))


def test_a_revision_whose_parent_was_rewritten_is_redone() -> None:
    present = Graph.of([script("a"), script("c", "a")])
    target = Graph.of([script("a"), script("b", "a"), script("c", "b")])
    plan = plan_crossing(present, target, revs("c"), revs("c"))
    assert (_path(plan, Action.DOWNGRADE), _path(plan, Action.UPGRADE)) == (revs("c"), revs("b c"))


def test_a_dependency_that_became_a_parent_is_another_ancestry() -> None:
    present = Graph.of([script("a"), script("x"), script("c", "a", needs="x")])
    target = Graph.of([script("a"), script("x"), script("c", "a x")])
    assert common_revisions(present, target) == {"a", "x"}


def test_where_both_agree_nothing_moves() -> None:
    graph = Graph.of([*BASE, script("l", "b"), script("r", "b"), script("m", "l r")])
    assert plan_crossing(graph, graph, revs("m"), revs("m")) == Plan(heads=revs("m"))


@pytest.mark.parametrize(
    ("present", "target", "heads", "error"),
    [
        (Graph.of(BASE), Graph.of(BASE), "gone", UnknownRevision),
        (Graph.of([*BASE, script("c", "b lost")]), Graph.of(BASE), "c", Refused),
        (Graph.of(BASE), Graph.of([*BASE, script("c", "b lost")]), "b", Refused),
        (Graph.of(BASE), Graph.of([*BASE, script("b", "a", path="versions/zz.py")]), "", Refused),
    ],
    ids=["unknown head", "no parent below", "no parent above", "one id twice"],
)
def test_a_flawed_way_is_refused(present: Graph, target: Graph, heads: str, error: type[GitmigError]) -> None:
    with pytest.raises(error):
        plan_crossing(present, target, revs(heads), target.heads)
