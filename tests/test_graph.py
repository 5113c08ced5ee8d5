"""The revision graph, mostly by comparison with Alembic's own RevisionMap and version table."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest
from alembic.runtime.migration import HeadMaintainer, MigrationContext, RevisionStep
from alembic.script.base import Script as AlembicScript
from alembic.script.revision import Revision, RevisionError, RevisionMap
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script, Unreadable
from gitmig.errors import AmbiguousRevision, GitmigError, Refused, UnknownRevision
from gitmig.wire.values import RevisionId

# --- graphs ---------------------------------------------------------------------------------------


def script(
    name: str,
    down: str = "",
    *,
    needs: str = "",
    labels: str = "",
    path: str | None = None,
    message: str = "",
) -> Script:
    return Script(
        revision=RevisionId(name),
        down_revisions=revs(down),
        depends_on=tuple(needs.split()),
        branch_labels=tuple(labels.split()),
        path=path or f"versions/{name}.py",
        message=message,
    )


def revs(names: str) -> tuple[RevisionId, ...]:
    return tuple(RevisionId(name) for name in names.split())


LINEAR = Graph.of([script("aaaa1"), script("bbbb1", "aaaa1"), script("cccc1", "bbbb1")])
# root <- left, right <- merge <- top
MERGED = Graph.of(
    [
        script("root"),
        script("left", "root"),
        script("right", "root"),
        script("merge", "left right"),
        script("top1", "merge"),
    ]
)
# Two bases; the second needs a revision of the first.
TWO_BASES = Graph.of(
    [
        script("app1", labels="app"),
        script("app2", "app1"),
        script("plug1", labels="plugin", needs="app2"),
        script("plug2", "plug1"),
    ]
)


class Step(RevisionStep):
    """A step without a module behind it."""

    def __init__(self, revision_map: RevisionMap, revision: Revision, *, up: bool):
        module = cast(ModuleType, SimpleNamespace(upgrade=None, downgrade=None))
        stub = cast(AlembicScript, revision)
        stub.module = module
        super().__init__(revision_map, stub, up)


class VersionTable(HeadMaintainer):
    """Alembic's bookkeeping of the version table, without the table."""

    def __init__(self, heads: Iterable[str]):
        super().__init__(cast(MigrationContext, None), tuple(heads))

    def _insert_version(self, version: str) -> None:
        assert version not in self.heads
        self.heads.add(version)

    def _delete_version(self, version: str) -> None:
        self.heads.remove(version)

    def _update_version(self, from_: str, to_: str) -> None:
        assert to_ not in self.heads
        self.heads.remove(from_)
        self.heads.add(to_)


def by_alembic(graph: Graph) -> RevisionMap:
    def revision(one: Script) -> Revision:
        return Revision(
            one.revision,
            one.down_revisions or None,
            dependencies=one.depends_on or None,
            branch_labels=one.branch_labels or None,
        )

    return RevisionMap(lambda: [revision(one) for one in graph.scripts.values()])


def table_after(
    alembic: RevisionMap, heads: Iterable[str], downs: Sequence[str], ups: Sequence[str]
) -> set[str]:
    table = VersionTable(heads)
    for up, path in ((False, downs), (True, ups)):
        for rev in path:
            revision = alembic.get_revision(rev)
            assert revision is not None
            table.update_to_step(Step(alembic, revision, up=up))
    return set(table.heads)


def alembic_upgrade(alembic: RevisionMap, target: str, heads: tuple[str, ...]) -> set[str]:
    found = alembic.iterate_revisions(target, heads, implicit_base=True)
    return {revision.revision for revision in found}


def alembic_downgrade(alembic: RevisionMap, target: str, heads: tuple[str, ...]) -> set[str]:
    # "base" is None where Alembic's own commands come down to this call.
    found = alembic.iterate_revisions(heads, None if target == "base" else target, select_for_downgrade=True)
    return {revision.revision for revision in found}


