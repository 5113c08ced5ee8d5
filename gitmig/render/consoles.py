"""The two places that text is printed to: stdout is data, stderr is status."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

_WIDE = 1000


def output() -> Console:
    """stdout. Words are printed as they are: what stands between two colons is no emoji."""
    return Console(highlight=False, soft_wrap=True, emoji=False)


def status() -> Console:
    """stderr, likewise."""
    return Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def print_table(table: Table) -> None:
    """A table on stdout. A pipe has no width to fit into."""
    out = output()
    out.print(table) if out.is_terminal else Console(highlight=False, width=_WIDE, emoji=False).print(table)
