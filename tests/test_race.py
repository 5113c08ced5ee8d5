"""Many at once: each revision is applied once, and who has to wait is told for whom."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests import database, forking
from tests.articles import USER, Article, article
from tests.chain import Started, chain, in_autocommit, per_migration, started
from tests.story import MODELS, USERNAME, Project

RACERS = 8
STEPS = tuple(f"r{number:02}" for number in range(1, 31))
CONCURRENTLY = in_autocommit("create index concurrently ix on applied (step)")


def ended(process: Started) -> tuple[int, str]:
    """Its exit code and what it said on stderr."""
    _, stderr = process.communicate(timeout=120)
    return process.wait(), stderr.decode()


def thirty(folder: Path, url: str, *, last_line: dict[str, str] | None = None) -> Project:
    """A project with thirty revisions, none of them applied; each writes its id into a table."""
    project = Project.create(folder, url)
    scripts = []
    for step in STEPS:
        lines = [f"op.execute(\"insert into applied (step) values ('{step}')\")"]
        if step == STEPS[0]:
            lines.insert(0, "op.create_table('applied', sa.Column('step', sa.String(3)))")
        lines.append((last_line or {}).get(step, "pass"))
        scripts.append((step, "\n".join(lines), f"op.execute(\"delete from applied where step = '{step}'\")"))
    chain(project, scripts)
    return project


def clones(project: Project, count: int) -> list[Project]:
    """Clones of a project, on its database."""
    made = []
    for number in range(count):
        top = project.top.parent / f"clone{number}"
        project.git("clone", "--quiet", str(project.top), str(top))
        made.append(project.beside(top))
    return made


def race(projects: Sequence[Project]) -> None:
    """Upgrade in all of them at the same moment; then everything was applied, and once."""
    racing = [started(project, "upgrade", "-y") for project in projects]
    results = [ended(process) for process in racing]
    assert [code for code, _ in results] == [0] * len(racing), results
    told = [line for _, stderr in results for line in stderr.splitlines() if line.startswith("▲")]
    assert sorted(told) == [f"▲ upgrade {step}" for step in STEPS]
    url = projects[0].url
    assert database.query(url, "select step from applied order by step") == tuple((s,) for s in STEPS)
    assert database.heads(url) == (STEPS[-1],)


def test_a_clone_each(database_url: str, tmp_path: Path) -> None:
    race(clones(thirty(tmp_path, database_url), RACERS))


def test_a_clone_each_on_mariadb_with_a_ledger(mysql_url: str, tmp_path: Path) -> None:
    project = thirty(tmp_path, mysql_url)
    project.gitmig("ledger", "enable", "--yes", check=0)
    race(clones(project, RACERS))
    rows = database.query(mysql_url, "select revision, direction from gitmig_ledger order by id")
    assert rows == tuple((step, "upgrade") for step in STEPS)


def test_two_clones_and_an_index_that_is_made_concurrently(postgres_url: str, tmp_path: Path) -> None:
    project = thirty(tmp_path, postgres_url, last_line={"r15": CONCURRENTLY})
    race(clones(project, 2) * (RACERS // 2))


def test_between_the_transactions_of_a_run_no_other_begins(tmp_path: Path) -> None:
    """SQLite's own lock ends with each transaction: here the others get all the time they need."""
    pause = "with op.get_context().autocommit_block():\n    __import__('time').sleep(0.5)"
    project = thirty(tmp_path, f"sqlite:///{tmp_path / 'shared.db'}", last_line={"r02": pause, "r03": pause})
    per_migration(project)
    race(clones(project, 3))
    assert sorted(path.name for path in tmp_path.glob("shared.db*")) == ["shared.db"]


def two(tmp_path: Path, url: str) -> Article:
    """The article's project, its database at the second revision."""
    told = article(tmp_path)
    project = told.project.beside(told.project.top, url)
    project.gitmig("upgrade", check=0)
    return replace(told, project=project)


def test_up_and_down_at_once_in_one_work_tree(database_url: str, tmp_path: Path) -> None:
    told = two(tmp_path, database_url)
    project = told.project
    racing = [started(project, "rollback", "-y"), started(project, "upgrade", "-y")]
    results = [ended(process) for process in racing]
    assert [code for code, _ in results] == [0, 0], results
    ends: dict[tuple[str, ...], str] = {(told.first,): MODELS, (told.second,): MODELS + USERNAME}
    assert project.read("app/models.py") == ends[project.heads()]
    assert ("username" in project.columns("user")) is (project.heads() == (told.second,))
    assert not project.path(".git/gitmig/journal.json").exists()


