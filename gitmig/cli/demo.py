"""``gitmig demo``: the article's story, played with the real commands on a throw-away repository."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from gitmig.cli.common import Common
from gitmig.errors import GitmigError, NoRepository

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
_USERNAME = "    username: Mapped[str | None] = mapped_column(index=True)\n"


def run(common: Common) -> int:
    """Play the article's story on a throw-away repository, for real."""
    with tempfile.TemporaryDirectory(prefix="gitmig-demo-") as folder:
        _Stage(Path(folder).resolve() / "shop").play()
    return 0


class _Stage:
    def __init__(self, top: Path):
        self.top = top
        self.environment = _environment(top.parent)

    def play(self) -> None:
        self._set_up()
        self._say("A project with one model, and no Alembic yet. gitmig sets both up.")
        self._gitmig("init")
        self._say("The first revision is drafted from the models, applied, and committed with them.")
        self._gitmig("revise", "-m", "First revision")
        self._git("add", ".")
        self._git("commit", "-q", "-m", "Set up Alembic and gitmig")
        self._say("The model gains a column. Without a revision, git does not take it:")
        self._write("app/models.py", _MODELS + _USERNAME)
        self._git("commit", "-a", "-m", "Add username", expect=1)
        self._say("With one, database and models move together, in one commit:")
        self._gitmig("revise", "-m", "Add username for user")
        self._gitmig("log")
        self._say("Down again: the database loses the column, and the models go back with it.")
        self._gitmig("rollback")
        self._show("app/models.py")
        self._gitmig("status", expect=1)
        self._say("And up:")
        self._gitmig("upgrade")
        self._gitmig("status")
        self._say("That was all real, and is gone now.")

    def _set_up(self) -> None:
        self.top.mkdir(parents=True)
        self._write("app/__init__.py", "")
        self._write("app/database.py", _DATABASE)
        self._write("app/models.py", _MODELS)
        self._write(".gitignore", "__pycache__/\napp.db\n")
        self._call(["git", "init", "-q", "-b", "main"], shown=None, expect=0)

    def _write(self, path: str, text: str) -> None:
        (self.top / path).parent.mkdir(parents=True, exist_ok=True)
        (self.top / path).write_text(text, "utf-8")

    def _say(self, line: str) -> None:
        print(f"\n# {line}", flush=True)

    def _gitmig(self, *args: str, expect: int = 0) -> None:
        self._call([sys.executable, "-P", "-m", "gitmig", *args], shown=("gitmig", *args), expect=expect)

    def _git(self, *args: str, expect: int = 0) -> None:
        self._call(["git", *args], shown=("git", *args), expect=expect)

    def _show(self, path: str) -> None:
        print(f"$ cat {path}\n{(self.top / path).read_text('utf-8')}", end="", flush=True)

    def _call(self, command: list[str], *, shown: tuple[str, ...] | None, expect: int) -> None:
        if shown is not None:
            print("$ " + " ".join(f'"{word}"' if " " in word else word for word in shown), flush=True)
        try:
            code = subprocess.run(
                command, cwd=self.top, env=dict(self.environment), stdin=subprocess.DEVNULL, check=False
            ).returncode
        except FileNotFoundError:
            raise NoRepository("git is not installed", hint="install git") from None
        if code != expect:
            raise GitmigError(
                f"{' '.join(shown or command)} ended with {code}, not {expect}", hint="report this"
            )


def _environment(home: Path) -> Mapping[str, str]:
    """The user's own, sealed from their git configuration, hooks and databases."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "GITMIG_"))}
    for name in ("DATABASE_URL", "VIRTUAL_ENV", "CONDA_PREFIX"):
        kept.pop(name, None)
    kept |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": str(home / "gitconfig"), "HOME": str(home)}
    (home / "gitconfig").write_text("[user]\n\tname = Demo\n\temail = demo@example.com\n", "utf-8")
    return kept
