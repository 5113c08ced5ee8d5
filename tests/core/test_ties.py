"""Ties by tables: a history in a few letters, and what is derived from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from gitmig.core.commits import Fact, History, Placed
from gitmig.core.replay import replay
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import Header
from gitmig.core.revisions.scripts import Script
from gitmig.core.ties import Derivation, KnownSchema, TieState
from gitmig.wire.values import CommitId, RevisionId

VERIFIED, APPROXIMATE = TieState.VERIFIED, TieState.APPROXIMATE
UNTIED, UNCOMMITTED = TieState.UNTIED, TieState.UNCOMMITTED


def line(*facts: str) -> tuple[str, ...]:
    """Facts such as ``c1 +a +b -x M1``: commit, what arrives and leaves, the models' digest (if any).

    ``c1~c0`` is a commit on a side that leaves the line at ``c0``; ``+b<a`` is a revision with other parents
    than the graph's.
    """
    return facts


def history(facts: Sequence[str], graph: Graph, cut_off: bool = False) -> History:
    """The same, with the parents and the records of a graph."""
    names = [fact.split()[0].partition("~")[0] for fact in facts]
    found: list[Fact] = []
    on_line: list[int] = []
    for place, fact in enumerate(facts):
        word, *words = fact.split()
        commit, side, fork = word.partition("~")
        if side:
            before = names.index(fork) if fork else None
        else:
            before = on_line[-1] if on_line else None
            on_line.append(place)
        found.append(
            Fact(
                commit=CommitId(commit),
                before=before,
                placed=dict(placed(word[1:], graph) for word in words if word[0] == "+"),
                left=frozenset(RevisionId(word[1:]) for word in words if word[0] == "-"),
                models=next((word for word in words if word[0] == "M"), None),
            )
        )
    return History(
        facts=tuple(found), line=tuple(on_line), cut_off=frozenset([0]) if cut_off else frozenset()
    )


def placed(word: str, graph: Graph) -> tuple[RevisionId, Placed]:
    id, other, parents = word.partition("<")
    script = graph.scripts.get(RevisionId(id))
    named = tuple(parents.split(",")) if parents else ()
    if script is None:
        return RevisionId(id), Placed(named)
    return script.revision, Placed(named if other else script.down_revisions, script.header)


def derive(
    graph: Graph, facts: Sequence[str], schemas: Mapping[str, KnownSchema] | None = None, **more: object
) -> Derivation:
    silent = frozenset(RevisionId(one) for one in str(more.pop("silent", "")))
    found = history(facts, graph, **more)  # type: ignore[arg-type]
    return Derivation(
        graph=graph, replayed=replay(graph, found, silent), schemas=schemas or {}, silent=silent
    )


def graph(*edges: str, **headers: Header) -> Graph:
    """Edges such as ``b<a``: b comes after a."""
    scripts = []
    for edge in edges:
        id, _, parents = edge.partition("<")
        scripts.append(
            Script(
                revision=RevisionId(id),
                down_revisions=tuple(RevisionId(parent) for parent in parents.split(",") if parent),
                path=f"versions/{id}.py",
                header=headers.get(id, Header()),
            )
        )
    return Graph.of(scripts)


def schema(digest: str, sqlalchemy: str = "2.1", dialect: str = "sqlite") -> KnownSchema:
    return KnownSchema(dialect=dialect, sqlalchemy=sqlalchemy, digest=digest)


def header(models: str | None = None, schema: str | None = None, sqlalchemy: str = "2.1") -> Header:
    return Header(models=models, schema=schema, dialect="sqlite", sqlalchemy=sqlalchemy)


def told(
    graph: Graph,
    line: Sequence[str],
    schemas: Mapping[str, KnownSchema] | None = None,
    of: str = "a",
    **more: object,
) -> tuple[TieState, str | None, str | None, str, str]:
    """The tie of a state, by its heads of one letter each."""
    tie = derive(graph, line, schemas, **more).of(tuple(RevisionId(one) for one in of))
    return (tie.state, tie.introduced, tie.models_commit, " ".join(tie.candidates), " ".join(tie.undecided))


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        pytest.param(line("c1 +a M1"), (APPROXIMATE, "c1", "c1", "c1", ""), id="with its models"),
        pytest.param(line("c1 M1", "c2 +a M1"), (APPROXIMATE, "c2", "c2", "c2", ""), id="after its models"),
        pytest.param(line("c1 +a M1", "c2 +b M2"), (APPROXIMATE, "c1", "c1", "c1", ""), id="until a child"),
        pytest.param(
            line("c1 +a M1", "c2 M2", "c3 +b M3"), (APPROXIMATE, "c1", "c1", "c1 c2", "c2 c1"), id="edits"
        ),
        pytest.param(line("c1 +a M1", "c2 M1"), (APPROXIMATE, "c1", "c1", "c1", ""), id="equal content once"),
        pytest.param(
            line("c1 +a M1", "c2 M2", "c3 M1"), (APPROXIMATE, "c1", "c3", "c1 c2 c3", ""), id="and back"
        ),
        pytest.param(line("c1 +a +b M1"), (UNTIED, "c1", None, "", ""), id="squashed with its child"),
        pytest.param(line("c1 +a"), (UNTIED, "c1", None, "", ""), id="no models files"),
        pytest.param(line("c1 M1"), (UNCOMMITTED, None, None, "", ""), id="not there"),
        pytest.param(line(), (UNCOMMITTED, None, None, "", ""), id="no history"),
        pytest.param(
            line("c1 +a M1", "c2 -a M1"), (UNCOMMITTED, None, None, "", ""), id="not there any more"
        ),
        pytest.param(
            line("c1 +a M1", "c2 -a M1", "c3 +a M2"),
            (APPROXIMATE, "c1", "c1", "c1 c3", "c3 c1"),
            id="taken back",
        ),
        pytest.param(
            line("c1 +a M1", "c2 +b M2", "c3 -b M1", "c4 M3", "c5 +b M4"),
            (APPROXIMATE, "c1", "c1", "c1 c4", "c4 c1"),
            id="its child was reverted",
        ),
        pytest.param(
            line("c1 +a M1", "c2", "c3 M2"), (APPROXIMATE, "c1", "c1", "c1 c3", "c3 c1"), id="models gone"
        ),
    ],
)
def test_without_a_header(history: Sequence[str], expected: tuple[object, ...]) -> None:
    assert told(graph("a", "b<a"), history) == expected


EDITED = line("c1 +a M1", "c2 M2", "c3 M3", "c4 M4")


@pytest.mark.parametrize(
    ("record", "schemas", "expected"),
    [
        pytest.param(header("M2"), {}, (VERIFIED, "c2", ""), id="content alone"),
        pytest.param(header("M2", "S"), {}, (VERIFIED, "c2", "c4 c3"), id="content, later ones unknown"),
        pytest.param(header("M2", "S"), {"M3": "S"}, (VERIFIED, "c3", "c4"), id="a later one is equal"),
        pytest.param(header("M2", "S"), {"M4": "S"}, (VERIFIED, "c4", ""), id="the latest is equal"),
        pytest.param(header("M2", "S"), {"M3": "T", "M4": "T"}, (VERIFIED, "c2", ""), id="later ones differ"),
        pytest.param(header("M9", "S"), {"M3": "S"}, (VERIFIED, "c3", "c4"), id="schema alone"),
        pytest.param(header("M9", "S"), {}, (APPROXIMATE, "c1", "c4 c3 c2 c1"), id="nothing known"),
        pytest.param(header("M9", "S"), {"M1": "T", "M4": "T"}, (APPROXIMATE, "c1", "c3 c2"), id="not yet"),
        pytest.param(
            header("M9", "S"),
            dict.fromkeys(("M1", "M2", "M3", "M4"), "T"),
            (APPROXIMATE, "c4", ""),
            id="never",
        ),
        pytest.param(
            header("M2", "S"), {"M2": "T"}, (APPROXIMATE, "c1", "c4 c3 c1"), id="the record is wrong"
        ),
        pytest.param(header("M2", "S"), {"M2": "T", "M3": "S"}, (VERIFIED, "c3", "c4"), id="half wrong"),
        pytest.param(Header(), {"M1": "S", "M3": "S"}, (APPROXIMATE, "c3", "c4"), id="no record"),
        pytest.param(Header(), {"M3": "S"}, (APPROXIMATE, "c1", "c4 c2 c1"), id="no record, first unknown"),
        pytest.param(
            Header(),
            {"M1": "S", "M2": "T", "M3": "S", "M4": "T"},
            (APPROXIMATE, "c3", ""),
            id="no record, settled",
        ),
        pytest.param(
            Header(schema="S"), {"M3": "S"}, (APPROXIMATE, "c1", "c4 c2 c1"), id="record without dialect"
        ),
    ],
)
def test_by_record_and_schema(
    record: Header, schemas: Mapping[str, str], expected: tuple[object, ...]
) -> None:
    known = {models: schema(digest) for models, digest in schemas.items()}
    state, _, commit, _, undecided = told(graph("a", a=record), EDITED, known)
    assert (state, commit, undecided) == expected


@pytest.mark.parametrize("other", [schema("S", sqlalchemy="2.0"), schema("S", dialect="postgresql")])
def test_schemas_of_another_kind_prove_nothing(other: KnownSchema) -> None:
    known = {"M3": other, "M2": schema("T", sqlalchemy="2.0")}
    state, _, commit, _, undecided = told(graph("a", a=header("M2", "S")), EDITED, known)
    assert (state, commit, undecided) == (VERIFIED, "c2", "c4 c3")
    state, _, commit, _, undecided = told(graph("a"), EDITED, {"M1": schema("S"), "M3": other})
    assert (state, commit, undecided) == (APPROXIMATE, "c1", "c4 c3 c2")


def test_models_committed_ahead_of_the_next_revision_do_not_slip_in() -> None:
    history = line("c1 +a M1", "c2 M2", "c3 +b M2")
    known = {"M1": schema("S"), "M2": schema("T")}
    assert told(graph("a", "b<a"), history, known) == (APPROXIMATE, "c1", "c1", "c1 c2", "")
    assert told(graph("a", "b<a", b=header("M2", "T")), history, known, of="b") == (
        VERIFIED,
        "c3",
        "c3",
        "c3",
        "",
    )


def test_a_revision_that_was_squashed_away_is_no_state_of_today() -> None:
    squashed = line("c1 +a M1", "c2 +x<a M2", "c3 -x +b M3")
    assert told(graph("a", "b<a"), squashed)[3] == "c1"
    assert told(graph("a", "b<a"), squashed, of="b")[3] == "c3"


def test_below_a_squash_the_commits_of_a_revision_are_a_guess() -> None:
    squashed = line("c1 +x M1", "c2 +a<x M2", "c3 +b<a M3", "c4 -x +s +a<s M3")
    chain = graph("s", "a<s", "b<a", a=header("M2"), b=header("M3"))
    assert told(chain, squashed)[:4] == (APPROXIMATE, "c2", "c2", "c2")
    assert told(chain, squashed, of="b")[:4] == (APPROXIMATE, "c3", "c4", "c4")
    assert told(chain, squashed, of="s")[:4] == (UNTIED, "c4", None, "")


def test_what_replaced_others_by_the_records_has_their_commits() -> None:
    chain = graph("s", "a<s", s=header("M1", "S"), a=header("M2"))
    found = history(line("c1 +x M0", "c2 +y<x M1", "c3 +a<y M2", "c4 -x -y +s +a M2"), chain)
    found = replace(found, replaced={RevisionId("s"): frozenset({RevisionId("x"), RevisionId("y")})})
    ties = Derivation(graph=chain, replayed=replay(chain, found), schemas={}).all()
    assert {id: (tie.state, tie.models_commit) for id, tie in ties.items()} == {
        "s": (VERIFIED, "c2"),
        "a": (VERIFIED, "c3"),
    }


BOTH = graph("f", "a<f", "b<f", "m<a,b", f=header("M0"), a=header("MA"), b=header("MB"))
MERGED = line("c0 +f M0", "s1~c0 +a MA", "c1 +b MB", "c2 +a MAB", "c3 +m MAB", "c4 MABC")


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        pytest.param("f", (VERIFIED, "c0", "c0", "c0", ""), id="below both"),
        pytest.param("a", (VERIFIED, "c2", "s1", "s1", ""), id="on the side that was merged"),
        pytest.param("b", (VERIFIED, "c1", "c1", "c1", ""), id="on the line that merged"),
        pytest.param("ab", (APPROXIMATE, "c2", "c2", "c2", ""), id="two heads: the merge that has both"),
        pytest.param("m", (APPROXIMATE, "c3", "c3", "c3 c4", "c4 c3"), id="the merge revision"),
    ],
)
def test_a_state_is_a_set_of_heads(of: str, expected: tuple[object, ...]) -> None:
    assert told(BOTH, MERGED, of=of) == expected


def test_an_empty_merge_revision_has_the_models_of_what_it_merges() -> None:
    assert told(BOTH, MERGED, of="m", silent="m")[2:4] == ("c2", "c2 c4")
    assert told(BOTH, MERGED, of="ab", silent="m")[2:4] == ("c2", "c2 c4")
    with_merge = line("c0 +f M0", "s1~c0 +a MA", "c1 +b MB", "c2 +a +m MAB")
    assert told(BOTH, with_merge, of="ab", silent="m")[2:4] == ("c2", "c2")
    assert told(BOTH, with_merge, of="ab")[0] is UNTIED


@pytest.mark.parametrize("lost", ["MA", "MB"])
def test_models_that_lack_a_side_are_never_verified(lost: str) -> None:
    """The merge took the models of one side alone; the record of that side's revision is for these bytes."""
    merged = line("c0 +f M0", "s1~c0 +a MA", "c1 +b MB", f"c2 +a {lost}", f"c3 +m {lost}")
    for of in ("ab", "m"):
        assert told(BOTH, merged, of=of)[0] is APPROXIMATE
    on_top = graph("f", "b<f", "a<b", f=header("M0"), a=header("MA"), b=header("MB"))
    put = line("c0 +f M0", "s1~c0 +a<f MA", "c1 +b MB", f"c2 +a {lost}")
    assert told(on_top, put)[:3] == (APPROXIMATE, "c2", "c2")
    assert told(on_top, put, of="b")[:3] == (VERIFIED, "c1", "c1")


