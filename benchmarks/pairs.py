"""A hundred pairs of branches, joined by git and ``gitmig rebase``: ``python benchmarks/pairs.py``.

See ``tests/pairs.py`` for what the branches change, and for what has to be so afterwards.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sealed import seal
from tests import servers
from tests.pairs import begun, join


def main() -> None:
    """Join them, and print what became of them."""
    parser = argparse.ArgumentParser(description="Pairs of branches that both add revisions.")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--postgresql", action="store_true", help="on a server of its own, not on SQLite")
    options = parser.parse_args()
    began = time.monotonic()
    tally: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="gitmig-pairs-") as name:
        folder = Path(name)
        seal(folder / "home")
        server = servers.postgres(folder / "server") if options.postgresql else None
        try:
            for seed in range(options.seed, options.seed + options.pairs):
                ended = _ended(folder / str(seed), server, seed)
                tally[ended] += 1
                print(f"seed {seed}: {ended}", flush=True)
        finally:
            servers.stop(folder / "server")
    for what, number in sorted(tally.items()):
        print(f"{what:8} {number:5}")
    print(f"{options.pairs} pairs in {time.monotonic() - began:.0f} s")
    sys.exit(tally["failed"] > 0)


def _ended(place: Path, server: str | None, seed: int) -> str:
    """What became of one pair; a failure is printed, and the next one is tried."""
    place.mkdir()
    try:
        with nullcontext() if server is None else servers.fresh_database(server) as url:
            return join(begun(place, url), seed).ended
    except Exception:
        traceback.print_exc()
        return "failed"
    finally:
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
