"""Help fits a terminal of 80 columns, whatever version of Typer there is, and says how a command is used."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import typer.main

from gitmig.cli import help, main
from gitmig.cli.app import application
from gitmig.cli.table import ALEMBICS, COMMANDS, EXAMPLES, GROUPS, MEANT, SUMMARIES, overview
from gitmig.cli.words import normalised
from gitmig.render import hints
from tests.story import Project

PATHS = [*COMMANDS, *(f"{group} {name}" for group, (_, names) in GROUPS.items() for name in names)]


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("path", [*PATHS, *GROUPS])
def test_each_page_fits(path: str) -> None:
    text = help.page(typer.main.get_command(application()), path.split())
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith(f"Usage: gitmig {path} ")
    for never in ("<str>", "<int>", "[[", "…", "\n\n\n"):
        assert never not in text


def test_the_page_of_all_commands_fits_and_is_whole() -> None:
    lines = overview().splitlines()
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if line.endswith("...") and "Usage" not in line]
    for name in COMMANDS:
        (line,) = [line for line in lines if line.startswith(f"  {name} ")]
        assert line.endswith(SUMMARIES[name])
    for name, (about, _) in GROUPS.items():
        assert f"  {name:<8}  {about}" in lines


@pytest.mark.parametrize("path", [path for path in EXAMPLES if path in PATHS])
def test_examples_are_of_commands_and_options_that_there_are(path: str) -> None:
    for line in EXAMPLES[path]:
        program, *words = shlex.split(line)
        assert program == "gitmig"
        command = typer.main.get_command(application())
        words = normalised(words, GROUPS)
        for word in path.split():
            assert words.pop(0) == word
            command = command.commands[word]  # type: ignore[attr-defined]
        # Parsing raises for an option or an argument that is none.
        command.make_context(path, words)


def test_every_command_has_examples() -> None:
    assert set(PATHS) == set(EXAMPLES)
    assert set(COMMANDS) <= set(SUMMARIES)


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a word that is no command is answered with."""
    assert main.run(words) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("word", [word for word, target in MEANT.items() if target.split()[1] in COMMANDS])
def test_what_people_type_who_come_from_elsewhere(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    hint = f"Hint: did you mean {MEANT[word]}?\n"
    assert said(capsys, word) == f"Error: no such command: gitmig {word}\n{hint}"


def test_no_word_for_something_else_is_a_command_itself() -> None:
    assert not {*MEANT, *ALEMBICS} & {*COMMANDS, *GROUPS}
    assert {target.split()[1] for target in MEANT.values()} <= {*SUMMARIES, *GROUPS}


@pytest.mark.parametrize("word", ALEMBICS)
def test_what_is_left_to_alembic(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, word).endswith(f"Hint: {ALEMBICS[word]}\n")


def test_slips_of_the_finger(capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean gitmig status?" in said(capsys, "statsu")
    assert "did you mean gitmig rollback?" in said(capsys, "downgarde")
    assert "did you mean gitmig hook install?" in said(capsys, "hook", "instal")
    assert "Hint: gitmig --help" in said(capsys, "xyzzy")


def test_help_before_and_after_common_options(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    first = project.gitmig("rollback", "--help", check=0)
    assert first.stdout == project.gitmig("-C", "/nowhere", "rollback", "-h", check=0).stdout
    assert "Examples:\n  gitmig rollback\n" in first.stdout
    assert project.gitmig("--help", check=0).stdout == overview()
    assert project.gitmig("hook", "--help", check=0).stdout.startswith("Usage: gitmig hook COMMAND")


def test_a_hint_names_the_project_whatever_its_command_is() -> None:
    hints.give(["-C", "shop"])
    try:
        for name in {*COMMANDS, *GROUPS} - {"demo"}:
            assert hints.hinted(f"gitmig {name} X") == f"gitmig -C shop {name} X"
    finally:
        hints.give([])
