"""Commands hit at random moments: ``python benchmarks/kill.py [--kills 500] [--seed 3] [--on NAME …]``.

So many on each of SQLite, PostgreSQL and (where ``GITMIG_TEST_MYSQL_URL`` names a server) MariaDB: killed,
alone or with all that they started, asked to end, or without their worker, their git or their sessions. Only
what hits a living command counts. After each the command is recovered, and what has to be true is looked at
(see ``tests/killing.py``); the first that is not ends the run with an error.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sealed import seal
from tests import servers
from tests.articles import article, article_on, sized
from tests.killing import Victim, blows
from tests.story import Project

_PER_PROJECT = 25


def main() -> None:
    """Hit, and print what became of it."""
    parser = argparse.ArgumentParser(description="Commands hit at random moments.")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", default="3")
    parser.add_argument("--on", nargs="*", choices=("sqlite", "postgresql", "mariadb"))
    options = parser.parse_args()
    mariadb = os.environ.get("GITMIG_TEST_MYSQL_URL")
    names = options.on or ["sqlite", "postgresql", *(["mariadb"] if mariadb else [])]
    with tempfile.TemporaryDirectory(prefix="gitmig-kill-") as name:
        seal(Path(name, "home"))
        running = Path(name, "servers")
        try:
            for database in names:
                server = servers.postgres(running) if database == "postgresql" else mariadb or ""
                _report(database, Path(name), server, options.kills, options.seed)
        finally:
            servers.stop(running)


def _report(database: str, folder: Path, server: str, kills: int, seed: str) -> None:
    began = time.monotonic()
    tally = _strike(folder / database, database, server, kills, seed)
    for (command, way, ended), number in sorted(tally.items()):
        print(f"{database:10} {command:9} {way:9} {ended:9} {number:4}")
    alive = sum(number for (_, _, ended), number in tally.items() if ended != "finished")
    print(
        f"{database}: {alive} that hit a living command in {time.monotonic() - began:.0f} s, all settled",
        flush=True,
    )


def _strike(folder: Path, database: str, server: str, kills: int, seed: str) -> Counter[tuple[str, str, str]]:
    tally: Counter[tuple[str, str, str]] = Counter()
    alive = number = 0
    while alive < kills:
        place = folder / f"project{number}"
        place.mkdir(parents=True)
        with _project(place, database, server) as project:
            victim = Victim(project)
            for blow in blows(f"{seed} {database} {number}", _PER_PROJECT):
                fall = victim.strike(blow)
                tally[fall.command, fall.way, fall.ended] += 1
                alive += fall.ended != "finished"
        number += 1
    return tally


@contextmanager
def _project(place: Path, database: str, server: str) -> Iterator[Project]:
    if database == "sqlite":
        yield article(place).project
        return
    with servers.fresh_database(server) as url:
        yield (article_on(place, url) if database == "postgresql" else sized(place, url)).project


if __name__ == "__main__":
    main()
