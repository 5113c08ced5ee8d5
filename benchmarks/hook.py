"""What the hook costs: whole processes, side by side in one run, medians of 15.

    python benchmarks/hook.py

Prints each case in milliseconds and as a ratio, and fails past the budgets of the project: with nothing
relevant staged, twice a bare Python with one git call; with the models changed, 1.5 times a bare Python that
imports ``alembic.context`` and those models.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

ROUNDS = 15
MODELS = 100
BARE, GIT, IMPORTS = "python -c pass", "python, one git call", "python, alembic.context, the models"
NOTHING, OTHER = "check --staged, nothing relevant", "check --staged, an unrelated module"
CHANGED, REVISED = "check --staged, the models changed", "check --staged, the models and their revision"
WITHOUT, WITH = "git commit, without the hook", "git commit, with the hook"
ALEMBIC = "alembic check at head"
RATIOS: dict[str, tuple[str, float | None]] = {
    NOTHING: (GIT, 2.0),
    OTHER: (GIT, None),
    CHANGED: (IMPORTS, 1.5),
    REVISED: (IMPORTS, 1.5),
    ALEMBIC: (IMPORTS, None),
    WITH: (WITHOUT, None),
}
"""What each is compared with, and how often it may take that long."""

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
        context.configure(connection=connection, target_metadata=Base.metadata)
        with context.begin_transaction():
            context.run_migrations()
"""
_INI = "[alembic]\nscript_location = %(here)s/alembic\nprepend_sys_path = .\n"
_MAKO = '''"""${message}"""

from alembic import op
import sqlalchemy as sa

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
'''


class Bench:
    """A repository with many models, at its first revision, its hook not installed."""

    def __init__(self, top: Path):
        self.top = top
        home = top.parent / "home"
        home.mkdir()
        (home / ".gitconfig").write_text(
            "[user]\n name = A\n email = a@example.org\n[init]\n defaultBranch = main\n"
        )
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "GITMIG_"))},
            "HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        self.make()

    def make(self) -> None:
        """Write the project, and bring database and models in step."""
        for path, text in {
            "alembic.ini": _INI,
            "alembic/env.py": _ENV,
            "alembic/script.py.mako": _MAKO,
            "alembic/versions/.gitkeep": "",
            "app/__init__.py": "",
            "app/models.py": self.models(""),
            "app/other.py": "ONE = 1\n",
            "README.md": "# Notes\n",
            ".gitignore": "__pycache__/\napp.db*\n",
            "pyproject.toml": '[tool.gitmig]\nmodels = ["app/models.py"]\n',
        }.items():
            self.write(path, text)
        self.run("git", "init", "--quiet")
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "-m", "Start")
        self.run("gitmig", "revise", "-m", "First", "-y")

    @staticmethod
    def models(extra: str) -> str:
        """A module with many models; ``extra`` is a line for the last of them."""
        tables = "\n\n".join(
            f'class Model{number}(Base):\n    __tablename__ = "model_{number}"\n'
            "    id: Mapped[int] = mapped_column(primary_key=True)\n"
            + "".join(
                f"    c{column}: Mapped[str | None] = mapped_column(String(50))\n" for column in range(8)
            )
            for number in range(MODELS)
        )
        return (
            "from sqlalchemy import String\n"
            "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\n\n\n"
            f"class Base(DeclarativeBase):\n    pass\n\n\n{tables}{extra}"
        )

    def write(self, path: str, text: str) -> None:
        """Write a file with its folders."""
        place = self.top / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def run(self, *command: str, codes: tuple[int, ...] = (0,), env: Mapping[str, str] | None = None) -> None:
        """Run a command, which must end with one of these codes."""
        done = subprocess.run(
            command, cwd=self.top, env={**self.environment, **(env or {})}, capture_output=True, text=True
        )
        if done.returncode not in codes:
            raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")

    def stage(self, path: str, text: str) -> None:
        """Write and stage a file."""
        self.write(path, text)
        self.run("git", "add", "--all")


