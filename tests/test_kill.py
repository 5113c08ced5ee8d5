"""Kills at random moments; `benchmarks/kill.py` has more of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.articles import article, article_on
from tests.killing import COMMANDS, Victim, blows

SEED = 3
KILLS = 20
"""On each database, at least."""
MOST = 60


@pytest.mark.nightly
def test_killed_at_random_moments(tmp_path: Path, database_url: str) -> None:
    found = article(tmp_path) if database_url.startswith("sqlite") else article_on(tmp_path, database_url)
    victim = Victim(found.project)
    struck: set[str] = set()
    # Which command is at work when a blow falls is a matter of time: on until each was hit.
    for number, blow in enumerate(blows(f"{SEED} {database_url.partition(':')[0]}", MOST)):
        if number >= KILLS and struck == set(COMMANDS):
            break
        struck.add(victim.strike(blow).command)
    assert struck == set(COMMANDS)
