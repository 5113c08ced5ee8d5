"""GM008: a commit that takes a configured models path away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.environments.projects import models, repository, scripts
from tests.story import Project

GONE = (
    "GM008 app/models.py is configured as a models path, and is not there\n"
    "  Hint: change models in line 2 of pyproject.toml; gitmig init finds where the models are now\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """One environment with a revision."""
    project = repository(tmp_path / "project")
    models(project)
    scripts(project, "alembic")
    project.write("alembic.ini", "[alembic]\nscript_location = alembic\nprepend_sys_path = .\n")
    project.commit("Start")
    project.gitmig("init", check=0)
    project.commit("Set up gitmig")
    project.gitmig("revise", "-m", "First", check=0)
    return project


def move(project: Project) -> None:
    """The models go to another module."""
    project.write("shop/__init__.py", "")
    project.git("mv", "app/models.py", "shop/tables.py")
    project.write("alembic/env.py", project.read("alembic/env.py").replace("app.models", "shop.tables"))
    project.git("add", "--all")


def test_the_hook_names_the_line_to_change(project: Project) -> None:
    move(project)
    blocked = project.try_git("commit", "-m", "Move the models")
    assert (blocked.exit_code, blocked.stderr) == (1, GONE)
    finding = project.gitmig("check", "--staged", "--json", check=1).json["findings"][0]
    assert (finding["code"], finding["path"], finding["line"]) == ("GM008", "pyproject.toml", 2)
    project.gitmig("init", check=0)
    project.commit("Move the models")
    assert project.gitmig("status", check=0).stdout.endswith("in step\n")


def test_a_commit_that_has_it(project: Project) -> None:
    move(project)
    project.git("commit", "--quiet", "--no-verify", "-m", "Move the models")
    assert project.gitmig("check", "HEAD", check=1).stderr == GONE
    # Whoever commits next did not take it away.
    project.write("shop/more.py", "ONE = 1\n")
    project.git("add", "--all")
    said = project.gitmig("check", "--staged", check=0).stderr
    assert said.startswith("GM008 warning: app/models.py is configured as a models path, and is not there\n")


def test_a_module_that_becomes_a_package_is_still_there(project: Project) -> None:
    project.path("app/models").mkdir()
    project.git("mv", "app/models.py", "app/models/__init__.py")
    project.commit("A package")
    project.gitmig("check", "HEAD", check=0)


def test_without_models_the_revisions_are_judged(project: Project) -> None:
    project.write("pyproject.toml", "")
    assert "no models configured: gitmig init\n" in project.gitmig("log", check=0).stderr
    project.append("app/models.py", "import nowhere\n")
    project.git("add", "--all")
    said = project.gitmig("check", "--staged", check=0).stderr
    assert said.startswith("GM007 warning: the models were not judged: ModuleNotFoundError: No module named")
    project.write("alembic/versions/b1b1_x.py", 'revision = "b1b1"\ndown_revision = "gone"\n')
    assert "GM005" in project.gitmig("check", check=1).stderr


def test_without_models_and_interpreter_the_revisions_are_judged(project: Project) -> None:
    project.write("pyproject.toml", "")
    project.git("config", "gitmig.python", "/nowhere/python")
    said = project.gitmig("check", check=0).stderr
    assert said.startswith(
        "GM007 warning: the models were not judged: no Python interpreter of the project was"
    )
    project.write("alembic/versions/b1b1_x.py", 'revision = "b1b1"\ndown_revision = "gone"\n')
    assert "GM005" in project.gitmig("check", check=1).stderr


def test_without_models_and_metadata_the_revisions_are_judged(project: Project) -> None:
    project.write("pyproject.toml", "")
    project.write("alembic/env.py", "from alembic import context\n")
    project.git("add", "--all")
    for staged in ((), ("--staged",)):
        said = project.gitmig("check", *staged, check=0).stderr
        assert said.startswith(
            "GM007 warning: the models were not judged: env.py gives configure() no target"
        )
    project.write("alembic/versions/b1b1_x.py", 'revision = "b1b1"\ndown_revision = "gone"\n')
    assert "GM005" in project.gitmig("check", check=1).stderr
