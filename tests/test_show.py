"""``gitmig show`` and ``gitmig why``: what a revision did, and who made a column what it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import database
from tests.articles import Article, article, article_on, by_alembic, plain, third
from tests.chain import chain
from tests.story import Project


@pytest.fixture
def told(tmp_path: Path) -> Article:
    return article(tmp_path)


def test_a_revision(told: Article) -> None:
    project = told.project
    before = project.snapshot()
    said = project.gitmig("show", told.second, check=0)
    lines = said.stdout.splitlines()
    applied = lines.pop(6)
    assert applied.startswith(
        "database  sqlite:///app.db: applied by Ada Lovelace <ada@example.org>, as of 20"
    )
    assert lines == [
        f"revision {told.second}",
        "message   Add username for user",
        f"follows   {told.first}",
        f"file      alembic/versions/{told.second}_add_username_for_user.py",
        f"commit    {told.second_commit[:8]} 2026-01-01 Ada Lovelace  Add username for user",
        f"models    {told.second_commit[:8]} (verified)",
        "",
        "user",
        "  + username VARCHAR",
        "  + index ix_user_username (username)",
        "",
        "-- upgrade",
        "ALTER TABLE user ADD COLUMN username VARCHAR;",
        "CREATE INDEX ix_user_username ON user (username);",
        "",
        "-- downgrade",
        "CREATE TABLE _alembic_tmp_user (",
        "        id INTEGER NOT NULL, ",
        "        PRIMARY KEY (id)",
        ");",
        "INSERT INTO _alembic_tmp_user (id) SELECT user.id ",
        "FROM user;",
        "DROP TABLE user;",
        "ALTER TABLE _alembic_tmp_user RENAME TO user;",
    ]
    assert said.stderr == ""
    assert project.snapshot() == before


def test_json(told: Article) -> None:
    project = told.project
    project.gitmig("rollback", "--yes", check=0)
    answer = project.gitmig("show", "head", "--json", check=0).json
    (place,) = answer.pop("applied")
    assert (place["database"], place["applied"], place["who"]) == ("sqlite:///app.db", False, None)
    assert answer.pop("statements")["upgrade"][0] == "ALTER TABLE user ADD COLUMN username VARCHAR"
    assert [change["name"] for change in answer.pop("changes")] == ["username", "ix_user_username"]
    time = int(project.git("log", "-1", "--format=%at"))
    assert answer == {
        "version": 1,
        "revision": told.second,
        "message": "Add username for user",
        "down_revisions": [told.first],
        "path": f"alembic/versions/{told.second}_add_username_for_user.py",
        "tie": "verified",
        "introduced": told.second_commit,
        "subject": "Add username for user",
        "author": {"name": "Ada Lovelace", "email": "ada@example.org", "time": time},
        "models_commit": told.second_commit,
        "reason": None,
    }


def test_no_database_is_asked_and_bad_input(told: Article) -> None:
    project = told.project
    project.path("app.db").unlink()
    project.gitmig("show", check=0)
    assert not project.path("app.db").exists()
    assert project.gitmig("show", "base", check=1).stderr == (
        "Error: base is not one revision\nHint: name one: gitmig log\n"
    )
    assert project.gitmig("show", "nothing", check=2).stderr == (
        "Error: no file has a revision 'nothing'\nHint: `gitmig log` lists the revisions\n"
    )
    assert project.gitmig("show", "nothing", "--json", check=2).json["error"]["code"] == "unknown-revision"


def test_what_cannot_be_known_is_said(tmp_path: Path) -> None:
    told = by_alembic(tmp_path)
    project = told.project
    plain(project, "c3c3", "b2b2", up="raise ValueError('not today')", down="pass", message="Third")
    project.append("app/models.py", "import not_there\n")
    commit = project.commit("Third")
    project.write("app/models.py", project.read("app/models.py").replace("import not_there\n", ""))
    said = project.gitmig("show", "c3c3", check=0)
    assert (
        f"what it changes is not known: the models of {commit[:8]} do not import: "
        "ModuleNotFoundError: No module named 'not_there'\n"
    ) in said.stdout
    assert said.stderr == (
        "Warning: its statements: the upgrade of c3c3 fails: ValueError: not today\n"
    )  # fmt: skip


def test_on_postgresql(
    tmp_path: Path, postgres_url: str, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITMIG_SCRATCH_URL", postgres_server)
    told = article_on(tmp_path, postgres_url)
    answer = told.project.gitmig("show", "--json", check=0).json
    assert answer["statements"] == {
        "upgrade": [
            'ALTER TABLE "user" ADD COLUMN username VARCHAR',
            'CREATE INDEX ix_user_username ON "user" (username)',
        ],
        "downgrade": ["DROP INDEX ix_user_username", 'ALTER TABLE "user" DROP COLUMN username'],
        "reason": None,
    }


def test_why_a_column_is_what_it_is(told: Article) -> None:
    project = told.project
    models = project.read("app/models.py")
    project.write("app/models.py", models.replace("(String, index", "(String(40), index"))
    longer = project.gitmig("revise", "-m", "Longer names", "--json", check=0).json["revision"]
    project.append("app/models.py", "    email: Mapped[str | None]\n")
    said = project.gitmig("why", "user.username", check=0)
    commit = project.git("rev-parse", "--short=8", "HEAD")
    assert said.stdout == (
        f"{longer}  Longer names  {commit} 2026-01-01 Ada Lovelace  Longer names\n"
        "  ~ username VARCHAR -> VARCHAR(40)\n"
        f"{told.second}  Add username for user  {told.second_commit[:8]} 2026-01-01 Ada Lovelace  "
        "Add username for user\n"
        "  + username VARCHAR\n  + index ix_user_username (username)\n"
    )
    table = project.gitmig("why", "user", "--json", check=0).json
    assert (table["table"], table["column"], table["exists"], table["unknown"]) == ("user", None, True, [])
    assert [reason["revision"] for reason in table["reasons"]] == [None, longer, told.second, told.first]
    assert project.gitmig("why", "user.email", check=0).stdout == (
        "the work tree, in no revision yet\n  + email VARCHAR\n"
    )


def test_why_follows_a_rename_and_knows_what_is_gone(told: Article) -> None:
    project = told.project
    models = project.read("app/models.py")
    project.write("app/models.py", models.replace("username:", "login:").replace(", index=True", ""))
    plain(project, "c3c3", told.second, up="op.drop_index('ix_user_username')\n    "
          "op.alter_column('user', 'username', new_column_name='login')",
          down="pass", message="Call it login")  # fmt: skip
    project.commit("Call it login")
    lines = project.gitmig("why", "user.login", check=0).stdout.splitlines()
    assert lines[0].startswith("c3c3  Call it login  ")
    assert "  renamed from user.username?" in lines
    assert [line for line in lines if line.startswith(told.second)] != []
    gone = project.gitmig("why", "user.username", check=0).stdout.splitlines()
    assert gone[0] == "user.username is no longer there"


def test_why_of_what_never_was(told: Article) -> None:
    project = told.project
    assert project.gitmig("why", "user.usrname", check=2).stderr == (
        "Error: no revision has a table or column 'user.usrname'\nHint: did you mean user.username?\n"
    )
    assert project.gitmig("why", "zzz", "--json", check=2).json["error"] == {
        "code": "usage",
        "message": "no revision has a table or column 'zzz'",
        "hint": "gitmig diff base . lists all there are",
    }


def test_why_imports_old_models_once(told: Article) -> None:
    """What was computed once is not imported again, also where there is no record of it."""
    project = told.project
    added = third(told)
    text = project.read("app/models.py")
    made = f"import os\nos.makedirs({str(project.top / 'imported')!r}, exist_ok=True)\n"
    project.write("app/models.py", made + text)
    project.write(".gitignore", project.read(".gitignore") + "/imported\n")
    project.commit("Models that can be counted")
    rows = [(f"e{n}e{n}", "pass", "pass") for n in range(3)]
    chain(project, rows, parent=added)
    first = project.gitmig("why", "user.email", check=0).stdout
    # What is known now may settle a tie on a later commit, which is looked at then.
    project.gitmig("why", "user.email", check=0)
    project.path("imported").rmdir()
    assert project.gitmig("why", "user.email", check=0).stdout == first
    assert not project.path("imported").exists()


def test_why_needs_a_repository(told: Article, tmp_path: Path) -> None:
    bare = Project(tmp_path / "bare")
    shutil.copytree(told.project.top, bare.top, ignore=shutil.ignore_patterns(".git"))
    refused = bare.gitmig("why", "user", check=2)
    assert refused.stderr == f"Error: {bare.top} is not in a git repository\nHint: git init\n"


def test_nothing_is_changed(told: Article) -> None:
    project = told.project
    before = project.snapshot()
    project.gitmig("why", "user", check=0)
    assert project.snapshot() == before
    assert database.heads(project.url) == (told.second,)
    assert isinstance(project, Project)
