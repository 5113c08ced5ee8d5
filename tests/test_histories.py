"""Some random histories against a naive model; `benchmarks/histories.py` has more and longer ones."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitmig.git.repository import Repository
from tests.histories import Play, check, told

STEPS = 14


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.randoms(use_true_random=False), st.integers(3, STEPS), st.booleans())
def test_ties_of_random_histories(random: Random, steps: int, schemas_known: bool) -> None:
    play = Play(random)
    for _ in range(steps):
        play.step()
    with tempfile.TemporaryDirectory(prefix="gitmig-history-") as name:
        history = told(play, Path(name))
        repository = Repository.discover(Path(name))
        assert repository is not None
        try:
            check(history, repository, schemas_known=schemas_known)
        finally:
            repository.close()