def test_up_and_down_at_once_on_mariadb(mysql_url: str, tmp_path: Path) -> None:
    project = Project.create(tmp_path, mysql_url)
    chain(project, [("a1", *USER)])
    project.append("app/models.py", "    age: Mapped[int | None]\n")
    add = "op.add_column('user', sa.Column('age', sa.Integer))"
    chain(project, [("b2", add, "op.drop_column('user', 'age')")], parent="a1")
    project.gitmig("upgrade", check=0)
    racing = [started(project, "rollback", "-y"), started(project, "upgrade", "-y")]
    results = [ended(process) for process in racing]
    assert [code for code, _ in results] == [0, 0], results
    up = project.heads() == ("b2",)
    assert up or project.heads() == ("a1",)
    assert (project.columns("user"), project.read("app/models.py").count("age")) == (
        ("id", "age") if up else ("id",),
        int(up),
    )


def test_up_and_down_at_once_from_two_clones(database_url: str, tmp_path: Path) -> None:
    told = two(tmp_path, database_url)
    one = told.project
    (other,) = clones(one, 1)
    racing = [started(one, "rollback", "-y"), started(other, "upgrade", "-y")]
    results = [ended(process) for process in racing]
    assert [code for code, _ in results] == [0, 0], results
    assert one.heads() in {(told.first,), (told.second,)}
    assert ("username" in one.columns("user")) is (one.heads() == (told.second,))
    assert (one.read("app/models.py"), other.read("app/models.py")) == (MODELS, MODELS + USERNAME)


