"""What a person sees: what takes its time, how long a step took, and what a question's answers mean."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests import terminal
from tests.articles import article, plain
from tests.story import Project

_WORKING = re.compile(r"\r\x1b\[K\x1b\[2m([^\x1b]*)\x1b\[0m")


def raw(project: Project, *words: str, answers: tuple[terminal.Answer, ...] = ()) -> tuple[int, str, str]:
    """The exit code, what the terminal was sent, and what is on it in the end."""
    session: list[str] = []
    command = [sys.executable, "-P", "-m", "gitmig", *words]
    code, screen = terminal.run(
        command, cwd=project.top, env=project.environment(), answers=answers, sent=session
    )
    return code, session[0], screen


@pytest.fixture
def slow(project: Project) -> Project:
    """A revision that takes two and a half seconds, and asks before it is undone."""
    wait = "__import__('time').sleep(2.5)"
    up = f"op.create_table('t', sa.Column('id', sa.Integer)); op.execute('insert into t values (1)'); {wait}"
    plain(project, "a1a1", None, up=up, down="op.drop_table('t')", message="Slow")
    project.commit("A slow revision")
    return project


def test_a_step_that_takes_long(slow: Project) -> None:
    code, sent, screen = raw(slow, "upgrade")
    assert code == 0
    shown = _WORKING.findall(sent)
    assert shown
    assert all(re.fullmatch(r"moving the database … \d+ s", one) for one in shown)
    assert re.search(r"^▲ upgrade a1a1  [2-9]\.\d s$", screen, re.MULTILINE)
    assert "moving the database" not in screen


def test_nothing_of_it_where_nobody_looks(slow: Project) -> None:
    result = slow.gitmig("upgrade", check=0)
    assert "moving the database" not in result.stderr
    assert "\x1b" not in result.stderr


def test_it_is_gone_while_a_question_waits(slow: Project) -> None:
    slow.gitmig("upgrade", check=0)
    code, sent, screen = raw(slow, "rollback", "--no-park", answers=("?", "n"))
    assert code == 1
    question, _, after = sent.partition("[y/N/?] ")
    assert question
    assert not _WORKING.findall(after.partition("[y/N/?] ")[0])
    assert "  y  go on\n  n  change nothing; so does Enter\n" in screen
    assert screen.endswith("Nothing was changed\n")
    assert "Error" not in screen


def test_the_bar_of_verify(tmp_path: Path) -> None:
    project = article(tmp_path).project
    code, sent, _ = raw(project, "verify")
    assert code == 0
    bars = re.findall(r"\r\x1b\[K(█*)(░*)  (\d/\d)(  models \d/\d)?", sent)
    assert [(len(full), len(rest), *text) for full, rest, *text in bars][:5] == [
        (0, 30, "0/2", ""),
        (0, 30, "0/2", "  models 0/2"),
        (0, 30, "0/2", ""),
        (15, 15, "1/2", ""),
        (30, 0, "2/2", ""),
    ]
    assert sent.rpartition("█")[2].count("\r\x1b[K")  # it is gone in the end
    assert "2 verified on sqlite" in sent
    assert "\x1b" not in project.gitmig("verify", check=0).stderr
