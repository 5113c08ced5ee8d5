"""What every command takes, before or after its name, and the wrapper that hands it over."""

from __future__ import annotations

import functools
import inspect
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Concatenate, ParamSpec

import typer

from gitmig.cli.progress import paused, tell, working
from gitmig.cli.table import DOING, FORMATS, MORE_FORMATS
from gitmig.errors import UsageError
from gitmig.git.command import Terminal
from gitmig.project.opening import open_project, open_projects, pass_on
from gitmig.project.project import Project, ProjectOptions
from gitmig.render.hints import at, give

P = ParamSpec("P")

_PANEL = "Everywhere"

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """The options that every command takes."""

    project: ProjectOptions
    format: str
    debug: bool

    def open(self) -> Project:
        """The project that the options name."""
        project = open_project(self.project)
        at(project.top, project.directory)
        return project

    def open_all(self) -> tuple[Project, ...]:
        """The projects that a command speaks of: at the top one for each environment."""
        projects = open_projects(self.project)
        if projects:
            at(projects[0].top, projects[0].directory)
        return projects


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
        tell=tell,
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

    module = function.__module__.rpartition(".")[2]
    formats = (*FORMATS, *MORE_FORMATS.get(module, ()))

    @functools.wraps(function)
    def run(**values: object) -> None:
        if values["format"] not in formats:
            raise UsageError(f"no such format: {values['format']!r}", hint=f"one of {', '.join(formats)}")
        common = _common(**{name: values.pop(name) for name in names})  # type: ignore[arg-type]
        # With -v the project's own code prints, and knows nothing of that line.
        Terminal.aside = paused
        with working(None if common.project.verbose else DOING.get(module)):
            code = function(common, **values)  # type: ignore[arg-type,call-arg]
        raise typer.Exit(code)

    keyword_only = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*own, *shared)]
    run.__signature__ = inspect.Signature(keyword_only)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in keyword_only}
    del run.__wrapped__
    return run
