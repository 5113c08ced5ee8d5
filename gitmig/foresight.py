"""What a plan can lose and where it can stop half-way, told from its scripts' text before anything moves."""

from __future__ import annotations

from gitmig.losses import Drop, drops
from gitmig.messages import Ground, Loss, Moves
from gitmig.model import Step
from gitmig.scripts import splits


def stops(moves: Moves, ground: Ground) -> tuple[str, ...]:
    """Where the plan can stop half-way, said beforehand."""
    count = len(moves.steps)
    if not ground.transactional and count:
        return (
            f"{count} commits or more: this database cannot take DDL back, so a failure may stop half-way",
        )
    if ground.per_migration and count > 1:
        return (
            f"{count} commits: env.py asks for one transaction per migration, and a failure may stop between",
        )
    splitting = [step.revision for step, graph in moves.steps if splits(_script_text(moves, step, graph))]
    return tuple(
        f"{revision} uses autocommit_block(): what comes before it is committed there"
        for revision in splitting
    )


def _script_text(moves: Moves, step: Step, graph: int) -> str:
    script = next(script for script in moves.graphs[graph] if script.revision == step.revision)
    try:
        return (moves.roots[graph] / script.path).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""  # the worker says what is wrong with it


def drops_of(moves: Moves) -> tuple[Drop, ...]:
    """What the steps drop, by the text of their scripts."""
    found: dict[Drop, None] = {}
    for step, graph in moves.steps:
        found |= dict.fromkeys(drops(_script_text(moves, step, graph), step.action.value))
    return tuple(found)


def told(loss: Loss) -> str:
    """GM020 in words."""
    drop = loss.drop
    rows = f"about {loss.rows:,} rows" if loss.rows is not None else "rows"
    if drop.table is None:
        return f"GM020: this drops something that may hold {rows}"
    table = f"{drop.schema}.{drop.table}" if drop.schema else drop.table
    if drop.column is None:
        return f"GM020: the table {table} is dropped, and holds {rows}"
    return f"GM020: the column {table}.{drop.column} is dropped, and holds values in {rows}"
