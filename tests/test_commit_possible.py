"""Whether git would take the commit is looked at before the database moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.story import Project
from tests.test_revise_review import changed

REVISE = ("revise", "-y", "-m", "Add secret")
NAME = "alembic/versions/0a1b_add_secret.py"


def ready(tmp_path: Path) -> Project:
    """A project whose models have a column more than its revision."""
    project, _ = changed(tmp_path)
    return project


def refused(project: Project, *command: str) -> list[str]:
    """What a command says that is refused and changes nothing."""
    before = project.snapshot()
    failed = project.gitmig(*command, check=1).stderr.splitlines()
    assert project.snapshot() == before
    return failed


@pytest.mark.parametrize("more", [(), ("--no-commit",)])
def test_an_ignored_file_name(more: tuple[str, ...], tmp_path: Path) -> None:
    project = ready(tmp_path)
    project.write(".git/info/exclude", "*secret*\n")
    error, hint = refused(project, *REVISE, *more)
    assert error.startswith("Error: git ignores alembic/versions/")
    assert error.endswith("_add_secret.py, and would not commit it")
    assert hint.startswith("Hint: git check-ignore -v -- alembic/versions/")


@pytest.mark.parametrize("flag", ["skip-worktree", "assume-unchanged"])
def test_a_file_that_git_does_not_look_at(flag: str, tmp_path: Path) -> None:
    project = ready(tmp_path)
    project.git("update-index", f"--{flag}", "app/models.py")
    assert refused(project, *REVISE) == [
        f"Error: app/models.py is {flag}, and git would not commit it as it is on disk",
        f"Hint: git update-index --no-{flag} -- app/models.py",
    ]


def test_a_sparse_checkout(tmp_path: Path) -> None:
    project = ready(tmp_path)
    models = project.read("app/models.py")
    project.git("stash", "--quiet")
    project.git("sparse-checkout", "set", "--no-cone", "/*", "!/alembic/versions/*secret*")
    project.write("app/models.py", models)
    error, hint = refused(project, *REVISE)
    assert error.endswith("_add_secret.py is outside of the sparse checkout")
    assert hint == "Hint: git sparse-checkout add alembic/versions"


def test_a_linked_models_folder(tmp_path: Path) -> None:
    project = ready(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    project.path("app").rename(elsewhere)
    project.path("app").symlink_to(elsewhere)
    error = refused(project, *REVISE)[0]
    assert error == "Error: app is a symbolic link, so app/__init__.py lies elsewhere"


def test_a_lock_of_the_index(tmp_path: Path) -> None:
    project = ready(tmp_path)
    project.write(".git/index.lock", "")
    error = refused(project, *REVISE)[0]
    assert error == f"Error: another git command is at work here: {project.path('.git/index.lock')} exists"


def test_an_ignored_file_of_the_versions_folder_is_one_of_the_checkout(tmp_path: Path) -> None:
    project = ready(tmp_path)
    project.gitmig("revise", "--draft", "-m", "Add secret", check=0)
    project.write(".git/info/exclude", "*secret*\n")
    (script,) = project.path("alembic/versions").glob("*secret*")
    project.gitmig("upgrade", check=0)
    path = script.relative_to(project.top).as_posix()
    status = project.gitmig("status", "--json", check=1).json
    assert status["database"]["known"] is True
    assert [finding["code"] for finding in status["findings"]] == ["GM018"]
    assert refused(project, "upgrade", "--commit") == [
        f"Error: git ignores {path}, and would not commit it",
        f"Hint: git check-ignore -v -- {path}",
    ]


def test_status_names_the_merge_of_files_in_conflict(tmp_path: Path) -> None:
    project = ready(tmp_path)
    models = project.read("app/models.py")
    project.git("switch", "--quiet", "-c", "other")
    project.commit("One way")
    project.git("switch", "--quiet", "main")
    project.write("app/models.py", models.replace("username", "nickname"))
    project.commit("Another way")
    assert project.try_git("merge", "other").exit_code == 1
    said = project.gitmig("status", "--json", check=1)
    assert [(f["code"], f["message"]) for f in said.json["findings"]] == [
        ("GM016", "a merge is in progress"),
    ]
    assert said.json["hint"] == "git merge --continue"
    assert "in conflict: app/models.py" in project.gitmig("status", check=1).stderr
    assert len(said.json["database"]["heads"]) == 1
    staged = project.gitmig("check", "--staged", "--json", check=1).json["findings"]
    assert [(f["code"], f["details"]) for f in staged] == [("GM016", ["in conflict: app/models.py"])]
