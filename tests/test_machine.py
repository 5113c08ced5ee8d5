"""Some histories that nobody thought of; `benchmarks/machine.py` has more and longer ones."""

from __future__ import annotations

import pytest

from tests.machine import run

PARTS, EXAMPLES, STEPS = 4, 10, 10
"""In parts, so that the processes share them."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_lost_and_nothing_is_left_between(part: int) -> None:
    tally = run(part, examples=EXAMPLES, steps=STEPS)
    assert sum(tally.values()) > EXAMPLES
