"""Which revisions go on top of which."""

from __future__ import annotations

import pytest

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.core.revisions.sides import Circumstances, Sides, sides, to_move, whole_lines
from gitmig.errors import Refused
from gitmig.wire.values import RevisionId


def graph(**parents: str) -> Graph:
    """``b="a"``: b follows a; ``m="b c"`` both; ``a=""`` nothing."""
    return Graph.of(
        Script(
            revision=RevisionId(revision),
            down_revisions=tuple(RevisionId(parent) for parent in text.split()),
            path=f"{revision}.py",
        )
        for revision, text in parents.items()
    )


def ids(text: str) -> frozenset[RevisionId]:
    return frozenset(RevisionId(one) for one in text.split())


def moved(found: Sides | None) -> dict[RevisionId, tuple[RevisionId, ...]]:
    assert found is not None
    return dict(found.parents.items())


def test_one_on_the_other() -> None:
    found = sides(graph(a="", ours="a", theirs="a"), ids("ours"))
    assert found == Sides(
        ours=(RevisionId("ours"),),
        theirs=(RevisionId("theirs"),),
        onto=(RevisionId("theirs"),),
        forks=(RevisionId("a"),),
        parents={RevisionId("ours"): (RevisionId("theirs"),)},
    )


def test_chains() -> None:
    found = sides(graph(a="", o1="a", o2="o1", t1="a", t2="t1"), ids("o1"))
    assert found is not None
    assert (found.ours, found.theirs, found.onto) == (("o1", "o2"), ("t1", "t2"), ("t2",))
    assert moved(found) == {"o1": ("t2",)}


def test_nothing_to_move() -> None:
    assert sides(graph(a="", b="a", c="b"), ids("c")) is None
    assert sides(graph(a=""), ids("a")) is None
    assert sides(graph(a=""), ids("")) is None


def test_both_begin() -> None:
    assert moved(sides(graph(ours="", theirs=""), ids("ours"))) == {"ours": ("theirs",)}


def test_a_merge_of_both_needs_the_other_side_no_more() -> None:
    found = sides(graph(a="", ours="a", theirs="a", m="ours theirs"), ids("ours"))
    assert moved(found) == {"ours": ("theirs",), "m": ("ours",)}


def test_a_merge_of_ours_stays() -> None:
    found = sides(graph(a="", x="a", y="a", m="x y", theirs="a"), ids("x y"))
    assert moved(found) == {"x": ("theirs",), "y": ("theirs",)}


def test_several_lines_come_one_on_the_other() -> None:
    three = graph(a="", x="a", y="a", theirs="a")
    assert moved(sides(three, ids("x y"), arrived=[RevisionId("y"), RevisionId("x")])) == {
        "y": ("theirs",),
        "x": ("y",),
    }
    # The one that came first stays where it is.
    two = graph(a="", x="a", y="a")
    found = sides(two, ids("x y"), arrived=[RevisionId("x"), RevisionId("y")])
    assert moved(found) == {"y": ("x",)}
    assert found is not None
    assert (found.ours, found.theirs) == (("y",), ("x",))


def test_permanent_branches_keep_their_own_heads() -> None:
    found = sides(graph(a="", one="a", ours="one", theirs="one", b=""), ids("ours"))
    assert moved(found) == {"ours": ("theirs",)}
    assert found is not None
    assert found.theirs == ("theirs",)


def test_each_permanent_branch_gets_its_own_back() -> None:
    two = graph(a="", x="a", x2="x", t="a", b="", y="b", y2="b", u="b")
    found = sides(two, ids("x x2 y y2"), arrived=[RevisionId(one) for one in ("y", "x", "x2", "y2")])
    assert moved(found) == {"y": ("u",), "x": ("t",), "y2": ("y",)}
    assert found is not None
    assert (found.ours, found.onto) == (("y", "x", "x2", "y2"), ("u", "t"))
    assert (found.theirs, set(found.forks)) == (("t", "u"), {"a", "b"})


def test_published() -> None:
    with pytest.raises(Refused, match="the revision ours is published") as error:
        sides(graph(a="", ours="a", theirs="a"), ids("ours"), published=ids("a ours theirs"))
    assert error.value.hint == "gitmig merge"


def test_several_heads_stay() -> None:
    three = graph(a="", ours="a", t1="a", t2="a")
    for published, hint in (("", "rebase t2 ours"), ("t2", "rebase t1 ours"), ("t1 t2", "merge t1 t2")):
        with pytest.raises(Refused, match="what stays has 2 heads: t1, t2") as error:
            sides(three, ids("ours"), published=ids(published))
        assert error.value.hint == f"gitmig {hint}"
    found = sides(three, ids("ours"), several=True)
    assert found is not None
    assert (found.onto, found.theirs, moved(found)) == (("t1", "t2"), ("t1", "t2"), {"ours": ("t1", "t2")})


def test_an_octopus() -> None:
    """Those of the other parents go on top of each other too, unless others have them."""
    three = graph(a="", ours="a", t1="a", t2="a")
    here, there = ids("a ours"), ids("a t1 t2")
    assert to_move(three, Circumstances(here=here, there=there)) == ids("ours t1 t2")
    published = ids("a t1")
    assert to_move(three, Circumstances(here=here, there=there, published=published)) == ids("ours t2")


TWO = graph(a="", x="a", y="a")


@pytest.mark.parametrize(
    ("facts", "moving"),
    [
        (Circumstances(base=ids("a y")), "x"),
        (Circumstances(published=ids("a y")), "x"),
        (Circumstances(published=ids("a")), "x y"),
        (Circumstances(), "x y"),
        (Circumstances(here=ids("a x"), there=ids("a y")), "x"),
        (Circumstances(here=ids("a x"), there=ids("a y"), on_default=True), "y"),
        (Circumstances(published=ids("a x"), here=ids("a x"), there=ids("a y")), "y"),
        (Circumstances(published=ids("a y"), here=ids("a x"), there=ids("a y"), on_default=True), "x"),
    ],
)
def test_which_are_ours(facts: Circumstances, moving: str) -> None:
    assert to_move(TWO, facts) == ids(moving)


def test_neither_side_may_move() -> None:
    with pytest.raises(Refused, match="published") as error:
        to_move(TWO, Circumstances(published=ids("a x y")))
    assert error.value.hint == "gitmig merge"


def test_one_in_the_middle_of_a_line_is_named() -> None:
    """What is below it goes along: without that there would still be two heads."""
    found = graph(a="", o1="a", o2="o1", o3="o2", t1="a", t2="t1")
    assert whole_lines(found, ids("o2")) == ids("o1 o2")
    assert moved(sides(found, whole_lines(found, ids("o3")))) == {"o1": ("t2",)}
    assert whole_lines(graph(a="", b="a"), ids("b")) == ids("b")


def test_what_the_default_branch_has_stays() -> None:
    """It may have come by a cherry-pick, by a squash, or by a merge before the last one."""
    found = graph(a="", ours="a", picked="a")
    assert to_move(found, Circumstances(default=ids("a picked"))) == ids("ours")
    merged = graph(a="", ours="a", theirs="a", third="a")
    facts = Circumstances(here=ids("a ours theirs"), there=ids("a third"), default=ids("a theirs"))
    assert to_move(merged, facts) == ids("ours third")
    # A branch that was begun on unpublished revisions of it takes them along.
    begun = graph(a="", early="a", ours="early", theirs="a")
    facts = Circumstances(published=ids("a theirs"), default=ids("a early"))
    assert to_move(begun, facts) == ids("early ours")
