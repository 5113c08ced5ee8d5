"""What was recorded of a database, beside what it holds now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitmig.applied.work_trees import RecordedStep, recorded_moves
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import Header
from gitmig.core.revisions.programs import program_digest
from gitmig.core.revisions.scripts import Script, read_script_bytes
from gitmig.project.project import Project
from gitmig.wire.values import Action, DatabaseState, LedgerRow, RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """A script that is another program than the one that was applied."""

    script: Script
    why: str | None
    """In what the database differs for it: another place, or another schema by what the two record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The last row of each revision, oldest first; there is at least one."""

    ledger: bool
    """Whether they are the database's own; else they are what this clone recorded."""
    rows: tuple[LedgerRow, ...]
    gap: bool
    """Whether something else has moved the database since the very last row."""
    moved: RecordedStep | None = None
    """The step of another work tree of this clone that left the database where it is."""

    @property
    def heads(self) -> tuple[RevisionId, ...] | None:
        """Where the last row left the database."""
        return self.rows[-1].heads


def recorded(project: Project, database: DatabaseState) -> Recorded | None:
    """What the database's ledger says, else the local record; None if neither says anything."""
    moves: tuple[RecordedStep, ...] = ()
    if project.repository is not None:
        moves = recorded_moves(project.repository, project.notes_folder, database.name, database.environment)
    rows = database.ledger or _last([moved.row for moved in moves])
    if not rows:
        return None
    last, left = rows[-1], rows[-1].heads
    gap = left is not None and set(left) != set(database.heads)
    elsewhere = bool(moves) and not moves[-1].here and moves[-1].row.operation == last.operation
    return Recorded(
        ledger=bool(database.ledger),
        rows=rows,
        gap=gap,
        moved=moves[-1] if elsewhere and not gap else None,
    )


def edited_scripts(
    project: Project, graph: Graph, database: DatabaseState, record: Recorded | None
) -> tuple[Edited, ...]:
    """The applied revisions whose script is another program than the one that was run, oldest first."""
    if record is None:
        return ()
    applied = graph.applied([head for head in database.heads if head in graph.scripts])
    last = {row.revision: row for row in record.rows}
    return tuple(
        Edited(
            script=graph.scripts[revision],
            why=_difference(project, graph.scripts[revision], last[revision]),
        )
        for revision in graph.topological()
        if revision in applied
        and revision in last
        and _is_edited(project, graph.scripts[revision], last[revision])
    )


def _last(rows: Sequence[LedgerRow]) -> tuple[LedgerRow, ...]:
    last: dict[RevisionId, LedgerRow] = {}
    for row in rows:
        last.pop(row.revision, None)
        last[row.revision] = row
    return tuple(last.values())


def _is_edited(project: Project, script: Script, row: LedgerRow) -> bool:
    if script.outside or row.direction is not Action.UPGRADE or row.program is None:
        return False
    if script.squashes and _applied_script(project, script, row) not in (None, script.squashes):
        return False  # it was applied as the last of those that it squashes
    tree = project.work_tree
    if tree.ids(script.path).get(script.path) == row.script:
        return False
    return program_digest(tree.read(script.path) or b"") != row.program


def _applied_script(project: Project, script: Script, row: LedgerRow) -> tuple[RevisionId, ...] | None:
    """What the script that was applied squashes; None if it is not known."""
    data = project.git.objects.read(row.script) if project.repository is not None and row.script else None
    applied = read_script_bytes(script.path, data) if data is not None else None
    return applied.squashes if isinstance(applied, Script) else None


def _difference(project: Project, script: Script, row: LedgerRow) -> str | None:
    """Why `sync` would undo and redo it: the script has other parents or another schema now."""
    data = project.git.objects.read(row.script) if project.repository is not None and row.script else None
    applied = read_script_bytes(script.path, data) if data is not None else None
    if not isinstance(applied, Script):
        return None
    if set(applied.down_revisions) != set(script.down_revisions):
        return f"on top of {', '.join(applied.down_revisions) or 'nothing'}"
    then, now = applied.header, script.header
    if None in (then.schema, now.schema) or then.schema == now.schema:
        return None
    return "which makes another schema" if _comparable(then, now) else None


def _comparable(one: Header, other: Header) -> bool:
    return (one.dialect, one.sqlalchemy) == (other.dialect, other.sqlalchemy)
