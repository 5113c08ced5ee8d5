"""Arguments for env.py (``-x``): they reach the hook of a command's own commit, and hints repeat them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitmig.render.hints import give, hinted
from tests.bad import with_two_revisions
from tests.story import USERNAME, Project

NEEDS = """
stage = context.get_x_argument(as_dictionary=True)["stage"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Its env.py needs ``-x stage=…``."""
    project = Project.create(tmp_path)
    lines = project.read("alembic/env.py").splitlines(keepends=True)
    after = next(number for number, line in enumerate(lines) if line.startswith("config = ")) + 1
    project.write("alembic/env.py", "".join([*lines[:after], NEEDS, *lines[after:]]))
    project.git("commit", "--quiet", "--all", "-m", "A stage")
    project.gitmig("hook", "install")
    return project


def test_the_hook_of_a_commands_own_commit_has_its_arguments(project: Project) -> None:
    project.gitmig("-x", "stage=dev", "revise", "-y", "-m", "First")
    assert project.git("log", "-1", "--format=%s") == "First"


def test_a_commit_by_hand_has_those_of_gits_configuration(project: Project) -> None:
    project.gitmig("-x", "stage=dev", "revise", "-y", "-m", "First")
    project.append("app/models.py", USERNAME)
    said = project.try_git("commit", "--all", "-m", "By hand")
    assert said.exit_code == 1
    assert "KeyError: 'stage'" in said.stderr
    project.git("config", "gitmig.x", "stage=dev")
    said = project.try_git("commit", "--all", "-m", "By hand")
    assert said.exit_code == 1
    assert "GM001" in said.stderr
    assert "+ user.username" in said.stderr
    project.gitmig("-x", "stage=dev", "revise", "-y", "-m", "Second")
    # What is not given is not made up where a person runs a command.
    assert "KeyError: 'stage'" in project.gitmig("check", check=2).stderr


def test_the_command_comes_before_the_configuration(project: Project) -> None:
    project.git("config", "gitmig.x", "other=1")
    project.gitmig("-x", "stage=dev", "-x", "more=a b", "revise", "-y", "-m", "First")
    assert project.git("log", "-1", "--format=%s") == "First"


def test_tracked_settings_may_not_name_any(project: Project) -> None:
    project.append("pyproject.toml", 'x = ["stage=dev"]\n')
    said = project.gitmig("status", check=2)
    assert "git config gitmig.x VALUE" in said.stderr


def test_hints_repeat_what_was_given(tmp_path: Path) -> None:
    project = with_two_revisions(tmp_path)
    project.gitmig("rollback", "--yes")
    project.git("checkout", "--quiet", ".")
    text = project.gitmig("-x", "a=b c", "--name", "alembic", "--config", "alembic.ini", "status", check=1)
    assert text.stdout.splitlines()[-1] == "→ gitmig --config alembic.ini -x 'a=b c' upgrade"
    json = project.gitmig("status", "-x", "a=b c", "--json", check=1).json
    assert json["hint"] == "gitmig -x 'a=b c' upgrade"
    error = project.gitmig("-C", str(project.top), "upgrade", "nowhere", check=2)
    assert f"Hint: `gitmig -C {project.top} log` lists the revisions\n" in error.stderr


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        ("gitmig sync", "gitmig -x a sync"),
        ("correct it, then: gitmig upgrade --commit", "correct it, then: gitmig -x a upgrade --commit"),
        ("git config gitmig.python PATH", "git config gitmig.python PATH"),
        ("pip install gitmig", "pip install gitmig"),
        ("gitmig --help", "gitmig --help"),
    ],
)
def test_only_commands_are_given_options(hint: str, shown: str) -> None:
    give(["-x", "a"])
    try:
        assert hinted(hint) == shown
    finally:
        give([])


def test_no_password_is_repeated() -> None:
    give(["-x", "url=postgresql://me:secret@host/db"])
    try:
        assert hinted("gitmig sync") == "gitmig -x 'url=postgresql://me:***@host/db' sync"
    finally:
        give([])