def test_a_revision_below_which_another_was_put_keeps_its_commits_as_a_guess() -> None:
    between = graph("a", "n<a", "b<n", b=header("M2"))
    assert told(between, line("c1 +a M1", "c2 +b<a M2", "c3 +n +b M3"), of="b")[:3] == (
        APPROXIMATE, "c2", "c3",
    )  # fmt: skip


def test_beside_a_branch_that_is_never_merged() -> None:
    """No commit has the revision alone; its record was written beside the other branch."""
    lines = graph("p", "c", "d<c", c=header("M2"), d=header("M3"))
    found = line("c1 +p M1", "c2 +c M2", "c3 +d M3")
    assert told(lines, found, of="c") == (VERIFIED, "c2", "c2", "c2", "")
    assert told(lines, found, of="cp") == (VERIFIED, "c2", "c2", "c2", "")
    assert told(lines, found, of="dp") == (VERIFIED, "c3", "c3", "c3", "")
    assert told(lines, found, of="p") == (APPROXIMATE, "c1", "c1", "c1", "")


def test_the_side_of_a_merge_has_the_candidates() -> None:
    merged = line("c1 M0", "s1~c1 +a M1", "s2~s1 M2", "s3~s2 +b M3", "m +a +b M4")
    record = graph("a", "b<a", a=header("M2"))
    assert told(record, merged) == (VERIFIED, "m", "s2", "s1 s2", "")
    assert told(record, merged, of="b") == (APPROXIMATE, "m", "m", "s3 m", "")


