"""The help page of a command: the same with every version of Typer, within the terminal's width."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gitmig.cli.table import EXAMPLES, GROUPS

_MOST, _LEAST = 100, 40
_SHARED = "Options of every command"
_LEFT = 28
"""Columns for the names of options, at most."""


def asked(words: Sequence[str]) -> bool:
    """Whether a command's help is asked for."""
    before = words[: words.index("--")] if "--" in words else words
    return "--help" in before or "-h" in before


def page(command: object, words: Sequence[str]) -> str:
    """The help of the command that ``words`` begin with; ``command`` is Typer's whole command line."""
    path = []
    for word in words:
        below: Mapping[str, object] | None = getattr(command, "commands", None)
        if below is None or word not in below:
            break
        path.append(word)
        command = below[word]
    width = min(max(shutil.get_terminal_size().columns, _LEAST), _MOST)
    below = getattr(command, "commands", None)
    parts = _group(path, below, width) if below is not None else _single(path, command, width)
    return "\n".join(parts) + "\n"


def _group(path: Sequence[str], commands: Mapping[str, object], width: int) -> Iterator[str]:
    yield f"Usage: gitmig {' '.join(path)} COMMAND [ARGS]..."
    yield ""
    yield f"  {GROUPS[path[0]][0]}."
    yield ""
    yield "Commands:"
    shown = {name: one for name, one in commands.items() if not getattr(one, "hidden", False)}
    yield from _table(((name, _summary(one)) for name, one in shown.items()), width)


def _single(path: Sequence[str], command: object, width: int) -> Iterator[str]:
    parameters: list[Any] = [
        one for one in getattr(command, "params", []) if not getattr(one, "hidden", False)
    ]
    arguments = [one for one in parameters if one.param_type_name == "argument"]
    options = [one for one in parameters if one.param_type_name == "option" and one.name != "help"]
    own = [one for one in options if not getattr(one, "rich_help_panel", None)]
    shared = [one for one in options if getattr(one, "rich_help_panel", None)]
    places = "".join(f" {one.metavar or one.name.upper()}" for one in arguments)
    yield f"Usage: gitmig {' '.join(path)} [OPTIONS]{places}"
    for paragraph in _paragraphs(command):
        yield ""
        yield textwrap.fill(paragraph, width, initial_indent="  ", subsequent_indent="  ")
    if arguments:
        yield from ("", "Arguments:")
        yield from _table(((_metavar(one), _told(one)) for one in arguments), width)
    if own:
        yield from ("", "Options:")
        yield from _table(((_names(one), _told(one)) for one in own), width)
    yield from ("", f"{_SHARED}:")
    yield from _table(
        [*((_names(one), _told(one)) for one in shared), ("-h, --help", "Show this page.")], width
    )
    examples = EXAMPLES.get(" ".join(path), ())
    if examples:
        yield from ("", "Examples:")
        yield from (f"  {line}" for line in examples)


def _table(rows: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    found = list(rows)
    left = min(max(len(name) for name, _ in found), _LEFT)
    for name, text in found:
        lines = textwrap.wrap(text, max(width - left - 4, 20)) or [""]
        if len(name) > left:
            yield f"  {name}"
            name = ""
        yield f"  {name:<{left}}  {lines[0]}".rstrip()
        yield from (f"  {'':<{left}}  {line}" for line in lines[1:])


def _paragraphs(command: object) -> list[str]:
    text = textwrap.dedent(getattr(command, "help", None) or "").strip()
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip()]


def _summary(command: object) -> str:
    return (_paragraphs(command) or [""])[0]


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper()).strip("[]")


def _names(option: Any) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    return names if getattr(option, "is_flag", False) else f"{names} {option.metavar or option.name.upper()}"


def _told(parameter: Any) -> str:
    """What it means, and its default if it has one that says anything."""
    default = parameter.default
    shown = (
        default not in (None, False, "", ()) and default != [] and not getattr(parameter, "is_flag", False)
    )
    shown_as = f"{default:g}" if isinstance(default, float) else default
    return f"{parameter.help or ''}{f' [default: {shown_as}]' if shown else ''}".strip()
