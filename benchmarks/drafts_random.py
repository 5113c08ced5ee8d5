"""Drafts between many pairs of random models, on SQLite and PostgreSQL.

    .venv/bin/python -m benchmarks.drafts_random [PAIRS] [FIRST]

The suite has the first thirty; 1,000 by default here. Prints the pairs that go wrong, and ends with 1 then.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests import servers
from tests.drafts import POSTGRESQL, SQLITE
from tests.test_drafts_random import travel


def main(pairs: int = 1000, first: int = 0) -> int:
    """Try them all. Returns the exit code."""
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="gitmig-drafts-") as folder:
        running = Path(folder) / "server"
        server = servers.postgres(running)
        try:
            for seed in range(first, first + pairs):
                for dialect in (SQLITE, POSTGRESQL):
                    top = Path(folder) / f"{dialect}-{seed}"
                    wrong += not _is_right(dialect, seed, top, server)
                    shutil.rmtree(top, ignore_errors=True)
        finally:
            servers.stop(running)
    print(f"{2 * pairs - wrong} right, {wrong} wrong")
    return int(wrong > 0)


def _is_right(dialect: str, seed: int, top: Path, server: str) -> bool:
    with ExitStack() as stack:

        def fresh(kind: str, name: str) -> str:
            if kind != POSTGRESQL:
                return f"sqlite:///{top}/{name}.db"
            return stack.enter_context(servers.fresh_database(server))

        try:
            travel(dialect, seed, fresh, top)
        except Exception as error:
            print(f"{dialect} {seed}: {str(error).strip().splitlines()[0]}", flush=True)
            return False
    return True


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