def test_a_revision_without_record_that_was_worked_on_until_the_merge() -> None:
    """What was merged counts, and what has its schema after that."""
    found = line("c1 M0", "s1~c1 +a M1", "s2~s1 M2", "m +a M2", "c2 M3", "c3 +b M4")
    chain = graph("a", "b<a")
    assert told(chain, found) == (APPROXIMATE, "m", "m", "s1 s2 m c2", "c2 m")
    known = {"M1": schema("S"), "M2": schema("T")}
    assert told(chain, found, known | {"M3": schema("T")}) == (APPROXIMATE, "m", "c2", "s1 s2 m c2", "")
    assert told(chain, found, known | {"M3": schema("S")}) == (APPROXIMATE, "m", "m", "s1 s2 m c2", "")


def test_a_record_that_nothing_can_be_compared_with() -> None:
    """It was made in the branch under another SQLAlchemy: the models of the merge are the best guess too."""
    found = line("c1 M0", "s1~c1 +a M1", "s2~s1 M2", "m +a M2")
    record = graph("a", a=header("M9", "S"))
    assert told(record, found) == (APPROXIMATE, "m", "m", "s1 s2 m", "m s2 s1")


def test_before_a_shallow_clone_begins_nothing_is_known() -> None:
    cut = line("c1 +a +b M1", "c2 +c M2")
    chain = graph("a", "b<a", "c<b", b=header("M1"))
    assert told(chain, cut, cut_off=True) == (UNTIED, None, None, "", "")
    assert told(chain, cut, of="b", cut_off=True) == (VERIFIED, None, "c1", "c1", "")
    assert told(chain, cut, of="c", cut_off=True) == (APPROXIMATE, "c2", "c2", "c2", "")


def test_revisions_that_only_history_has_get_no_tie() -> None:
    assert set(derive(graph("a"), line("c1 +a +old M1", "c2 -old M1")).all()) == {"a"}