def main() -> int:
    """Measure everything and print it. Returns 1 past a budget."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder, "project")
        top.mkdir()
        bench = Bench(top)
        call = "import subprocess; subprocess.run(['git', 'diff-index', '--cached', '-z', 'HEAD'])"
        check = ("gitmig", "check", "--staged")
        cases: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {}

        def case(name: str, *command: str, before: Callable[[], None] = lambda: None, code: int = 0) -> None:
            cases[name] = (before, lambda: bench.run(*command, codes=(code,)))

        counter = iter(range(10_000))

        def restore() -> None:
            bench.run("git", "reset", "--quiet", "--hard")
            bench.run("git", "clean", "--quiet", "-fd")

        def synced() -> None:
            restore()
            bench.run("gitmig", "sync", "-y")

        def note() -> None:
            restore()
            bench.stage("README.md", f"# {next(counter)}\n")

        def other() -> None:
            restore()
            bench.stage("app/other.py", f"ONE = {next(counter)}\n")

        def changed() -> None:
            restore()
            bench.stage("app/models.py", bench.models(f"    x{next(counter)}: Mapped[int | None]\n"))

        def revised() -> None:
            restore()
            bench.write("app/models.py", bench.models(f"    x{next(counter)}: Mapped[int | None]\n"))
            cache, kept = bench.top / ".git/gitmig/cache", top.parent / "cache"
            shutil.copytree(cache, kept)
            bench.run("gitmig", "revise", "-m", "One more", "--no-commit", "-y")
            # As in another clone, or when the models were edited since: nothing is known of them.
            shutil.rmtree(cache)
            shutil.move(kept, cache)

        def hooked() -> None:
            note()
            bench.run("gitmig", "hook", "install")

        def unhooked() -> None:
            note()
            bench.run("gitmig", "hook", "uninstall")

        case(BARE, sys.executable, "-c", "pass")
        case(GIT, sys.executable, "-c", call)
        case(NOTHING, *check, before=note)
        case(OTHER, *check, before=other)
        case(IMPORTS, sys.executable, "-c", "import alembic.context, app.models")
        case(CHANGED, *check, before=changed, code=1)
        case(REVISED, *check, before=revised)
        case(ALEMBIC, sys.executable, "-m", "alembic", "check", before=synced)
        case(WITHOUT, "git", "commit", "--quiet", "-m", "x", before=unhooked)
        case(WITH, "git", "commit", "--quiet", "-m", "x", before=hooked)
        # What a first look learns is there afterwards.
        other()
        bench.run(*check)
        times: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(ROUNDS):
            for name, (before, timed) in cases.items():
                before()
                start = time.perf_counter()
                timed()
                times[name].append(time.perf_counter() - start)
    return report({name: statistics.median(values) for name, values in times.items()})


def report(medians: Mapping[str, float]) -> int:
    """Print the medians and their ratios as a table. Returns 1 past a budget."""
    print(f"{machine()}, medians of {ROUNDS} whole processes:\n")
    print("| | ms | against | ratio | budget |\n|---|---:|---|---:|---:|")
    failed = 0
    for name, seconds in medians.items():
        base, budget = RATIOS.get(name, (None, None))
        ratio = seconds / medians[base] if base else None
        cells = [
            name,
            f"{seconds * 1000:.0f}",
            base or "",
            f"{ratio:.2f}" if ratio else "",
            f"{budget or ''}",
        ]
        print(f"| {' | '.join(cells)} |")
        failed |= budget is not None and ratio is not None and ratio > budget
    print("\npast a budget" if failed else "\nwithin the budgets")
    return int(failed)


def machine() -> str:
    """The date, and what was measured with."""
    git = subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout.split()[2]
    cpu = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), cpu)
    versions = " ".join(f"{name} {version(name)}" for name in ("SQLAlchemy", "Alembic"))
    return (
        f"{datetime.date.today()}, {os.cpu_count()} cores ({cpu}), {platform.system()}, "
        f"Python {platform.python_version()}, git {git}, {versions}"
    )


if __name__ == "__main__":
    sys.exit(main())
