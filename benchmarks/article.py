"""The example's project: what gitmig takes of what people type by hand, and how quickly it starts.

``python -m benchmarks start article``.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measuring import ALEMBIC, GITMIG, PYTHON, Pair, Part, Shell, Used, Work, after, measured
from benchmarks.switch import databases

_ROOT = Path(__file__).resolve().parent.parent
_MODELS = "app/models.py"
_SMALLEST = "import typer\napp = typer.Typer()\n@app.command()\ndef main(one: int = 1): print(one)\napp()\n"


class Example:
    """The example's files in a repository of its own, the database at its head. Its hook is installed."""

    def __init__(self, top: Path, url: str) -> None:
        for name in ("app", "alembic", "alembic.ini"):
            copy = shutil.copytree if (_ROOT / name).is_dir() else shutil.copy
            copy(_ROOT / name, top / name)
        (top / "pyproject.toml").write_text(f'[tool.gitmig]\nmodels = ["{_MODELS}"]\n')
        (top / ".gitignore").write_text("__pycache__/\n*.db*\n.venv\n")
        self.shell = Shell(top, {**os.environ, "DATABASE_URL": url})
        self.run = self.shell.run
        versions = sorted((top / "alembic/versions").glob("*.py"))
        second = next(path for path in versions if "add_username" in path.name)
        kept, models = second.read_text(), (top / _MODELS).read_text()
        second.unlink()
        (top / _MODELS).write_text(
            "".join(line for line in models.splitlines(True) if "username" not in line)
        )
        self.run("git", "init", "--quiet")
        self.commit("Start")
        second.write_text(kept)
        (top / _MODELS).write_text(models)
        self.commit("Add username")
        self.run(*GITMIG, "upgrade", "-y")
        self.run(*GITMIG, "hook", "install")
        self.start = self.head()

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--no-verify", "-m", message)

    def head(self) -> str:
        """The commit that is checked out."""
        return subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=self.shell.top, text=True).strip()

    def at_head(self) -> None:
        """Bring everything back to where it began."""
        self.run("git", "reset", "--quiet", "--hard", self.start)
        self.run("git", "clean", "--quiet", "-fd")
        self.run(*ALEMBIC, "upgrade", "head")

    def rolled_back(self) -> None:
        """As after a rollback."""
        self.at_head()
        self.run(*GITMIG, "rollback", "-y")

    def edited(self) -> Callable[[], None]:
        """Each call puts a new column into the models, the revision made of the last one undone."""
        numbers = itertools.count()

        def edit() -> None:
            if self.head() != self.start:
                self.run(*ALEMBIC, "downgrade", "49a474247b00")
            self.at_head()
            with open(self.shell.top / _MODELS, "a", encoding="utf-8") as file:
                file.write(f"    c{next(numbers)}: Mapped[str | None] = mapped_column(String)\n")

        return edit

    def _drafts(self, kind: str, edit: Callable[[], None]) -> Iterator[Pair]:
        """A draft alone; without a proof it needs no database."""
        autogenerate = "alembic revision --autogenerate"
        alone = after(edit, self.shell.all((*ALEMBIC, "revision", "--autogenerate", "-m", "Add a column")))
        draft = (*GITMIG, "revise", "-m", "Add a column", "--draft")
        nowhere = Shell(
            self.shell.top, {**self.shell.environment, "DATABASE_URL": "sqlite:////nowhere/at/all.db"}
        )
        if kind == "SQLite":
            work = after(edit, nowhere.all((*draft, "--no-proof")))
            yield Pair(f"revise --draft --no-proof, no database, {kind}", work, autogenerate, alone, 1.0)
        yield Pair(f"revise --draft, {kind}", after(edit, self.shell.all(draft)), autogenerate, alone, 1.3)

    def pairs(self, kind: str) -> Iterator[Pair]:
        """What is measured."""
        run = self.shell.all
        hand, edit = "by hand", self.edited()
        yield Pair(
            f"rollback, {kind}",
            after(self.at_head, run((*GITMIG, "rollback", "-y"))),
            hand,
            after(
                self.at_head,
                run((*ALEMBIC, "downgrade", "-1"), ("git", "restore", "--source=HEAD~1", _MODELS)),
            ),
            0.9,
        )
        yield Pair(
            f"upgrade, {kind}",
            after(self.rolled_back, run((*GITMIG, "upgrade", "-y"))),
            hand,
            after(self.rolled_back, run((*ALEMBIC, "upgrade", "head"), ("git", "restore", _MODELS))),
            0.9,
        )
        yield Pair(
            f"revise, {kind}",
            after(edit, run((*GITMIG, "revise", "-m", "Add a column", "-y"))),
            hand,
            after(
                edit,
                run(
                    (*ALEMBIC, "revision", "--autogenerate", "-m", "Add a column"),
                    (*ALEMBIC, "upgrade", "head"),
                    ("git", "add", "--all"),
                    ("git", "commit", "--quiet", "-m", "Add a column"),
                ),
            ),
            0.75,
        )
        yield from self._drafts(kind, edit)
        edit()
        self.at_head()
        nothing = run((*ALEMBIC, "upgrade", "head"))
        yield Pair(
            f"upgrade, nothing to do, {kind}",
            run((*GITMIG, "upgrade")),
            "alembic upgrade head",
            nothing,
            0.85,
        )
        current = run((*ALEMBIC, "current"))
        yield Pair(f"status, {kind}", run((*GITMIG, "status")), "alembic current", current, 0.85)
        yield Pair(f"log, {kind}", run((*GITMIG, "log")), "alembic history", run((*ALEMBIC, "history")))


def article(folder: Path, rounds: int) -> Part:
    """One revision, on both databases."""
    rows = []
    for kind in ("SQLite", "PostgreSQL"):
        with databases(kind, folder) as fresh:
            top = Path(tempfile.mkdtemp(dir=folder), "project")
            top.mkdir()
            rows += measured(Example(top, fresh()).pairs(kind), rounds)
    return Part("One revision", "The example's project; by hand is `alembic` and `git` in a row.", rows)


@contextmanager
def _somewhere(folder: Path) -> Iterator[Shell]:
    top = Path(tempfile.mkdtemp(dir=folder), "project")
    top.mkdir()
    yield Shell(top)


def start(folder: Path, rounds: int) -> Part:
    """What needs no project."""
    with _somewhere(folder) as shell:
        program = shell.top / "smallest.py"
        program.write_text(_SMALLEST)

        def fails(*command: str) -> Work:
            def work() -> Used:
                return shell.run(*command, codes=(2,))

            return work

        bare = shell.all((*PYTHON, "-c", "pass"))
        helped = shell.all((*GITMIG, "--help"))
        typer = fails(*PYTHON, str(program), "--nope")
        pairs = [
            Pair("--version", shell.all((*GITMIG, "--version")), "python -c pass", bare, 3, 0.02),
            Pair("--help", helped, "python -c pass", bare, 3, 0.02),
            Pair("an unknown command", fails(*GITMIG, "statsu"), "gitmig --help", helped, 1.15),
            Pair("a wrong option", fails(*GITMIG, "log", "--nope"), "the smallest Typer program", typer, 1.3),
        ]
        return Part("To start", "What needs no project.", measured(pairs, rounds))
