"""``gitmig revise --no-commit``: models and revision are committed with other changes."""

from __future__ import annotations

from pathlib import Path

from tests.revising import begun, committed, newest, revision_of, scripts
from tests.story import USERNAME


def test_models_and_revision_are_applied_and_staged(tmp_path: Path) -> None:
    project = begun(tmp_path)
    head, before = project.git("rev-parse", "HEAD"), scripts(project)
    project.append("app/models.py", USERNAME)
    result = project.gitmig("revise", "-m", "Add username", "--no-commit", check=0)
    path = newest(project, before)
    assert result.stdout.endswith(
        f"database  at {revision_of(path)}  Add username\n"
        f"staged    {path} and the models, to be committed with your other changes\n"
    )
    assert project.heads() == (revision_of(path),)
    assert project.git("rev-parse", "HEAD") == head
    assert project.git("status", "--porcelain").splitlines() == [f"A  {path}", "M  app/models.py"]


def test_the_hook_passes_the_commit_that_has_both(tmp_path: Path) -> None:
    project = begun(tmp_path)
    project.hook()
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    project.write("app/views.py", "# uses username\n")
    project.gitmig("revise", "-m", "Add username", "--no-commit", check=0)
    project.git("add", "app/views.py")
    project.git("commit", "-qm", "Views with usernames")
    assert committed(project) == (newest(project, before), "app/models.py", "app/views.py")
    assert project.gitmig("status", "--json", check=0).json["in_step"] is True
    assert project.gitmig("log", "--json").json["revisions"][0]["tie"] == "verified"


def test_no_author_is_needed(tmp_path: Path) -> None:
    project = begun(tmp_path)
    project.append("app/models.py", USERNAME)
    project.git("config", "user.useConfigOnly", "true")
    env = {"GIT_CONFIG_GLOBAL": "/dev/null"}
    project.gitmig("revise", "-m", "Add username", env=env, check=1)
    project.gitmig("revise", "-m", "Add username", "--no-commit", env=env, check=0)


def test_json_has_no_commit(tmp_path: Path) -> None:
    project = begun(tmp_path)
    project.append("app/models.py", USERNAME)
    result = project.gitmig("revise", "-m", "Add username", "--no-commit", "--json", check=0).json
    assert [step["action"] for step in result["steps"]] == ["upgrade"]
    assert result["commit"] is None


def test_the_terminal_asks_to_stage(tmp_path: Path) -> None:
    project = begun(tmp_path)
    project.append("app/models.py", USERNAME)
    screen = project.on_terminal("revise", "-m", "Add username", "--no-commit", answers=["?", "q"]).stdout
    assert "  a  apply and stage\n" in screen
    assert "Apply and stage? [a/e/d/q/?] " in screen
