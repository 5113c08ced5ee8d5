"""The project's interpreter in a container: other paths, and nothing of gitmig's there.

A mount namespace stands for the container: the checkout is bound to another folder, and where it lies on the
host, and gitmig's own code, there is nothing.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gitmig
from tests.story import USERNAME, Project

_PACKAGES = ("sqlalchemy", "alembic", "mako", "markupsafe", "typing_extensions")


def contained(project: Project, folder: Path, without: str = "none") -> Path:
    """A command that runs Python in the container, which does not see the folder ``without``."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        pytest.skip("only root can make a mount namespace")
    site, box = folder / "site", folder / "box"
    for place in (site, box):
        place.mkdir()
    for name in _PACKAGES:
        found = Path(importlib.import_module(name).__file__ or "")
        if found.name == "__init__.py":
            shutil.copytree(found.parent, site / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(found, site)
    hidden = Path(gitmig.__file__).parent
    python = getattr(sys, "_base_executable", sys.executable)
    command = folder / "container"
    command.write_text(
        "#!/bin/sh\n"
        f'exec unshare -m sh -c \'mount --bind "{project.top}" "{box}" && mount -t tmpfs none "{hidden}"'
        f' && mount -t tmpfs none "{project.top}" && cd "{box}"'
        f" && {{ [ ! -d {without} ] || mount -t tmpfs none {without}; }}"
        f' && PYTHONPATH="{site}" exec "{python}" "$@"\' sh "$@"\n'
    )
    command.chmod(0o755)
    return command


def test_a_project_whose_python_is_in_a_container(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    command = contained(project, tmp_path)
    project.git("config", "gitmig.python", str(command))
    project.gitmig("hook", "install", check=0)
    project.gitmig("revise", "-y", "-m", "First", check=0)
    project.append("app/models.py", USERNAME)
    blocked = project.try_git("commit", "--quiet", "--all", "-m", "By hand")
    assert (blocked.exit_code, blocked.stderr.splitlines()[0]) == (
        1,
        "GM001 the models change without a revision that takes the database there",
    )
    project.gitmig("revise", "-y", "-m", "Second", check=0)
    assert project.columns("user") == ("id", "username")
    project.gitmig("check", "HEAD", check=0)
    project.gitmig("rollback", "-y", check=0)
    assert project.columns("user") == ("id",)
    assert USERNAME not in project.read("app/models.py")
    project.gitmig("upgrade", check=0)
    assert project.gitmig("status", check=0).stdout.endswith("in step\n")
    # What is undone comes out of another tree.
    project.gitmig("switch", "-y", "-c", "feature", check=0)
    project.append("app/models.py", "    email: Mapped[str | None]\n")
    project.gitmig("revise", "-y", "-m", "Third", check=0)
    project.gitmig("switch", "-y", "main", check=0)
    assert project.columns("user") == ("id", "username")
    project.gitmig("switch", "-y", "feature", check=0)
    assert project.columns("user") == ("id", "username", "email")
    project.git("switch", "--quiet", "main")
    project.gitmig("sync", "-y", check=0)
    assert project.columns("user") == ("id", "username")


def test_a_container_that_does_not_see_what_it_would_need(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    project.gitmig("revise", "-y", "-m", "First", check=0)
    project.git("config", "gitmig.python", str(contained(project, tmp_path, ".git")))
    project.gitmig("status", check=0)
    shutil.rmtree(project.path(".git/gitmig/cache"))
    said = project.gitmig("check", "HEAD", check=2).stderr
    assert said.startswith("Error: the project's interpreter does not see .git/gitmig/trees/0/work, ")
    assert "\nHint: " in said
