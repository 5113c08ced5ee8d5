"""Databases that cannot be reached, or are not where the files are."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests import database
from tests.articles import plain
from tests.bad import FIRST, MOVING, SECOND, findings, refuses, with_two_revisions
from tests.roles import SECRET
from tests.story import USERNAME, Project

CLOSED = "postgresql+psycopg2://ada:s3cret@127.0.0.1:1/shop"
"""Port 1 is closed everywhere."""


@pytest.mark.parametrize(
    "command", [("status",), ("upgrade",), ("revise", "-m", "Change")], ids=lambda command: command[0]
)
def test_nobody_answers(tmp_path: Path, command: tuple[str, ...]) -> None:
    project = Project.create(tmp_path, CLOSED)
    refuses(
        project,
        *command,
        error='connection to server at "127.0.0.1", port 1 failed: Connection refused',
        hint="start the database, or correct its URL",
        code="database-unreachable",
        exit_code=2,
        witness=Project(project.top),
    )


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    project = Project.create(tmp_path, "sqlite:////nowhere/at/all/app.db")
    refuses(
        project,
        "upgrade",
        error="unable to open database file: sqlite:////nowhere/at/all/app.db",
        hint="start the database, or correct its URL",
        code="database-unreachable",
        exit_code=2,
    )


def test_one_that_answers_and_refuses(project: Project) -> None:
    project.path("app.db").touch()
    database.execute(project.url, "create table alembic_version (other int)")
    refuses(
        project,
        "upgrade",
        error="no such column: alembic_version.version_num",
        hint="the database refuses that: see to it there, or in env.py",
        code="database-unreachable",
        exit_code=2,
    )


@pytest.mark.slow
def test_a_file_that_somebody_else_has_to_himself(project: Project) -> None:
    project.gitmig("upgrade", check=0)
    holder = sqlite3.connect(project.path("app.db"), isolation_level=None)
    with contextlib.closing(holder):
        holder.execute("begin exclusive")
        said = project.gitmig("status", check=2).stderr
    assert said == (
        "Error: database is locked\n"
        "Hint: wait for the process that writes to it, or end it; then run the command again\n"
    )


@pytest.mark.parametrize("command", [("log",), ("check",)], ids=lambda command: command[0])
def test_what_needs_no_database_works_without(tmp_path: Path, command: tuple[str, ...]) -> None:
    said = Project.create(tmp_path, CLOSED).gitmig(*command)
    assert "Error" not in said.stderr


@pytest.mark.parametrize("form", ["in front of the host", "in the query"])
def test_the_password_is_wrong_and_is_never_printed(
    postgres_server: str, role: str, form: str, tmp_path: Path
) -> None:
    wrong = SECRET + "Z"
    url = make_url(postgres_server).set(username=role, password=wrong)
    if form == "in the query":
        url = url.set(username=None, password=None).update_query_dict({"user": role, "password": wrong})
    project = Project.create(tmp_path, url.render_as_string(hide_password=False))
    before = Project(project.top).snapshot()
    error, hint = (
        f'failed: FATAL:  password authentication failed for user "{role}"',
        "start the database, or correct its URL",
    )
    for command, option in (("status", "-v"), ("upgrade", "--debug")):
        text = project.gitmig(command, option, check=2)
        errors = [line for line in text.stderr.splitlines() if line.startswith(("Error: ", "Hint: "))]
        assert len(errors) == 2
        assert errors[0].endswith(error)
        assert errors[1] == f"Hint: {hint}"
        assert not any(part in text.stdout + text.stderr for part in ("s3cr", "w:rd", "w%3Ard"))
    for arguments in (["status"], ["revise", "-m", "Change"]):
        answer = project.gitmig(*arguments, "--json", check=2)
        told = answer.json["error"]
        assert (told["code"], told["hint"]) == ("database-unreachable", hint)
        assert told["message"].endswith(error)
        assert not any(part in answer.stdout + answer.stderr for part in ("s3cr", "w:rd", "w%3Ard"))
    kept = (path for path in project.path(".git").rglob("*") if path.is_file())
    assert not any(b"s3cr" in path.read_bytes() for path in kept)
    assert Project(project.top).snapshot() == before


GM010 = f"the database is at {SECOND}, which no file of the checkout has"


@pytest.fixture
def behind(tmp_path: Path) -> Project:
    """A checkout of the first revision, beside a database at the second."""
    project = with_two_revisions(tmp_path)
    project.git("switch", "--quiet", "--create", "older", "HEAD~1")
    return project


@pytest.mark.parametrize("command", MOVING, ids=lambda command: command[0])
def test_a_revision_that_no_file_has_stops_what_moves(behind: Project, command: tuple[str, ...]) -> None:
    behind.append("app/models.py", USERNAME.replace("username", "nickname"))
    refuses(
        behind,
        *command,
        error=f"GM010: the database sqlite:///app.db is at {SECOND}, which no file of the checkout has",
        hint="gitmig sync",
        code="refused",
        exit_code=1,
    )


@pytest.mark.parametrize("command", ["status", "log"])
def test_a_revision_that_no_file_has_is_found_by_what_looks(behind: Project, command: str) -> None:
    hint = "gitmig sync" if command == "status" else "gitmig status"
    assert findings(behind, command) == [("GM010", "error", GM010, hint)]


def test_what_lies_under_an_unknown_revision_is_not_known_to_be_applied_or_not(behind: Project) -> None:
    behind.gitmig("status", check=1)
    assert [line["applied"] for line in behind.gitmig("log", "--json").json["revisions"]] == [None]
    assert behind.gitmig("log").stdout.startswith(f"?  {FIRST}  ")


GM017 = "the database has 1 table of the models and is not under Alembic"
GM017_HINT = "alembic stamp REVISION  (the one that matches its tables)"


@pytest.fixture
def unversioned(tmp_path: Path) -> Project:
    """A database with the models' table, and without Alembic's."""
    project = with_two_revisions(tmp_path)
    database.execute(project.url, "drop table alembic_version")
    return project


@pytest.mark.parametrize(
    "command", [("upgrade",), ("revise", "-m", "Change")], ids=lambda command: command[0]
)
def test_a_database_that_is_not_under_alembic_stops_what_moves(
    unversioned: Project, command: tuple[str, ...]
) -> None:
    unversioned.append("app/models.py", USERNAME.replace("username", "nickname"))
    refuses(unversioned, *command, error=f"GM017: {GM017}", hint=GM017_HINT, code="refused", exit_code=1)


def test_a_database_that_is_not_under_alembic_is_found(unversioned: Project) -> None:
    assert findings(unversioned, "status") == [("GM017", "error", GM017, GM017_HINT)]
    assert unversioned.gitmig("status", "--json", check=1).json["hint"] == GM017_HINT


def test_a_revision_and_one_below_it_in_the_version_table(tmp_path: Path) -> None:
    """Neither Alembic nor gitmig could go down from there, and nothing said so."""
    project = with_two_revisions(tmp_path)
    database.execute(project.url, f"insert into alembic_version values ('{FIRST}')")
    message = f"the version table names {SECOND}, and {FIRST} below it"
    hint = f"alembic stamp --purge {SECOND}"
    assert findings(project, "status") == [("GM025", "error", message, hint)]
    for command in (("upgrade",), ("rollback",), ("revise", "-m", "Third")):
        project.append("app/models.py", USERNAME.replace("username", f"by_{command[0]}"))
        error = f"GM025: {message}"
        refuses(project, *command, error=error, hint="gitmig status", code="refused", exit_code=1)
    project.git("checkout", "--quiet", "app/models.py")
    project.alembic(*hint.split()[1:])
    assert project.heads() == (SECOND,)
    project.gitmig("status", check=0)
    project.gitmig("rollback", "--yes", check=0)


def test_without_a_revision_there_is_nothing_to_stamp(project: Project) -> None:
    project.path("app.db").touch()
    database.execute(project.url, "create table user (id integer primary key)")
    hint = 'gitmig revise --draft -m "Baseline" && alembic stamp head'
    assert findings(project, "status")[0] == ("GM017", "error", GM017, hint)
    refuses(project, "revise", "-m", "First", error=f"GM017: {GM017}", hint=hint, code="refused", exit_code=1)
    # The hint is what it says: the baseline makes the tables elsewhere, and has them here.
    project.gitmig("revise", "--draft", "-m", "Baseline", check=0)
    project.alembic("stamp", "head")
    project.gitmig("upgrade", "--commit", check=0)
    project.gitmig("status", check=0)


def test_other_peoples_tables_are_no_obstacle(project: Project) -> None:
    project.path("app.db").touch()
    database.execute(project.url, "create table theirs (id integer primary key)")
    assert "GM017" not in [code for code, *_ in findings(project, "status")]
    project.gitmig("upgrade", check=0)


def test_a_step_that_takes_longer_than_the_database_lets_it(tmp_path: Path, postgres_url: str) -> None:
    """The revision is not at fault: the hint is about the database's own setting."""
    project = Project.create(tmp_path, postgres_url)
    plain(project, "a1", None, up="op.execute('select pg_sleep(9)')", down="pass", message="Slow")
    project.commit("Slow")
    name = make_url(postgres_url).database
    database.execute(postgres_url, f"alter database \"{name}\" set statement_timeout = '300ms'")
    said = project.gitmig("upgrade", check=1).stderr
    assert said.endswith(
        "\nHint: let it take longer (statement_timeout of this database user), then run the command again\n"
    )
