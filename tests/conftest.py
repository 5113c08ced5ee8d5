"""What every test gets: an environment sealed from the machine, and databases of its own."""

from __future__ import annotations

import os
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import forking, servers
from tests.browser import Browser, NoBrowser
from tests.roles import role_with_password
from tests.story import FIRST_MOMENT, Project
from tests.support.lanes import of_the_day, quick

# Read before any test is sealed off from it.
_OUTSIDE = dict(os.environ)
_IN_CI = _OUTSIDE.get("CI", "").lower() not in ("", "0", "false")

_DROPPED = {
    "ALEMBIC_CONFIG",
    "CI",
    "COLUMNS",
    "DATABASE_URL",
    "EDITOR",
    "FORCE_COLOR",
    "GITHUB_ACTIONS",
    "LANG",
    "LANGUAGE",
    "LINES",
    "PAGER",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHASHSEED",
    "PYTHONWARNINGS",
    "VIRTUAL_ENV",
    "VISUAL",
}
_DROPPED_PREFIXES = ("CONDA_", "GIT_", "GITMIG_", "LC_", "PG", "PRE_COMMIT", "SSH_", "XDG_")

_GIT_CONFIG = """\
[user]
    name = Ada Lovelace
    email = ada@example.org
[init]
    defaultBranch = main
[gc]
    auto = 0
[maintenance]
    auto = false
[core]
    fsync = none
[protocol "file"]
    allow = always
"""

_SERVERS = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Name the folder that the whole run's servers live in; the first that needs it makes it."""
    workerinput: dict[str, str] | None = getattr(config, "workerinput", None)
    if workerinput is not None:
        config.stash[_SERVERS] = Path(workerinput["servers"])
    else:
        # Not below pytest's own folders: those are closed to the user that PostgreSQL runs as.
        config.stash[_SERVERS] = Path(tempfile.gettempdir(), f"gitmig-{uuid.uuid4().hex[:12]}")


@pytest.hookimpl(optionalhook=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that is not known to be quick is slow. What is the same on two databases runs on one by day."""
    top, known = Path(__file__).parent, quick()
    for item in items:
        kind = getattr(item, "callspec", None) and item.callspec.params.get("database_url")  # type: ignore[attr-defined]
        if kind is not None and not of_the_day(item.nodeid, kind):
            item.add_marker("nightly")
        if not item.path.is_relative_to(top) or item.path.relative_to(top).as_posix() not in known:
            item.add_marker("slow")


def pytest_configure_node(node: object) -> None:
    """Tell a pytest-xdist worker where the servers are."""
    node.workerinput["servers"] = str(node.config.stash[_SERVERS])  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers. The process that handed out the tests outlives those that run them."""
    if not hasattr(config, "workerinput") and _SERVERS in config.stash:
        servers.stop(config.stash[_SERVERS])


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def sealed(_homes: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that holds nothing of the machine's. Returns the home directory, which is empty but
    for ``.gitconfig``; the current directory is that home, so that no test works on this checkout.
    """
    home = _homes / uuid.uuid4().hex[:12]
    home.mkdir()
    git_config = home / ".gitconfig"
    git_config.write_text(_GIT_CONFIG, encoding="utf-8")
    for name in tuple(os.environ):
        if name in _DROPPED or name.startswith(_DROPPED_PREFIXES):
            monkeypatch.delenv(name)
    for name, value in {
        "HOME": str(home),
        "GIT_CONFIG_GLOBAL": str(git_config),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(tmp_path_factory.getbasetemp()),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_DATE": f"{FIRST_MOMENT} +0000",
        "GIT_COMMITTER_DATE": f"{FIRST_MOMENT} +0000",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "TERM": "xterm",
        "NO_COLOR": "1",
        "COLUMNS": "120",
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), _OUTSIDE.get("PATH", os.defpath))),
    }.items():
        monkeypatch.setenv(name, value)
    if "PYTHONPATH" in os.environ:
        absolute = [os.path.abspath(entry) for entry in _OUTSIDE["PYTHONPATH"].split(os.pathsep) if entry]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(absolute))
    monkeypatch.chdir(home)
    forking.server()
    return home


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> str:
    """The URL of the run's one PostgreSQL server, or of ``GITMIG_TEST_POSTGRES_URL``'s."""
    named = _OUTSIDE.get("GITMIG_TEST_POSTGRES_URL")
    try:
        return servers.existing_postgres(named) if named else servers.postgres(pytestconfig.stash[_SERVERS])
    except servers.NotRunning as error:
        pytest.fail(f"no PostgreSQL: {error}", pytrace=False)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A fresh, empty PostgreSQL database, gone after the test."""
    with servers.fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
def role(postgres_server: str) -> Iterator[str]:
    """A role of PostgreSQL that has to give its password, ``tests.roles.SECRET``."""
    with role_with_password(postgres_server) as name:
        yield name


@pytest.fixture(scope="session")
def mysql_server() -> str:
    """The URL of ``GITMIG_TEST_MYSQL_URL``'s server, which .ci/mariadb starts where none runs."""
    named = _OUTSIDE.get("GITMIG_TEST_MYSQL_URL")
    if named is None and _IN_CI:
        pytest.fail("no MariaDB: GITMIG_TEST_MYSQL_URL is not set", pytrace=False)
    if named is None:
        pytest.skip("not run: no MariaDB")
    return named


@pytest.fixture
def mysql_url(mysql_server: str) -> Iterator[str]:
    """A fresh, empty MariaDB database, gone after the test."""
    with servers.fresh_database(mysql_server) as url:
        yield url


@pytest.fixture(scope="session")
def _chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium, which .ci/chromium installs if there is none."""
    try:
        started = Browser(tmp_path_factory.mktemp("chromium"))
    except NoBrowser as error:
        if _IN_CI:
            pytest.fail(f"no Chromium: {error}", pytrace=False)
        pytest.skip("not run: no Chromium")
    yield started
    started.close()


@pytest.fixture
def browser(_chromium: Browser) -> Browser:
    """The browser, as wide as a desk, light, with nothing open."""
    _chromium.reset()
    return _chromium


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database of each kind that must work everywhere. The SQLite file is not there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'database.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The article's project, committed, without a revision, on an SQLite file that is not there yet."""
    return Project.create(tmp_path)
