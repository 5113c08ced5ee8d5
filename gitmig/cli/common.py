"""What every command takes, before or after its name, and the wrapper that hands it over."""

from __future__ import annotations

import functools
import inspect
import os
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Concatenate, ParamSpec

import typer

from gitmig.errors import UsageError
from gitmig.project.opening import open_project, open_projects, pass_on
from gitmig.project.project import Project, ProjectOptions
from gitmig.render.hints import give

P = ParamSpec("P")

_PANEL = "Everywhere"
FORMATS = ("text", "json", "github")
_MORE_FORMATS = {"diff": ("markdown",)}
"""What some commands can besides."""

_Directory = Annotated[
    Path, typer.Option("-C", metavar="DIR", help="Work as if started in DIR.", rich_help_panel=_PANEL)
]
_Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="The alembic.ini or pyproject.toml.", rich_help_panel=_PANEL
    ),
]
_Section = Annotated[
    str, typer.Option("--name", metavar="SECTION", help="Section of the ini file.", rich_help_panel=_PANEL)
]
_Environment = Annotated[
    str | None,
    typer.Option(
        "-e",
        "--environment",
        metavar="NAME",
        help="The environment, if there are several.",
        rich_help_panel=_PANEL,
    ),
]
_X = Annotated[
    list[str],
    typer.Option("-x", metavar="ARG", help="Argument for env.py, repeatable.", rich_help_panel=_PANEL),
]
_UrlEnv = Annotated[
    str | None,
    typer.Option(
        "--url-env",
        metavar="NAME",
        help="Another database: the environment variable that holds its URL.",
        rich_help_panel=_PANEL,
    ),
]
_Verbose = Annotated[
    bool,
    typer.Option("-v", "--verbose", help="Say more; let env.py's output through.", rich_help_panel=_PANEL),
]
_Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.", rich_help_panel=_PANEL)]
_Format = Annotated[
    str, typer.Option("--format", metavar="text|json|github", help="How to answer.", rich_help_panel=_PANEL)
]
_Json = Annotated[bool, typer.Option("--json", help="Short for --format json.", rich_help_panel=_PANEL)]

# Long and short names of the options above, and whether a value follows.
_TAKES_VALUE = {
    "-C": True, "--config": True, "--name": True, "-e": True, "--environment": True, "-x": True,
    "--url-env": True, "--format": True, "-v": False, "--verbose": False, "--debug": False, "--json": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """The options that every command takes."""

    project: ProjectOptions
    format: str
    debug: bool

    def open(self) -> Project:
        """The project that the options name."""
        return open_project(self.project)

    def open_all(self) -> tuple[Project, ...]:
        """The projects that a command speaks of: at the top one for each environment."""
        return open_projects(self.project)


def _common(
    C: _Directory = Path("."),
    config: _Config = None,
    name: _Section = "alembic",
    environment: _Environment = None,
    x: _X = [],  # noqa: B006 - Typer reads it and copies it
    url_env: _UrlEnv = None,
    verbose: _Verbose = False,
    debug: _Debug = False,
    format: _Format = "text",
    json: _Json = False,
) -> Common:
    if url_env is not None:
        _require_variable(url_env)
    options = ProjectOptions(
        directory=C,
        config=config,
        section=name,
        environment=environment,
        x=tuple(x),
        url_env=url_env,
        verbose=verbose,
    )
    give(options.words)
    pass_on(options.x)
    return Common(
        project=options,
        format="json" if json else format,
        debug=debug,
    )


def _require_variable(name: str) -> None:
    # Never repeated in an answer where it may be a URL with a password.
    if not re.fullmatch(r"\w+", name):
        raise UsageError(
            "--url-env takes the name of an environment variable, not a URL",
            hint="export OTHER_URL=…, then give --url-env OTHER_URL",
        )
    if not os.environ.get(name):
        raise UsageError(f"the environment variable {name} is not set", hint=f"export {name}=…")


def command(function: Callable[Concatenate[Common, P], int]) -> Callable[..., None]:
    """Make a Typer command of a function whose first parameter is Common and which returns the exit code."""
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    shared = list(inspect.signature(_common, eval_str=True).parameters.values())
    names = [parameter.name for parameter in shared]

    formats = (*FORMATS, *_MORE_FORMATS.get(function.__module__.rpartition(".")[2], ()))

    @functools.wraps(function)
    def run(**values: object) -> None:
        if values["format"] not in formats:
            raise UsageError(f"no such format: {values['format']!r}", hint=f"one of {', '.join(formats)}")
        common = _common(**{name: values.pop(name) for name in names})  # type: ignore[arg-type]
        raise typer.Exit(function(common, **values))  # type: ignore[arg-type,call-arg]

    keyword_only = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*own, *shared)]
    run.__signature__ = inspect.Signature(keyword_only)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in keyword_only}
    del run.__wrapped__
    return run


def normalised(arguments: Sequence[str], groups: Collection[str]) -> list[str]:
    """The arguments as Typer wants them: common options after the command, ``-2`` as a target.

    ``groups`` are the commands that have commands of their own (``hook``, ``ledger``).
    """
    before, rest = _leading_options(arguments)
    if not rest or rest[0].startswith("-"):
        return rest[:1]  # no command: what is left is --version, --help, or a mistake
    head, rest = rest[:1], rest[1:]
    if head[0] in groups:
        more, rest = _leading_options(rest)
        if not rest or rest[0].startswith("-"):
            return [*head, *rest[:1]]
        before, head, rest = [*before, *more], [*head, rest[0]], rest[1:]
    tail = [*before, *rest]
    if head[:1] in (["rollback"], ["upgrade"]) and "--" not in tail:
        relative = [item for item in tail if re.fullmatch(r"-\d+", item)]
        if relative:
            tail = [*(item for item in tail if item not in relative), "--", *relative]
    return [*head, *tail]


def _leading_options(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    position = 0
    while position < len(arguments) and arguments[position].partition("=")[0] in _TAKES_VALUE:
        takes_value = _TAKES_VALUE[arguments[position].partition("=")[0]]
        position += 2 if takes_value and "=" not in arguments[position] else 1
    return list(arguments[:position]), list(arguments[position:])


def wanted_format(arguments: Sequence[str]) -> str:
    """The format that the arguments ask for, read before they are parsed: usage errors obey it too."""
    for position, item in enumerate(arguments):
        if (
            item == "--json"
            or item == "--format=json"
            or list(arguments[position : position + 2]) == ["--format", "json"]
        ):
            return "json"
    return "text"
