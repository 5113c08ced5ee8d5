"""docs/reference.md names everything that the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from gitmig import errors
from gitmig.cli.app import application
from gitmig.core.codes import MEANINGS
from gitmig.core.settings import Settings

_TEXT = (Path(__file__).parent.parent / "docs" / "reference.md").read_text("utf-8")


def _commands() -> dict[str, list[str]]:
    """Every command with its options."""
    found: dict[str, list[str]] = {}

    def walk(name: str, command: object) -> None:
        below = getattr(command, "commands", None)
        if below is not None:
            for word, inner in below.items():
                walk(f"{name} {word}".strip(), inner)
            return
        parameters = getattr(command, "params", [])
        found[name] = [option for p in parameters for option in p.opts if option.startswith("-")]

    walk("", typer.main.get_command(application()))
    return found


def _error_classes() -> list[type[errors.GitmigError]]:
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.GitmigError)
    ]


@pytest.mark.parametrize("command", sorted(_commands()))
def test_every_command_and_option_is_described(command: str) -> None:
    assert f"`gitmig {command}" in _TEXT
    for option in _commands()[command]:
        assert re.search(rf"`{re.escape(option)}\b", _TEXT), option


def test_every_command_is_in_the_table() -> None:
    named = re.findall(r"^\| \[`gitmig (\w+)", _TEXT, re.MULTILINE)
    assert sorted(named) == sorted(typer.main.get_command(application()).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("code", MEANINGS)
def test_every_finding_is_described(code: str) -> None:
    meaning = re.escape(MEANINGS[code])
    assert re.search(rf"^\| {code} \| (error|warning) \| {meaning}( \(.*\))? \|$", _TEXT, re.MULTILINE)


@pytest.mark.parametrize("error", _error_classes(), ids=lambda error: error.__name__)
def test_every_error_is_described_with_its_exit_code(error: type[errors.GitmigError]) -> None:
    assert re.search(rf"^\| `{re.escape(error.code)}` \| {error.exit_code} \| ", _TEXT, re.MULTILINE)


@pytest.mark.parametrize("key", sorted(Settings.__dataclass_fields__))
def test_every_setting_is_described(key: str) -> None:
    assert re.search(rf"^\|.*`{key}`.* \| ", _TEXT, re.MULTILINE)


def test_nothing_is_described_that_is_not_there() -> None:
    described = set(re.findall(r"^### `gitmig ([a-z]+)", _TEXT, re.MULTILINE))
    assert described == {name.split()[0] for name in _commands()}
    codes = set(re.findall(r"^\| `([a-zA-Z0-9-]+)` \| \d+ \| ", _TEXT, re.MULTILINE))
    assert codes == {error.code for error in _error_classes()} | {"internal"}
