"""A large repository: what ``log``, the hook and ``status`` cost there, whole processes side by side.

    python benchmarks/large.py [--files 4000] [--commits 7000] [--rounds 7] [--repo PATH]

Makes a repository of 200 revisions, 65 files of models, other files and commits (git fast-import), or takes
one that is there (``--repo``: a clone with a database at its head; files of it are edited and put back).
Prints medians and ratios, and fails past the budgets of the project. The first layout is timed apart.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.hook import machine

REVISIONS, MODULES = 200, 65
_INI = "[alembic]\nscript_location = %(here)s/alembic\nprepend_sys_path = .\n"
_ENV = """\
from alembic import context
from sqlalchemy import create_engine

from app.models import Base

URL = "sqlite:///app.db"
if context.is_offline_mode():
    context.configure(url=URL, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(URL).connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()
"""
_ALL = "from app.base import Base\n" + "".join(f"from app.models import m{n:02}\n" for n in range(MODULES))
_SCRIPT = '''\
"""Change {number}

Revision ID: {id}
Revises: {parent}

"""
from alembic import op
import sqlalchemy as sa

revision = {id!r}
down_revision = {parent!r}


def upgrade():
    op.{up}


def downgrade():
    op.{down}
'''


@dataclass(frozen=True, slots=True)
class Pair:
    """A command, what it is compared with, and the most that it may take of that, in times and seconds."""

    name: str
    command: tuple[str, ...]
    base: tuple[str, ...]
    times: float
    more: float = 0.0
    before: Callable[[], None] = lambda: None
    codes: tuple[int, ...] = (0,)


@dataclass(slots=True)
class History:
    """The commits of the repository, as ``git fast-import`` takes them."""

    columns: list[int] = field(default_factory=lambda: [0] * MODULES)
    parent: str | None = None

    def module(self, number: int) -> str:
        """A file of models."""
        columns = "".join(f"    c{n}: Mapped[str | None]\n" for n in range(self.columns[number]))
        return (
            "from sqlalchemy.orm import Mapped, mapped_column\n\nfrom app.base import Base\n\n\n"
            f'class Model{number}(Base):\n    __tablename__ = "model_{number}"\n'
            f"    id: Mapped[int] = mapped_column(primary_key=True)\n{columns}"
        )

    def revision(self, number: int) -> dict[str, str]:
        """The files of a revision: its script, and the models that it changes."""
        made, known = f"{number:012x}", self.parent
        module = number % MODULES
        table = f"model_{module}"
        if number < MODULES:
            up = f'create_table("{table}", sa.Column("id", sa.Integer, primary_key=True))'
            down = f'drop_table("{table}")'
        else:
            column = f"c{self.columns[module]}"
            up = f'add_column("{table}", sa.Column("{column}", sa.String))'
            down = f'drop_column("{table}", "{column}")'
            self.columns[module] += 1
        self.parent = made
        text = _SCRIPT.format(number=number, id=made, parent=known, up=up, down=down)
        return {
            f"alembic/versions/{made}_change.py": text,
            f"app/models/m{module:02}.py": self.module(module),
        }

    def commits(self, files: int, commits: int) -> Iterator[dict[str, str]]:
        """The files that each commit writes."""
        yield {
            ".gitignore": "__pycache__/\napp.db*\n",
            "pyproject.toml": '[tool.gitmig]\nmodels = ["app/models"]\n',
            "alembic.ini": _INI,
            "alembic/env.py": _ENV,
            "alembic/script.py.mako": "",
            "app/__init__.py": "",
            "app/base.py": "from sqlalchemy.orm import DeclarativeBase\n\n\n"
            "class Base(DeclarativeBase):\n    pass\n",
            **{f"web/part{n % 100}/file{n}.ts": f"export const n = {n};\n" for n in range(files)},
        }
        for number in range(MODULES):
            yield self.revision(number)
        yield {"app/models/__init__.py": _ALL}
        rest = commits - MODULES - 2
        step = rest // (REVISIONS - MODULES)
        for number in range(rest):
            if number % step == 0 and number // step < REVISIONS - MODULES:
                yield self.revision(MODULES + number // step)
            else:
                yield {f"web/part{number % 100}/file{number % files}.ts": f"export const n = -{number};\n"}


class Repository:
    """The repository, and how commands run in it."""

    def __init__(self, top: Path, home: Path):
        self.top = top
        home.mkdir(parents=True)
        (home / ".gitconfig").write_text("[user]\n name = A\n email = a@example.org\n[gc]\n auto = 0\n")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "GITMIG_"))},
            "HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }

    def run(self, *command: str, codes: tuple[int, ...] = (0,)) -> float:
        """Run a command, which must end with one of these codes. Returns seconds."""
        start = time.perf_counter()
        done = subprocess.run(command, cwd=self.top, env=self.environment, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if done.returncode not in codes:
            raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return seconds

    def make(self, files: int, commits: int) -> None:
        """Write the history and check it out; the database is at its head."""
        self.top.mkdir()
        self.run("git", "init", "--quiet", "--initial-branch=main")
        importing = subprocess.Popen(
            ["git", "fast-import", "--quiet"], cwd=self.top, env=self.environment, stdin=subprocess.PIPE
        )
        assert importing.stdin is not None
        for number, written in enumerate(History().commits(files, commits)):
            importing.stdin.write(
                f"commit refs/heads/main\ncommitter A <a@example.org> {1_700_000_000 + number * 60} +0000\n"
                f"data 1\nx\n".encode()
            )
            for path, text in written.items():
                data = text.encode()
                importing.stdin.write(f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n")
        importing.stdin.close()
        if importing.wait():
            raise SystemExit("git fast-import failed")
        self.run("git", "reset", "--quiet", "--hard", "main")
        self.run("git", "repack", "-adq")
        self.run(sys.executable, "-m", "alembic", "upgrade", "head")

    def restore(self) -> None:
        """Take back what was edited."""
        self.run("git", "reset", "--quiet", "--hard")

    def forget(self) -> None:
        """Take away all that gitmig has cached of this repository."""
        shutil.rmtree(self.top / ".git/gitmig/cache", ignore_errors=True)

    def forget_all(self) -> None:
        """As if gitmig had never run here."""
        shutil.rmtree(self.top / ".git/gitmig", ignore_errors=True)


def pairs(repository: Repository, models: str, module: str) -> list[Pair]:
    """What is measured; ``models`` is a file of models, ``module`` what an import of all models names."""
    counter = iter(range(1_000_000))
    place = repository.top / models

    def note() -> None:
        repository.restore()
        (repository.top / "NOTES.md").write_text(f"{next(counter)}\n")
        repository.run("git", "add", "NOTES.md")

    def changed(*, cached: bool) -> Callable[[], None]:
        def before() -> None:
            repository.restore()
            if not cached:
                repository.forget()
            place.write_text(f"{place.read_text()}    x{next(counter)}: Mapped[int | None]\n")
            repository.run("git", "add", models)

        return before

    git_call = "import subprocess; subprocess.run(['git', 'diff-index', '--cached', '-z', 'HEAD'])"
    git_log = ("git", "log", "--raw", "--no-renames", "--format=%H")
    staged = ("gitmig", "check", "--staged")
    imports = (sys.executable, "-c", f"import alembic.context, {module}")
    return [
        Pair("log, cold", ("gitmig", "log"), git_log, 3.0, 0.4, before=repository.forget_all),
        Pair("log, warm", ("gitmig", "log"), git_log, 0.0, 0.4),
        Pair("hook, models changed", staged, imports, 1.5, before=changed(cached=True), codes=(1,)),
        Pair(
            "hook, models changed, no cache", staged, imports, 1.5, before=changed(cached=False), codes=(1,)
        ),
        Pair("hook, nothing relevant", staged, (sys.executable, "-c", git_call), 1.3, before=note),
        Pair(
            "status",
            ("gitmig", "status"),
            (sys.executable, "-m", "alembic", "current"),
            1.0,
            before=repository.restore,
            codes=(0, 1),
        ),
    ]


def measure(repository: Repository, wanted: list[Pair], rounds: int) -> int:
    """Time each pair in turn and print the medians. Returns 1 past a budget."""
    failed = 0
    print("| | ms | against | ms | ratio | budget |\n|---|---:|---|---:|---:|---:|", flush=True)
    for pair in wanted:
        times: list[float] = []
        bases: list[float] = []
        for _ in range(rounds):
            pair.before()
            times.append(repository.run(*pair.command, codes=pair.codes))
            bases.append(repository.run(*pair.base))
        ours, theirs = statistics.median(times), statistics.median(bases)
        budget = pair.times * theirs + pair.more
        failed |= ours > budget
        base = " ".join(Path(word).name for word in pair.base if not word.startswith("import "))
        cells = (pair.name, f"{ours * 1000:.0f}", base, f"{theirs * 1000:.0f}", f"{ours / theirs:.2f}")
        late = "" if ours <= budget else " **past**"
        print(f"| {' | '.join(cells)} | {budget * 1000:.0f} ms{late} |", flush=True)
    return int(failed)


def main() -> int:
    """Measure a repository. Returns 1 past a budget."""
    parser = argparse.ArgumentParser(description="A large repository.")
    parser.add_argument("--files", type=int, default=4_000)
    parser.add_argument("--commits", type=int, default=7_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--repo", type=Path)
    parser.add_argument("--models", default="app/models/m00.py", help="a file of models to edit")
    parser.add_argument("--module", default="app.models", help="what an import of all models names")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gitmig-large-") as name:
        repository = Repository(options.repo or Path(name, "project"), Path(name, "home"))
        if options.repo is None:
            repository.make(options.files, options.commits)
        wanted = pairs(repository, options.models, options.module)
        print(f"{machine()}, medians of {options.rounds} whole processes:\n")
        repository.forget_all()
        hook = wanted[3]
        hook.before()
        first = repository.run(*hook.command, codes=hook.codes)
        print(f"the first look of the hook ever, which lays out the files: {first:.2f} s\n")
        failed = measure(repository, wanted, options.rounds)
        repository.restore()
    print("\npast a budget" if failed else "\nwithin the budgets")
    return failed


if __name__ == "__main__":
    sys.exit(main())
