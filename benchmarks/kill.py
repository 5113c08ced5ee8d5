"""Commands hit at random moments: ``python benchmarks/kill.py [--kills 500] [--seed 3] [--on NAME …]``.

So many on each of SQLite, PostgreSQL and (where ``GITMIG_TEST_MYSQL_URL`` names a server) MariaDB: killed,
alone or with all that they started, asked to end, or without their worker, their git, their sessions or the
server. Only what hits a living command counts. After each the command is recovered, and what has to be true
is looked at: in a project that is used on and on (``tests/killing.py``), and for every command in one that is
put back each time (``tests/scenes.py``). What is not true is printed, and the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("GITMIG_TEST_PATIENCE", "3600")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sealed import seal
from tests import servers
from tests.articles import article, article_on, sized
from tests.killing import WAYS, Victim, blows
from tests.scenes import SCENES, Stage
from tests.story import Project

_PER_PROJECT, _PER_SCENE = 25, 10


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
        os.environ["TMPDIR"] = str(Path(name, "tmp"))
        os.mkdir(os.environ["TMPDIR"])
        running, failed = Path(name, "servers"), 0
        try:
            if "mariadb" in names and mariadb:
                servers.survives(mariadb)
            for database in names:
                server = servers.postgres(running) if database == "postgresql" else mariadb or ""
                failed += _report(database, Path(name, database), server, options.kills, options.seed)
        finally:
            servers.stop(running)
    sys.exit(failed != 0)


def _report(database: str, folder: Path, server: str, kills: int, seed: str) -> int:
    """Returns how many blows ended in something that is not true."""
    began = time.monotonic()
    tally: Counter[tuple[str, str, str]] = Counter()
    failed = 0
    for number in itertools.count():
        if sum(tally.values()) >= kills:
            break
        failed += _strike(folder / f"project{number}", database, server, number, seed, tally)
        print(f"{database}: {sum(tally.values())} after {time.monotonic() - began:.0f} s", flush=True)
    for (command, way, ended), count in sorted(tally.items()):
        print(f"{database:10} {command:18} {way:9} {ended:9} {count:4}")
    settled = "all settled" if not failed else f"{failed} FAILED"
    print(f"{database}: {sum(tally.values())} that hit a living command, {settled}", flush=True)
    return failed


def _strike(
    place: Path, database: str, server: str, number: int, seed: str, tally: Counter[tuple[str, str, str]]
) -> int:
    """A project and its blows; every other one is used on and on, the rest are put back each time."""
    place.mkdir(parents=True)
    ways = (*WAYS, "restart")
    scene = tuple(SCENES)[number // 2 % len(SCENES)] if number % 2 else None
    with _project(place, database, server, empty=scene is not None) as project:
        try:
            victim = Victim(project) if scene is None else Stage(project, scene)
            for blow in blows(f"{seed} {database} {number}", _PER_SCENE if scene else _PER_PROJECT, ways):
                fall = victim.strike(blow)
                if fall.ended != "finished":
                    tally[fall.command, fall.way, fall.ended] += 1
        except Exception:
            print(f"FAILED: {database} {number} {scene}", flush=True)
            traceback.print_exc(file=sys.stdout)
            shutil.copytree(project.top, place.with_name(f"failed{number}"), symlinks=True)
            return 1
        finally:
            shutil.rmtree(place)
    return 0


@contextmanager
def _project(place: Path, database: str, server: str, *, empty: bool) -> Iterator[Project]:
    if database == "sqlite":
        yield Project.create(place) if empty else article(place).project
        return
    with servers.fresh_database(server) as url:
        if empty:
            yield Project.create(place, url)
        else:
            yield (article_on(place, url) if database == "postgresql" else sized(place, url)).project


if __name__ == "__main__":
    main()
