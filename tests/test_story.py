"""The tests' own footing: if one of these fails, look here first."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import database, terminal
from tests.story import USERNAME, Project


def test_nothing_of_the_machine_is_seen(sealed: Path) -> None:
    assert Path.cwd() == sealed
    assert not {"DATABASE_URL", "VIRTUAL_ENV", "GIT_DIR"} & set(os.environ)
    origins = subprocess.run(
        ["git", "config", "--list", "--show-origin", "--name-only"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert {line.split("\t")[0] for line in origins.stdout.splitlines()} == {f"file:{sealed / '.gitconfig'}"}


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_has_a_database_of_its_own(database_url: str, turn: int) -> None:
    assert database.tables(database_url) == ()
    project = Project.create(Path.cwd(), database_url)
    project.alembic("revision", "--autogenerate", "-m", "First revision", "--rev-id", "aaaa")
    project.alembic("upgrade", "head")
    assert project.heads() == ("aaaa",)
    assert project.columns("user") == ("id",)


def test_the_mariadb_database_is_empty(mysql_url: str) -> None:
    assert database.tables(mysql_url) == ()
    database.execute(mysql_url, "create table note (id integer primary key, text varchar(20))")
    database.execute(mysql_url, "insert into note values (1, 'kept')")
    assert database.columns(mysql_url, "note") == ("id", "text")
    assert any("kept" in line for line in database.dump(mysql_url) or ())


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_the_example_takes_urls_as_providers_hand_them_out(project: Project, scheme: str) -> None:
    url = f"{scheme}://u@localhost/name"
    said = subprocess.run(
        [sys.executable, "-c", "from app.database import engine; print(engine.url)"],
        cwd=project.top,
        env={**project.environment(), "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "postgresql+psycopg2://u@localhost/name\n"


def test_a_project_starts_clean_and_each_command_is_a_minute_later(project: Project) -> None:
    assert project.git("status", "--porcelain") == ""
    project.append("app/models.py", USERNAME)
    first = project.commit("Add username for user")
    project.write("note.txt", "one\n")
    second = project.commit("Add a note")
    moments = [int(project.git("show", "-s", "--format=%ct", commit)) for commit in (first, second)]
    assert moments[1] - moments[0] >= 60


def test_a_snapshot_sees_every_kind_of_change(database_url: str, tmp_path: Path) -> None:
    project = Project.create(tmp_path, database_url)
    changes: list[Callable[[], object]] = [
        lambda: project.write("app/cache/ignored.pyc", "x"),
        lambda: project.path("app/models.py").chmod(0o755),
        lambda: project.path("link").symlink_to("app"),
        lambda: project.git("add", "app/models.py"),
        lambda: project.git("tag", "v1"),
        lambda: project.git("switch", "--quiet", "--detach"),
        lambda: project.alembic("stamp", "base"),
    ]
    before = project.snapshot()
    assert project.snapshot() == before
    for change in changes:
        change()
        after = project.snapshot()
        assert after != before
        before = after


def test_a_terminal_asks_and_is_answered(tmp_path: Path) -> None:
    program = (
        "import os, sys; print(sys.stdin.isatty(), os.isatty(1)); print(input('Name: '), input('Go on? '))"
    )
    assert on_terminal(tmp_path, program, "Ada", (r"Go on\?", "y")) == (
        0,
        "True True\nName: Ada\nGo on? y\nAda y\n",
    )


def test_control_c_on_a_terminal_is_a_signal(tmp_path: Path) -> None:
    program = "import sys\ntry: input('Name: ')\nexcept KeyboardInterrupt: sys.exit(130)"
    assert on_terminal(tmp_path, program, "\x03")[0] == 130


def test_an_answer_that_nobody_asked_for_fails(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="ended before it took 'y'"):
        on_terminal(tmp_path, "print('done')", "y")


def on_terminal(folder: Path, program: str, *answers: terminal.Answer) -> tuple[int, str]:
    command = [sys.executable, "-c", program]
    return terminal.run(command, cwd=folder, env=dict(os.environ), answers=answers)
