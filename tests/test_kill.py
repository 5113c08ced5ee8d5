"""Kills at random moments; `benchmarks/kill.py` has more of them."""

from __future__ import annotations

from pathlib import Path

from tests.articles import article, article_on
from tests.killing import COMMANDS, Victim, blows

SEED = 3
KILLS = 20
"""On each database."""


def test_killed_at_random_moments(tmp_path: Path, database_url: str) -> None:
    found = article(tmp_path) if database_url.startswith("sqlite") else article_on(tmp_path, database_url)
    victim = Victim(found.project)
    falls = [victim.strike(blow) for blow in blows(f"{SEED} {database_url.partition(':')[0]}", KILLS)]
    assert {fall.command for fall in falls} == set(COMMANDS)
