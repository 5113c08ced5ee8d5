"""Which side of an interrupted command a database is on: the whole table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.recovery.verdict import After, Before, Between, Facts, is_unsure, verdict
from gitmig.state.journal import DraftNote, Journal, Stage
from gitmig.wire.values import Action, LedgerRow, RevisionId

IDS = ("a1", "b2", "c3", "d4")


def ids(text: str) -> tuple[RevisionId, ...]:
    return tuple(map(RevisionId, text.split()))


def step(revision: str, direction: Action, heads: str | None) -> LedgerRow:
    return LedgerRow(
        database="sqlite:///app.db",
        environment="alembic:alembic_version",
        operation="1" * 32,
        revision=RevisionId(revision),
        direction=direction,
        commit=None,
        script=None,
        program=None,
        who=None,
        time=0,
        seconds=None,
        heads=None if heads is None else ids(heads),
    )


GRAPH = Graph.of(
    Script(revision=RevisionId(id), down_revisions=ids(parent), path=f"{id}.py")
    for parent, id in zip(("", *IDS), IDS, strict=False)
)
BLANK = replace(Journal.blank("upgrade", "alembic", None), stage=Stage.MOVING)
UP = replace(BLANK, before=ids("a1"), after=ids("c3"), ups=ids("b2 c3"))
DOWN = replace(BLANK, before=ids("c3"), after=ids("a1"), downs=ids("c3 b2"))
STEPS = replace(UP, rows=(step("b2", Action.UPGRADE, "b2"), step("c3", Action.UPGRADE, "c3")))
LEDGER = replace(STEPS, ledger=True)
UNKNOWN_HEADS = replace(UP, rows=(step("b2", Action.UPGRADE, None), step("c3", Action.UPGRADE, "c3")))
NOTE = DraftNote(path="b2.py", old=b"", held=True, ours=())
AMEND = replace(BLANK, before=ids("b2"), after=ids("b2"), downs=ids("b2"), ups=ids("b2"), draft=NOTE)
REDO = replace(BLANK, before=ids("b2"), after=ids("b2"), downs=ids("b2"), ups=ids("b2"))


@pytest.mark.parametrize(
    ("journal", "heads", "recorded", "amended", "expected"),
    [
        # Before anything moved, and after everything did, nothing else counts.
        (replace(UP, stage=Stage.PREPARING), "c3", 2, None, Before()),
        (replace(UP, stage=Stage.COMMITTING), "a1", 0, None, After()),
        # The version table alone.
        (UP, "a1", None, None, Before()),
        (UP, "c3", None, None, After()),
        (DOWN, "c3", None, None, Before()),
        (DOWN, "a1", None, None, After()),
        # Somebody has moved the database since.
        (UP, "b2", None, None, Before()),
        (UP, "d4", None, None, After()),
        (UP, "", None, None, Before()),
        (UP, "e5", None, None, Before()),
        (DOWN, "b2", None, None, Before()),
        (DOWN, "d4", None, None, Before()),
        (DOWN, "", None, None, After()),
        (DOWN, "e5", None, None, Before()),
        # Steps in transactions of their own.
        (STEPS, "a1", None, None, Before()),
        (STEPS, "b2", None, None, Between(1)),
        (STEPS, "c3", None, None, After()),
        (UNKNOWN_HEADS, "b2", None, None, Before()),
        # The ledger knows better than the version table.
        (LEDGER, "a1", 2, None, After()),
        (LEDGER, "c3", 0, None, Before()),
        (LEDGER, "c3", 1, None, Between(1)),
        (LEDGER, "b2", None, None, Between(1)),
        # A revision that is undone and done again leaves the version table as it was.
        (AMEND, "b2", None, True, After()),
        (AMEND, "b2", None, False, Before()),
        (AMEND, "b2", None, None, Before()),
        (AMEND, "c3", None, None, After()),
        (replace(AMEND, ledger=True), "b2", 2, None, After()),
        (REDO, "b2", None, True, After()),
        (REDO, "b2", None, None, Before()),
        (REDO, "c3", None, None, Before()),
    ],
)
def test_verdict(
    journal: Journal,
    heads: str,
    recorded: int | None,
    amended: bool | None,
    expected: Before | After | Between,
) -> None:
    facts = Facts(heads=ids(heads), recorded=recorded, amended=amended)
    assert verdict(journal, facts, GRAPH) == expected


@pytest.mark.parametrize(
    ("journal", "recorded", "amended", "expected"),
    [
        (AMEND, None, None, True),
        (REDO, None, None, True),
        (AMEND, None, False, False),
        (replace(AMEND, ledger=True), 2, None, False),
        (replace(AMEND, stage=Stage.COMMITTING), None, None, False),
        (UP, None, None, False),
    ],
)
def test_is_unsure(journal: Journal, recorded: int | None, amended: bool | None, expected: bool) -> None:
    facts = Facts(heads=ids("b2"), recorded=recorded, amended=amended)
    assert is_unsure(journal, facts) is expected
