"""The table of commands. One file per command; each parses, calls one operation, and renders its result."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import typer

from gitmig import __version__
from gitmig.cli.common import command
from gitmig.cli.table import ABOUT, COMMANDS, GROUPS


def _version(value: bool) -> None:
    if value:
        print(f"gitmig {__version__}")
        raise typer.Exit


def _main(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """See :data:`gitmig.cli.table.ABOUT`."""


def application(only: str | None = None) -> typer.Typer:
    """The command line; with ``only`` one command of it, if nothing else is asked for.

    A command imports what it needs: importing that of all the others takes longer than most commands.
    """
    app = typer.Typer(
        name="gitmig",
        help=ABOUT,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_main)
    known = only in COMMANDS or only in GROUPS
    for name, place in COMMANDS.items():
        if not known or name == only:
            app.command(name)(_command(place))
    for name, (about, functions) in GROUPS.items():
        if not known or name == only:
            group = typer.Typer(help=about, no_args_is_help=True)
            for function in functions:
                group.command(function)(_command(f"{name}.{function}"))
            app.add_typer(group, name=name)
    return app


def _command(place: str) -> Callable[..., None]:
    module, _, function = place.partition(".")
    return command(getattr(importlib.import_module(f"gitmig.cli.{module}"), function))
