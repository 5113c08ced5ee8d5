"""Commands killed at random moments, 500 times: ``python benchmarks/kill.py [--kills 500] [--seed 3]``.

Half of them on SQLite, half on PostgreSQL. After each kill the command is recovered, and what has to be true
is looked at (see ``tests/killing.py``); the first that is not ends the run with an error.
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
from tests import servers
from tests.articles import article, article_on
from tests.killing import Victim, blows

_PER_PROJECT = 25


def main() -> None:
    """Kill, and print what became of it."""
    parser = argparse.ArgumentParser(description="Commands killed at random moments.")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", default="3")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gitmig-kill-") as name:
        seal(Path(name, "home"))
        running = Path(name, "servers")
        try:
            tally = _strike(Path(name), servers.postgres(running), options.kills, options.seed)
        finally:
            servers.stop(running)
    for (database, command, ended), number in sorted(tally.items()):
        print(f"{database:10} {command:9} {ended:9} {number:4}")
    print(f"{sum(tally.values())} kills in {time.monotonic() - began:.0f} s, all of them settled")


def _strike(folder: Path, postgres: str, kills: int, seed: str) -> Counter[tuple[str, str, str]]:
    tally: Counter[tuple[str, str, str]] = Counter()
    for number in range(0, kills, _PER_PROJECT):
        place = folder / f"project{number}"
        place.mkdir()
        todo = blows(f"{seed} {number}", min(_PER_PROJECT, kills - number))
        if number // _PER_PROJECT % 2:
            with servers.fresh_database(postgres) as url:
                victim = Victim(article_on(place, url).project)
                tally += Counter(("postgresql", f.command, f.ended) for f in map(victim.strike, todo))
        else:
            victim = Victim(article(place).project)
            tally += Counter(("sqlite", f.command, f.ended) for f in map(victim.strike, todo))
    return tally


if __name__ == "__main__":
    main()
