"""Runs that stop half-way: said beforehand, told afterwards, and the files follow what was applied."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests import database
from tests.articles import Article, article, plain
from tests.chain import chain, in_autocommit, per_migration
from tests.story import MODELS, USERNAME, Project

EMAIL = "    email: Mapped[str | None] = mapped_column(String)\n"
FAILING = "raise RuntimeError('not this one')"


@pytest.fixture
def told(tmp_path: Path, database_url: str) -> Article:
    """The article's project with a third revision, c3c3; its database is at the head."""
    made = article(tmp_path)
    project = made.project.beside(made.project.top, database_url)
    project.append("app/models.py", EMAIL)
    add, drop = "op.add_column('user', sa.Column('email', sa.String))", "op.drop_column('user', 'email')"
    plain(project, "c3c3", made.second, up=add, down=drop, message="Third")
    project.commit("Third")
    project.gitmig("upgrade", check=0)
    return replace(made, project=project)


def edit(project: Project, revision: str, function: str, *, first: str = "", last: str = "") -> None:
    """Put lines at the beginning or the end of a script's function."""
    (path,) = project.top.glob(f"alembic/versions/{revision}_*.py")
    head, definition, rest = path.read_text().partition(f"def {function}()")
    signature, _, body = rest.partition("\n")
    body, following, others = body.partition("\n\n\ndef ")
    lines = "".join(f"    {line}\n" for line in first.splitlines())
    end = "".join(f"\n    {line}" for line in last.splitlines())
    path.write_text(f"{head}{definition}{signature}\n{lines}{body.rstrip()}{end}\n{following}{others}")


def test_files_follow_what_one_transaction_per_migration_applied(told: Article) -> None:
    project = told.project
    per_migration(project)
    edit(project, told.second, "downgrade", last=FAILING)
    plan = project.gitmig("rollback", told.first, "--dry-run", "-y", "--json", check=0).json
    kept = "env.py asks for one transaction per migration, and a failure may stop between"
    assert f"2 commits: {kept}" in plan["warnings"]
    down = project.gitmig("rollback", told.first, "-y", check=1)
    assert "Error: 1 of 2 applied, then: RuntimeError: not this one\n" in down.stderr
    assert project.heads() == (told.second,)
    assert project.columns("user") == ("id", "username")
    assert project.read("app/models.py") == MODELS + USERNAME
    assert not project.path(".git/gitmig/journal.json").exists()

    # The same upwards, for models that a rollback took back.
    project.git("checkout", "--quiet", "--", "alembic")
    project.gitmig("rollback", "-y", check=0)
    assert project.read("app/models.py") == MODELS
    edit(project, "c3c3", "upgrade", last=FAILING)
    up = project.gitmig("upgrade", "-y", check=1)
    assert "Error: 1 of 2 applied, then: RuntimeError: not this one\n" in up.stderr
    assert project.heads() == (told.second,)
    assert project.read("app/models.py") == MODELS + USERNAME


def test_a_transaction_that_takes_back_the_steps_before_is_told(told: Article) -> None:
    project = told.project
    edit(project, told.second, "downgrade", last=FAILING)
    down = project.gitmig("rollback", told.first, "-y", check=1)
    assert "▼ downgrade c3c3\nError: none of 2 applied: RuntimeError: not this one\n" in down.stderr
    assert project.heads() == ("c3c3",)


DYING = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nos.kill(os.getpid(), signal.SIGKILL)"
"""The command is killed in the middle of a step, and its worker with it."""


