"""What a switch of branches costs: whole processes, side by side in one run, medians.

    python benchmarks/switch.py [--rounds 7] [--revisions 1 10 100]

Two branches with as many revisions each, on SQLite and on PostgreSQL: ``gitmig switch`` against ``alembic
downgrade``, ``git switch`` and ``alembic upgrade`` by hand, and against ``sqitch checkout`` where sqitch is
installed. Then what the advice hook adds to ``git checkout``. Prints Markdown, and fails past the project's
budgets: a switch is faster than by hand, and the hook adds 100 ms at most.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy import make_url

from benchmarks.sealed import seal
from tests import servers

HOOK_BUDGET = 0.1
_SIDES = ("one", "two")
_ENV = """\
import os

from alembic import context
from sqlalchemy import create_engine

with create_engine(os.environ["DATABASE_URL"]).connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
"""
_SCRIPT = """\
import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {parent!r}


def upgrade():
    op.create_table("{revision}", sa.Column("id", sa.Integer, primary_key=True))


def downgrade():
    op.drop_table("{revision}")
"""


class Bench:
    """A repository with a base revision and two branches, the first of them checked out and applied."""

    def __init__(self, top: Path, url: str, count: int):
        self.top = top
        self.environment = {**os.environ, "DATABASE_URL": url}
        self._write("alembic.ini", "[alembic]\nscript_location = %(here)s/alembic\n")
        self._write("alembic/env.py", _ENV)
        self._write("alembic/script.py.mako", "")
        self._write(".gitignore", "__pycache__/\n*.db*\n")
        self._script("root", None)
        self.run("git", "init", "--quiet")
        self._commit("Start")
        for side in _SIDES:
            self.run("git", "switch", "--quiet", "--create", side, "main")
            names = [f"{side}{number:03}" for number in range(count)]
            for parent, name in zip(["root", *names], names, strict=False):
                self._script(name, parent)
            self._commit(side)
        self.run("git", "switch", "--quiet", "one")
        self.run(*GITMIG, "upgrade")

    def run(self, *command: str) -> None:
        """Run a command, which must succeed."""
        done = subprocess.run(
            command, cwd=self.top, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")

    def by_hand(self, side: str) -> None:
        """What people do who know that they have to."""
        self.run(*ALEMBIC, "downgrade", "root")
        self.run("git", "switch", "--quiet", side)
        self.run(*ALEMBIC, "upgrade", "head")

    def by_gitmig(self, side: str) -> None:
        """The one command."""
        self.run(*GITMIG, "switch", side, "--yes")

    def by_git(self, side: str) -> None:
        """The files alone."""
        self.run("git", "checkout", "--quiet", side)

    def _commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "-m", message)

    def _script(self, revision: str, parent: str | None) -> None:
        text = _SCRIPT.format(revision=revision, parent=parent)
        self._write(f"alembic/versions/{revision}_x.py", text)

    def _write(self, path: str, text: str) -> None:
        place = self.top / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")


GITMIG = (sys.executable, "-P", "-m", "gitmig")
ALEMBIC = (sys.executable, "-P", "-m", "alembic")


class Sqitch:
    """The same with sqitch: one change for each revision."""

    def __init__(self, top: Path, url: str, count: int):
        self.top = top
        parsed = make_url(url)
        engine = "sqlite" if parsed.get_backend_name() == "sqlite" else "pg"
        host = parsed.query.get("host", "")
        target = (
            f"db:sqlite:{parsed.database}"
            if engine == "sqlite"
            else f"db:pg://{parsed.username}@/{parsed.database}?host={host}"
        )
        self.environment = {**os.environ}
        self.run("git", "init", "--quiet")
        self.run("sqitch", "config", "--user", "user.name", "A")
        self.run("sqitch", "config", "--user", "user.email", "a@example.org")
        self.run("sqitch", "init", "bench", "--engine", engine, "--target", target)
        self._change("root")
        self._commit("Start")
        for side in _SIDES:
            self.run("git", "switch", "--quiet", "--create", side, "main")
            for number in range(count):
                self._change(f"{side}{number:03}")
            self._commit(side)
        self.run("git", "switch", "--quiet", "one")
        self.run("sqitch", "deploy")

    run = Bench.run

    def checkout(self, side: str) -> None:
        """sqitch's own command for it."""
        self.run("sqitch", "checkout", side)

    def _change(self, name: str) -> None:
        self.run("sqitch", "add", name, "-n", name)
        for folder, text in (
            ("deploy", f"CREATE TABLE {name} (id INTEGER PRIMARY KEY);"),
            ("revert", f"DROP TABLE {name};"),
            ("verify", f"SELECT id FROM {name} WHERE 0 = 1;"),
        ):
            (self.top / folder / f"{name}.sql").write_text(f"{text}\n", encoding="utf-8")

    def _commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "-m", message)


