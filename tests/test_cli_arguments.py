"""The arguments before Typer sees them, and how errors are told after."""

from __future__ import annotations

import pytest
import typer.main

from gitmig.cli.app import application
from gitmig.cli.table import OPTIONS
from gitmig.cli.words import TAKES_VALUE, normalised, wanted_format, without_common
from gitmig.errors import GitmigError
from gitmig.render.errors import error_json, error_text, unexpected_json, unexpected_text
from gitmig.render.harmless import harmless


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("", ""),
        ("status", "status"),
        ("-C dir status", "status -C dir"),
        ("--json status", "status --json"),
        (
            "-C dir --config=x.ini -x a=b -x c=d --debug log -v",
            "log -C dir --config=x.ini -x a=b -x c=d --debug -v",
        ),
        ("--format json check --staged", "check --format json --staged"),
        ("--url-env OTHER upgrade +1", "upgrade --url-env OTHER +1"),
        # A relative target is no option.
        ("rollback -2", "rollback -- -2"),
        ("rollback -2 --dry-run", "rollback --dry-run -- -2"),
        ("rollback --wait 3 -1 -y", "rollback --wait 3 -y -- -1"),
        ("rollback -- -2", "rollback -- -2"),
        ("-C dir rollback -1", "rollback -C dir -- -1"),
        ("upgrade +1", "upgrade +1"),
        ("upgrade -1", "upgrade -- -1"),
        ("revise -m -2", "revise -m -2"),
        # Commands that have commands of their own.
        ("hook status", "hook status"),
        ("--json hook status", "hook status --json"),
        ("hook --json status", "hook status --json"),
        ("-C dir hook --json status -v", "hook status -C dir --json -v"),
        ("hook", "hook"),
        ("hook --json", "hook"),
        ("hook --help", "hook --help"),
        # Without a command only what needs none.
        ("--json", ""),
        ("--version --json", "--version"),
        ("--json --version", "--version"),
        ("--help", "--help"),
        ("--nope status", "--nope"),
    ],
)
def test_common_options_stand_anywhere(typed: str, meant: str) -> None:
    assert normalised(typed.split(), ("hook",)) == meant.split()


@pytest.mark.parametrize(
    ("typed", "format"),
    [
        ("status", "text"),
        ("status --json", "json"),
        ("--json status", "json"),
        ("status --format json", "json"),
        ("status --format=json", "json"),
        ("status --format text", "text"),
        ("status --format", "text"),
        ("check --format github", "text"),
    ],
)
def test_the_format_of_errors_is_known_before_parsing(typed: str, format: str) -> None:
    assert wanted_format(typed.split()) == format


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Käse 日本 🎉", "Käse 日本 🎉"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("back\x08\rover", "back\\x08\\rover"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\x85\u2028", "\\x85\\u2028"),
        ("bad \udcff byte", "bad \\udcff byte"),
        ("no\xa0break", "no\\xa0break"),
    ],
)
def test_text_that_could_move_a_cursor_is_shown_as_escapes(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_an_error_as_text() -> None:
    error = GitmigError("it failed", hint="do this", detail='  File "x.py", line 1\n    y')
    assert error_text(error) == 'Error: it failed\n    File "x.py", line 1\n      y\nHint: do this'
    assert error_text(GitmigError("it failed")) == "Error: it failed"


def test_an_error_is_one_line_whatever_was_said() -> None:
    assert error_text(GitmigError("first.\nsecond", hint="h.")) == "Error: first\n  second\nHint: h"
    assert error_text(GitmigError("")) == "Error: "
    assert error_text(GitmigError("and so on ...")) == "Error: and so on ..."
    assert error_text(GitmigError("\x1b[2Jgone")) == "Error: \\x1b[2Jgone"


def test_an_error_as_json() -> None:
    assert error_json(GitmigError("it failed.", hint="do this.")) == {
        "version": 1,
        "error": {"code": "error", "message": "it failed", "hint": "do this"},
    }
    assert error_json(GitmigError("it failed", detail="d"))["error"] == {
        "code": "error",
        "message": "it failed",
        "hint": None,
        "detail": "d",
    }


def test_an_error_of_our_own_is_told_with_what_to_report() -> None:
    error = RuntimeError("boom\nand more")
    text = unexpected_text(error)
    assert text.splitlines()[-2] == "Error: gitmig itself failed: RuntimeError: boom"
    assert text.splitlines()[-1].startswith("Hint: report it with the lines above and: gitmig ")
    told = unexpected_json(error)["error"]
    assert isinstance(told, dict)
    assert told["code"] == "internal"
    assert told["message"] == "gitmig itself failed: RuntimeError: boom"


def test_the_options_in_the_table_are_those_of_the_commands() -> None:
    """Wrong options are refused by the table: whoever adds an option to a command adds it there."""
    found: dict[str, dict[str, bool]] = {}

    def look(command: object, path: list[str]) -> None:
        for name, below in getattr(command, "commands", {}).items():
            look(below, [*path, name])
        options = [one for one in getattr(command, "params", []) if one.param_type_name == "option"]
        if not hasattr(command, "commands"):
            found[" ".join(path)] = {
                name: not one.is_flag for one in options for name in (*one.opts, *one.secondary_opts)
            }

    look(typer.main.get_command(application()), [])
    assert found == {command: {**TAKES_VALUE, **options} for command, options in OPTIONS.items()}


def test_a_hint_does_not_repeat_what_every_command_takes() -> None:
    words = ["-C", "backend", "sync", "--url-env=STAGING", "--yes", "--json", "origin/main", "--", "-C"]
    assert without_common(words) == ("sync", "--yes", "origin/main", "--", "-C")