@st.composite
def graphs(draw: st.DrawFn, *, overlapping: bool = False) -> Graph:
    """Up to twelve revisions with several bases, branches, merges, dependencies and labels."""
    shape = draw(
        st.lists(
            st.tuples(
                st.sets(st.integers(0, 11), max_size=3),
                st.one_of(st.just(frozenset[int]()), st.frozensets(st.integers(0, 11), max_size=2)),
                st.booleans(),
            ),
            min_size=1,
            max_size=12,
        )
    )
    scripts: list[Script] = []
    for number, (downs, needs, labelled) in enumerate(shape):
        below = Graph.of(scripts)
        parents = below.tips([_name(at) for at in downs if at < number])
        needed = [_name(at) for at in needs if at < number and _name(at) not in parents]
        if not overlapping:
            # Alembic's version table goes wrong where a dependency is above or below a parent.
            needed = [
                rev
                for rev in below.tips(needed)
                if rev not in below.ancestors(parents) and not below.ancestors([rev]) & set(parents)
            ]
        scripts.append(
            Script(
                revision=_name(number),
                down_revisions=parents,
                depends_on=tuple(needed),
                branch_labels=(f"label{number}",) if labelled else (),
                path=f"versions/{(number * 7) % 13:02}.py",
            )
        )
    return Graph.of(scripts)


def _name(number: int) -> RevisionId:
    return RevisionId(f"rev{number:02}")


@st.composite
def places(draw: st.DrawFn, *, overlapping: bool = False) -> tuple[Graph, tuple[RevisionId, ...]]:
    """A graph and the heads of a database somewhere on it."""
    graph = draw(graphs(overlapping=overlapping))
    chosen = draw(st.sets(st.sampled_from(sorted(graph.scripts)), max_size=3))
    return graph, graph.tips(graph.ancestors(chosen))


MANY = settings(max_examples=150, deadline=None)


# --- structure ------------------------------------------------------------------------------------


@MANY
@given(graphs(overlapping=True))
def test_heads_and_bases_are_alembics(graph: Graph) -> None:
    alembic = by_alembic(graph)
    assert set(graph.heads) == set(alembic._real_heads)
    assert set(graph.line_heads) == set(alembic.heads)
    assert set(graph.bases) == set(alembic.bases)
    assert not graph.cycle


@MANY
@given(places(overlapping=True))
def test_ancestors_and_descendants_are_alembics(place: tuple[Graph, tuple[RevisionId, ...]]) -> None:
    graph, heads = place
    alembic = by_alembic(graph)
    nodes = alembic.get_revisions(heads)
    assert graph.ancestors(heads) == {rev.revision for rev in alembic._get_ancestor_nodes(nodes)}
    assert graph.descendants(heads) == {rev.revision for rev in alembic._get_descendant_nodes(nodes)}


@MANY
@given(graphs(overlapping=True), st.randoms(use_true_random=False))
def test_the_order_is_parents_first_and_does_not_depend_on_the_input(graph: Graph, random: object) -> None:
    order = graph.topological()
    assert sorted(order) == sorted(graph.scripts)
    _assert_oldest_first(graph, order)
    shuffled = list(graph.scripts.values())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert Graph.of(shuffled) == graph
    assert Graph.of(shuffled).topological() == order


def _assert_oldest_first(graph: Graph, path: Sequence[RevisionId]) -> None:
    at = {rev: number for number, rev in enumerate(path)}
    for rev in path:
        assert all(at[parent] < at[rev] for parent in graph.parents[rev] if parent in at)


def test_children_are_those_that_follow_and_those_that_depend() -> None:
    assert TWO_BASES.children(RevisionId("app2")) == revs("plug1")
    assert TWO_BASES.children(RevisionId("plug1")) == revs("plug2")
    assert TWO_BASES.children(RevisionId("nowhere")) == ()


def test_one_branch_comes_after_the_other() -> None:
    graph = Graph.of(
        [script("r"), script("a1", "r"), script("b1", "r"), script("a2", "a1"), script("b2", "b1")]
    )
    assert graph.topological() == revs("r a1 a2 b1 b2")
    assert graph.topological({RevisionId("b2"), RevisionId("a1")}) == revs("a1 b2")


