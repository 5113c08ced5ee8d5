"""Arguments for env.py (``-x``): they reach the hook of a command's own commit, and hints repeat them."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine

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


TENANT = """\
        tenant = context.get_x_argument(as_dictionary=True)["tenant"]
        connection.exec_driver_sql(f"set search_path to {tenant}")
        connection.commit()
        connection.dialect.default_schema_name = tenant
"""


def test_tenants_do_not_report_each_other(tmp_path: Path, postgres_url: str) -> None:
    """As Alembic's cookbook has it: a schema for each, with a version table of its own."""
    made = with_two_revisions(tmp_path)
    project = made.beside(made.top, postgres_url)
    env = project.read("alembic/env.py")
    place = "    with engine.connect() as connection:\n"
    project.write("alembic/env.py", env.replace(place, place + TENANT))
    project.git("commit", "--quiet", "--all", "-m", "Tenants")
    with create_engine(postgres_url).begin() as connection:
        for tenant in ("north", "south"):
            connection.exec_driver_sql(f"create schema {tenant}")
    for tenant in ("north", "south"):
        project.gitmig("-x", f"tenant={tenant}", "upgrade", "--yes", check=0)
    for tenant in ("north", "south"):
        status = project.gitmig("-x", f"tenant={tenant}", "status", check=0)
        assert "recorded" not in status.stdout
    project.gitmig("-x", "tenant=north", "rollback", "--yes", check=0)
    project.git("checkout", "--quiet", ".")
    south = project.gitmig("-x", "tenant=south", "status", check=0)
    assert "recorded" not in south.stdout
    north = project.gitmig("-x", "tenant=north", "status", check=1)
    assert "recorded" not in north.stdout
    assert north.stdout.splitlines()[-1] == "→ gitmig -x tenant=north upgrade"
    log = project.gitmig("-x", "tenant=north", "log", "--json").json
    assert [each["applied"] for each in log["revisions"]] == [False, True]
    log = project.gitmig("-x", "tenant=south", "log", "--json").json
    assert [each["applied"] for each in log["revisions"]] == [True, True]


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
