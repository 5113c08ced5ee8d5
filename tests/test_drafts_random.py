"""Pairs of random models: what is drafted between them leads there, back, and there again."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests import servers
from tests.drafting import trip
from tests.drafts import POSTGRESQL, SQLITE
from tests.random_models import changed, random_models, text_of
from tests.test_drafts import fresh as fresh

BY_DAY = 8
"""Of each database; the others by night."""


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.nightly if seed >= BY_DAY else ()) for seed in range(30)]
)
@pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL])
def test_a_draft_between_two_random_models(
    dialect: str, seed: int, fresh: servers.Fresh, tmp_path: Path
) -> None:
    travel(dialect, seed, fresh, tmp_path / "project")


def travel(dialect: str, seed: int, fresh: servers.Fresh, top: Path) -> None:
    """Draft and travel between the two models of a seed."""
    random = Random(seed)
    before = random_models(random)
    after = changed(random, before)
    with trip(dialect, text_of(before), text_of(after), fresh, top) as made:
        unfilled = [each.rpartition(".") for each in made.draft()["unfilled"]]
        drafted = made.draft(fills=[[table, column, "NULL"] for table, _, column in unfilled])
        assert (drafted["uncovered"], drafted["unfilled"]) == ([], []), drafted["text"]
        made.travel(drafted, rows=False)
