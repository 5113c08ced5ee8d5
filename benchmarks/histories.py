"""Random histories against a naive model, 500 of up to 40 steps: ``python benchmarks/histories.py``.

See ``tests/histories.py`` for the steps and for what has to be true of each tie.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sealed import seal
from gitmig.git.repository import Repository
from tests.histories import Play, check, told


def main() -> None:
    """Play them, and print what they were made of. A number that fails is named, and ends it."""
    parser = argparse.ArgumentParser(description="Random histories against a naive model.")
    parser.add_argument("--examples", type=int, default=500)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began, tally = time.monotonic(), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="gitmig-histories-") as name:
        seal(Path(name, "home"))
        for number in range(options.seed, options.seed + options.examples):
            try:
                tally += _played(number, options.steps, Path(name, str(number)))
            except AssertionError as error:
                raise SystemExit(f"history {number}: {error}") from None
    for what, count in sorted(tally.items()):
        print(f"{what:10} {count:6}")
    print(f"{options.examples} histories in {time.monotonic() - began:.0f} s")


def _played(number: int, steps: int, top: Path) -> Counter[str]:
    random = Random(number)
    play = Play(random)
    for _ in range(random.randint(3, steps)):
        play.step()
    history = told(play, top)
    repository = Repository.discover(top)
    assert repository is not None
    try:
        verified = check(history, repository, schemas_known=random.random() < 0.5)
    finally:
        repository.close()
    merges = sum(len(play.nodes[each].parents) > 1 for each in history.reachable)
    return Counter(
        commits=len(history.reachable),
        merges=merges,
        revisions=len(history.node.revisions),
        verified=verified,
    )


if __name__ == "__main__":
    main()
