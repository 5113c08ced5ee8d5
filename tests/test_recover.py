"""A command that is killed at any of its points is settled by the next one: before it or after it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.story import MODELS, USERNAME, Project

_POINTS = ("journal-written", "database-prepared", "files-written", "database-committed", "journal-removed")


def _at_two_revisions(folder: Path, url: str) -> Project:
    project = Project.create(folder, url)
    project.gitmig("revise", "-m", "First revision", check=0)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username for user", check=0)
    return project


def _killed(project: Project, point: str, *command: str) -> None:
    result = project.gitmig(*command, env={"GITMIG_TEST_KILL_AT": point})
    assert result.exit_code == -signal.SIGKILL, result.stderr


def _state(project: Project) -> tuple[tuple[str, ...], str]:
    return tuple(project.heads()), project.read("app/models.py")


@pytest.mark.parametrize("point", _POINTS)
def test_a_killed_rollback_is_settled_on_one_side(tmp_path: Path, database_url: str, point: str) -> None:
    project = _at_two_revisions(tmp_path, database_url)
    before = _state(project)
    _killed(project, point, "rollback")
    project.gitmig("recover", check=0)
    state = _state(project)
    assert state == before or (len(state[0]) == 1 and state[0] != before[0] and state[1] == MODELS)
    assert (state == before) == (point in _POINTS[:3])
    project.gitmig("upgrade", check=0)
    assert _state(project) == before
    project.gitmig("status", check=0)


@pytest.mark.parametrize("point", _POINTS)
def test_a_killed_upgrade_is_settled_on_one_side(tmp_path: Path, database_url: str, point: str) -> None:
    project = _at_two_revisions(tmp_path, database_url)
    after = _state(project)
    project.gitmig("rollback", check=0)
    before = _state(project)
    _killed(project, point, "upgrade")
    project.gitmig("recover", check=0)
    assert _state(project) == (before if point in _POINTS[:3] else after)


def test_the_next_changing_command_settles_it_and_does_nothing_else(project: Project) -> None:
    project.gitmig("revise", "-m", "First revision", check=0)
    _killed(project, "database-committed", "rollback")
    result = project.gitmig("upgrade")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: an interrupted `gitmig rollback` was settled first: everything is as after it\n"
        "Hint: look at it with gitmig status, then run the command again\n"
    )
    assert project.heads() == ()
    project.gitmig("upgrade", check=0)
    assert len(project.heads()) == 1


def test_status_names_an_interrupted_command(project: Project) -> None:
    project.gitmig("revise", "-m", "First revision", check=0)
    _killed(project, "journal-written", "rollback")
    status = project.gitmig("status", "--json")
    assert status.exit_code == 1
    assert status.json["hint"] == "gitmig recover"
    assert "GM014" in [finding["code"] for finding in status.json["findings"]]


def test_a_half_written_file_is_made_whole(project: Project) -> None:
    project.gitmig("revise", "-m", "First revision", check=0)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username for user", check=0)
    whole = project.read("app/models.py")
    _killed(project, "database-prepared", "rollback")
    # What a killed `git read-tree -u` leaves: nothing, or a beginning of the new file.
    project.write("app/models.py", MODELS[:40])
    assert project.gitmig("recover", "--json", check=0).json["recovered"]["side"] == "before"
    assert project.read("app/models.py") == whole


def test_what_was_written_since_is_left_alone(project: Project) -> None:
    project.gitmig("revise", "-m", "First revision", check=0)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username for user", check=0)
    _killed(project, "files-written", "rollback")
    project.write("app/models.py", "# precious\n")
    answer = project.gitmig("recover", "--json", check=0).json
    assert answer["recovered"]["left"] == ["app/models.py"]
    assert project.read("app/models.py") == "# precious\n"


def test_nothing_to_recover(project: Project) -> None:
    result = project.gitmig("recover", check=0)
    assert (result.stdout, result.stderr) == ("nothing to recover\n", "")


def test_a_damaged_journal_is_reported_and_kept(project: Project) -> None:
    journal = project.top / ".git" / "gitmig" / "journal.json"
    journal.parent.mkdir(exist_ok=True)
    journal.write_text("{")
    result = project.gitmig("upgrade", "--json")
    assert result.exit_code == 1
    assert "journal" in result.json["error"]["message"]
    assert journal.read_text() == "{"


def test_what_a_rollback_replaced_can_be_had_again(project: Project) -> None:
    project.gitmig("revise", "-m", "First revision", check=0)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username for user", check=0)
    whole = project.read("app/models.py")
    notes = json.loads(project.gitmig("rollback", "--json", check=0).stdout)["notes"]
    ref = project.git("for-each-ref", "--format=%(refname)", "refs/gitmig/backup/")
    assert notes == [f"what was replaced can be had again: git show {ref}:PATH"]
    assert project.git("show", f"{ref}:app/models.py") + "\n" == whole
