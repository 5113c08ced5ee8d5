"""Every gitmig command on a page exists, with the options that it is shown with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from gitmig.cli.app import application

_TOP = Path(__file__).resolve().parent.parent
_PAGES = [*sorted((_TOP / "docs").rglob("*.md")), _TOP / "README.md", _TOP / "CHANGELOG.md"]
_SPAN = re.compile(r"`([^`\n]*)`")
_LINE = re.compile(r"^(?:- |\s*|\w*\$ )((?:\w+=\S+ )*gitmig .*)$", re.MULTILINE)
_OPTION = re.compile(r"(?<![\w\"'-])--?[A-Za-z][\w-]*")
_ELSEWHERE = {"history", "current", "stamp"}
"""Named for what they are not here."""


def _commands() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}

    def walk(name: str, command: object) -> None:
        found[name] = {
            option for p in getattr(command, "params", []) for option in (*p.opts, *p.secondary_opts)
        }
        for word, inner in getattr(command, "commands", {}).items():
            walk(f"{name} {word}".strip(), inner)

    walk("", typer.main.get_command(application()))
    return found


_COMMANDS = _commands()
# What stands before or after every command is taken off before Typer sees it.
_COMMON = {"-C", "-e", "--environment", "--config", "--name", "-x", "--url-env", "-v", "--verbose", "--debug",
           "--format", "--json", "-h", "--help", "--version",
           "--install-completion", "--show-completion"}  # fmt: skip
_VALUED = re.compile(r"(-C|-e|-x|--url-env|--config|--name|--format) \S+ ?")


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.relative_to(_TOP).as_posix())
def test_a_page(page: Path) -> None:
    assert [f"{line}: {why}" for line in _shown(page.read_text("utf-8")) for why in _wrong(line)] == []


def _shown(text: str) -> Iterator[str]:
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in _LINE.findall(block)]
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    for line in (*lines, *_SPAN.findall(prose)):
        for part in re.split(r" && | \| |; ", line.split("  #")[0]):
            if found := re.match(r"(?:\w+=\S+ )*gitmig ([a-z-].*)", part):
                yield found[1]


def _wrong(line: str) -> Iterator[str]:
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", "_", _VALUED.sub("", line))
    words = bare.split()
    if not words or words[0] in _ELSEWHERE:
        return
    name = next((n for n in (" ".join(words[:2]), words[0]) if n in _COMMANDS), "")
    if not name and not words[0].startswith("-"):
        yield "no such command"
    for option in _OPTION.findall(bare):
        if option not in _COMMANDS[name] | _COMMON and not re.fullmatch(r"-\d+", option):
            yield f"{name} has no {option}"