def test_files_follow_what_was_applied_before_a_kill(told: Article) -> None:
    """Told by the version table on SQLite, and by a ledger on PostgreSQL."""
    project = told.project
    per_migration(project)
    if project.url.startswith("postgresql"):
        project.gitmig("ledger", "enable", "--yes", check=0)
    edit(project, told.second, "downgrade", last=DYING)
    assert project.gitmig("rollback", told.first, "-y").exit_code == -signal.SIGKILL
    assert (project.heads(), project.columns("user")) == ((told.second,), ("id", "username"))
    # Recovery may die too.
    killed = project.gitmig("recover", env={"GITMIG_TEST_KILL_AT": "models-followed"})
    assert killed.exit_code == -signal.SIGKILL
    project.write("app/models.py", MODELS[:40])
    assert project.gitmig("recover", check=0).stdout == (
        f"an interrupted `gitmig rollback` was settled: 1 of 2 applied\ndatabase  at {told.second}\n"
    )
    assert project.read("app/models.py") == MODELS + USERNAME
    project.git("checkout", "--quiet", "--", "alembic")
    assert project.gitmig("ledger", "show", "--json").json["rows"][0]["revision"] == "c3c3"

    # Upwards, for models that a rollback took back; an edit that came since is in the way.
    project.gitmig("rollback", "-y", check=0)
    edit(project, "c3c3", "upgrade", last=DYING)
    assert project.gitmig("upgrade", "-y").exit_code == -signal.SIGKILL
    settled = project.gitmig("upgrade", "-y", check=1).stderr
    assert settled == (
        "Error: an interrupted `gitmig upgrade` was settled first: 1 of 2 applied\n"
        "Hint: look at it with gitmig status, then run the command again\n"
    )
    assert (project.heads(), project.read("app/models.py")) == ((told.second,), MODELS + USERNAME)
    project.git("checkout", "--quiet", "--", "alembic")
    project.gitmig("upgrade", "-y", check=0)
    assert (project.heads(), project.read("app/models.py")) == (("c3c3",), MODELS + USERNAME + EMAIL)
    edit(project, told.second, "downgrade", last=DYING)
    assert project.gitmig("rollback", told.first, "-y").exit_code == -signal.SIGKILL
    project.append("app/models.py", "# mine\n")
    answer = project.gitmig("recover", "--json", check=0).json["recovered"]
    assert (answer["side"], answer["applied"]) == ("between", 1)
    assert [note.partition(":")[0] for note in answer["notes"]] == ["the models stay as they are"]
    assert project.read("app/models.py").endswith("# mine\n")


def test_files_follow_what_was_applied_before_an_autocommit_block(told: Article) -> None:
    project = told.project
    edit(project, told.second, "downgrade", first=in_autocommit("select 1"), last=FAILING)
    split = f"{told.second} uses autocommit_block(): what comes before it is committed there"
    plan = project.gitmig("rollback", told.first, "--dry-run", "-y", "--json", check=0).json
    assert split in plan["warnings"]
    down = project.gitmig("rollback", told.first, "-y", check=1)
    first, *_, last = down.stderr.splitlines()[1:]
    assert first == f"Error: 1 of 2 applied, {told.second} in part, then: RuntimeError: not this one"
    assert last == (
        f"Hint: look at what {told.second} has done already; correct the revision, then run the command again"
    )
    assert project.heads() == (told.second,)
    assert project.columns("user") == ("id", "username")
    assert project.read("app/models.py") == MODELS + USERNAME


def test_a_draft_applies_nothing_of_what_could_not_be_rolled_back(told: Article) -> None:
    """It is made without the database; what is applied after it is said beforehand."""
    project = told.project
    per_migration(project)
    project.gitmig("rollback", "-y", "--database-only", check=0)
    project.append("app/models.py", EMAIL.replace("email", "zip"))
    before = project.snapshot()
    project.gitmig("revise", "-m", "Add zip", "--dry-run", check=0)
    assert project.snapshot() == before
    said = project.gitmig("revise", "-m", "Add zip", check=0).stderr
    assert (
        "! 2 commits: env.py asks for one transaction per migration, and a failure may stop between\n" in said
    )
    assert project.columns("user")[-1:] == ("zip",)
    project.append("app/models.py", EMAIL.replace("email", "town"))
    said = project.gitmig("revise", "--amend", check=0).stderr
    assert (
        "! 2 commits: env.py asks for one transaction per migration, and a failure may stop between\n" in said
    )
    assert project.columns("user")[-2:] == ("zip", "town")


