"""Ties by tables: a history in a few letters, and what is derived from it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gitmig.graph import Graph
from gitmig.model import CommitId, Header, RevisionId, Script, TieState
from gitmig.ties import Fact, KnownSchema, Line, derive

VERIFIED, APPROXIMATE = TieState.VERIFIED, TieState.APPROXIMATE
UNTIED, UNCOMMITTED = TieState.UNTIED, TieState.UNCOMMITTED


def line(*facts: str, **more: object) -> Line:
    """Facts such as ``c1 +a +b -x M1``: commit, what arrives and leaves, the models' digest (``.``: none)."""
    told = []
    for fact in facts:
        commit, *words = fact.split()
        told.append(
            Fact(
                commit=CommitId(commit),
                arrived=frozenset(RevisionId(word[1:]) for word in words if word[0] == "+"),
                left=frozenset(RevisionId(word[1:]) for word in words if word[0] == "-"),
                models=next((word for word in words if word[0] == "M"), None),
            )
        )
    return Line(facts=tuple(told), **more)  # type: ignore[arg-type]


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
    graph: Graph, line: Line, schemas: Mapping[str, KnownSchema] | None = None, of: str = "a"
) -> tuple[TieState, str | None, str | None, str, str]:
    tie = derive(graph, line, schemas)[RevisionId(of)]
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
def test_without_a_header(history: Line, expected: tuple[object, ...]) -> None:
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


def test_a_former_child_ends_the_interval() -> None:
    history = line("c1 +a M1", "c2 +x M2", "c3 -x +b M3", former_children={"a": frozenset({"x", "b"})})
    assert told(graph("a", "b<a"), history)[3] == "c1"


def test_a_former_child_that_went_below_counts_and_one_that_went_above_does_not() -> None:
    history = line("c1 +a M1", "c2 +c M2", "c3 +b M3", former_children={"a": frozenset({"c"})})
    assert told(graph("a", "b<a", "c<b"), history)[3] == "c1"
    history = line("c1 +b M1", "c2 +a M2", "c3 M3", former_children={"a": frozenset({"b"})})
    assert told(graph("b", "a<b"), history)[3] == "c2 c3"


def test_a_merge_of_two_branches_is_a_child_of_both() -> None:
    history = line("c1 +a M1", "c2 +b M2", "c3 +m M3")
    both = graph("a", "b", "m<a,b")
    assert [told(both, history, of=one)[3] for one in "abm"] == ["c1 c2", "c2", "c3"]


def test_the_side_of_a_merge_has_the_candidates() -> None:
    side = line("s1 +a M1", "s2 M2", "s3 +b M3")
    history = line("c1 M0", "m +a +b M4", sides={"m": (line("t1 M1"), side)})
    record = graph("a", "b<a", a=header("M2"))
    assert told(record, history) == (VERIFIED, "m", "s2", "s1 s2", "")
    assert told(record, history, of="b") == (APPROXIMATE, "m", "m", "m", "")


def test_a_side_of_a_side() -> None:
    inner = line("i1 +a M1", "i2 +b M2")
    side = line("s1 +a +b M3", sides={"s1": (inner,)})
    history = line("m +a +b M4", sides={"m": (side,)})
    assert told(graph("a", "b<a"), history)[1:4] == ("m", "i1", "i1")


def test_before_a_shallow_clone_begins_nothing_is_known() -> None:
    history = line("c1 +a +b M1", "c2 +c M2", cut_off=True)
    chain = graph("a", "b<a", "c<b", b=header("M1"))
    assert told(chain, history) == (UNTIED, None, None, "", "")
    assert told(chain, history, of="b") == (VERIFIED, None, "c1", "c1", "")
    assert told(chain, history, of="c") == (APPROXIMATE, "c2", "c2", "c2", "")


def test_revisions_that_only_history_has_get_no_tie() -> None:
    assert set(derive(graph("a"), line("c1 +a +old M1", "c2 -old M1"))) == {"a"}
