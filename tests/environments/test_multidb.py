"""A revision with a part for each of several databases: drafted, applied, rolled back, tied once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.environments.projects import flask_shop
from tests.story import Project

EMAIL = "    email = db.Column(db.String)\n"


def columns(project: Project, database: str, table: str) -> tuple[str, ...]:
    with closing(sqlite3.connect(project.path(f"instance/{database}.db"))) as connection:
        return tuple(row[1] for row in connection.execute(f"pragma table_info({table})"))


def version(project: Project, database: str) -> list[str]:
    with closing(sqlite3.connect(project.path(f"instance/{database}.db"))) as connection:
        return [row[0] for row in connection.execute("select version_num from alembic_version")]


def test_flask_db_init_multidb(tmp_path: Path) -> None:
    project = flask_shop(tmp_path / "project", multidb=True)
    project.gitmig("init", check=0)
    project.commit("Set up gitmig")
    first = project.gitmig("revise", "-m", "First", "--json", check=0).json["revision"]
    assert (columns(project, "main", "item"), columns(project, "archive", "old")) == (("id",), ("id",))
    assert columns(project, "main", "old") == columns(project, "archive", "item") == ()
    before = project.read("shop/models.py")
    project.append("shop/models.py", EMAIL)
    project.git("add", "--all")
    blocked = project.try_git("commit", "-m", "Only the models")
    assert (blocked.exit_code, "+ archive:old.email VARCHAR" in blocked.stderr) == (1, True)
    project.git("reset", "--quiet")
    second = project.gitmig("revise", "-m", "Second", "--json", check=0).json["revision"]
    assert columns(project, "archive", "old") == ("id", "email")
    assert columns(project, "main", "item") == ("id",)
    assert version(project, "main") == version(project, "archive") == [second]
    project.gitmig("rollback", check=0)
    assert columns(project, "archive", "old") == ("id",)
    assert version(project, "main") == version(project, "archive") == [first]
    assert project.read("shop/models.py") == before
    project.gitmig("upgrade", check=0)
    assert columns(project, "archive", "old") == ("id", "email")
    assert project.gitmig("status", check=0).stdout.endswith("in step\n")
    lines = project.gitmig("log", "--json", check=0).json["revisions"]
    assert [(line["revision"], line["tie"]) for line in lines] == [(second, "verified"), (first, "verified")]
