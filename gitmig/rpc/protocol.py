"""What the command line and the worker say to each other: values, and their JSON.

See ``worker/main.py`` for the other end. Nothing here starts a process or runs anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gitmig.core.parked import ParkedRows, ParkOrder
from gitmig.core.plan import Step
from gitmig.core.revisions.scripts import Script
from gitmig.core.schema.facets import FacetChange, FacetKey, Schema
from gitmig.wire.codec import built, plain
from gitmig.wire.opening import Opening
from gitmig.wire.sql import Drop
from gitmig.wire.values import Action, DatabaseState, LedgerRow, LedgerState, Operation, RevisionId

Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """What the worker is opened with, and how it is spoken to."""

    top: Path
    directory: Path
    """The folder of the Alembic configuration: where it runs."""
    opening: Opening | None = None
    """None for a worker that none of the project's code is run in."""
    verbose: bool = False
    limit: float = 60.0
    """Seconds that the import of the models may take."""
    lock: str | None = None
    """``none`` where no lock is to be taken on the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaAnswer:
    """What the worker says about the models of its tree."""

    schema: Schema
    files: tuple[str, ...]
    """Repository files that the import read, relative to the top."""
    lookups: Mapping[str, str]
    listings: Mapping[str, str]
    asked: tuple[str, ...]
    """Paths that the project's code may have asked for, there or not, relative to the top."""
    complete: bool
    """Whether that is all: what a process reads that the project's code has started is not seen."""
    sources: Mapping[str, str]
    """Table to the file whose code defined it."""
    versions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """What the worker found under the lock, before anything moved."""

    heads: tuple[RevisionId, ...]
    database: str
    transactional: bool
    per_migration: bool
    versioned: bool = True
    """Whether Alembic's version table is there."""
    models_tables: int = 0
    """How many of the models' tables are there."""
    provisional: bool = False
    """Whether this is an empty stand-in for a file that is not there: the plan is asked for again."""
    ledger: tuple[LedgerRow, ...] | None = None
    """The last row of each revision, oldest first; None if the database has no ledger."""
    environment: str = ""
    """What the ledger calls this section and version table."""
    recorded: int | None = None
    """How many rows the ledger has of the operation that was asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptTree:
    """A tree that scripts run in. All but ``root`` is relative to it."""

    root: Path
    """The folder that it is laid out in."""
    folder: str
    """The folder of the Alembic configuration: the current directory."""
    paths: tuple[str, ...]
    """The folders that its modules are imported from."""
    script_location: str
    versions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationRequest:
    """What the worker is to do: steps, each with the index of the graph its script comes from."""

    graphs: tuple[tuple[Script, ...], ...]
    roots: tuple[Path, ...]
    """For each graph the folder that its scripts' paths are relative to."""
    steps: tuple[tuple[Step, int], ...]
    expect: tuple[RevisionId, ...]
    losses: tuple[AnnouncedDrop, ...] = ()
    """What the steps drop: the worker looks whether it holds rows, before anything moves."""
    operation: Operation | None = None
    """What the ledger is to say of the steps; without it no rows are written."""
    worlds: tuple[ScriptTree | None, ...] = ()
    """For each step the tree that its script runs in; None, or no entry: the files on disk."""
    parking: ParkOrder | None = None
    """What becomes of the rows that a downgrade drops; None: nothing is parked or put back."""
    difference: tuple[FacetChange, ...] = ()
    """What the database has to have before it commits: looked up, where no scratch database proves it."""
    step_log: Path | None = None
    """Where the statements of a step are logged, if the database keeps each of them; None: nowhere."""
    resume: bool = False
    """Whether the step that the log tells of is to be finished. There are no others then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRequest:
    """A revision to draft: ``changes`` is None for all that the database has otherwise."""

    revision: RevisionId
    message: str
    head: tuple[RevisionId, ...]
    changes: tuple[FacetChange, ...] | None
    renames: tuple[tuple[str, str, str], ...] = ()
    fills: tuple[tuple[str, str, str], ...] = ()
    empty: bool = False
    keep_id: bool = False
    """Whether no hook of the project's may give it another id."""
    wait: float = 0
    ddl_lock_timeout: float | None = None

    def json(self) -> Json:
        """As the worker takes it."""
        rows = None
        if self.changes is not None:
            rows = [
                [each.key.kind, each.key.table, each.key.name, each.before, each.after]
                for each in self.changes
            ]
        return {**plain(self), "changes": rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncedDrop:
    """Something that a step drops."""

    drop: Drop
    down: bool
    """Whether a downgrade drops it, so that the upgrade would bring it back."""
    known: bool = False
    """Whether its rows were lost already, in an attempt that was taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncedLoss:
    """Something that holds rows and is about to be dropped; ``rows`` is an estimate, or None."""

    drop: Drop
    rows: int | None
    down: bool = False
    parked: bool = False
    """Whether the rows are parked first."""
    why: str | None = None
    """Why they cannot be, if that is a matter of the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A drafted revision: not written anywhere yet."""

    filename: str
    text: str
    uncovered: tuple[FacetKey, ...]
    drops: tuple[str, ...]
    rename_candidates: tuple[tuple[str, str, str], ...]
    """Table or type, old name, new name."""
    empty: bool
    unfilled: tuple[str, ...] = ()
    """Columns that may not be NULL and have no value for the rows that are there."""
    warnings: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()
    """Extensions of autogenerate that need a database, and were not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationReply:
    """How a migration ended."""

    heads: tuple[RevisionId, ...]
    committed: bool
    database: str
    parked: tuple[ParkedRows, ...] = ()
    back: tuple[ParkedRows, ...] = ()
    unparked: tuple[str, ...] = ()
    """What is gone and could not be parked, in words."""
    unread: str | None = None
    """Why nothing was put back, whatever is parked."""


def database_facts(ask: Json) -> DatabaseFacts:
    """What the worker says of the database when it asks for a plan."""
    return built(DatabaseFacts, {**ask, "ledger": _named(ask["ledger"], ask["database"])})


def request_json(moves: MigrationRequest, there: Callable[[Path], str] = str) -> Json:
    """What is to be done, as the answer to ``plan``; ``there`` says where the worker finds a place."""
    worlds = list(dict.fromkeys(world for world in moves.worlds if world is not None))
    numbers = [None if world is None else worlds.index(world) for world in moves.worlds]
    numbers += [None] * (len(moves.steps) - len(numbers))
    return {
        "graphs": [
            [_script(script, there(root / script.path)) for script in graph]
            for graph, root in zip(moves.graphs, moves.roots, strict=True)
        ],
        "worlds": [plain(world) | {"root": there(world.root)} for world in worlds],
        "steps": [
            {
                "action": step.action.value,
                "revision": step.revision,
                "graph": graph,
                "world": number,
                "idle": step.idle,
            }
            for number, (step, graph) in zip(numbers, moves.steps, strict=True)
            if step.action in (Action.UPGRADE, Action.DOWNGRADE)
        ],
        "expect": list(moves.expect),
        "losses": [
            {**plain(dropped.drop), "down": dropped.down, "known": dropped.known} for dropped in moves.losses
        ],
        "difference": [_row(change) for change in moves.difference],
        "operation": plain(moves.operation),
        "parking": None if moves.parking is None else _order(moves),
        "step_log": None if moves.step_log is None else there(moves.step_log),
        "resume": moves.resume,
    }


def _row(change: FacetChange) -> list[str | None]:
    return [change.key.kind, change.key.table, change.key.name, change.before, change.after]


def _order(moves: MigrationRequest) -> Json:
    assert moves.parking is not None
    operation = None if moves.operation is None else moves.operation.id
    return {**plain(moves.parking), "operation": operation}


def _script(script: Script, place: str) -> Json:
    return {
        "revision": script.revision,
        "down_revisions": list(script.down_revisions),
        "depends_on": list(script.depends_on),
        "branch_labels": list(script.branch_labels),
        "path": place,
    }


def _named(rows: object, database: object) -> object:
    """The rows of a ledger, each with the name of its database, which the worker says once."""
    return rows if not isinstance(rows, list) else [{"database": database, **row} for row in rows]


def database_state(answer: Json) -> DatabaseState:
    """Where the worker found the database."""
    first, *others = map(_state, built(tuple[Json, ...], answer["databases"]))
    return replace(first, others=tuple(others))


def _state(found: Json) -> DatabaseState:
    name = found["database"]
    return built(DatabaseState, {**found, "name": name, "ledger": _named(found["ledger"], name)})


def ledger_states(answer: Json) -> tuple[LedgerState, ...]:
    """What the worker found in each database that env.py names."""
    found = built(tuple[Json, ...], answer["databases"])
    return tuple(
        built(LedgerState, {**row, "rows": _named(row["rows"], row["database"]) or []}) for row in found
    )


def losses_found(value: object) -> tuple[AnnouncedLoss, ...]:
    """The dropped tables and columns that contain rows."""
    return tuple(built(AnnouncedLoss, {**row, "drop": row}) for row in built(tuple[Json, ...], value))


def an_object(value: object) -> Json:
    """A JSON value that has to be an object."""
    assert isinstance(value, dict), value
    return value


def a_text(value: object) -> str:
    """A JSON value that has to be a string."""
    assert isinstance(value, str), value
    return value


def lists_of_texts(value: object) -> list[list[str]]:
    """A JSON value that has to be a list of lists of strings."""
    assert isinstance(value, list), value
    return value
