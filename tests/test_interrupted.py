"""Ctrl-C and other ends while a step runs: it ends at once, and the command says what is so."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests import database
from tests.chain import Started, chain, per_migration, started
from tests.story import Project
from tests.test_race import ended, wait_for_the_journal

MAKES = ("a1", "op.create_table('t', sa.Column('id', sa.Integer))", "op.drop_table('t')")
SLOW = "open('running', 'w').close()\n{}"
SLEEPS = {
    "python": "__import__('time').sleep(100)",
    "sqlite": "op.execute('with recursive c(x) as (select 1 union all select x + 1 from c) '\n"
    "    'select max(x) from c')",
    "postgresql": "op.execute('select pg_sleep(100)')",
    "mysql": "op.execute('select sleep(100)')",
    "stubborn": "end = __import__('time').monotonic() + 100\nwhile __import__('time').monotonic() < end:\n"
    "    try:\n        __import__('time').sleep(1)\n    except BaseException:\n        break",
}


def url_of(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    server = {"postgresql": "postgres_url", "mysql": "mysql_url"}.get(kind)
    return str(request.getfixturevalue(server)) if server else f"sqlite:///{tmp_path / 'shared.db'}"


def slow(project: Project, sleep: str, before: str = "pass") -> None:
    """Two revisions, the second of which takes for ever."""
    chain(project, [MAKES, ("b2", f"{before}\n{SLOW.format(sleep)}", "pass")])


def stopped_while_it_runs(project: Project, process: Started, number: int = signal.SIGINT) -> tuple[int, str]:
    """End the command when the slow statement has begun; its exit code and what it said."""
    end = time.monotonic() + 60
    while not project.path("running").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    project.path("running").unlink()
    time.sleep(0.1)
    os.kill(process.pid, number)
    began = time.monotonic()
    answer = ended(process)
    assert time.monotonic() - began < 20, "it waited for the step"
    return answer


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("sleep", ["python", "statement", "stubborn"])
def test_everything_is_as_before(
    kind: str, sleep: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    project = Project.create(tmp_path, url_of(kind, tmp_path, request))
    slow(project, SLEEPS[kind if sleep == "statement" else sleep])
    project.gitmig("upgrade", "a1", check=0)
    before = project.snapshot()
    code, said = stopped_while_it_runs(project, started(project, "upgrade"))
    if sleep == "stubborn":
        # The script took the interruption for something of its own: the command ends all the same.
        said = said.replace("▲ upgrade b2\n", "")
    assert said == "Error: interrupted; everything is as before\n"
    assert code == 130
    assert project.snapshot() == before
    assert project.gitmig("recover", check=0).stdout == "nothing to recover\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_do_the_same(number: int, tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    slow(project, SLEEPS["python"])
    project.gitmig("upgrade", "a1", check=0)
    before = project.snapshot()
    code, said = stopped_while_it_runs(project, started(project, "upgrade"), number)
    assert (code, said) == (130, "Error: interrupted; everything is as before\n")
    assert project.snapshot() == before


def test_what_a_transaction_of_its_own_has_kept_is_said(tmp_path: Path, postgres_url: str) -> None:
    project = Project.create(tmp_path, postgres_url)
    slow(project, SLEEPS["postgresql"])
    per_migration(project)
    code, said = stopped_while_it_runs(project, started(project, "upgrade"))
    assert said == "▲ upgrade a1\nError: 1 of 2 applied, then: interrupted\nHint: gitmig sync\n"
    assert code == 130
    assert project.heads() == ("a1",)
    assert not project.path(".git/gitmig/journal.json").exists()


def test_a_worker_that_is_killed_is_told_as_what_the_database_makes_of_it(
    tmp_path: Path, database_url: str
) -> None:
    project = Project.create(tmp_path, database_url)
    slow(project, "__import__('os').kill(__import__('os').getpid(), 9)")
    failed = project.gitmig("upgrade", check=1)
    first, error, *_, hint = failed.stderr.splitlines()
    assert (first, hint) == ("▲ upgrade a1", "Hint: gitmig recover")
    assert error == (
        "Error: the project's interpreter was killed (SIGKILL, as the system does if memory runs out) "
        "during the upgrade of b2; the database keeps nothing of it"
    )
    assert "a1" not in project.heads()
    project.gitmig("recover", check=0)
    assert database.tables(project.url) == ()


def test_a_script_that_ends_the_process_is_not_a_wrong_interpreter(project: Project) -> None:
    project.append("app/models.py", "\n__import__('os')._exit(5)\n")
    failed = project.gitmig("status", check=2)
    assert failed.stderr == (
        "Error: the project's interpreter ended with exit code 5\n"
        "Hint: look for what ends it (os._exit, say) in env.py, the models or the revision\n"
    )


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_an_idle_session_keeps_the_lock(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = url_of(kind, tmp_path, request)
    if kind == "postgresql":
        name = url.rpartition("/")[2].partition("?")[0]
        database.execute(url, f"alter database {name} set idle_session_timeout = '1s'")
        sleep = "op.execute('select pg_sleep(3)')"
    else:
        # A step that does nothing on its own connection for longer than that fails without us, too.
        sleep = "op.execute('set session wait_timeout = 100')\nop.execute('select sleep(3)')"
        (before,) = database.query(url, "select @@global.wait_timeout")[0]
        database.execute(url, "set global wait_timeout = 1")
        request.addfinalizer(lambda: database.execute(url, f"set global wait_timeout = {before}"))
    project = Project.create(tmp_path, url)
    slow(project, sleep)
    project.gitmig("upgrade", check=0)
    assert project.heads() == ("b2",)


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_nobody_begins_while_the_server_still_works_for_a_killed_one(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The session of the lock ends with its process, the migrating one when its statement has."""
    url = url_of(kind, tmp_path, request)
    project = Project.create(tmp_path, url)
    sleep = "select pg_sleep(6)" if kind == "postgresql" else "select sleep(6)"
    kills = "import os, threading\nthreading.Timer(1, lambda: os.kill(os.getpid(), 9)).start()"
    slow(project, f"{kills}\nop.execute({sleep!r})")
    failed = project.gitmig("upgrade", check=1)
    assert "the project's interpreter was killed (SIGKILL" in failed.stderr
    waiting = project.gitmig("recover", "--wait", "0", check=1).stderr
    assert waiting.startswith("Error: the database is being moved by ")
    project.gitmig("recover", check=0)


