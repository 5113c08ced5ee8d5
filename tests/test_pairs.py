"""Generated pairs of branches, joined by git and ``rebase``; `benchmarks/pairs.py` has a hundred of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pairs import begun, join


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_pair(tmp_path: Path, seed: int) -> None:
    join(begun(tmp_path), seed)
