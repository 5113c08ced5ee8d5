"""MariaDB: a step that was cut off between two statements is finished by the next command."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests import database
from tests.chain import chain, started
from tests.story import Project
from tests.support.lanes import by_day
from tests.test_interrupted import stopped_while_it_runs

MAKES = ("a1", "op.create_table('t', sa.Column('id', sa.Integer, primary_key=True))", "op.drop_table('t')")
# Rows, DDL, rows, DDL, rows: each of them has its way of being kept.
UP = (
    "op.execute('insert into t values (1)')",
    "op.add_column('t', sa.Column('a', sa.Integer))",
    "op.execute('insert into t values (2, 2)')",
    "op.add_column('t', sa.Column('b', sa.Integer))",
    "op.execute('insert into t values (3, 3, 3)')",
)
DOWN = "op.drop_column('t', 'b')\nop.drop_column('t', 'a')\nop.execute('delete from t')"
KILL = "import os\nif not os.path.exists('survive'): os.kill(os.getpid(), 9)"
ROWS = ((1, None, None), (2, 2, None), (3, 3, 3))


def project_of(tmp_path: Path, url: str, up: str, down: str = DOWN) -> Project:
    """A project at the first of two revisions; the second one is killed at some point."""
    project = Project.create(tmp_path, url)
    # Recovery runs in another folder.
    here = repr(str(project.path("survive")))
    up, down = (text.replace("'survive'", here) for text in (up, down))
    chain(project, [MAKES, ("b2", up, down)])
    project.gitmig("upgrade", "a1", check=0)
    return project


def finished(project: Project) -> str:
    """What recovery says; it may run the script to its end now."""
    project.write("survive", "")
    said = project.gitmig("recover", check=0)
    assert not list(project.path(".git/gitmig").glob("step.jsonl*"))
    assert not project.path(".git/gitmig/journal.json").exists()
    return said.stdout + said.stderr


@pytest.mark.parametrize("at", by_day(range(len(UP) + 1), number=1, of=3))
def test_killed_between_two_statements(at: int, tmp_path: Path, mysql_url: str) -> None:
    project = project_of(tmp_path, mysql_url, "\n".join((*UP[:at], KILL, *UP[at:])))
    failed = project.gitmig("upgrade", check=1).stderr
    assert "Hint: gitmig recover\n" in failed
    said = finished(project)
    if at > 1:
        assert "b2 was done in part, and is finished now" in said
        assert project.heads() == ("b2",)
        assert database.query(mysql_url, "select id, a, b from t order by id") == ROWS
    else:
        assert project.heads() == ("a1",)
        assert project.columns("t") == ("id",)
        assert database.query(mysql_url, "select count(*) from t") == ((0,),)
    project.gitmig("upgrade", check=0)
    assert database.query(mysql_url, "select id, a, b from t order by id") == ROWS


def test_killed_on_the_way_down(tmp_path: Path, mysql_url: str) -> None:
    first, rest = DOWN.split("\n", 1)
    project = project_of(tmp_path, mysql_url, "\n".join(UP), f"{first}\n{KILL}\n{rest}")
    project.gitmig("upgrade", check=0)
    project.gitmig("rollback", "-y", "--database-only", check=1)
    assert "b2 was done in part, and is finished now" in finished(project)
    assert project.heads() == ("a1",)
    assert project.columns("t") == ("id",)


@pytest.mark.parametrize("done", [False, True])
def test_killed_while_the_server_was_at_it(done: bool, tmp_path: Path, mysql_url: str) -> None:
    """Whether the statement that was under way was carried out is looked up."""
    add = "alter table t add column b integer"
    run = f"    op.get_bind().connection.cursor().execute({add!r})"
    last = f"import os\nif not os.path.exists('survive'):\n{run}\n{KILL}" if done else KILL
    hook = (
        "import sqlalchemy as sa_\n"
        "@sa_.event.listens_for(op.get_bind(), 'before_cursor_execute')\n"
        "def before(c, cursor, statement, *rest):\n"
        f"    if statement == {add!r}:\n        " + last.replace("\n", "\n        ")
    )
    project = project_of(tmp_path, mysql_url, "\n".join((*UP[:3], hook, f"op.execute({add!r})", UP[4])))
    project.gitmig("upgrade", check=1)
    assert "b2 was done in part, and is finished now" in finished(project)
    assert database.query(mysql_url, "select id, a, b from t order by id") == ROWS


def test_interrupted(tmp_path: Path, mysql_url: str) -> None:
    sleep = (
        "import os\nif not os.path.exists('survive'):\n"
        "    open('running', 'w').close()\n    op.execute('select sleep(100)')"
    )
    project = project_of(tmp_path, mysql_url, "\n".join((*UP[:3], sleep, *UP[3:])))
    code, said = stopped_while_it_runs(project, started(project, "upgrade"))
    assert code == 130
    assert said == "Error: interrupted during the upgrade of b2, after 0 of 1\nHint: gitmig recover\n"
    assert "b2 was done in part, and is finished now" in finished(project)
    assert database.query(mysql_url, "select id, a, b from t order by id") == ROWS


def test_a_session_that_the_server_ended(tmp_path: Path, mysql_url: str) -> None:
    ends = "import os\nif not os.path.exists('survive'): op.execute('kill connection_id()')"
    project = project_of(tmp_path, mysql_url, "\n".join((*UP[:3], ends, *UP[3:])))
    failed = project.gitmig("upgrade", check=1).stderr
    assert failed.endswith("Hint: gitmig recover\n")
    assert "b2 was done in part, and is finished now" in finished(project)
    assert database.query(mysql_url, "select id, a, b from t order by id") == ROWS


def test_a_step_that_cannot_be_finished_is_named(tmp_path: Path, mysql_url: str) -> None:
    other = "import os\nif os.path.exists('survive'): op.drop_table('t')"
    project = project_of(tmp_path, mysql_url, "\n".join((other, *UP[:3], KILL, *UP[3:])))
    project.gitmig("upgrade", check=1)
    said = finished(project)
    assert (
        "b2 is done in part, and cannot be finished: the script does something else than when it was" in said
    )
    assert project.heads() == ("a1",)


def test_several_steps(tmp_path: Path, mysql_url: str) -> None:
    project = project_of(tmp_path, mysql_url, "\n".join((*UP[:3], KILL, *UP[3:])))
    chain(project, [("c3", "op.create_table('other', sa.Column('id', sa.Integer))", "pass")], parent="b2")
    project.gitmig("ledger", "enable", "--yes", check=0)
    project.gitmig("upgrade", check=1)
    said = finished(project)
    assert "1 of 2 applied" in said
    assert project.heads() == ("b2",)
    rows = database.query(mysql_url, "select revision from gitmig_ledger order by id")
    assert rows == (("b2",),)
    project.gitmig("upgrade", check=0)
    assert project.heads() == ("c3",)


def test_a_worker_whose_command_is_gone_finishes_its_step(tmp_path: Path, mysql_url: str) -> None:
    """Others must not find half of it: its log is in one clone."""
    sleep = "open('running', 'w').close()\nimport time; time.sleep(2)"
    project = project_of(tmp_path, mysql_url, "\n".join((*UP[:3], sleep, *UP[3:])))
    chain(project, [("c3", "op.create_table('other', sa.Column('id', sa.Integer))", "pass")], parent="b2")
    process = started(project, "upgrade")
    end = time.monotonic() + 60
    while not project.path("running").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    process.kill()
    process.communicate()
    said = project.gitmig("recover", check=0).stdout
    assert "1 of 2 applied" in said
    assert project.heads() == ("b2",)
    assert database.query(mysql_url, "select id, a, b from t order by id") == ROWS
