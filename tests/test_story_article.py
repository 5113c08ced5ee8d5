"""The whole story of the article, on each database, as a person would live it.

When you migrate up, the models are committed with the revision; when you migrate down, they go back with it.
"""

from __future__ import annotations

from pathlib import Path

from tests import database
from tests.articles import findings
from tests.story import MODELS, USERNAME, Project


def test_the_article(tmp_path: Path, database_url: str) -> None:
    project = Project.create(tmp_path, database_url, settings=None)

    # A repository that has Alembic: one command finds the models and installs the hook.
    project.gitmig("init", check=0)
    project.commit("Set gitmig up", "pyproject.toml")

    # The first revision, drafted from the models, applied, and committed with them.
    project.gitmig("revise", "-m", "First revision", check=0)
    assert project.columns("user") == ("id",)
    (first,) = project.heads()
    assert project.git("log", "-1", "--format=%s") == "First revision"
    assert project.gitmig("status", check=0).stdout.endswith("in step\n")
    database.execute(project.url, 'insert into "user" (id) values (1)')

    # The model gains a column. Without a revision, git does not take it.
    project.append("app/models.py", USERNAME)
    blocked = project.try_git("commit", "--all", "--message", "Add username")
    assert blocked.exit_code == 1
    assert blocked.stderr == (
        "GM001 the models change without a revision that takes the database there\n"
        "  + user.username VARCHAR\n"
        "  + index ix_user_username\n"
        '  Hint: gitmig revise -m "…"\n'
    )

    # With one, database and models move together, in one commit; other staged work stays staged.
    project.write("note.txt", "for later\n")
    project.git("add", "note.txt")
    project.gitmig("revise", "-m", "Add username for user", check=0)
    (second,) = project.heads()
    assert project.columns("user") == ("id", "username")
    assert project.git("log", "-1", "--format=%(trailers:key=Migration-Revision,valueonly)").strip() == second
    changed = project.git("show", "--name-only", "--format=", "HEAD").split()
    assert changed[0].startswith(f"alembic/versions/{second}")
    assert changed[1:] == ["app/models.py"]
    assert project.git("status", "--porcelain") == "A  note.txt"
    project.commit("A note")

    # Which commit each revision belongs to, and how sure that is.
    log = project.gitmig("log", "--json", check=0).json["revisions"]
    assert [(line["revision"], line["tie"], line["applied"]) for line in log] == [
        (second, "verified", True),
        (first, "verified", True),
    ]
    assert [line["models_commit"] for line in log] == [
        project.git("rev-parse", "HEAD~1"),
        project.git("rev-parse", "HEAD~2"),
    ]

    # Edits of the models that nobody else has are not lost: refused, and nothing is changed.
    project.append("app/models.py", "# mine\n")
    before = project.snapshot()
    refused = project.gitmig("rollback", check=1)
    assert "app/models.py would be lost" in refused.stderr
    assert project.snapshot() == before
    project.git("restore", "app/models.py")

    # Down again: the database loses the column, the models go back with it, the row stays.
    project.gitmig("rollback", "--yes", check=0)
    assert project.heads() == (first,)
    assert project.columns("user") == ("id",)
    assert project.read("app/models.py") == MODELS
    assert database.query(project.url, 'select id from "user"') == ((1,),)
    status = project.gitmig("status", "--json", check=1).json
    assert (findings(status), status["hint"]) == (["GM011", "GM013"], "gitmig upgrade")

    # What a rollback put there is not committed by accident.
    blocked = project.try_git("commit", "--all", "--message", "By accident")
    assert blocked.exit_code == 1
    assert blocked.stderr.startswith(f"GM001 these are the models of {first}, as a rollback put them there (")

    # Further down, and then all the way up with one command.
    project.gitmig("rollback", "--yes", check=0)
    assert (project.heads(), project.columns("user")) == ((), ())
    project.gitmig("upgrade", check=0)
    assert project.heads() == (second,)
    assert project.columns("user") == ("id", "username")
    assert project.read("app/models.py") == MODELS + USERNAME
    assert project.git("status", "--porcelain") == ""
    assert project.gitmig("status", check=0).stdout.endswith("in step\n")

    # Changed our mind, and nobody else has it yet: the rollback is made permanent.
    project.gitmig("rollback", "--commit", "--yes", check=0)
    assert project.read("app/models.py") == MODELS
    assert [line["revision"] for line in project.gitmig("log", "--json").json["revisions"]] == [first]
    assert project.git("status", "--porcelain") == ""
    project.gitmig("status", check=0)
