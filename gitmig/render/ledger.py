"""The ledger as text and as JSON, and what colleagues without gitmig will see of its table."""

from __future__ import annotations

import time

from rich.table import Table
from rich.text import Text

from gitmig.operations.ledger import Enabled, LedgerResult
from gitmig.render import consoles
from gitmig.render.harmless import harmless
from gitmig.wire.codec import plain
from gitmig.wire.values import CommitId, LedgerRow, LedgerState, short

Json = dict[str, object]

_FILTER = """\
def include_name(name, type_, parent_names):
    return type_ != "table" or {condition}

context.configure(..., include_name=include_name)
"""


def env_filter(ledger: LedgerState) -> str:
    """The lines for env.py that hide the table where gitmig is not installed."""
    schema, _, name = ledger.table.rpartition(".")
    if schema:
        condition = f'(parent_names["schema_name"], name) != ("{schema}", "{name}")'
    else:
        condition = f'name != "{name}"'
    return _FILTER.format(condition=condition)


def seen_by_others(ledger: LedgerState) -> str:
    """What colleagues with plain Alembic will see."""
    if ledger.dialect == "postgresql":
        return (
            f"{ledger.table} lies in a schema of its own: plain Alembic does not see it, unless env.py sets "
            "include_schemas. Then, where gitmig is not installed beside Alembic 1.18 or later, this in "
            "env.py hides it:"
        )
    return (
        "where gitmig is not installed beside Alembic 1.18 or later, `alembic revision --autogenerate` will "
        f"propose to drop {ledger.table}, and `alembic check` will report it. This in env.py hides it:"
    )


def enabled_text(result: Enabled) -> None:
    """What was made, then what others will see and the filter against it."""
    out = consoles.output()
    err = consoles.status()
    for ledger in result.ledgers:
        made = ledger.database in result.created
        verb = "the table is there already" if not made else "made" if result.done else "would make"
        out.print(harmless(f"ledger    {verb}: {ledger.table}  [{ledger.database}]"), markup=False)
    err.print(harmless(f"Note: {seen_by_others(result.ledgers[0])}"), markup=False, style="yellow")
    out.print(env_filter(result.ledgers[0]), markup=False, end="")


def enabled_json(result: Enabled) -> Json:
    """``ledger enable --json``."""
    return {
        "version": 1,
        "ledgers": [
            {
                "database": ledger.database,
                "table": ledger.table,
                "enabled": ledger.enabled,
                "created": result.done and ledger.database in result.created,
            }
            for ledger in result.ledgers
        ],
        "warnings": [seen_by_others(result.ledgers[0])],
        "filter": env_filter(result.ledgers[0]),
    }


def shown_text(result: LedgerResult) -> None:
    """One line for each row, newest first."""
    out = consoles.output()
    if not result.enabled:
        err = consoles.status()
        message = "the database has no ledger (gitmig ledger enable): this is what this clone recorded"
        err.print(message, style="dim")
    if not result.rows:
        out.print("nothing is recorded yet")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("when", "", "revision", "commit", "who", "took", "operation", "message"):
        table.add_column(name, no_wrap=True)
    for row in result.rows:
        table.add_row(
            *(Text(harmless(cell)) for cell in (*_cells(row), result.messages.get(row.revision, "")))
        )
    consoles.print_table(table)


def shown_json(result: LedgerResult) -> Json:
    """``ledger show --json``."""
    return {
        "version": 1,
        "enabled": result.enabled,
        "database": result.database,
        "rows": [plain(row) for row in result.rows],
    }


def _cells(row: LedgerRow) -> tuple[str, ...]:
    return (
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.time)),
        row.direction.value,
        row.revision,
        short(CommitId(row.commit)) if row.commit else "—",
        row.who or "—",
        f"{row.seconds:.3f} s" if row.seconds is not None else "—",
        row.operation[:8],
    )
