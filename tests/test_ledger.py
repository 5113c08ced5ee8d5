"""What is recorded of every move: in the database where it has a ledger, and in this clone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import make_url

from gitmig.worker.hidden import is_shown
from tests import database
from tests.bad import FIRST, SECOND, refuses, script, with_two_revisions
from tests.story import MODELS, USERNAME, Project

_TOP = Path(__file__).parent.parent
_ADA = "Ada Lovelace <ada@example.org>"
_COLUMNS = "environment, operation, revision, direction, commit_id, script, who, heads"

_SCRIPT = """\
revision = {revision!r}
down_revision = {parent!r}

import sqlalchemy as sa
from alembic import op


def upgrade():
    {up}


def downgrade():
    {down}
"""


def add_revisions(project: Project, names: Sequence[str]) -> None:
    """A chain of revisions, each with a table of its own."""
    for parent, name in zip((None, *names), names, strict=False):
        up, down = f"op.create_table('t_{name}', sa.Column('id', sa.Integer))", f"op.drop_table('t_{name}')"
        add_revision(project, name, parent, up, down)


def add_revision(project: Project, name: str, parent: str | None, up: str, down: str = "pass") -> None:
    text = _SCRIPT.format(revision=name, parent=parent, up=up, down=down)
    project.write(f"alembic/versions/{name}.py", text)


def rows(url: str) -> list[tuple[Any, ...]]:
    """The ledger's rows as the database's own driver reads them, oldest first."""
    table = "gitmig.ledger" if url.startswith("postgresql") else "gitmig_ledger"
    return list(database.query(url, f"select {_COLUMNS} from {table} order by id"))


def recorded(project: Project) -> list[dict[str, Any]]:
    """The lines of the local record."""
    text = project.read(".git/gitmig/record.jsonl")
    return [json.loads(line) for line in text.splitlines()]


def installed(folder: Path, project: Project, *, plugin: bool) -> Project:
    """The project in an environment where gitmig's distribution has the plugin that pyproject.toml names."""
    site = folder / f"site-{plugin}" / "gitmig-9.dist-info"
    site.mkdir(parents=True)
    (site / "METADATA").write_text("Metadata-Version: 2.1\nName: gitmig\nVersion: 9\n")
    points = tomllib.loads((_TOP / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    lines = [f"{name} = {module}" for name, module in points["alembic.plugins"].items()]
    (site / "entry_points.txt").write_text("\n".join(["[alembic.plugins]", *lines]) if plugin else "")
    # The first distribution of a name counts, so that an installed gitmig is out of sight.
    path = (str(site.parent), os.environ.get("PYTHONPATH", str(_TOP)))
    return _Elsewhere(project.top, project.url, path)


class _Elsewhere(Project):
    def __init__(self, top: Path, url: str, path: tuple[str, ...]):
        super().__init__(top, url)
        self._path = os.pathsep.join(path)

    def environment(self, changes: Any = None) -> dict[str, str]:
        return super().environment(changes) | {"PYTHONPATH": self._path}


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind. The PostgreSQL URL holds a password, which its server does not ask for."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'database.db'}"
    if request.param == "mysql":
        return str(request.getfixturevalue("mysql_url"))
    url = make_url(request.getfixturevalue("postgres_url"))
    return url.set(password="s3cret").render_as_string(hide_password=False)


def test_each_step_has_its_row_in_the_ledger_and_in_the_clone(tmp_path: Path, any_url: str) -> None:
    project = Project.create(tmp_path, any_url)
    # As long as the version table takes, and a name that no VARCHAR would hold.
    long, who = "b" * 32, f"{'Ada ' * 50}漢字 <ada@example.org>"
    project.git("config", "user.name", who.removesuffix(" <ada@example.org>"))
    add_revisions(project, ["aaaa", long])
    head = project.commit("Two revisions")
    project.gitmig("ledger", "enable", "--yes", check=0)
    project.gitmig("upgrade", check=0)
    project.gitmig("rollback", "--database-only", "--yes", check=0)
    found = rows(any_url)
    blobs = {name: project.git("rev-parse", f"HEAD:alembic/versions/{name}.py") for name in ("aaaa", long)}
    assert [row[2:] for row in found] == [
        ("aaaa", "upgrade", head, blobs["aaaa"], who, '["aaaa"]'),
        (long, "upgrade", head, blobs[long], who, json.dumps([long])),
        (long, "downgrade", head, blobs[long], who, '["aaaa"]'),
    ]
    assert {row[0] for row in found} == {"alembic:alembic_version"}
    assert found[0][1] == found[1][1] != found[2][1]
    lines = recorded(project)
    assert [(line["operation"], line["revision"], line["direction"]) for line in lines] == [
        (row[1], row[2], row[3]) for row in found
    ]
    # Another section of alembic.ini, or another version table: its rows are not ours.
    table = "gitmig.ledger" if any_url.startswith("postgresql") else "gitmig_ledger"
    some = "operation, revision, direction, moved_at"
    other = f"select 'other:versions', '[]', {some} from {table}"
    database.execute(any_url, f"insert into {table} (environment, heads, {some}) {other}")
    assert project.gitmig("status", "--json").json["recorded"]["gap"] is False
    shown = project.gitmig("ledger", "show", "--json", check=0).json
    assert shown["enabled"] is True
    assert {line["branch"] for line in lines} == {"main"}
    kept = [{**line, "time": 0, "seconds": 0, "branch": None} for line in reversed(lines)]
    assert [{**row, "time": 0, "seconds": 0} for row in shown["rows"]] == kept
    assert abs(shown["rows"][0]["time"] - lines[-1]["time"]) <= 5
    assert "s3cret" not in f"{found}{lines}{shown}{database.dump(any_url)}"


def test_a_failing_migration_leaves_no_row(tmp_path: Path, database_url: str) -> None:
    project = Project.create(tmp_path, database_url)
    add_revisions(project, ["aaaa"])
    add_revision(project, "bbbb", "aaaa", "op.execute('SELECT nonsense')")
    project.commit("Two revisions, one of them broken")
    project.gitmig("ledger", "enable", "--yes", check=0)
    project.gitmig("upgrade", check=1)
    assert (rows(database_url), project.heads()) == ([], ())
    assert not project.path(".git/gitmig/record.jsonl").exists()
    # One transaction for each: what stays has its row, in the database and in the clone.
    env = project.read("alembic/env.py").replace(
        "connection=connection,", "connection=connection, transaction_per_migration=True,"
    )
    project.write("alembic/env.py", env)
    said = project.gitmig("upgrade", check=1)
    assert "1 of 2 applied" in said.stderr
    assert project.heads() == ("aaaa",)
    assert [row[2] for row in rows(database_url)] == ["aaaa"]
    assert [line["revision"] for line in recorded(project)] == ["aaaa"]


def test_what_a_killed_first_upgrade_did_is_recorded_once(tmp_path: Path) -> None:
    """Its plan is made twice: on a stand-in for the file that is not there, and then on the file."""
    project = Project.create(tmp_path)
    add_revisions(project, ["aaaa", "bbbb"])
    killed = project.gitmig("upgrade", env={"GITMIG_TEST_KILL_AT": "database-committed"})
    assert killed.exit_code == -signal.SIGKILL
    assert project.gitmig("recover", "--json", check=0).json["recovered"]["side"] == "after"
    assert [line["revision"] for line in recorded(project)] == ["aaaa", "bbbb"]


def test_a_ledger_that_cannot_be_written_stops_the_move(project: Project) -> None:
    add_revisions(project, ["aaaa"])
    project.commit("A revision")
    project.gitmig("ledger", "enable", "--yes", check=0)
    database.execute(
        project.url,
        "create trigger full before insert on gitmig_ledger begin select raise(abort, 'no room'); end",
    )
    refuses(
        project,
        "upgrade",
        error="the ledger, gitmig_ledger, cannot be kept: no room",
        hint="let this database user read and write gitmig_ledger",
        code="migration-failed",
        exit_code=1,
    )
    database.execute(project.url, "drop table gitmig_ledger")
    database.execute(project.url, "create table gitmig_ledger (id integer)")
    said = project.gitmig("upgrade", check=1).stderr
    assert said.startswith("Error: the ledger, gitmig_ledger, cannot be kept: no such column")
    assert project.gitmig("status", "--json").json["recorded"] is None


def test_enabling(project: Project) -> None:
    refuses(
        project,
        "ledger",
        "enable",
        error="this makes the table gitmig_ledger in sqlite:///app.db",
        hint="look at it with --dry-run, then: gitmig ledger enable --yes",
        code="refused",
        exit_code=1,
    )
    before = project.snapshot()
    planned = project.gitmig("ledger", "enable", "--dry-run", "--json", check=0).json
    assert [ledger["created"] for ledger in planned["ledgers"]] == [False]
    asked = project.on_terminal("ledger", "enable", answers=["n"], check=1)
    assert "This makes the table gitmig_ledger in sqlite:///app.db. Go on? [y/N/?]" in asked.stdout
    assert project.snapshot() == before
    made = project.gitmig("ledger", "enable", "--yes", "--json", check=0).json
    assert made["ledgers"] == [
        {"database": "sqlite:///app.db", "table": "gitmig_ledger", "enabled": True, "created": True}
    ]
    assert "propose to drop gitmig_ledger" in made["warnings"][0]
    before = project.snapshot()
    again = project.gitmig("ledger", "enable", check=0)
    assert (
        again.stdout.splitlines()[0]
        == "ledger    the table is there already: gitmig_ledger  [sqlite:///app.db]"
    )
    assert project.snapshot() == before


def test_plain_alembic_does_not_see_it_where_gitmig_is_installed(tmp_path: Path) -> None:
    project = with_two_revisions(tmp_path)
    answer = project.gitmig("ledger", "enable", "--yes", "--json", check=0).json
    beside, without = (installed(tmp_path, project, plugin=plugin) for plugin in (True, False))
    beside.alembic("check")
    beside.alembic("revision", "--autogenerate", "-m", "Nothing", "--rev-id", "cccc")
    assert "gitmig_ledger" not in project.read(script(project, "cccc"))
    project.path(script(project, "cccc")).unlink()
    with pytest.raises(AssertionError, match=r"remove_table.*gitmig_ledger"):
        without.alembic("check")
    # The lines that `enable` prints do the same in env.py.
    function = answer["filter"].partition("\n\n")[0]
    env = project.read("alembic/env.py").replace(
        "def run_migrations_online", f"{function}\n\n\ndef run_migrations_online"
    )
    project.write(
        "alembic/env.py",
        env.replace("connection=connection,", "connection=connection, include_name=include_name,"),
    )
    without.alembic("check")


def test_plain_alembic_does_not_see_it_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    """Also where gitmig is not installed: it lies in a schema of its own."""
    project = Project.create(tmp_path, postgres_url)
    project.gitmig("revise", "-m", "First revision", check=0)
    project.gitmig("ledger", "enable", "--yes", check=0)
    assert rows(postgres_url) == []
    installed(tmp_path, project, plugin=False).alembic("check")


@pytest.mark.parametrize(
    ("name", "kind", "schema", "shown"),
    [
        ("gitmig_ledger", "table", None, False),
        ("gitmig_ledger", "column", None, True),
        ("ledger", "table", None, True),
        ("ledger", "table", "gitmig", False),
        ("parked", "table", "gitmig", False),
        ("parked_12", "table", "gitmig", False),
        ("parked_12", "table", None, True),
        ("invoice", "table", "gitmig", True),
        ("gitmig", "schema", None, True),
    ],
)
def test_what_the_plugin_hides(name: str, kind: str, schema: str | None, shown: bool) -> None:
    assert is_shown(name, kind, {"schema_name": schema} if kind != "schema" else {}) is shown


def test_every_alembic_with_plugins_can_load_ours() -> None:
    """1.20.1 takes a module; 1.18.0 to 1.20.0 go through what they load, and stop ``import alembic`` if they
    cannot. gitmig is installed beside all of them.
    """
    points = tomllib.loads((_TOP / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    (target,) = points["alembic.plugins"].values()
    loaded: Any = EntryPoint("ours", target, "alembic.plugins").load()
    assert isinstance(loaded, ModuleType)
    added: list[tuple[Any, ...]] = []
    plugin = SimpleNamespace(add_autogenerate_comparator=lambda *each, **_: added.append(each))
    for module in (loaded, *loaded):
        module.setup(plugin)
    assert [each[1] for each in added] == ["autogenerate", "autogenerate"]


def test_the_plugin_brings_nothing_with_it() -> None:
    probe = (
        "import sys; before = set(sys.modules); import gitmig.worker.hidden;"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-c", probe], cwd=_TOP, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"__future__", "gitmig"}


def test_a_database_that_alembic_moved_leaves_a_gap(tmp_path: Path) -> None:
    project = with_two_revisions(tmp_path)
    assert project.gitmig("status", "--json", check=0).json["recorded"]["gap"] is False
    project.alembic("downgrade", "-1")
    said = project.gitmig("status", check=1)
    (line,) = (line for line in said.stdout.splitlines() if line.startswith("recorded  "))
    assert line.startswith("recorded  moved by something other than gitmig in this clone since 20")
    assert line.endswith(f", when it was left at {SECOND} Add username for user")
    # A ledger without rows knows nothing yet; once it has some, it is what counts.
    project.gitmig("ledger", "enable", "--yes", check=0)
    project.gitmig("upgrade", check=0)
    project.alembic("downgrade", "-1")
    told = project.gitmig("status", "--json", check=1).json
    left = {"ledger": True, "heads": [SECOND], "gap": True, "moved": None}
    assert {**told["recorded"], "time": 0} == {**left, "time": 0}
    assert [finding["code"] for finding in told["findings"]] == ["GM011"]


def test_a_script_that_was_edited_after_it_was_applied_is_told(tmp_path: Path) -> None:
    project = with_two_revisions(tmp_path)
    path = script(project, FIRST)
    text = project.read(path)
    project.write(
        path, text.replace('"""', '"""More words: ', 1).replace('"id"', "'id'").replace("(\n", "(\n\n")
    )
    assert project.read(path) != text
    assert project.gitmig("status", "--json", check=0).json["findings"] == []
    project.write(path, text.replace("nullable=False", "nullable=True"))
    assert project.read(path) != text
    said = project.gitmig("status", check=0)
    assert said.stderr.splitlines() == [
        f"GM019 warning: the script of {FIRST} was edited after it was applied; the database has what was",
        f"  Hint: git log -p -- {path}",
    ]
    assert said.stdout.splitlines()[-1] == "in step"


def test_what_somebody_else_applied_is_not_undone_unasked(tmp_path: Path) -> None:
    project = with_two_revisions(tmp_path)
    project.gitmig("ledger", "enable", "--yes", check=0)
    project.gitmig("rollback", "base", "--database-only", "--yes", check=0)
    project.gitmig("upgrade", check=0)
    project.git("config", "user.name", "Bob")
    (row,) = (row for row in recorded(project)[-2:] if row["revision"] == SECOND)
    told = f"{_ADA} ({time.strftime('%Y-%m-%d %H:%M', time.gmtime(row['time']))})"
    refuses(
        project,
        "rollback",
        "--database-only",
        "--yes",
        error=f"{SECOND} was applied by {told}: undone only if you give their name",
        hint=f"gitmig rollback --database-only --yes --including '{_ADA}'",
        code="refused",
        exit_code=1,
    )
    warnings = project.gitmig("sync", f"{project.git('rev-parse', 'HEAD~1')}", "--dry-run", "--json").json
    assert warnings["warnings"] == [f"{SECOND} was applied by {told}"]
    asked = project.on_terminal("rollback", "--database-only", answers=["y"], check=0)
    assert f"{SECOND} was applied by {told}. Go on? [y/N/?]" in asked.stdout
    project.gitmig("rollback", "base", "--database-only", "--yes", "--including", "Ada Lovelace", check=0)
    assert project.heads() == ()


@pytest.mark.parametrize(
    ("point", "alembic_goes", "side"),
    [("database-committed", "head", "after"), ("files-written", "-1", "before")],
)
def test_the_ledger_says_whether_a_killed_command_committed(
    tmp_path: Path, point: str, alembic_goes: str, side: str
) -> None:
    """Somebody moves the database to where it would be, had the command ended the other way."""
    project = with_two_revisions(tmp_path)
    project.gitmig("ledger", "enable", "--yes", check=0)
    whole = project.read("app/models.py")
    lines = len(recorded(project))
    killed = project.gitmig("rollback", "--yes", env={"GITMIG_TEST_KILL_AT": point})
    assert killed.exit_code == -signal.SIGKILL
    project.alembic("upgrade" if alembic_goes == "head" else "downgrade", alembic_goes)
    assert project.gitmig("recover", "--json", check=0).json["recovered"]["side"] == side
    assert project.read("app/models.py") == (MODELS if side == "after" else whole)
    # What the killed command could not write down any more is written down now, once.
    kept = [(line["operation"], line["revision"], line["heads"]) for line in recorded(project)[lines:]]
    operations = [(row[1], SECOND, [FIRST]) for row in rows(project.url)]
    assert kept == operations
    assert len(kept) == (side == "after")
    assert USERNAME in whole


_BLOCKER = """\
import os, sys


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name == "git":
            sys.stderr.write("GitPython is imported\\n")
            os._exit(97)


sys.meta_path.insert(0, Blocker())
"""


class Image(Project):
    """A production image: the files alone, no git on PATH, and GitPython ends the process that imports it."""

    @classmethod
    def of(cls, project: Project, folder: Path, url: str | None) -> Image:
        (folder / "site").mkdir()
        (folder / "site" / "sitecustomize.py").write_text(_BLOCKER)
        project.path(".git").rename(folder / "git-of-the-image")
        return cls(project.top, url)

    def environment(self, changes: Any = None) -> dict[str, str]:
        path = os.pathsep.join((str(self.top.parent / "site"), os.environ.get("PYTHONPATH", str(_TOP))))
        kept = {name: value for name, value in super().environment(changes).items() if name[:4] != "GIT_"}
        ceiling = {"GIT_CEILING_DIRECTORIES": os.environ["GIT_CEILING_DIRECTORIES"]}
        return kept | ceiling | {"PATH": str(self.top / "no-programs"), "PYTHONPATH": path}


def test_racers_leave_exactly_one_row_each(tmp_path: Path, database_url: str) -> None:
    """Without git nothing but the database's own lock is between them."""
    made = Project.create(tmp_path, database_url)
    names = [f"r{number:02}00" for number in range(30)]
    add_revisions(made, names)
    image = Image.of(made, tmp_path, database_url)
    image.gitmig("ledger", "enable", "--yes", check=0)
    environment = image.environment({"GITMIG_COMMIT": "v1.2.3"})
    racers = [
        subprocess.Popen(
            [sys.executable, "-P", "-m", "gitmig", "upgrade", "--json"],
            cwd=image.top,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(8)
    ]
    said = [racer.communicate(timeout=120) for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 8, said
    found = rows(database_url)
    assert [(row[2], row[3]) for row in found] == [(name, "upgrade") for name in names]
    assert {row[4] for row in found} == {"v1.2.3"}
    assert all(row[6] for row in found)
    assert database.heads(database_url) == (names[-1],)


def test_without_git(tmp_path: Path) -> None:
    made = Project.create(tmp_path)
    add_revisions(made, ["aaaa", "bbbb"])
    image = Image.of(made, tmp_path, None)
    of = {"GITMIG_COMMIT": "0123456789abcdef"}
    image.gitmig("upgrade", env=of, check=0)
    status = image.gitmig("status", env=of, check=0)
    assert (status.stdout, status.stderr) == (
        "database  bbbb  [sqlite:///app.db]\n"
        "checkout  bbbb  [commit 01234567, no repository]\n"
        "models    not compared: there is no repository to compare them with\n"
        "in step\n",
        "",
    )
    log = image.gitmig("log", env=of, check=0)
    assert [line.split() for line in log.stdout.splitlines()] == [
        ["?", "bbbb", "—", "—", "(checkout)"],
        ["?", "aaaa", "—", "—"],
    ]
    assert (
        log.stderr
        == "no repository: the files are of commit 0123456789abcdef; gitmig status asks the database\n"
    )
    answer = image.gitmig("log", "--json", env=of, check=0).json
    assert (answer["commit"], answer["revisions"][0]["tie"]) == ("0123456789abcdef", None)
    refused = image.gitmig("rollback", "-1", check=2)
    assert refused.stderr.splitlines() == [
        f"Error: {image.top} is not in a git repository: no models can be put back",
        "Hint: gitmig rollback -1 --database-only",
    ]
    image.gitmig("rollback", "-1", "--database-only", env=of, check=0)
    assert database.heads(image.url) == ("aaaa",)
    # A worker that is slow to start leaves time, in which GitPython is not imported: it asks for git.
    with (tmp_path / "site" / "sitecustomize.py").open("a") as site:
        site.write("if '-m' not in sys.orig_argv:\n    import time\n    time.sleep(2)\n")
    command = [sys.executable, "-P", "-m", "gitmig", "upgrade"]
    subprocess.run(command, cwd=image.top, env=image.environment(of), check=True, capture_output=True)
    image.gitmig("rollback", "-1", "--database-only", env=of, check=0)
    plain = image.gitmig("status", "--json", check=1)
    assert plain.json["checkout"] == {"commit": None, "branch": None, "heads": ["bbbb"]}
    assert plain.json["recorded"] is None