def pausing(folder: Path, url: str) -> tuple[Project, Callable[[], None]]:
    """A project whose first revision waits until what is returned is called, or a minute."""
    project = Project.create(folder, url)
    signal = folder / "go"
    lines = (
        "import os, time\nend = time.monotonic() + 60\n"
        f"while not os.path.exists({str(signal)!r}) and time.monotonic() < end:\n    time.sleep(0.05)"
    )
    chain(project, [("a1", f"op.execute('create table t (id int)')\n{lines}", "op.drop_table('t')")])
    return project, signal.touch


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_who_is_waited_for(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    server = {"postgresql": "postgres_url", "mysql": "mysql_url"}.get(kind)
    url = request.getfixturevalue(server) if server else f"sqlite:///{tmp_path / 'shared.db'}"
    project, go = pausing(tmp_path, url)
    (other,) = clones(project, 1)
    first = started(project, "upgrade")
    wait_for_the_journal(project)
    refused = other.gitmig("upgrade", "--wait", "0.5", check=1).stderr
    holder = {
        "sqlite": r"process \d+ on ",
        "postgresql": "PostgreSQL session ",
        "mysql": "session ",
    }[kind]
    who = re.search(rf"^Error: the database is being moved by ({holder}.+)$", refused, re.MULTILINE)
    assert who is not None, refused
    assert re.search(rf"^Waiting for {holder}", refused, re.MULTILINE)
    assert refused.endswith("\nHint: wait for it, or give it longer with --wait SECONDS\n")
    go()
    assert ended(first)[0] == 0
    other.gitmig("upgrade", check=0)


def wait_for_the_journal(project: Project, process: Started | None = None) -> None:
    """Until a command has begun to move the database, or ended."""
    end = time.monotonic() + 60
    while not project.path(".git/gitmig/journal.json").exists():
        if process is not None and process.poll() is not None:
            return
        assert time.monotonic() < end
        time.sleep(0.05)


def test_commands_in_one_work_tree_come_one_after_the_other(tmp_path: Path) -> None:
    project, go = pausing(tmp_path, f"sqlite:///{tmp_path / 'shared.db'}")
    first = started(project, "upgrade")
    wait_for_the_journal(project)
    refused = project.gitmig("rollback", "--wait", "0.2", check=1)
    assert refused.stderr == (
        "Error: another gitmig command is at work in this work tree\n"
        "Hint: wait for it, or give it longer with --wait SECONDS\n"
    )
    second = started(project, "rollback", "base", "-y")
    go()
    assert (ended(first)[0], ended(second)[0]) == (0, 0)
    assert project.heads() == ()


def test_a_hook_inside_a_command_does_not_wait_for_it(project: Project) -> None:
    """The commit of ``revise`` runs our own hook, and one of somebody's that would move the database."""
    project.gitmig("hook", "install", check=0)
    hook = project.path(".git/hooks/post-commit")
    hook.write_text(
        f"#!/bin/sh\n'{sys.executable}' -P -m gitmig upgrade -y >hook.out 2>&1\necho $? >>hook.out\n"
    )
    hook.chmod(0o755)
    project.gitmig("revise", "-m", "First revision", "--wait", "5", check=0)
    assert project.git("log", "-1", "--format=%s") == "First revision"
    assert project.read("hook.out").splitlines() == [
        "Error: another gitmig command runs this one, in a hook or an editor, and waits for it",
        "Hint: run it when that command has ended",
        "1",
    ]


@pytest.mark.parametrize("ledger", [pytest.param(False, marks=pytest.mark.nightly), True])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_one_of_many_deployers_is_killed(
    kind: str, ledger: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server = {"postgresql": "postgres_url", "mysql": "mysql_url"}.get(kind)
    url = request.getfixturevalue(server) if server else f"sqlite:///{tmp_path / 'shared.db'}"
    project = thirty(tmp_path, url)
    if ledger:
        project.gitmig("ledger", "enable", "--yes", check=0)
    victim, *others = clones(project, RACERS)
    killed = started(victim, "upgrade", "-y")
    racing = [started(other, "upgrade", "-y") for other in others]
    wait_for_the_journal(victim, killed)
    killed.kill()
    results = [ended(process) for process in racing]
    killed.communicate()
    # MariaDB takes nothing back: a step that was cut off is for who has its journal, and stops the rest.
    assert kind == "mysql" or [code for code, _ in results] == [0] * len(racing), results
    victim.gitmig("recover", check=0)
    assert not victim.path(".git/gitmig/journal.json").exists()
    others[0].gitmig("upgrade", "-y", check=0)
    assert database.query(url, "select step from applied order by step") == tuple((s,) for s in STEPS)
    assert database.heads(url) == (STEPS[-1],)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_beside_plain_alembic(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """It knows no lock: one of the two may fail, and what is there was applied once."""
    url = (
        request.getfixturevalue("postgres_url") if kind == "postgresql" else f"sqlite:///{tmp_path / 's.db'}"
    )
    project = thirty(tmp_path, url)
    (other,) = clones(project, 1)
    ours = started(project, "upgrade", "-y")
    theirs = forking.popen(
        [sys.executable, "-m", "alembic", "upgrade", "head"], cwd=other.top, env=other.environment()
    )
    theirs.communicate(timeout=120)
    code, said = ended(ours)
    assert "Traceback" not in said
    if code:
        project.gitmig("recover", check=0)
        project.gitmig("upgrade", "-y", check=0)
    assert database.query(url, "select step from applied order by step") == tuple((s,) for s in STEPS)
    assert database.heads(url) == (STEPS[-1],)


def test_a_person_commits_and_switches_during_a_switch(tmp_path: Path) -> None:
    """Their git waits for ours or is refused; nothing of theirs is lost, and all is in step afterwards."""
    told = two(tmp_path, f"sqlite:///{tmp_path / 'shared.db'}")
    project = told.project
    project.git("branch", "before", told.first_commit)
    project.git("branch", "theirs")
    project.write("notes", "mine\n")
    project.git("add", "notes")
    switching = started(project, "switch", "before")
    committed = project.try_git("commit", "--quiet", "-m", "Notes")
    switched = project.try_git("switch", "--quiet", "theirs")
    _, said = ended(switching)
    assert "Traceback" not in said
    assert committed.exit_code in (0, 1, 128)
    assert switched.exit_code in (0, 1, 128)
    project.gitmig("recover", check=0)
    there = project.path("notes")
    assert there.exists() or project.git("log", "--all", "--format=%H", "--", "notes")
    assert project.git("fsck", "--connectivity-only", "--no-dangling", "--no-progress") == ""
    project.gitmig("sync", "-y", check=0)
    assert ("username" in project.columns("user")) is ("username" in project.read("app/models.py"))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_work_trees_on_one_database(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    shared = f"sqlite:///{tmp_path / 'shared.db'}"
    told = two(tmp_path, shared if kind == "sqlite" else request.getfixturevalue("postgres_url"))
    project = told.project
    project.git("worktree", "add", "--quiet", str(tmp_path / "other"), "-b", "before", told.first_commit)
    other = project.beside(tmp_path / "other", project.url)
    racing = [started(one, "sync", "-y") for one in (project, other, project, other)]
    results = [ended(process) for process in racing]
    assert {code for code, _ in results} == {0}, results
    at_head = project.heads() == (told.second,)
    assert at_head or project.heads() == (told.first,)
    assert ("username" in project.columns("user")) is at_head
