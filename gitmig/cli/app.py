"""The table of commands. One file per command; each parses, calls one operation, and renders its result."""

from __future__ import annotations

import typer

from gitmig import __version__
from gitmig.cli import (
    check,
    demo,
    hook,
    init,
    ledger,
    log,
    recover,
    revise,
    rollback,
    status,
    switch,
    sync,
    tie,
    upgrade,
)
from gitmig.cli.common import command

GROUPS = ("hook", "ledger")
"""The commands that have commands of their own."""


def _version(value: bool) -> None:
    if value:
        print(f"gitmig {__version__}")
        raise typer.Exit


app = typer.Typer(
    name="gitmig",
    help="Keep SQLAlchemy models in git and the schema in the database in step.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _main(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """Keep SQLAlchemy models in git and the schema in the database in step."""


app.command("init")(command(init.run))
app.command("revise")(command(revise.run))
app.command("upgrade")(command(upgrade.run))
app.command("rollback")(command(rollback.run))
app.command("switch")(command(switch.run))
app.command("sync")(command(sync.run))
app.command("recover")(command(recover.run))
app.command("status")(command(status.run))
app.command("log")(command(log.run))
app.command("check")(command(check.run))
app.command("tie")(command(tie.run))
app.command("demo")(command(demo.run))

hooks = typer.Typer(help="The git hooks of this clone.", no_args_is_help=True)
hooks.command("install")(command(hook.install))
hooks.command("uninstall")(command(hook.uninstall))
hooks.command("status")(command(hook.status))
app.add_typer(hooks, name="hook")

ledgers = typer.Typer(help="The table in the database that says what moved it.", no_args_is_help=True)
ledgers.command("enable")(command(ledger.enable))
ledgers.command("show")(command(ledger.show))
app.add_typer(ledgers, name="ledger")
