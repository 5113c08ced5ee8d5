"""GIT_DIR and GIT_WORK_TREE in the environment, as for files that another folder's repository keeps."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.environments.projects import COLUMN, models, scripts
from tests.story import Project


def test_a_work_tree_without_its_repository(tmp_path: Path) -> None:
    work, kept = tmp_path / "work", tmp_path / "kept.git"
    work.mkdir()
    env = {"GIT_DIR": str(kept), "GIT_WORK_TREE": str(work)}
    project = Project(work)

    def git(*args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *args],
            cwd=work,
            env={**project.environment(), **env},
            capture_output=True,
            text=True,
            check=check,
        )

    git("init", "--quiet")
    models(project)
    scripts(project, "alembic")
    project.write(".gitignore", "__pycache__/\n*.db\n")
    project.write("alembic.ini", "[alembic]\nscript_location = alembic\nprepend_sys_path = .\n")
    git("add", "--all")
    git("commit", "--quiet", "-m", "Start")
    project.gitmig("init", env=env, check=0)
    git("add", "--all")
    git("commit", "--quiet", "-m", "Set up gitmig")
    project.gitmig("revise", "-m", "First", env=env, check=0)
    assert git("log", "--format=%s").stdout == "First\nSet up gitmig\nStart\n"
    assert project.gitmig("status", env=env, cwd=project.path("app"), check=0).stdout.endswith("in step\n")
    project.append("app/models.py", COLUMN)
    git("add", "--all")
    blocked = git("commit", "-m", "Only the models", check=False)
    assert (blocked.returncode, blocked.stderr[:5]) == (1, "GM001")
    edited = project.read("app/models.py")
    project.gitmig("revise", "-m", "Second", env=env, check=0)
    assert project.read("app/models.py") == edited
    assert git("show", "HEAD:app/models.py").stdout == edited
    project.gitmig("rollback", "-y", env=env, check=0)
    project.gitmig("upgrade", "-y", env=env, check=0)
    assert git("status", "--porcelain").stdout == ""


def test_those_of_another_repository_mean_nothing_here(tmp_path: Path) -> None:
    """A hook of one repository that works in another one."""
    project = Project.create(tmp_path)
    other = Project.create(tmp_path, name="other")
    env = {"GIT_DIR": str(other.path(".git")), "GIT_WORK_TREE": str(other.top)}
    project.gitmig("revise", "-m", "First", env=env, check=0)
    assert project.git("log", "--format=%s", "-1") == "First"
    assert other.git("log", "--format=%s", "-1") != "First"