def test_ids_that_no_file_has_are_left_out_of_what_is_applied() -> None:
    assert LINEAR.applied(revs("bbbb1 elsewhere")) == set(revs("aaaa1 bbbb1"))
    assert LINEAR.unknown(revs("bbbb1 elsewhere")) == revs("elsewhere")


def test_an_empty_graph() -> None:
    graph = Graph.of([])
    assert (graph.heads, graph.bases, graph.topological()) == ((), (), ())
    assert graph.resolve("head") == ()
    assert graph.upgrade_path((), ()) == ()
    assert graph.downgrade_path((), "base") == ()


def test_ten_thousand_revisions_in_a_row() -> None:
    names = [f"r{number:05}" for number in range(10_000)]
    graph = Graph.of(script(name, below) for name, below in zip(names, ["", *names], strict=False))
    assert graph.heads == (names[-1],)
    assert graph.upgrade_path((), graph.heads) == tuple(names)


# --- flaws ----------------------------------------------------------------------------------------


def test_two_files_with_one_id() -> None:
    one, two = script("a", path="v/1.py"), script("a", path="v/2.py")
    graph = Graph.of([two, one, script("b", "a")])
    assert graph.duplicates == ((one, two),)
    assert graph.scripts[RevisionId("a")] is one
    with pytest.raises(Refused, match=r"v/1\.py and v/2\.py have one revision id: a"):
        graph.upgrade_path((), revs("b"))
    assert graph.upgrade_path(revs("a"), revs("b")) == revs("b")


def test_a_parent_that_no_file_has() -> None:
    orphan, needy = script("b", "gone"), script("c", needs="lost")
    graph = Graph.of([orphan, needy])
    assert graph.missing == ((orphan, RevisionId("gone")), (needy, RevisionId("lost")))
    assert graph.bases == revs("c")
    with pytest.raises(Refused, match="b follows gone, which no file has"):
        graph.upgrade_path((), revs("b"))


def test_a_branch_label_as_a_dependency_but_not_as_a_parent() -> None:
    graph = Graph.of([script("a", labels="core"), script("b", needs="core"), script("c", "core")])
    assert graph.parents[RevisionId("b")] == revs("a")
    assert [(one.revision, parent) for one, parent in graph.missing] == [("c", "core")]


@pytest.mark.parametrize(
    ("scripts", "cycle"),
    [
        ([script("a", "a")], "a"),
        ([script("a", needs="a")], "a"),
        ([script("a", "b"), script("b", "a")], "a b"),
        ([script("r"), script("a", "r c"), script("b", "a"), script("c", "b"), script("d", "c")], "c b a"),
    ],
)
def test_a_cycle_is_named_and_nothing_hangs(scripts: list[Script], cycle: str) -> None:
    graph = Graph.of(scripts)
    assert graph.cycle == revs(cycle)
    assert sorted(graph.topological()) == sorted(graph.scripts)
    with pytest.raises(Refused, match="in a circle"):
        graph.upgrade_path((), revs(cycle))


@MANY
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=6))
def test_cycles_are_found_where_alembic_finds_them(edges: list[tuple[int, int]]) -> None:
    names = [RevisionId(f"r{number}") for number in range(5)]
    graph = Graph.of(
        script(name, " ".join(dict.fromkeys(names[b] for a, b in edges if names[a] == name)))
        for name in names
    )
    if not graph.cycle:
        # Alembic overlooks a cycle that lies between a base and a head; it never sees one too many.
        assert by_alembic(graph).heads or not graph.scripts
    for rev, below in zip(graph.cycle, graph.cycle[1:] + graph.cycle[:1], strict=True):
        assert below in graph.parents[rev]


def test_branches_with_computed_labels_are_lines_of_their_own() -> None:
    one, two = (replace(script(name, "a"), nameless_branch=True) for name in "bc")
    assert Graph.of([script("a"), one, two]).crowded == ()
    assert Graph.of([script("a"), one, script("c", "a")]).crowded == ()
    assert Graph.of([script("a"), one, script("c", "b"), script("d", "b")]).crowded == (("c", "d"),)


def test_labels_that_clash() -> None:
    one, two, three = script("a", labels="x"), script("b", labels="x"), script("c", labels="a")
    assert Graph.of([one, two, three]).label_clashes == (("x", one, two), ("a", one, three))


