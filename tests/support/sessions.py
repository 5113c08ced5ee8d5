"""Terminal sessions of the pages: a block of commands is run, and has to show what they print.

``<!-- session: NAME -->`` before a block says on which project (``STARTS``) it runs; blocks without that line
go on with the project of the one before. Ids and times are made the same in each run, and an id of an earlier
line may stand in a command.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests import database, forking
from tests.articles import by_alembic, plain
from tests.branching import ORDER
from tests.environments.projects import flask_shop, repository, service
from tests.narrator import Story
from tests.story import Project
from tests.test_init import DATABASE
from tests.test_ledger import Image

_BLOCK = re.compile(r"(?:<!-- session: (\S+) -->\n)?(^```console\n)(.*?)(?=^```$)", re.DOTALL | re.MULTILINE)
_PROMPT = "$ "


def article(folder: Path) -> Project:
    """Three revisions by plain Alembic, committed and applied; the commits have the same ids each time."""
    project = by_alembic(folder).project
    project.append("app/models.py", "    email: Mapped[str | None] = mapped_column(String(20))\n")
    plain(project, "c3c3", "b2b2", up="op.add_column('user', sa.Column('email', sa.String(20)))",
          down="op.drop_column('user', 'email')", message="Add an e-mail address")  # fmt: skip
    project.commit("Add an e-mail address")
    project.alembic("upgrade", "head")
    return project


def without_gitmig(folder: Path) -> Project:
    """The same, where nobody has used gitmig yet."""
    project = article(folder)
    project.git("rm", "--quiet", "pyproject.toml")
    project.commit("Without settings")
    return project


def with_rows(folder: Path) -> Project:
    """``main`` and, checked out, ``feature``: a column ``user.email`` more, with a value in three rows."""
    project = by_alembic(folder).project
    project.git("switch", "--quiet", "--create", "feature")
    project.append("app/models.py", "    email: Mapped[str | None]\n")
    project.gitmig("revise", "-m", "Add an e-mail address", check=0)
    for name in ("ada", "grace", "mary"):
        database.execute(project.url, f"INSERT INTO user (email) VALUES ('{name}@example.org')")
    return project


def monorepo(folder: Path) -> Project:
    """Two services, each with its Alembic environment and its database."""
    project = repository(folder / "shop")
    service(project, "accounts", "User")
    service(project, "billing", "Invoice")
    project.commit("Start")
    return project


def flask(folder: Path) -> Project:
    """What ``flask db init`` has made."""
    project = flask_shop(folder / "shop")
    project.write(".flaskenv", "FLASK_APP=shop\n")
    project.commit("Name the application")
    return project


def binds(folder: Path) -> Project:
    """An application with two databases, as ``flask db init --multidb`` and ``gitmig init`` leave it."""
    project = flask_shop(folder / "shop", multidb=True)
    project.write(".flaskenv", "FLASK_APP=shop\n")
    project.commit("Name the application")
    project.gitmig("init", check=0)
    project.commit("Set up gitmig")
    return project


def image(folder: Path) -> Project:
    """A production image: the files of the article, no git, an empty database."""
    made = article(folder)
    made.path("app.db").unlink()
    return Image.of(made, folder, None)


def squashed(folder: Path) -> Project:
    """A branch with two revisions, merged as one commit by the forge; ``main`` is checked out."""
    project = by_alembic(folder).project
    project.git("switch", "--quiet", "--create", "topic")
    for column in ("email", "phone"):
        project.append("app/models.py", f"    {column}: Mapped[str | None]\n")
        project.gitmig("revise", "-m", f"Add {column}", check=0)
    project.git("switch", "--quiet", "main")
    return project


def release_line(folder: Path) -> Project:
    """``main`` is two revisions ahead of ``release/1.4``, which is checked out and wants the second."""
    project = by_alembic(folder).project
    project.git("branch", "--quiet", "release/1.4")
    models = project.read("app/models.py")
    project.write("app/models.py", models.replace("class User", f"{ORDER}class User"))
    project.gitmig("revise", "-m", "Add orders", check=0)
    project.append("app/models.py", "    email: Mapped[str | None]\n")
    project.gitmig("revise", "-m", "Add an e-mail address", check=0)
    project.gitmig("switch", "release/1.4", "--yes", check=0)
    return project


def fresh(folder: Path) -> Project:
    """Models in a repository, and no Alembic."""
    project = Project(folder / "shop")
    project.write("app/__init__.py", "")
    project.write("app/database.py", DATABASE)
    project.write("app/models.py", _MODELS)
    project.write(".gitignore", "__pycache__/\n/app.db\n")
    project.git("init", "--quiet", "--template=")
    project.commit("Start a shop")
    return project


_MODELS = """\
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class User(Base):
    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
"""
STARTS: Mapping[str, Callable[[Path], Project]] = {
    "article": article,
    "binds": binds,
    "flask": flask,
    "fresh": fresh,
    "image": image,
    "monorepo": monorepo,
    "release-line": release_line,
    "squashed": squashed,
    "with-rows": with_rows,
    "without-gitmig": without_gitmig,
}


class Player:
    """Runs the blocks of one page."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._project: Project | None = None
        self._story = Story()
        self._real: dict[str, str] = {}

    def page(self, text: str) -> str:
        """The page with what its commands print."""
        return _BLOCK.sub(self._block, text)

    def _block(self, found: re.Match[str]) -> str:
        if found[1]:
            folder = self._folder / found[1]
            folder.mkdir()
            self._project = STARTS[found[1]](folder)
            self._story = Story()
        assert self._project is not None, "the first block of a page has to say which session it is"
        lines: list[str] = []
        for line in found[3].splitlines():
            if line.startswith("# "):
                lines += ["", line] if lines else [line]
            elif line.startswith(_PROMPT):
                lines += [line, *self._printed(self._project, line.removeprefix(_PROMPT))]
        return found[0].removesuffix(found[3]) + "".join(f"{line}\n" for line in lines)

    def _printed(self, project: Project, command: str) -> list[str]:
        for shown, real in self._real.items():
            command = command.replace(shown, real)
        said = run(project, command).replace(str(project.top), "/home/ada/shop").splitlines()
        stable = [self._story.stable(line.rstrip()) for line in said]
        self._real = {shown: real for real, shown in self._story.ids.items()}
        return stable


def run(project: Project, command: str) -> str:
    """What a command of a page prints, both streams as they come."""
    words = shlex.split(command)
    variables = {}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    if words[0] == "sqlite3":
        database.execute(project.url, words[2])
        return ""
    environment = project.environment(variables)
    if words[0] != "gitmig":
        done = subprocess.run(
            ["bash", "-c", command], cwd=project.top, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0 or words[0] == "git", f"{command}: {done.stdout.decode()}"
        return done.stdout.decode()
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        process = forking.alone(
            [sys.executable, "-P", "-m", "gitmig", *words[1:]],
            cwd=project.top,
            env=environment,
            output=output,
        )
        process.wait(300)
        said = output.read_text("utf-8")
        assert "Traceback (most recent call last)" not in said, said
        return said
