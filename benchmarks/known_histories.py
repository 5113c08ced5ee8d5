"""What is remembered of random repositories changes no answer: ``python benchmarks/known_histories.py``.

See ``tests/known_histories.py``. A number that fails is named, and ends it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sealed import seal
from tests.known_histories import Play


def main() -> None:
    """Play them, and print how many histories were gone on with."""
    parser = argparse.ArgumentParser(description="Random repositories with a cold and a warm cache.")
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1000)
    options = parser.parse_args()
    began, asked, read = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory(prefix="gitmig-known-") as name:
        seal(Path(name, "home"))
        for seed in range(options.seed, options.seed + options.examples):
            play = Play(Path(name, str(seed), "project"), Random(seed))
            try:
                for _ in range(options.steps):
                    play.step()
                    play.check()
            except BaseException:
                print(f"seed {seed}", file=sys.stderr)
                raise
            asked, read = asked + play.asked, read + play.readings
    print(f"{asked} histories, {read} of them read as a whole, in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