def test_unreadable_files_are_kept() -> None:
    problem = Unreadable(path="v/x.py", reason="invalid syntax", line=3)
    assert Graph.of([], [problem]).unreadable == (problem,)


# --- targets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "at", "expected"),
    [
        ("head", "", "cccc1"),
        ("heads", "", "cccc1"),
        ("base", "cccc1", ""),
        ("current", "bbbb1", "bbbb1"),
        ("bbbb1", "", "bbbb1"),
        ("bb", "", "bbbb1"),
        ("+1", "", "aaaa1"),
        ("+2", "aaaa1", "cccc1"),
        ("-1", "cccc1", "bbbb1"),
        ("-3", "cccc1", ""),
        ("cccc1-1", "", "bbbb1"),
        ("ccc-2", "", "aaaa1"),
        ("head-1", "", "bbbb1"),
        ("aaaa1+1", "", "bbbb1"),
        ("base+1", "", "aaaa1"),
        ("current+1", "aaaa1", "bbbb1"),
    ],
)
def test_targets_on_a_line(target: str, at: str, expected: str) -> None:
    assert LINEAR.resolve(target, revs(at)) == revs(expected)


@pytest.mark.parametrize(
    ("target", "at", "expected"),
    [
        ("heads", "", "plug2"),
        ("head", "", "plug2"),
        ("app@head", "", "app2"),
        ("plugin@head", "", "plug2"),
        ("app", "", "app1"),
        ("plugin@heads", "", "plug2"),
        ("app@base", "app1", ""),
        ("app@app2", "", "app2"),
        ("app@ap", "", None),
        ("app@+1", "", "app1"),
        ("app@+1", "app1", "app2"),
        ("plugin@+1", "app2", "plug1"),
        ("plugin@-1", "plug2", "plug1"),
        ("app@-1", "plug2", "app1"),
        ("app@current", "app1", "app1"),
        ("app1+1", "", "app2"),
    ],
)
def test_targets_on_branches(target: str, at: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(AmbiguousRevision):
            TWO_BASES.resolve(target, revs(at))
    else:
        assert TWO_BASES.resolve(target, revs(at)) == revs(expected)


@pytest.mark.parametrize(
    ("graph", "target", "at", "error", "message", "hint"),
    [
        (LINEAR, "bbbb2", "", UnknownRevision, "no file has a revision 'bbbb2'", "did you mean bbbb1?"),
        (LINEAR, "hed", "", UnknownRevision, "no file has a revision 'hed'", "did you mean head?"),
        (
            LINEAR,
            "zz",
            "",
            UnknownRevision,
            "no file has a revision 'zz'",
            "`gitmig log` lists the revisions",
        ),
        (LINEAR, "", "", UnknownRevision, "no file has a revision ''", "`gitmig log` lists the revisions"),
        (
            LINEAR,
            "+4",
            "",
            Refused,
            "+4 leads out of the graph: there are not so many revisions",
            "gitmig log",
        ),
        (
            LINEAR,
            "-3",
            "bbbb1",
            Refused,
            "-3 leads out of the graph: there are not so many revisions",
            "gitmig log",
        ),
        (
            # The branch goes on from app2, which is applied although it is no head of the database.
            TWO_BASES,
            "app@+1",
            "plug2",
            Refused,
            "app@+1 leads out of the graph: there are not so many revisions",
            "gitmig log",
        ),
        (LINEAR, "-1", "", Refused, "nothing to undo: the database is at base", "gitmig status"),
        (
            LINEAR,
            "+1",
            "gone",
            UnknownRevision,
            "no file has the revision gone",
            "check out the branch that has it, or bring its file back",
        ),
        (
            MERGED,
            "-2",
            "merge",
            AmbiguousRevision,
            "-2 is ambiguous: it crosses merge, which merges left, right",
            "name the revision to go back to, such as left",
        ),
        (
            MERGED,
            "-3",
            "top1",
            AmbiguousRevision,
            "-3 is ambiguous: it crosses merge, which merges left, right",
            "name the revision to go back to, such as left",
        ),
        (
            MERGED,
            "-1",
            "left right",
            AmbiguousRevision,
            "-1 could start from each of left, right, where the database is",
            "name the one to undo: left@-1",
        ),
        (
            MERGED,
            "+1",
            "root",
            AmbiguousRevision,
            "+1 is ambiguous: left, right all follow root",
            "name the revision to upgrade to",
        ),
        (
            MERGED,
            "+1",
            "left right",
            AmbiguousRevision,
            "+1 could start from each of left, right, where the database is",
            "name the revision to upgrade to",
        ),
        (
            Graph.of([script("one1"), script("one2")]),
            "head",
            "",
            AmbiguousRevision,
            "there is more than one head: one1, one2",
            "name one of them, or heads for all; `gitmig rebase` makes one of them",
        ),
        (
            Graph.of([script("one1"), script("one2"), script("one3"), script("one4")]),
            "one",
            "",
            AmbiguousRevision,
            "4 revisions begin with one: one1, one2, one3, …",
            "write more of the id",
        ),
        (
            TWO_BASES,
            "app@plug1",
            "",
            UnknownRevision,
            "plug1 is not on the branch of app1",
            "name it alone: plug1",
        ),
    ],
)
def test_targets_that_are_refused(
    graph: Graph, target: str, at: str, error: type[GitmigError], message: str, hint: str
) -> None:
    with pytest.raises(error) as caught:
        graph.resolve(target, revs(at))
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_did_you_mean_shows_the_message() -> None:
    graph = Graph.of([script("abcd1234", message="Add username for user")])
    with pytest.raises(UnknownRevision) as caught:
        graph.resolve("abcd1243")
    assert caught.value.hint == "did you mean abcd1234 (Add username for user)?"


def test_short_ids_are_found_whole_only() -> None:
    graph = Graph.of([script("27"), script("27abc", "27")])
    assert graph.resolve("27") == revs("27")
    assert graph.resolve("2") == revs("27abc")


def _targets(graph: Graph) -> st.SearchStrategy[str]:
    names = st.sampled_from([*sorted(graph.scripts), *sorted(graph.labels)])
    words = st.one_of(names, st.sampled_from(["head", "heads", "base"]))
    relative = st.integers(-4, 4).filter(bool).map(lambda steps: f"{steps:+}")
    return st.one_of(
        words,
        relative,
        st.tuples(names, relative).map("".join),
        st.tuples(names, words).map("@".join),
        st.tuples(names, relative).map("@".join),
    )


@settings(max_examples=300, deadline=None)
@given(st.data(), places())
def test_upgrades_go_where_alembics_go(
    data: st.DataObject, place: tuple[Graph, tuple[RevisionId, ...]]
) -> None:
    graph, heads = place
    target = data.draw(_targets(graph))
    alembic = by_alembic(graph)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = alembic_upgrade(alembic, target, heads)
        except (RevisionError, AssertionError):
            # Where Alembic has no answer (several heads under dependencies, say) ours may still be one.
            return
    path = graph.upgrade_path(heads, graph.resolve(target, heads))
    assert set(path) == expected
    _assert_oldest_first(graph, path)
    assert set(graph.after(heads, (), path)) == table_after(alembic, heads, (), path)


@settings(max_examples=300, deadline=None)
@given(st.data(), places())
def test_downgrades_go_where_alembics_go(
    data: st.DataObject, place: tuple[Graph, tuple[RevisionId, ...]]
) -> None:
    graph, heads = place
    target = data.draw(_targets(graph))
    # Alembic takes any of several heads for a bare -N, with a warning.
    assume(not (target.startswith("-") and len(heads) > 1))
    alembic = by_alembic(graph)
    try:
        expected = alembic_downgrade(alembic, target, heads)
    except (RevisionError, AssertionError):
        return
    try:
        path = graph.downgrade_path(heads, target)
    except UnknownRevision as error:
        # Alembic goes to a revision of another branch than the one named.
        assume("is not on the branch of" not in error.message)
        raise
    assert set(path) == expected
    _assert_oldest_first(graph, path[::-1])
    assert set(graph.after(heads, path, ())) == table_after(alembic, heads, path, ())


@MANY
@given(st.data(), places())
def test_down_and_up_again_ends_where_it_began(
    data: st.DataObject, place: tuple[Graph, tuple[RevisionId, ...]]
) -> None:
    graph, heads = place
    assume(heads)
    target = data.draw(st.sampled_from([*sorted(graph.applied(heads)), "base"]))
    try:
        downs = graph.downgrade_path(heads, target)
    except Refused:
        assume(False)
    between = graph.after(heads, downs, ())
    assert graph.upgrade_path(between, heads) == graph.topological(downs)
    assert graph.after(heads, downs, downs[::-1]) == heads


@MANY
@given(places(overlapping=True))
def test_the_table_is_never_left_with_a_head_below_another(
    place: tuple[Graph, tuple[RevisionId, ...]],
) -> None:
    graph, heads = place
    for head in heads:
        after = graph.after(heads, (head,), ())
        assert graph.tips(after) == after
        assert graph.applied(after) == graph.applied(heads) - {head}


# --- paths ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("graph", "at", "target", "path", "heads"),
    [
        (LINEAR, "cccc1", "-1", "cccc1", "bbbb1"),
        (LINEAR, "cccc1", "-2", "cccc1 bbbb1", "aaaa1"),
        (LINEAR, "cccc1", "base", "cccc1 bbbb1 aaaa1", ""),
        (LINEAR, "cccc1", "aaaa1", "cccc1 bbbb1", "aaaa1"),
        (LINEAR, "cccc1", "cccc1", "", "cccc1"),
        (MERGED, "top1", "-1", "top1", "merge"),
        (MERGED, "merge", "-1", "merge", "left right"),
        (MERGED, "top1", "-2", "top1 merge", "left right"),
        (MERGED, "top1", "left", "top1 merge", "left right"),
        (MERGED, "top1", "root", "top1 merge right left", "root"),
        (MERGED, "left right", "left@-1", "left", "right"),
        (MERGED, "left right", "root", "right left", "root"),
        (TWO_BASES, "plug2", "app1", "plug2 plug1 app2", "app1"),
        (TWO_BASES, "plug2", "plugin@base", "plug2 plug1", "app2"),
        (TWO_BASES, "plug1", "-1", "plug1", "app2"),
    ],
)
def test_downgrade_paths(graph: Graph, at: str, target: str, path: str, heads: str) -> None:
    downs = graph.downgrade_path(revs(at), target)
    assert downs == revs(path)
    assert graph.after(revs(at), downs, ()) == revs(heads)


