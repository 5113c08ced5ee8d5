"""A hundred pairs of branches, joined by git and ``gitmig rebase``: ``python benchmarks/pairs.py``.

See ``tests/pairs.py`` for what the branches change, and for what has to be so afterwards.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sealed import seal
from tests.pairs import begun, join


def main() -> None:
    """Join them, and print what became of them."""
    parser = argparse.ArgumentParser(description="Pairs of branches that both add revisions.")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1000)
    options = parser.parse_args()
    began = time.monotonic()
    tally: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="gitmig-pairs-") as name:
        folder = Path(name)
        seal(folder / "home")
        for seed in range(options.seed, options.seed + options.pairs):
            place = folder / str(seed)
            place.mkdir()
            try:
                ended = join(begun(place), seed).ended
                tally[ended] += 1
                print(f"seed {seed}: {ended}", flush=True)
            except BaseException:
                print(f"seed {seed}", file=sys.stderr)
                raise
            shutil.rmtree(place)
    for what, number in sorted(tally.items()):
        print(f"{what:8} {number:5}")
    print(f"{options.pairs} pairs in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