def test_edits_are_not_overwritten_to_follow(told: Article) -> None:
    """Base has no models to put back, so edits are no obstacle; what is in between has."""
    project = told.project
    per_migration(project)
    edit(project, told.second, "downgrade", last=FAILING)
    project.append("app/models.py", "# mine\n")
    edited = project.read("app/models.py")
    down = project.gitmig("rollback", "base", "-y", check=1)
    assert "Error: 1 of 3 applied, then: RuntimeError: not this one\n" in down.stderr
    assert "  the models stay as they are: " in down.stderr
    assert project.read("app/models.py") == edited
    assert project.heads() == (told.second,)


MOOD = (
    ("a1", "op.execute(\"create type mood as enum ('a')\")\nop.execute('create table t (m mood)')", "pass"),
    ("b2", "op.execute(\"alter type mood add value 'b'\")", "pass"),
    ("c3", "op.execute(\"insert into t values ('b')\")", "pass"),
)


@pytest.fixture
def mood(tmp_path: Path, postgres_url: str) -> Project:
    """A database with an enum; one revision adds a value to it, and the next uses that."""
    project = Project.create(tmp_path, postgres_url)
    chain(project, MOOD)
    project.gitmig("upgrade", "a1", check=0)
    return project


def test_an_enum_value_added_and_used_in_one_transaction(mood: Project) -> None:
    before = mood.snapshot()
    failed = mood.gitmig("upgrade", check=1)
    assert 'Error: none of 2 applied: unsafe use of new value "b" of enum type mood\n' in failed.stderr
    hint = "Hint: commit the value first: gitmig upgrade b2, then run the command again\n"
    assert failed.stderr.endswith(hint)
    assert mood.snapshot() == before
    mood.gitmig("upgrade", "b2", check=0)
    mood.gitmig("upgrade", check=0)
    assert database.query(mood.url, "select m from t") == (("b",),)


def test_an_enum_value_added_and_used_in_one_transaction_each(mood: Project) -> None:
    per_migration(mood)
    mood.gitmig("upgrade", check=0)
    assert database.query(mood.url, "select m from t") == (("b",),)


def test_a_commit_that_is_refused_between_two_steps(tmp_path: Path, postgres_url: str) -> None:
    project = Project.create(tmp_path, postgres_url)
    table = "create table t (id int primary key, other int references t deferrable initially deferred)"
    insert = "insert into t values (1, 2)"
    bodies = (f"op.execute({table!r})", f"op.execute({insert!r})", "pass")
    chain(
        project, [(revision, body, "pass") for revision, body in zip(("a1", "b2", "c3"), bodies, strict=True)]
    )
    per_migration(project)
    failed = project.gitmig("upgrade", check=1).stderr
    assert "Error: 1 of 3 applied, then: insert or update on table" in failed
    assert failed.endswith("\nHint: correct the revision, then run the command again\n")
    assert project.heads() == ("a1",)


def test_mariadb_commits_each_ddl(tmp_path: Path, mysql_url: str) -> None:
    project = Project.create(tmp_path, mysql_url)
    made = "op.create_table('{}', sa.Column('id', sa.Integer))"
    chain(project, [("a1", made.format("one"), "pass"), ("b2", f"{made.format('two')}\n{FAILING}", "pass")])
    plan = project.gitmig("upgrade", "--dry-run", "--json", check=0).json
    warning = "2 commits or more: this database cannot take DDL back, so a failure may stop half-way"
    assert plan["warnings"] == [warning]
    assert database.tables(mysql_url) == ()
    failed = project.gitmig("upgrade", check=1)
    said = "Error: 1 of 2 applied, b2 perhaps in part, then: RuntimeError: not this one\n"
    assert said in failed.stderr
    assert project.heads() == ("a1",)
    assert database.tables(mysql_url) == ("alembic_version", "one", "two")