def measured(ways: dict[str, Callable[[str], None]], rounds: int) -> dict[str, float]:
    """The median seconds of each way; every round goes there and back by each."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for round in range(-1, rounds):
        for name, way in ways.items():
            for side in ("two", "one"):
                start = time.perf_counter()
                way(side)
                if round >= 0:
                    times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


@contextmanager
def databases(kind: str, folder: Path) -> Iterator[Callable[[], str]]:
    """A function that gives the URL of another empty database."""
    if kind == "SQLite":
        yield lambda: f"sqlite:///{Path(tempfile.mkdtemp(dir=folder), 'app.db')}"
        return
    server = Path(tempfile.mkdtemp(prefix="gitmig-bench-"))
    opened = []
    try:
        url = servers.postgres(server)

        def fresh() -> str:
            database = servers.fresh_database(url)
            opened.append(database)
            return database.__enter__()

        yield fresh
        for database in opened:
            database.__exit__(None, None, None)
    finally:
        servers.stop(server)
        shutil.rmtree(server, ignore_errors=True)


def compared(kind: str, count: int, rounds: int, folder: Path) -> dict[str, float]:
    """One line of the table: the seconds of each way."""
    with databases(kind, folder) as fresh:
        top = Path(tempfile.mkdtemp(dir=folder))
        bench = Bench(top, fresh(), count)
        ways: dict[str, Callable[[str], None]] = {"by hand": bench.by_hand, "gitmig": bench.by_gitmig}
        if shutil.which("sqitch"):
            other = Path(tempfile.mkdtemp(dir=folder))
            ways["sqitch"] = Sqitch(other, fresh(), count).checkout
        return measured(ways, rounds)


def hooked(rounds: int, folder: Path) -> tuple[float, float]:
    """``git checkout`` between branches of a hundred revisions, without and with the hook."""
    top = Path(tempfile.mkdtemp(dir=folder))
    bench = Bench(top, f"sqlite:///{top / 'app.db'}", 100)
    without = measured({"git": bench.by_git}, rounds)["git"]
    bench.run(*GITMIG, "hook", "install")
    return without, measured({"git": bench.by_git}, rounds)["git"]


def main(arguments: Sequence[str]) -> int:
    """Measure and print. Returns 1 past a budget."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--revisions", type=int, nargs="+", default=[1, 10, 100])
    options = parser.parse_args(arguments)
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seal(folder / "home")
        machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
        print(f"{date.today()}, {machine}, Python {platform.python_version()}")
        print("\n| database | revisions a side | gitmig | by hand | of by hand | sqitch | of sqitch |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        for kind in ("SQLite", "PostgreSQL"):
            for count in options.revisions:
                medians = compared(kind, count, options.rounds, folder)
                ours, hand, sqitch = medians["gitmig"], medians["by hand"], medians.get("sqitch")
                failed |= ours >= hand
                cells = (f"{sqitch:.2f} s", f"{ours / sqitch:.2f}") if sqitch else ("not installed", "")
                line = (kind, str(count), f"{ours:.2f} s", f"{hand:.2f} s", f"{ours / hand:.2f}", *cells)
                print(f"| {' | '.join(line)} |", flush=True)
        without, with_it = hooked(options.rounds, folder)
        added = with_it - without
        failed |= added > HOOK_BUDGET
        print(
            f"\ngit checkout {without * 1000:.0f} ms, with the advice hook {with_it * 1000:.0f} ms: ", end=""
        )
        print(f"{added * 1000:.0f} ms more, of {HOOK_BUDGET * 1000:.0f}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