def test_a_target_that_is_not_applied_is_not_gone_down_to() -> None:
    with pytest.raises(Refused) as caught:
        LINEAR.downgrade_path(revs("aaaa1"), "bbbb1")
    assert caught.value.message == "nothing to undo: bbbb1 is not below where the database is"
    assert caught.value.hint == "gitmig upgrade bbbb1"


def test_plus_does_not_go_down() -> None:
    with pytest.raises(Refused) as caught:
        LINEAR.downgrade_path(revs("aaaa1"), "+1")
    assert (caught.value.message, caught.value.hint) == ("+1 leads up, not down", "gitmig upgrade +1")


@pytest.mark.parametrize(
    "ask",
    [
        lambda: LINEAR.upgrade_path(revs("gone"), revs("cccc1")),
        lambda: LINEAR.upgrade_path((), revs("gone")),
        lambda: LINEAR.downgrade_path(revs("gone"), "base"),
        lambda: LINEAR.after(revs("gone"), (), ()),
    ],
)
def test_a_revision_that_no_file_has(ask: Callable[[], object]) -> None:
    with pytest.raises(UnknownRevision) as caught:
        ask()
    assert caught.value.message == "no file has the revision gone"
    assert caught.value.hint == "check out the branch that has it, or bring its file back"


def test_going_down_to_what_is_only_depended_on() -> None:
    with pytest.raises(Refused) as caught:
        TWO_BASES.downgrade_path(revs("plug2"), "app2")
    assert caught.value.message == "nothing to undo: none follows app2; plug1 only depends on it"
