"""Long text goes through a pager, if a person reads it."""

from __future__ import annotations

import sys

import pytest

from tests import terminal
from tests.story import Project

_GITMIG = (sys.executable, "-P", "-m", "gitmig")


@pytest.fixture
def long(project: Project) -> Project:
    """Sixty revisions: the terminal of these tests has fifty lines."""
    parent = "None"
    for number in range(60):
        text = f'"""Step {number}"""\nrevision = "r{number:03}"\ndown_revision = {parent}\n'
        project.write(f"alembic/versions/r{number:03}.py", text)
        parent = f'"r{number:03}"'
    project.commit("Sixty revisions")
    return project


def screen(project: Project, *words: str, **variables: str) -> str:
    """What the terminal shows in the end."""
    environment = project.environment({"TERM": "xterm", **variables})
    code, shown = terminal.run([*_GITMIG, *words], cwd=project.top, env=environment, answers=[])
    assert code == 0, shown
    return shown.replace("\r", "")


PAGER = "sed 's/^/paged: /'"


def test_long_text_is_paged_with_its_notes_in_place(long: Project) -> None:
    lines = screen(long, "log", PAGER=PAGER).splitlines()
    assert len(lines) == 61
    assert all(line.startswith("paged: ") for line in lines)
    assert lines[-1] == "paged: the database was never looked at from here: gitmig status"


def test_a_pager_of_its_own(long: Project) -> None:
    assert "paged: " in screen(long, "log", GITMIG_PAGER=PAGER, PAGER="cat", NO_PAGER="1")


@pytest.mark.parametrize(
    "variables",
    [
        {"PAGER": PAGER, "NO_PAGER": "1"},
        {"PAGER": PAGER, "GITMIG_PAGER": ""},
        {"PAGER": PAGER, "GITMIG_PAGER": "cat"},
        {"PAGER": "no-such-pager --really"},
        {"PAGER": PAGER, "TERM": "dumb"},
    ],
)
def test_none(long: Project, variables: dict[str, str]) -> None:
    shown = screen(long, "log", **variables)
    assert "paged: " not in shown
    assert len(shown.splitlines()) == 61


def test_a_pager_that_has_enough(long: Project) -> None:
    assert len(screen(long, "log", PAGER="head -n 3").splitlines()) == 3
    assert screen(long, "log", PAGER="true") == ""


def test_short_text_is_not_paged(project: Project) -> None:
    assert "paged: " not in screen(project, "log", PAGER=PAGER)


def test_help_is_paged_too(project: Project) -> None:
    assert "paged: " not in screen(project, "rebase", "--help", PAGER=PAGER)
    assert "paged: Usage: gitmig rebase" in screen(project, "rebase", "--help", PAGER=PAGER, LINES="20")


def test_nobody_reads_a_pipe(long: Project) -> None:
    result = long.gitmig("log", env={"PAGER": PAGER, "GITMIG_PAGER": PAGER}, check=0)
    assert "paged: " not in result.stdout + result.stderr


def test_less_shows_colours_and_ends_by_q(long: Project) -> None:
    environment = long.environment({"TERM": "xterm", "PAGER": "less"})
    code, shown = terminal.run([*_GITMIG, "log"], cwd=long.top, env=environment, answers=[(r":\s*$", "q")])
    assert code == 0
    assert "r059" in shown
    assert "ESC[" not in shown
