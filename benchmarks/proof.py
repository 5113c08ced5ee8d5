"""Revisions proven beside pytest-alembic, test databases, a difference: ``python -m benchmarks proof``."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import grown
from benchmarks.grown import Size
from benchmarks.measuring import GITMIG, PYTHON, Pair, Part, Shell, Used, measured
from tests import servers

_ENV = """\
import os

from alembic import context
from sqlalchemy import create_engine

from app.models import Base

URL = os.environ.get("DATABASE_URL", "sqlite:///app.db")


def run(connection):
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    context.configure(url=URL, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
elif (given := context.config.attributes.get("connection")) is not None:
    if hasattr(given, "connect"):
        with given.connect() as connection:
            run(connection)
    else:
        run(given)
else:
    with create_engine(URL).connect() as connection:
        run(connection)
"""
_THEIRS = """\
from pytest_alembic.tests import (
    test_model_definitions_match_ddl,
    test_single_head_revision,
    test_up_down_consistency,
    test_upgrade,
)
"""
_FRESH = """\
import os, uuid
import pytest
from sqlalchemy import create_engine, make_url, pool

@pytest.fixture
def alembic_engine():
    server = make_url(os.environ["GITMIG_SCRATCH_URL"])
    name = f"theirs_{uuid.uuid4().hex}"
    with create_engine(server, isolation_level="AUTOCOMMIT", poolclass=pool.NullPool).connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine = create_engine(server.set(database=name))
        yield engine
        engine.dispose()
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
"""
"""pytest-alembic's tests want an empty database each; on SQLite its own fixture is one in memory."""
_COPIES = """\
import sys, tempfile, time
from pathlib import Path
from gitmig import pytest_plugin as plugin
from gitmig.operations.template import source
from gitmig.project.opening import open_project
from gitmig.project.project import ProjectOptions

made = source(open_project(ProjectOptions(directory=Path())))
postgresql = made.dialect == "postgresql"
with plugin._postgresql(made) if postgresql else tempfile.TemporaryDirectory() as place:
    template = plugin._PostgreSQL(made, place) if postgresql else plugin._SQLite(made)
    found = []
    for number in range(20):
        folder = Path(tempfile.mkdtemp())
        began = time.perf_counter()
        with template.copy(folder):
            found.append(time.perf_counter() - began)
Path(sys.argv[1]).write_text(str(sorted(found)[10]))
"""
_REPLAYED = """\
import os, sys, tempfile, time, uuid
from pathlib import Path
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, make_url, pool

server = os.environ.get("GITMIG_SCRATCH_URL")
if server is None:
    url = f"sqlite:///{tempfile.mkdtemp()}/replayed.db"
else:
    name = f"replayed_{uuid.uuid4().hex}"
    with create_engine(server, isolation_level="AUTOCOMMIT", poolclass=pool.NullPool).connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
os.environ["DATABASE_URL"] = url
began = time.perf_counter()
command.upgrade(Config("alembic.ini"), "head")
Path(sys.argv[1]).write_text(str(time.perf_counter() - began))
"""
_VERIFY = {"SQLite": 1 / 3, "PostgreSQL": 1 / 1.7}
_COPY = {"SQLite": 0.01, "PostgreSQL": 0.1}
_SIZES = (
    Size(revisions=100, modules=20, files=50, commits=130),
    Size(revisions=440, modules=100, files=50, commits=550),
)


def proof(folder: Path, rounds: int) -> Part:
    """Two chains of revisions, on two databases."""
    rows, packages = [], folder / "theirs"
    # Not among our own packages: its plugin collects nothing with a newer pytest, and fails in our tests.
    install = ("-m", "pip", "install", "--quiet", "--no-deps", "--target", str(packages), "pytest-alembic")
    subprocess.run([*PYTHON[:1], *install], check=True)
    for size in _SIZES:
        top = folder / f"proof-{size.revisions}" / "project"
        grown.make(top, size, os.environ)
        (top / "alembic/env.py").write_text(_ENV, "utf-8")
        subprocess.run(["git", "commit", "--quiet", "--all", "-m", "x"], cwd=top, check=True)
        for kind in _VERIFY:
            with _environment(kind, folder) as environment:
                (top / "test_theirs.py").write_text(_THEIRS + _FRESH * (kind == "PostgreSQL"), "utf-8")
                theirs = Shell(top, {**environment, "PYTHONPATH": str(packages)})
                pairs = _pairs(Shell(top, environment), theirs, kind, size.revisions)
                rows += measured(pairs, min(rounds, 3))
        rows += measured(_difference(Shell(top), size), rounds)
    about = "pytest-alembic: its four built-in tests, on the same chain. Replayed: `alembic upgrade head`."
    return Part("Proof", about, rows)


def _pairs(shell: Shell, theirs: Shell, kind: str, revisions: int) -> Iterator[Pair]:
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_theirs.py")
    tests, ours = theirs.all((*PYTHON[:1], *words)), shell.all((*GITMIG, "verify"))
    yield Pair(f"verify, {revisions} revisions, {kind}", ours, "pytest-alembic", tests, _VERIFY[kind])
    copied, replayed = (_timed(shell, text) for text in (_COPIES, _REPLAYED))
    name = f"a test database, {revisions} revisions, {kind}"
    yield Pair(name, copied, "replayed", replayed, 1 / 20)
    yield Pair(f"{name}, at most", copied, "replayed", replayed, 0, _COPY[kind])


def _timed(shell: Shell, text: str) -> Callable[[], Used]:
    """The seconds that a program itself has counted."""
    seconds = shell.top.parent / "seconds"

    def work() -> Used:
        used = shell.run(*PYTHON[:1], "-c", text, str(seconds))
        return Used(float(seconds.read_text("utf-8")), used.megabytes)

    return work


def _difference(shell: Shell, size: Size) -> Iterator[Pair]:
    if size.modules >= 100:
        refs = ("HEAD~60", "HEAD")
        theirs = shell.all(("git", "diff", *refs))
        name = f"diff of two refs, {size.modules} tables"
        yield Pair(name, lambda: shell.run(*GITMIG, "diff", *refs, codes=(1,)), "git diff", theirs, 0, 0.5)


@contextmanager
def _environment(kind: str, folder: Path) -> Iterator[dict[str, str]]:
    if kind == "SQLite":
        yield dict(os.environ)
        return
    running = folder / "proof-servers"
    server = servers.postgres(running)
    try:
        with servers.fresh_database(server) as url:
            yield {**os.environ, "DATABASE_URL": url, "GITMIG_SCRATCH_URL": server}
    finally:
        servers.stop(running)
