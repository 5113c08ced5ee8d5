"""What came of replaying a revision, as findings; what goes into one run; what a baseline accepts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.core.schema.facets import FacetChange, FacetKey
from gitmig.core.verification import Baseline, ReplayOutcome, Result, Run, Verified, judged, runs
from gitmig.wire.values import CommitId, RevisionId

A, B, C, D, E = (RevisionId(letter) for letter in "abcde")
SCRIPT = Script(revision=B, down_revisions=(A,), path="b.py", revision_line=7)
MADE = FacetChange(FacetKey("column", "user", "name"), None, "TEXT")
LOST = FacetChange(FacetKey("index", "user", "ix"), "ix (name)", None)
CLEAN = ReplayOutcome(script=SCRIPT, commit=CommitId("0123456789ab"), reached=True)


@pytest.mark.parametrize(
    ("outcome", "code", "message", "hint", "result"),
    [
        (
            replace(CLEAN, failed="no such table"),
            "GM023",
            "the upgrade of b fails: no such table",
            "correct b.py",
            Result.FAILED,
        ),
        (
            replace(CLEAN, changes=(MADE,)),
            "GM023",
            "b does not lead to its models (those of 01234567)",
            "correct b.py",
            Result.FAILED,
        ),
        (
            replace(CLEAN, commit=None, changes=(MADE,)),
            "GM023",
            "b does not lead to its models",
            "correct b.py",
            Result.FAILED,
        ),
        (
            replace(CLEAN, left=(MADE,)),
            "GM022",
            "the downgrade of b leaves something behind",
            "correct downgrade() in b.py",
            Result.WARNED,
        ),
        (
            replace(CLEAN, left=(LOST,)),
            "GM022",
            "the downgrade of b takes what the upgrade did not make",
            "correct downgrade() in b.py",
            Result.WARNED,
        ),
        (
            replace(CLEAN, left=(MADE, LOST)),
            "GM022",
            "the downgrade of b does not lead back to what was before",
            "correct downgrade() in b.py",
            Result.WARNED,
        ),
        (
            replace(CLEAN, down="it raises"),
            "GM022",
            "the downgrade of b: it raises",
            "correct downgrade() in b.py",
            Result.WARNED,
        ),
        (
            replace(CLEAN, again=(LOST,)),
            "GM022",
            "the upgrade of b leads elsewhere after its downgrade",
            "correct downgrade() in b.py",
            Result.WARNED,
        ),
        (
            replace(CLEAN, on_rows="NULL"),
            "GM024",
            "b fails on rows: NULL",
            "have upgrade() in b.py deal with the rows first",
            Result.FAILED,
        ),
        (
            replace(CLEAN, reached=None, unproven="no models"),
            "GM007",
            "not all of b could be verified: no models",
            None,
            Result.UNPROVEN,
        ),
    ],
)
def test_one_finding_for_each_fault(
    outcome: ReplayOutcome, code: str, message: str, hint: str | None, result: Result
) -> None:
    (found,) = judged(outcome)
    said = found.finding
    assert (said.code, said.message, said.hint, said.path, said.line) == (code, message, hint, "b.py", 7)
    assert Verified(outcome=outcome, judged=(found,)).result is result


def test_nothing_wrong_is_verified() -> None:
    assert judged(CLEAN) == ()
    assert Verified(outcome=CLEAN, judged=()).result is Result.VERIFIED


@pytest.mark.parametrize(
    ("edges", "wanted", "result"),
    [
        ({A: (), B: (A,), C: (B,)}, (A, B, C), [((), (A, B, C))]),
        ({A: (), B: (A,), C: (B,)}, (C,), [((A, B), (C,))]),
        ({A: (), B: (A,), C: (B,)}, (A, C), [((), (A,)), ((A, B), (C,))]),
        # Branches are replayed each on its own ancestors; what joins them comes on top of both.
        ({A: (), B: (A,), C: (A,), D: (B, C)}, (A, B, C, D), [((), (A, B)), ((A,), (C,)), ((A, B, C), (D,))]),
        ({A: (), B: ()}, (A, B), [((), (A,)), ((), (B,))]),
        ({A: ()}, (), []),
    ],
)
def test_runs(
    edges: dict[RevisionId, tuple[RevisionId, ...]],
    wanted: tuple[RevisionId, ...],
    result: list[tuple[tuple[RevisionId, ...], tuple[RevisionId, ...]]],
) -> None:
    graph = Graph.of(Script(revision=r, down_revisions=p, path=f"{r}.py") for r, p in edges.items())
    assert runs(graph, wanted) == tuple(Run(before=before, steps=steps) for before, steps in result)


@pytest.mark.parametrize(
    ("accepted", "left"),
    [
        (set(), ("column user.name", "index user.ix")),
        ({("GM022", B, "column user.name")}, ("index user.ix",)),
        (
            {("GM023", B, "column user.name"), ("GM022", A, "column user.name")},
            ("column user.name", "index user.ix"),
        ),
        ({("GM022", B, "column user.name"), ("GM022", B, "index user.ix")}, None),
    ],
)
def test_a_baseline_accepts_facet_by_facet(
    accepted: set[tuple[str, str, str]], left: tuple[str, ...] | None
) -> None:
    (found,) = judged(replace(CLEAN, left=(MADE, LOST)))
    now = Baseline(accepted=frozenset(accepted)).without(found)
    assert (now.facets if now is not None else None) == left
    if now is not None:
        assert len(now.finding.details) == len(now.facets)


def test_a_baseline_accepts_a_finding_without_facets() -> None:
    (found,) = judged(replace(CLEAN, on_rows="NULL"))
    assert found.keys == (("GM024", B, ""),)
    assert Baseline(accepted=frozenset(found.keys)).without(found) is None
