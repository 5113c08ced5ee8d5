"""Kills at random moments; `benchmarks/kill.py` has more of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.articles import article, article_on
from tests.killing import COMMANDS, Victim, blows
from tests.scenes import SCENES, Stage
from tests.story import Project

SEED = 3
KILLS = 20
"""On each database, at least."""
MOST = 60


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder for temporary files in which nothing is to be left."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))


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


@pytest.mark.nightly
@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_every_command(scene: str, kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    server = {"postgresql": "postgres_url", "mysql": "mysql_url"}.get(kind)
    stage = Stage(Project.create(tmp_path, server and request.getfixturevalue(server)), scene)
    for blow in blows(f"{SEED} {kind} {scene}", 4):
        stage.strike(blow)
