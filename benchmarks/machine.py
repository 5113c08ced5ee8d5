"""Histories that nobody thought of, 300 of 25 steps: ``python benchmarks/machine.py [--examples 300]``.

See ``tests/machine.py`` for the steps and for what has to be true after each.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sealed import seal
from tests.machine import run

_PART = 10


def main() -> None:
    """Play them, and print what became of the commands."""
    parser = argparse.ArgumentParser(description="Histories that nobody thought of.")
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1000)
    options = parser.parse_args()
    began = time.monotonic()
    tally: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="gitmig-machine-") as name:
        seal(Path(name, "home"))
        for number in range(0, options.examples, _PART):
            examples = min(_PART, options.examples - number)
            tally += run(options.seed + number, examples=examples, steps=options.steps)
    for what, number in sorted(tally.items()):
        print(f"{what:18} {number:5}")
    print(f"{options.examples} examples of {options.steps} steps in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
