"""Parked rows as text and as JSON."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from gitmig.core.parked import told_rows, told_size
from gitmig.operations.park import DropResult, Listed, ShownRows
from gitmig.render import consoles
from gitmig.render.harmless import harmless
from gitmig.render.json import parked_json

Json = dict[str, object]


def listed_text(result: Listed) -> None:
    """One line for each copy, then why some could not be put back."""
    if not result.entries:
        consoles.output().print("nothing is parked")
        return
    names = ("id", "revision", "what", "rows", "size", "when", "who")
    _table(
        names,
        (
            (
                str(entry.id),
                entry.revision,
                entry.name,
                f"{entry.rows:,}",
                told_size(entry.bytes),
                time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.time)),
                entry.who or "—",
            )
            for entry in result.entries
        ),
    )
    err = consoles.status()
    for entry in result.entries:
        if entry.why:
            err.print(harmless(f"Note: {entry.id} stayed parked: {entry.why}"), markup=False, style="yellow")


def listed_json(result: Listed) -> Json:
    """``park list --json``."""
    return {
        "version": 1,
        "database": result.database,
        "parked": [parked_json(entry) for entry in result.entries],
    }


def shown_rows_text(result: ShownRows) -> None:
    """The rows as a table; NULL is shown as such."""
    _table(result.names, ([_cell(value) for value in row] for row in result.rows))
    hidden = result.entry.rows - len(result.rows)
    if hidden > 0:
        err = consoles.status()
        err.print(f"… and {told_rows(hidden)} more: --limit N", style="dim")


def shown_rows_json(result: ShownRows) -> Json:
    """``park show --json``."""
    return {
        "version": 1,
        **parked_json(result.entry),
        "names": list(result.names),
        "values": [list(row) for row in result.rows],
    }


def dropped_text(result: DropResult) -> None:
    """What is gone."""
    out = consoles.output()
    verb = "deleted" if result.done else "would delete"
    for entry in result.entries:
        out.print(harmless(f"{verb} {told_rows(entry.rows)} of {entry.name}"), markup=False)
    if not result.entries:
        out.print("nothing is parked")


def dropped_json(result: DropResult) -> Json:
    """``park drop --json``."""
    return {
        "version": 1,
        "done": result.done,
        "dropped": [parked_json(entry) for entry in result.entries],
    }


def _cell(value: str | None) -> str:
    return "NULL" if value is None else value


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(Text(harmless(name)), no_wrap=True)
    for row in rows:
        table.add_row(*(Text(harmless(cell)) for cell in row))
    consoles.print_table(table)