def test_a_lock_that_is_lost_between_two_steps(tmp_path: Path, mysql_url: str) -> None:
    project = Project.create(tmp_path, mysql_url)
    ends = (
        "import sqlalchemy\n"
        "for number, in op.get_bind().exec_driver_sql('select id from information_schema.processlist "
        'where command = "Sleep" and db = database() and id <> connection_id()\').all():\n'
        "    op.execute(f'kill {number}')"
    )
    made = "op.create_table('{}', sa.Column('id', sa.Integer))"
    chain(project, [("a1", f"{made.format('one')}\n{ends}", "pass"), ("b2", made.format("two"), "pass")])
    failed = project.gitmig("upgrade", check=1)
    assert failed.stderr == (
        "▲ upgrade a1\n"
        "Error: 1 of 2 applied, then: the database's lock was lost: its session is another one now "
        "(a pooling proxy?)\n"
        "Hint: gitmig sync\n"
    )
    assert project.heads() == ("a1",)
    assert database.tables(mysql_url) == ("alembic_version", "one")


def test_a_command_that_is_gone_ends_its_step(tmp_path: Path, database_url: str) -> None:
    """Nobody would give the word to commit any more."""
    project = Project.create(tmp_path, database_url)
    slow(project, SLEEPS["python"])
    process = started(project, "upgrade")
    wait_for_the_journal(project)
    end = time.monotonic() + 60
    while not project.path("running").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    process.kill()
    process.communicate()
    project.gitmig("recover", "--wait", "20", check=0)
    assert project.heads() == ()
