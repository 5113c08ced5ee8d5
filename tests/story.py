"""A project as the article lays it out, in a repository of its own, driven through the real command line."""

from __future__ import annotations

import atexit
import functools
import itertools
import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from tests import database, forking, terminal

FIRST_MOMENT = 1_767_225_600
"""2026-01-01 00:00 UTC, the date of a project's first commit; each command is a minute later."""

_PATIENCE = float(os.environ.get("GITMIG_TEST_PATIENCE", "120"))
"""How many seconds a command may take: more for what runs at the lowest priority beside other work."""

_EXAMPLE = Path(__file__).resolve().parent.parent
_EXAMPLE_FILES = (
    "alembic.ini",
    "alembic/env.py",
    "alembic/script.py.mako",
    "alembic/versions/.gitkeep",
    "app/__init__.py",
    "app/database.py",
)

MODELS = '''\
"""The models."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class User(Base):
    """Somebody who may sign in."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
'''

USERNAME = "    username: Mapped[str | None] = mapped_column(String, index=True)\n"
"""The article's second step, to be appended to MODELS."""

SETTINGS = '[tool.gitmig]\nmodels = ["app/models.py"]\n'
_IGNORED = "__pycache__/\n/app.db\n/app.db-*\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command answered."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """stdout, which must be one JSON object and nothing else."""
        answer = json.loads(self.stdout)
        assert isinstance(answer, dict)
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that a command could have changed, compared with ``==``."""

    files: Mapping[str, tuple[int, bytes]]
    """Every file of the work tree, ignored ones too, with its mode; not .git, bytecode and the database."""
    index: str
    head: str
    refs: str
    database: tuple[str, ...] | None


def _scratch_server(url: str | None) -> str | None:
    """The server of a database for the tests."""
    if url is None or not url.startswith("postgresql"):
        return None
    return make_url(url).render_as_string(hide_password=False)


class Project:
    """A repository with models, Alembic and a database.

    Commands run with the environment of the test, ``DATABASE_URL`` when the project was made with a URL,
    and a time for commits that is a minute later for each command.
    """

    def __init__(self, top: Path, url: str | None = None, clock: Iterator[int] | None = None):
        self.top = top
        self._url = url
        self._clock = clock or itertools.count(FIRST_MOMENT + 60, 60)

    @classmethod
    def create(
        cls, folder: Path, url: str | None = None, *, name: str = "project", settings: str | None = SETTINGS
    ) -> Project:
        """A new project in ``folder/name``: one commit, User with its id, no revision.

        Without a URL its database is the file ``app.db`` in it. ``settings`` is the pyproject.toml's text;
        None leaves that file out.
        """
        top = folder / name
        shutil.copytree(_template(settings), top, symlinks=True)
        project = cls(top, url)
        # The copies are other files to git than those in the index; have it look once.
        project.git("update-index", "-q", "--refresh")
        return project

    def beside(self, top: Path, url: str | None = None) -> Project:
        """Another work tree or clone, in step with this project's clock; by default on the same URL."""
        return Project(top, url or self._url, self._clock)

    @property
    def url(self) -> str:
        """The database's URL, an SQLite file's with its whole path."""
        parsed = make_url(self._url or "sqlite:///app.db")
        if parsed.get_backend_name() == "sqlite":
            parsed = parsed.set(database=str(self.top / (parsed.database or "")))
        return parsed.render_as_string(hide_password=False)

    def path(self, path: str) -> Path:
        """Where a file of the project is."""
        return self.top / path

    def read(self, path: str) -> str:
        """A file's text, with its line ends as they are."""
        return self.path(path).read_bytes().decode()

    def write(self, path: str, text: str) -> None:
        """Write a file, with the folders that it needs; line ends stay as they are."""
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_bytes(text.encode())

    def append(self, path: str, text: str) -> None:
        """Write text at the end of a file."""
        self.write(path, self.read(path) + text)

    def git(self, *args: str) -> str:
        """What git prints, without the last line end. Fails the test when git fails."""
        result = self.try_git(*args)
        assert result.exit_code == 0, f"git {' '.join(args)}: {result.stdout}{result.stderr}"
        return result.stdout.removesuffix("\n")

    def try_git(self, *args: str, env: Mapping[str, str | None] | None = None) -> Result:
        """The same, where git may fail."""
        return self._run(["git", *args], self.environment(env))

    def commit(self, message: str, *paths: str) -> str:
        """Commit these paths, or everything, with plain git; the new commit's id. Hooks run."""
        self.git("add", "--all", "--", *(paths or (".",)))
        self.git("commit", "--quiet", "-m", message)
        return self.git("rev-parse", "HEAD")

    def gitmig(
        self,
        *args: str,
        input: str | None = None,
        env: Mapping[str, str | None] | None = None,
        check: int | None = None,
        cwd: Path | None = None,
    ) -> Result:
        """Run gitmig without a terminal.

        ``env`` adds to the environment, or takes out what is None in it; ``check`` is the exit code that
        it must have.
        """
        exit_code, stdout, stderr = forking.run(
            [*_GITMIG, *args],
            cwd=cwd or self.top,
            env=self.environment(env),
            input=None if input is None else input.encode(),
            timeout=_PATIENCE,
        )
        result = Result(exit_code=exit_code, stdout=stdout.decode(), stderr=stderr.decode())
        if check is not None:
            said = f"exit code {result.exit_code}\n{result.stdout}{result.stderr}"
            assert result.exit_code == check, f"gitmig {' '.join(args)}: {said}"
        return result

    def hook(self) -> None:
        """Install the native hook. It runs as a fork where it can: see ``forking.stand_in``."""
        self.gitmig("hook", "install", check=0)
        path = self.path(self.git("rev-parse", "--git-path", "hooks/pre-commit"))
        text, python = path.read_text("utf-8"), shlex.quote(sys.executable)
        assert text.count(python) == 2
        path.write_text(text.replace(python, shlex.quote(str(_stand_in()))), "utf-8")

    def alembic(self, *args: str) -> None:
        """Run plain Alembic, which must succeed."""
        exit_code, stdout, stderr = forking.run(
            [sys.executable, "-P", "-m", "alembic", *args],
            cwd=self.top,
            env=self.environment(),
            input=None,
            timeout=_PATIENCE,
        )
        assert exit_code == 0, f"alembic {' '.join(args)}: {stdout.decode()}{stderr.decode()}"

    def on_terminal(
        self,
        *args: str,
        answers: Sequence[terminal.Answer] = (),
        env: Mapping[str, str | None] | None = None,
        check: int | None = None,
        timeout: float = 60,
    ) -> Result:
        """Run gitmig on a terminal and type the answers; ``stdout`` is the whole screen. See terminal.run."""
        exit_code, screen = terminal.run(
            [*_GITMIG, *args], cwd=self.top, env=self.environment(env), answers=answers, timeout=timeout
        )
        if check is not None:
            assert exit_code == check, f"gitmig {' '.join(args)}: exit code {exit_code}\n{screen}"
        return Result(exit_code=exit_code, stdout=screen, stderr="")

    def environment(self, changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """The environment of the next command; asking moves the clock."""
        moment = f"{next(self._clock)} +0000"
        environment: dict[str, str | None] = {
            **os.environ,
            "GIT_AUTHOR_DATE": moment,
            "GIT_COMMITTER_DATE": moment,
            "DATABASE_URL": self._url,
            # The server that is there for the tests: starting another one takes a second for each command.
            "GITMIG_SCRATCH_URL": os.environ.get("GITMIG_SCRATCH_URL", _scratch_server(self._url)),
            **(changes or {}),
        }
        return {name: value for name, value in environment.items() if value is not None}

    def heads(self) -> tuple[str, ...]:
        """What the database's version table holds, sorted."""
        return database.heads(self.url)

    def columns(self, table: str) -> tuple[str, ...]:
        """The columns of a table in their order; nothing where there is no such table."""
        return database.columns(self.url, table)

    def snapshot(self) -> Snapshot:
        """Everything that a command could change."""
        return Snapshot(
            files=dict(self._files()),
            index=self.git("ls-files", "--stage", "-v"),
            head=self.try_git("symbolic-ref", "--quiet", "HEAD").stdout
            + self.try_git("rev-parse", "--quiet", "--verify", "HEAD").stdout,
            refs=self.git("for-each-ref", "--format=%(refname) %(objectname)"),
            database=database.dump(self.url),
        )

    def _files(self) -> Iterator[tuple[str, tuple[int, bytes]]]:
        parsed = make_url(self.url)
        databases = str(parsed.database) if parsed.get_backend_name() == "sqlite" else None
        for folder, folders, names in os.walk(self.top):
            links = [name for name in folders if Path(folder, name).is_symlink()]
            folders[:] = sorted(set(folders) - {".git", "__pycache__"})
            for path in (Path(folder, name) for name in sorted((*names, *links)) if name != ".git"):
                if databases is None or not str(path).startswith(databases):
                    yield path.relative_to(self.top).as_posix(), _content(path)

    def _run(self, command: Sequence[str], env: Mapping[str, str]) -> Result:
        done = subprocess.run(
            command, cwd=self.top, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE
        )
        return Result(exit_code=done.returncode, stdout=done.stdout.decode(), stderr=done.stderr.decode())


# -P: as for the installed command, the current directory is no place to import from.
_GITMIG = (sys.executable, "-P", "-m", "gitmig")


def _content(path: Path) -> tuple[int, bytes]:
    mode = path.lstat().st_mode
    return mode, os.fsencode(path.readlink()) if stat.S_ISLNK(mode) else path.read_bytes()


@functools.cache
def _stand_in() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="gitmig-python-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return forking.stand_in(folder / "python")


@functools.cache
def _template(settings: str | None) -> Path:
    """A committed project, made once in each process and copied for each test."""
    top = Path(tempfile.mkdtemp(prefix="gitmig-template-"))
    atexit.register(shutil.rmtree, top, ignore_errors=True)
    project = Project(top, clock=itertools.repeat(FIRST_MOMENT))
    for path in _EXAMPLE_FILES:
        project.write(path, (_EXAMPLE / path).read_text(encoding="utf-8"))
    project.write("app/models.py", MODELS)
    project.write(".gitignore", _IGNORED)
    if settings is not None:
        project.write("pyproject.toml", settings)
    project.git("init", "--quiet", "--template=")
    project.commit("Start the project")
    return top
