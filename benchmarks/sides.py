"""A switch between two branches with as many revisions each: ``python -m benchmarks switch``."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measuring import Pair, Part, Used, measured
from benchmarks.switch import Bench, Sqitch, databases

_BUDGETS = {
    ("SQLite", 1): 0.7, ("SQLite", 10): 0.55, ("SQLite", 100): 0.5,
    ("PostgreSQL", 1): 0.7, ("PostgreSQL", 10): 0.55, ("PostgreSQL", 100): 0.65,
}  # fmt: skip
_OF_SQITCH = {1: 1.0, 100: 0.3}


def switch(folder: Path, rounds: int) -> Part:
    """There and back counts as two."""
    rows = []
    for kind, count in _BUDGETS:
        with databases(kind, folder) as fresh:
            top = Path(tempfile.mkdtemp(dir=folder))
            rows += measured(_pairs(kind, count, fresh, top, folder), min(rounds, 3 if count > 1 else rounds))
    about = "Two branches with so many revisions a side; by hand is `alembic downgrade`, `git switch`, "
    sqitch = "" if shutil.which("sqitch") else " sqitch is not installed here."
    return Part("Switching branches", f"{about}`alembic upgrade`.{sqitch}", rows)


def _pairs(kind: str, count: int, fresh: Callable[[], str], top: Path, folder: Path) -> Iterator[Pair]:
    bench = Bench(top, fresh(), count)
    ours = _there_and_back(bench.by_gitmig)
    name = f"{count} a side, {kind}"
    yield Pair(name, ours, "by hand", _there_and_back(bench.by_hand), _BUDGETS[kind, count])
    if shutil.which("sqitch"):
        other = Sqitch(Path(tempfile.mkdtemp(dir=folder)), fresh(), count)
        yield Pair(name, ours, "sqitch checkout", _there_and_back(other.checkout), _OF_SQITCH.get(count))


def _there_and_back(way: Callable[[str], None]) -> Callable[[], Used]:
    def work() -> Used:
        began = time.perf_counter()
        for side in ("two", "one"):
            way(side)
        return Used((time.perf_counter() - began) / 2, 0)

    return work
