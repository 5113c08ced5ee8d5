"""``gitmig demo``: the article's story, played with the real commands on a throw-away repository."""

from __future__ import annotations

import contextlib
import os
import site
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from gitmig.cli.common import Common
from gitmig.errors import GitmigError, NoRepository, UsageError

_DATABASE = '''\
"""The database: a file beside the code, or what DATABASE_URL names."""

import os

from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, sessionmaker

CONNECTION_STR = os.environ.get("DATABASE_URL", "sqlite:///app.db")
engine = create_engine(CONNECTION_STR)
SessionLocal = sessionmaker(engine)


class Base(DeclarativeBase):
    pass
'''
_MODELS = """\
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class User(Base):
    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
"""
_USERNAME = "    username: Mapped[str | None] = mapped_column(index=True)"


def run(common: Common) -> int:
    """Play the article's story on a throw-away repository, for real."""
    if common.format != "text":
        raise UsageError("the demo has no JSON to answer with", hint="gitmig demo")
    with tempfile.TemporaryDirectory(prefix="gitmig-demo-") as folder:
        _Stage(Path(folder).resolve() / "shop").play()
    return 0


class _Stage:
    def __init__(self, top: Path):
        self.top = top
        self.environment = _environment(top.parent)

    def play(self) -> None:
        self._set_up()
        self._say("A repository with one model in app/models.py, and no migrations yet.")
        self._gitmig("init")
        self._git("add", ".")
        self._git("commit", "-q", "-m", "Set up Alembic and gitmig")
        self._say("The first revision is drafted from the models, applied, and committed.")
        self._gitmig("revise", "-m", "First revision")
        self._say("The model gains a column. Without a revision, the hook does not let it through.")
        self._append("app/models.py", _USERNAME)
        self._git("commit", "-a", "-m", "Add username", expect=1)
        self._say("With a revision, models and database move together, in one commit.")
        self._gitmig("revise", "-m", "Add username for user")
        self._columns()
        self._gitmig("log")
        self._say("Down again: the database loses the column, and the models go back with it.")
        self._gitmig("rollback")
        self._columns()
        self._git("diff", "-U0", "app/models.py")
        self._gitmig("status", expect=1)
        self._say("And up: both come forward.")
        self._gitmig("upgrade")
        self._columns()
        self._gitmig("status")
        self._say("All of it was real, in a temporary folder that is removed now.")

    def _set_up(self) -> None:
        self.top.mkdir(parents=True)
        self._write("app/__init__.py", "")
        self._write("app/database.py", _DATABASE)
        self._write("app/models.py", _MODELS)
        self._write(".gitignore", "__pycache__/\n/app.db\n")
        # Without a template, which may hold hooks.
        self._call(["git", "init", "-q", "--template=", "-b", "main"])
        self._call(["git", "add", "."])
        self._call(["git", "commit", "-q", "-m", "Start a shop"])

    def _write(self, path: str, text: str) -> None:
        (self.top / path).parent.mkdir(parents=True, exist_ok=True)
        (self.top / path).write_text(text, "utf-8")

    def _append(self, path: str, line: str) -> None:
        print(f"$ echo '{line}' >> {path}", flush=True)
        self._write(path, f"{(self.top / path).read_text('utf-8')}{line}\n")

    def _say(self, line: str) -> None:
        print(f"\n# {line}", flush=True)

    def _columns(self) -> None:
        """What the database itself says; nobody's schema cache is asked."""
        with contextlib.closing(sqlite3.connect(self.top / "app.db")) as connection:
            names = [name for (name,) in connection.execute("SELECT name FROM pragma_table_info('user')")]
        print(f"# table user in app.db has: {', '.join(names)}", flush=True)

    def _gitmig(self, *args: str, expect: int = 0) -> None:
        self._show("gitmig", *args)
        self._call([sys.executable, "-P", "-m", "gitmig", *args], expect=expect)

    def _git(self, *args: str, expect: int = 0) -> None:
        self._show("git", *args)
        self._call(["git", *args], expect=expect)

    def _show(self, *words: str) -> None:
        print("$ " + " ".join(f'"{word}"' if " " in word else word for word in words), flush=True)

    def _call(self, command: list[str], *, expect: int = 0) -> None:
        try:
            # One stream: a transcript is read in the order in which it came about.
            code = subprocess.run(
                command,
                cwd=self.top,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
        except FileNotFoundError:
            raise NoRepository("git is not installed", hint="install git") from None
        if code != expect:
            raise GitmigError(
                f"`{' '.join(command)}` ended with exit code {code}, where the story has {expect}",
                hint="report it with the output above",
            )
        if code:
            print(f"# exit code {code}", flush=True)


def _environment(home: Path) -> dict[str, str]:
    """The user's own, sealed from their git configuration, hooks and databases."""
    dropped = ("ALEMBIC_CONFIG", "CONDA_PREFIX", "DATABASE_URL", "VIRTUAL_ENV", "XDG_CONFIG_HOME")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in dropped and not name.startswith(("GIT_", "GITMIG_"))
    }
    (home / "gitconfig").write_text("[user]\n\tname = Demo\n\temail = demo@example.com\n", "utf-8")
    return {
        **kept,
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_PAGER": "cat",
        "HOME": str(home),
        # Where `pip install --user` put gitmig: it is found through HOME otherwise.
        "PYTHONUSERBASE": site.getuserbase(),
    }
