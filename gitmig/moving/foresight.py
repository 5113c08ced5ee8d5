"""What a plan can lose and where it can stop half-way, read from its scripts before anything moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gitmig.core.parked import told_rows
from gitmig.core.plan import Step
from gitmig.core.revisions.drops import drops
from gitmig.core.revisions.programs import same_upgrade, splits
from gitmig.rpc.protocol import AnnouncedDrop, AnnouncedLoss, DatabaseFacts, MigrationReply, MigrationRequest
from gitmig.wire.sql import Drop
from gitmig.wire.values import Action, RevisionId


def stops(moves: MigrationRequest, facts: DatabaseFacts) -> tuple[str, ...]:
    """Where the plan can stop half-way, said beforehand."""
    count = len(moves.steps)
    if not facts.transactional and count:
        return (
            f"{count} commits or more: this database cannot take DDL back, so a failure may stop half-way",
        )
    if facts.per_migration and count > 1:
        return (
            f"{count} commits: env.py asks for one transaction per migration, and a failure may stop between",
        )
    splitting = [step.revision for step, text in _scripts(moves) if splits(text, step.action.value)]
    return tuple(
        f"{revision} uses autocommit_block(): what comes before it is committed there"
        for revision in splitting
    )


def _scripts(moves: MigrationRequest) -> Iterator[tuple[Step, str]]:
    """Each step with the text of its script."""
    paths = [{script.revision: script.path for script in graph} for graph in moves.graphs]
    for step, graph in moves.steps:
        assert step.revision is not None
        yield step, _text(moves.roots[graph] / paths[graph][step.revision])


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""  # the worker says what is wrong with it


def drops_of(moves: MigrationRequest, database: str) -> tuple[AnnouncedDrop, ...]:
    """What the steps drop, by the text of their scripts, in a ``database`` of this name."""
    found: dict[tuple[Drop, bool], None] = {}
    for step, text in _scripts(moves):
        if step.idle:
            continue
        down = step.action is Action.DOWNGRADE
        for drop in drops(text, step.action.value, database):
            found[drop, down] = None
    # Dropped in both directions, something is not parked in one of them.
    return tuple(
        AnnouncedDrop(drop=drop, down=down and (drop, False) not in found)
        for drop, down in found
        if not down or (drop, False) not in found
    )


def rows_of(moves: MigrationRequest) -> dict[str, tuple[str, ...]]:
    """The revisions whose parked rows an upgrade brings back, where these are not its own alone.

    A squash and a backport name whom they stand for. A revision with another number is known by what it does.
    """
    ups = {step.revision for step, _ in moves.steps if step.action is Action.UPGRADE and step.revision}
    found: dict[RevisionId, set[RevisionId]] = {}
    for script in (script for graph in moves.graphs for script in graph):
        same = {script.revision, *script.squashes, *((script.backport_of,) if script.backport_of else ())}
        for revision in ups & same if len(same) > 1 else ():
            found.setdefault(revision, set()).update(
                same if revision == script.revision else {script.revision, revision}
            )
    for revision, old in _renumbered(moves):
        found.setdefault(revision, set()).add(old)
        found.setdefault(old, set())
    claimed = {old for revision, olds in found.items() for old in olds - {revision}}
    return {revision: tuple(sorted(olds | ({revision} - claimed))) for revision, olds in found.items()}


def _renumbered(moves: MigrationRequest) -> Iterator[tuple[RevisionId, RevisionId]]:
    """The numbers that upgrades have now, with those that the same upgrades had when they were undone."""
    if not any(step.revision and step.revision.isdigit() for step, _ in moves.steps):
        return
    numbered = [(step, text) for step, text in _scripts(moves) if step.revision and step.revision.isdigit()]
    texts = {step.revision: text for step, text in numbered if step.action is Action.UPGRADE}
    for step, old in numbered:
        if step.action is not Action.DOWNGRADE or same_upgrade(old, texts.get(step.revision, "")):
            continue
        for revision, text in texts.items():
            if revision is not None and step.revision is not None and same_upgrade(old, text):
                yield revision, step.revision


def describe_loss(loss: AnnouncedLoss, why: str | None = None) -> str:
    """GM020 in words; ``why`` nothing is parked from this database."""
    return f"GM020: {_dropped(loss)}{_kept(loss, why)}"


def _kept(loss: AnnouncedLoss, why: str | None) -> str:
    """What becomes of the rows of a downgrade."""
    if loss.parked:
        return "; parked until the revision is applied again"
    why = loss.why or (why if loss.down else None)
    return f"; they cannot be parked: {why}" if why is not None else ""


def rows_left(moved: MigrationReply) -> tuple[str, ...]:
    """What a move dropped without parking it, and what it could not put back."""
    lost = tuple(f"not parked, and gone: {name}" for name in moved.unparked)
    if moved.unread is not None:
        lost = (*lost, f"nothing was put back: {moved.unread}")
    return lost + tuple(
        f"{told_rows(each.left)} of {each.name} stay{'s' if each.left == 1 else ''} parked: {each.why} "
        f"(gitmig park show {each.id})"
        for each in moved.back
        if each.left
    )


def _dropped(loss: AnnouncedLoss) -> str:
    drop = loss.drop
    rows = f"about {loss.rows:,} rows" if loss.rows is not None else "rows"
    if drop.table is None:
        return f"this drops something that may hold {rows}"
    table = f"{drop.schema}.{drop.table}" if drop.schema else drop.table
    if drop.emptied:
        return f"the table {table} holds {rows}, and some or all of them are deleted"
    if drop.column is None:
        return f"the table {table} is dropped, and holds {rows}"
    return f"the column {table}.{drop.column} is dropped, and holds values in {rows}"
