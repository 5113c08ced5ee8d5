"""``gitmig lock`` and the lock in env.py: plain Alembic waits for gitmig, and gitmig for it."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import database
from tests.chain import chain
from tests.story import Project

ALEMBIC = (sys.executable, "-P", "-m", "alembic", "upgrade", "head")
RACERS = 4
STEPS = tuple(f"r{number}" for number in range(1, 7))


def plain(project: Project, *command: str) -> subprocess.Popen[bytes]:
    """A real process in the project, that gitmig knows nothing of."""
    return subprocess.Popen(
        command or ALEMBIC,
        cwd=project.top,
        env=project.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def locked(*command: str) -> tuple[str, ...]:
    """The same under the lock."""
    return (sys.executable, "-P", "-m", "gitmig", "lock", "--", *command)


def slow_steps(tmp_path: Path, url: str) -> Project:
    """Revisions that take a while each; two that apply one at once would write its row twice."""
    project = Project.create(tmp_path, url)
    scripts = []
    for step in STEPS:
        lines = [
            f"op.execute(\"insert into applied (step) values ('{step}')\")",
            "__import__('time').sleep(0.05)",
        ]
        if step == STEPS[0]:
            lines.insert(0, "op.create_table('applied', sa.Column('step', sa.String(3)))")
        scripts.append((step, "\n".join(lines), "pass"))
    chain(project, scripts)
    return project


def with_lock_in_env(project: Project) -> None:
    """The lines of the documentation."""
    text = project.read("alembic/env.py")
    online = "        with context.begin_transaction():\n            context.run_migrations()\n"
    assert online in text
    text = text.replace(online, online.replace("with context", "with locked(), context"))
    text = text.replace(
        "from alembic import context\n", "from alembic import context\nfrom gitmig.lock import locked\n"
    )
    project.write("alembic/env.py", text)
    project.commit("Have plain Alembic take gitmig's lock")


def race(project: Project, racers: list[subprocess.Popen[bytes]]) -> None:
    """All of them end well, and every step was applied once."""
    for racer in racers:
        _, stderr = racer.communicate(timeout=120)
        assert racer.returncode == 0, stderr.decode()
    assert database.query(project.url, "select step from applied order by step") == tuple((s,) for s in STEPS)
    assert database.heads(project.url) == (STEPS[-1],)


def test_plain_alembics_under_the_lock(database_url: str, tmp_path: Path) -> None:
    project = slow_steps(tmp_path, database_url)
    gitmig = (sys.executable, "-P", "-m", "gitmig", "upgrade", "-y")
    race(project, [plain(project, *locked(*ALEMBIC)) for _ in range(RACERS)] + [plain(project, *gitmig)])


def test_plain_alembics_with_the_lock_in_env(database_url: str, tmp_path: Path) -> None:
    project = slow_steps(tmp_path, database_url)
    with_lock_in_env(project)
    gitmig = (sys.executable, "-P", "-m", "gitmig", "upgrade", "-y")
    racers = [plain(project) for _ in range(RACERS)]
    race(project, [*racers, plain(project, *gitmig), plain(project, *locked(*ALEMBIC))])


def test_plain_alembics_on_mariadb(mysql_url: str, tmp_path: Path) -> None:
    project = slow_steps(tmp_path, mysql_url)
    with_lock_in_env(project)
    race(project, [plain(project) for _ in range(RACERS)] + [plain(project, *locked(*ALEMBIC))])


@pytest.mark.parametrize("code", [0, 1, 7])
def test_exit_code_is_passed_on(project: Project, code: int) -> None:
    result = project.gitmig("lock", "--", "sh", "-c", f"echo out; echo err >&2; exit {code}", check=code)
    assert (result.stdout, result.stderr) == ("out\n", "err\n")


def test_a_command_that_a_signal_ends(project: Project) -> None:
    project.gitmig("lock", "--", "sh", "-c", "kill -9 $$", check=137)


def test_a_command_that_is_not_there(project: Project) -> None:
    result = project.gitmig("lock", "--", "no-such-thing", check=2)
    assert result.stderr == (
        "Error: no-such-thing cannot be run: No such file or directory\n"
        "Hint: gitmig lock -- alembic upgrade head\n"
    )
    assert not list(project.top.glob("app.db-*"))


def test_without_a_command(project: Project) -> None:
    assert project.gitmig("lock", check=2).stderr.endswith("Hint: gitmig lock --help\n")


def test_words_after_the_dashes_are_the_commands(project: Project) -> None:
    assert project.gitmig("lock", "--", "echo", "--json", "-C", "x", check=0).stdout == "--json -C x\n"
    assert project.gitmig("lock", "--", "nothing-there", "--json", check=2).stderr.startswith("Error: ")


def test_it_runs_where_it_is_told(project: Project, tmp_path: Path) -> None:
    result = project.gitmig("-C", str(project.top), "lock", "--", "pwd", cwd=tmp_path, check=0)
    assert result.stdout == f"{project.top}\n"


def held(project: Project) -> subprocess.Popen[bytes]:
    """The lock, held until its stdin ends; it has been taken."""
    holder = subprocess.Popen(
        locked("sh", "-c", "echo held; cat"),
        cwd=project.top,
        env=project.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


def test_others_wait_and_give_up(database_url: str, tmp_path: Path) -> None:
    project = slow_steps(tmp_path, database_url)
    with_lock_in_env(project)
    holder = held(project)
    refused = project.gitmig("upgrade", "-y", "--wait", "0.2", check=1)
    assert "Error: the database is being moved by " in refused.stderr
    again = project.gitmig("lock", "--wait", "0.2", "--", "true", check=1)
    assert "Error: the database is being moved by " in again.stderr
    waiting = plain(project)
    assert waiting.stderr is not None
    while not (line := waiting.stderr.readline()).startswith(b"Waiting for "):
        assert line
    assert waiting.poll() is None
    holder.communicate()
    waiting.communicate(timeout=60)
    assert waiting.returncode == 0


def test_what_only_looks_does_not_wait(database_url: str, tmp_path: Path) -> None:
    project = slow_steps(tmp_path, database_url)
    with_lock_in_env(project)
    holder = held(project)
    looking = plain(project, sys.executable, "-P", "-m", "alembic", "current")
    looking.communicate(timeout=20)
    assert (looking.returncode, holder.poll()) == (0, None)
    project.gitmig("log", check=0)
    assert project.gitmig("status", "--json").json["database"]["heads"] == []
    holder.communicate()


def test_gitmig_below_it_does_not_wait(database_url: str, tmp_path: Path) -> None:
    project = slow_steps(tmp_path, database_url)
    gitmig = shlex.join([sys.executable, "-P", "-m", "gitmig", "upgrade", "-y", "--wait", "0"])
    down = shlex.join([sys.executable, "-P", "-m", "alembic", "downgrade", "-1"])
    project.gitmig("lock", "--", "sh", "-c", f"{gitmig} && {down} && {gitmig}", check=0)
    assert database.heads(project.url) == (STEPS[-1],)


def test_who_only_says_so_does_not_pass(database_url: str, tmp_path: Path) -> None:
    """The variable of a lock that has ended opens no other."""
    project = slow_steps(tmp_path, database_url)
    said = project.gitmig("lock", "--", "printenv", "GITMIG_LOCK_HELD", check=0).stdout.strip()
    holder = held(project)
    project.gitmig("upgrade", "-y", "--wait", "0.2", env={"GITMIG_LOCK_HELD": said}, check=1)
    holder.communicate()


def test_sigterm_goes_to_the_command(database_url: str, tmp_path: Path) -> None:
    project = slow_steps(tmp_path, database_url)
    running = plain(
        project,
        *locked("sh", "-c", "trap 'echo ended; exit 5' TERM; echo on; sleep 30 >/dev/null 2>&1 & wait"),
    )
    assert running.stdout is not None
    assert running.stdout.readline() == b"on\n"
    running.send_signal(signal.SIGTERM)
    assert running.stdout.readline() == b"ended\n"
    running.communicate(timeout=20)
    assert running.returncode == 5


def test_a_lock_that_was_lost_is_named(postgres_url: str, tmp_path: Path) -> None:
    project = slow_steps(tmp_path, postgres_url)
    end = (
        "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
        " and database = (select oid from pg_database where datname = current_database())"
    )
    script = f"import sqlalchemy as s; s.create_engine({postgres_url!r}).connect().execute(s.text({end!r}))"
    project.write("end.py", script)
    result = project.gitmig("lock", "--", "sh", "-c", f"{sys.executable} end.py", check=1)
    assert "Error: the database's lock was lost" in result.stderr


def test_a_database_without_its_lock(postgres_url: str, tmp_path: Path) -> None:
    project = slow_steps(tmp_path, postgres_url)
    holder = held(project)
    project.gitmig("lock", "--wait", "0", "--", "true", env={"GITMIG_LOCK": "none"}, check=0)
    holder.communicate()


def test_an_index_that_is_made_concurrently(postgres_url: str, tmp_path: Path) -> None:
    """Nothing that waits, and nothing that holds the lock, has a snapshot for it to wait for."""
    project = slow_steps(tmp_path, postgres_url)
    with_lock_in_env(project)
    lines = (
        "with op.get_context().autocommit_block():\n"
        "    op.execute('create index concurrently ix on applied (step)')"
    )
    chain(project, [("r7", lines, "pass")], parent=STEPS[-1])
    racers = [plain(project), plain(project), plain(project, *locked(*ALEMBIC))]
    for racer in racers:
        _, stderr = racer.communicate(timeout=60)
        assert racer.returncode == 0, stderr.decode()
    assert database.heads(project.url) == ("r7",)
