"""The command line's end of the worker: starts it, answers what it asks, translates its errors.

See ``worker/main.py`` for the other end. Everything that runs the project's code happens there.
"""

from __future__ import annotations

import base64
import contextlib
import json
import posixpath
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from gitmig import prestart
from gitmig.errors import (
    Blocked,
    DatabaseUnreachable,
    GitmigError,
    LockTimeout,
    MigrationFailed,
    NoAlembic,
    NoInterpreter,
    ProjectCodeError,
    SettingsError,
    Unproven,
    WorkerCrashed,
    WrongDatabase,
)
from gitmig.losses import Drop
from gitmig.model import (
    Action,
    DatabaseState,
    FacetChange,
    FacetKey,
    LedgerRow,
    LedgerState,
    Operation,
    RevisionId,
    Schema,
    Script,
    Step,
)
from gitmig.passwords import without_passwords
from gitmig.record import row_of

if TYPE_CHECKING:
    from gitmig.git.trees import Tree
    from gitmig.interpreter import Interpreter

Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """What the worker is opened with; paths ``ini`` and ``toml`` are relative to ``top``."""

    top: Path
    directory: Path
    ini: str | None = None
    toml: str | None = None
    section: str = "alembic"
    x: tuple[str, ...] = ()
    url_env: str | None = None
    metadata: str | None = None
    dialect: str | None = None
    exclude: tuple[str, ...] = ()
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
    checkout_files: tuple[str, ...]
    """Files that were read from the checkout, although the code came from a tree."""
    untracked: tuple[str, ...]
    sources: Mapping[str, str]
    """Table to the file whose code defined it."""
    versions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
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
    """The last row of each revision, oldest first; None where the database has no ledger."""
    environment: str = ""
    """What the ledger calls this section and version table."""
    recorded: int | None = None
    """How many rows the ledger has of the operation that was asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What the worker is to do: steps, each with the index of the graph its script comes from."""

    graphs: tuple[tuple[Script, ...], ...]
    roots: tuple[Path, ...]
    """For each graph the folder that its scripts' paths are relative to."""
    steps: tuple[tuple[Step, int], ...]
    expect: tuple[RevisionId, ...]
    losses: tuple[Drop, ...] = ()
    """What the steps drop: the worker looks whether it holds rows, before anything moves."""
    operation: Operation | None = None
    """What the ledger is to say of the steps; without it no rows are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Something that holds rows and is about to be dropped; ``rows`` is an estimate, or None."""

    drop: Drop
    rows: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A drafted revision: not written anywhere yet."""

    filename: str
    text: str
    uncovered: tuple[FacetKey, ...]
    drops: tuple[str, ...]
    rename_candidates: tuple[tuple[str, str, str], ...]
    empty: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """How a migration ended."""

    heads: tuple[RevisionId, ...]
    committed: bool
    database: str


@dataclass(slots=True)
class Worker:
    """One child process with one version of the project's code."""

    options: WorkerOptions
    tree: Tree | None
    process: subprocess.Popen[bytes]
    log: Path
    ignored: Callable[[str], bool] = field(default=lambda path: False)
    _open: bool = False
    _released: bool = False
    _doing: str = "the models were not imported"
    """What a time limit would have kept from being done."""

    @classmethod
    def start(
        cls,
        interpreter: Interpreter,
        options: WorkerOptions,
        *,
        tree: Tree | None = None,
        ignored: Callable[[str], bool] = lambda path: False,
    ) -> Worker:
        """Start the process; its imports run while the caller goes on.

        ``tree`` is the tree to import from, None for the files on disk. Raises NoInterpreter when
        the command does not start.
        """
        try:
            started = prestart.start(interpreter.command, options.directory, verbose=options.verbose)
        except OSError as error:
            raise NoInterpreter(
                f"{interpreter.command[0]} does not start: {error.strerror}",
                hint="git config gitmig.python PATH_OF_PYTHON",
            ) from None
        return cls(options=options, tree=tree, process=started.process, log=started.log, ignored=ignored)

    def schema(self) -> SchemaAnswer:
        """The schema of the models of this worker's tree, and what it depended on."""
        answer = self._request("schema", {"limit": self.options.limit})
        manifest = _object(answer["manifest"])
        return SchemaAnswer(
            schema=Schema(
                dialect=_text(answer["dialect"]),
                sqlalchemy=_text(answer["sqlalchemy"]),
                facets={
                    FacetKey(kind, table, name): ddl for kind, table, name, ddl in _rows(answer["facets"])
                },
            ),
            files=_texts(manifest["files"]),
            lookups=_mapping(manifest["lookups"]),
            listings=_mapping(manifest["listings"]),
            checkout_files=_texts(manifest["checkout_files"]),
            untracked=_texts(answer["untracked"]),
            sources=_mapping(answer["sources"]),
            versions=_texts(answer["versions"]),
        )

    def heads(self) -> DatabaseState:
        """Where the configured database stands; changes nothing, creates nothing."""
        answer = self._request("heads")
        database = _text(answer["database"])
        return DatabaseState(
            name=database,
            heads=_revisions(answer["heads"]),
            exists=bool(answer["exists"]),
            versioned=bool(answer["versioned"]),
            tables=int(cast(int, answer["tables"])),
            models_tables=int(cast(int, answer["models_tables"])),
            environment=_text(answer["environment"]),
            ledger=_ledger(answer["ledger"], database),
        )

    def ledger(self, limit: int | None = None) -> tuple[LedgerState, ...]:
        """The ledger of each database of this environment, with at most ``limit`` rows; changes nothing."""
        return _ledgers(self._request("ledger", {"limit": limit}))

    def enable_ledger(self, wait: float) -> tuple[LedgerState, ...]:
        """Make the table where it is missing, under the database's lock. Raises as :meth:`migrate` does."""
        return _ledgers(self._request("ledger", {"enable": True, "wait": wait}))

    def present(self, places: Sequence[tuple[str, str]]) -> tuple[bool, ...]:
        """Whether tables (``schema.table``, and no column) and columns are in the database."""
        answer = self._request("present", {"places": [list(place) for place in places]})
        return tuple(map(bool, cast("list[object]", answer["there"])))

    def migrate(
        self,
        plan: Callable[[Ground], Moves | None],
        confirm: Callable[[], bool],
        *,
        wait: float,
        ddl_lock_timeout: float | None = None,
        losses: Callable[[tuple[Loss, ...]], bool] = lambda found: True,
        note: Callable[[Json], None] = lambda note: None,
        operation: str | None = None,
    ) -> Moved:
        """Take the lock, ask ``plan`` what to do from here, prepare it, and commit when ``confirm`` says so.

        ``plan`` returns None to let go of everything, and may be asked twice (see ``provisional``); where
        its moves drop what holds rows, ``losses`` is asked whether to go on. A statement waits for other
        sessions for ``ddl_lock_timeout`` seconds, None being the database's default. ``operation`` is one
        whose rows the ground is to count (``recorded``). What ``plan`` or ``confirm`` raises is raised here
        after the worker rolled back. Raises MigrationFailed, Blocked, LockTimeout, DatabaseUnreachable,
        WrongDatabase, ProjectCodeError.
        """
        data: Json = {
            "wait": wait,
            "ddl_lock_timeout": ddl_lock_timeout,
            "lock": self.options.lock,
            "operation": operation,
        }
        answer = self._request("migrate", data, self._deciders(plan, confirm, losses), note=note)
        return Moved(
            heads=_revisions(answer["heads"]),
            committed=bool(answer["committed"]),
            database=_text(answer["database"]),
        )

    def draft(
        self,
        plan: Callable[[Ground], Moves | None],
        *,
        revision: RevisionId,
        message: str,
        head: Sequence[RevisionId],
        changes: Iterable[FacetChange] | None,
        renames: Iterable[tuple[str, str, str]] = (),
        empty: bool = False,
        wait: float,
        ddl_lock_timeout: float | None = None,
        note: Callable[[Json], None] = lambda note: None,
    ) -> Draft:
        """Draft a revision inside a transaction that is rolled back; ``changes`` None keeps everything."""
        rows = None
        if changes is not None:
            rows = [[c.key.kind, c.key.table, c.key.name, c.before, c.after] for c in changes]
        data: Json = {
            "revision": revision,
            "message": message,
            "head": list(head),
            "changes": rows,
            "renames": [list(rename) for rename in renames],
            "empty": empty,
            "wait": wait,
            "ddl_lock_timeout": ddl_lock_timeout,
            "lock": self.options.lock,
        }
        answer = self._request("draft", data, self._deciders(plan, lambda: False), note=note)
        return Draft(
            filename=_text(answer["filename"]),
            text=_text(answer["text"]),
            uncovered=tuple(FacetKey(*row) for row in _rows(answer["uncovered"])),
            drops=_texts(answer["drops"]),
            rename_candidates=tuple(
                (table, old, new) for table, old, new in _rows(answer["rename_candidates"])
            ),
            empty=bool(answer["empty"]),
        )

    def prove(self, part: str, url: str, **data: object) -> Json:
        """One part of a proof in the scratch database ``url``, see ``worker/prove.py``. Raises Unproven."""
        self._doing = f"the {part} of a proof did not end"
        return self._request("prove", {"part": part, "url": url, "limit": self.options.limit, **data})

    def format(self, path: Path) -> None:
        """Run the project's post-write hooks on a revision file."""
        self._request("format", {"path": str(path)})

    def initialise(self, **data: object) -> None:
        """Make an Alembic environment; see ``worker/initialise.py``."""
        self._request("initialise", dict(data))

    def close(self) -> None:
        """End the process. What was prepared and not committed is rolled back."""
        with contextlib.suppress(OSError):
            if self.process.stdin is not None:
                self.process.stdin.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.log.unlink(missing_ok=True)

    def __enter__(self) -> Worker:
        """The worker itself, closed at the end of the block."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close it."""
        self.close()

    def _deciders(
        self,
        plan: Callable[[Ground], Moves | None],
        confirm: Callable[[], bool],
        losses: Callable[[tuple[Loss, ...]], bool] = lambda found: True,
    ) -> dict[str, Callable[[Json], Json]]:
        def answer_plan(ask: Json) -> Json:
            moves = plan(
                Ground(
                    heads=_revisions(ask["heads"]),
                    database=_text(ask["database"]),
                    transactional=bool(ask["transactional"]),
                    per_migration=bool(ask["per_migration"]),
                    versioned=bool(ask["versioned"]),
                    models_tables=int(cast(int, ask["models_tables"])),
                    provisional=bool(ask["provisional"]),
                    ledger=_ledger(ask["ledger"], _text(ask["database"])),
                    environment=_text(ask["environment"]),
                    recorded=cast("int | None", ask["recorded"]),
                )
            )
            return {"release": True} if moves is None else _moves(moves)

        return {
            "plan": answer_plan,
            "losses": lambda ask: {"go": losses(_losses(ask["found"]))},
            "commit": lambda ask: {"commit": confirm()},
        }

    def _request(
        self,
        do: str,
        data: Json | None = None,
        answers: Mapping[str, Callable[[Json], Json]] = MappingProxyType({}),
        *,
        note: Callable[[Json], None] = lambda note: None,
    ) -> Json:
        if not self._open and do != "initialise":
            self._open = True
            self._request("open", self._opening())
        self._send({"do": do, **(data or {})})
        failure: BaseException | None = None
        while True:
            message = self._receive()
            if "note" in message:
                note(message)
            elif "ask" in message:
                try:
                    if failure is not None:
                        raise failure
                    self._send(self._answer(message, answers))
                except GitmigError as error:
                    failure = error
                    self._send({"release": True, "commit": False, "go": False})
            elif failure is not None:
                raise failure
            elif "error" in message:
                raise self._translated(_object(message["error"]))
            else:
                return _object(message["ok"])

    def _opening(self) -> Json:
        options = self.options
        return {
            "top": str(options.top),
            "directory": str(options.directory),
            "ini": options.ini,
            "toml": options.toml,
            "section": options.section,
            "x": list(options.x),
            "url_env": options.url_env,
            "tree": self.tree is not None,
            "metadata": options.metadata,
            "dialect": options.dialect,
            "exclude": list(options.exclude),
        }

    def _answer(self, ask: Json, answers: Mapping[str, Callable[[Json], Json]]) -> Json:
        name = _text(ask["ask"])
        if name in answers:
            return answers[name](ask)
        if name == "folder" and self.tree is not None:
            return _folder(self.tree, _text(ask["path"]))
        if name == "ignored":
            return {"ignored": self.ignored(_text(ask["path"]))}
        raise WorkerCrashed(f"the worker asked for {name!r}, which nothing answers")

    def _send(self, message: Json) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise self._crashed() from None

    def _receive(self) -> Json:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            raise self._crashed()
        return _object(json.loads(line))

    def _crashed(self) -> GitmigError:
        code = self.process.wait()
        # What the project's code printed, which may be anything.
        said = "" if self.options.verbose else self.log.read_text(errors="replace")
        tail = without_passwords(said).strip()
        _, stopped, stack = tail.rpartition("Timeout (")
        if stopped:
            return ProjectCodeError(
                f"{self._doing} within {self.options.limit:g} s",
                hint="git config gitmig.importLimit SECONDS, if it has to take that long",
                detail=_where(stack.splitlines()),
            )
        return WorkerCrashed(
            f"the project's interpreter ended with exit code {code}",
            hint="git config gitmig.python PATH_OF_PYTHON",
            detail="\n".join(tail.splitlines()[-15:]) or None,
        )

    def _translated(self, error: Json) -> GitmigError:
        message = _text(error["message"])
        detail = cast("str | None", error.get("detail"))
        match error["kind"]:
            case "project-code":
                return ProjectCodeError(message, hint="correct it, then run the command again", detail=detail)
            case "database":
                return DatabaseUnreachable(
                    message, hint="start the database, or correct its URL", detail=detail
                )
            case "wrong-database":
                return WrongDatabase(message, hint="make env.py use the URL it is given", detail=detail)
            case "migration" | "blocked":
                return _failed(error, message, detail)
            case "lock":
                hint = "wait for it, or give it longer with --wait SECONDS"
                if error.get("lost"):
                    hint = "connect without the proxy, or do without the lock: git config gitmig.lock none"
                return LockTimeout(message, hint=hint, detail=detail)
            case "no-metadata":
                return SettingsError(
                    message, hint='set metadata = "app.models:Base.metadata" in [tool.gitmig]', detail=detail
                )
            case "no-configuration":
                return NoAlembic(message, hint="gitmig init", detail=detail)
            case "version":
                return NoInterpreter(message, hint="git config gitmig.python PATH_OF_PYTHON", detail=detail)
            case "unproven":
                return Unproven(message, detail=detail)
            case "alembic":
                return GitmigError(message, detail=detail)
            case _:
                return WorkerCrashed(message, hint="run it again with --debug, and report it", detail=detail)


_NEW_ENUM_VALUE = "55P04"


def _failed(error: Json, message: str, detail: str | None) -> MigrationFailed:
    kind, hint = MigrationFailed, "correct the revision, then run the command again"
    if error["kind"] == "blocked":
        kind, hint = Blocked, "wait for that session or end it, or wait longer: --ddl-lock-timeout SECONDS"
    elif error.get("sqlstate") == _NEW_ENUM_VALUE and error.get("previous"):
        hint = f"commit the value first: gitmig upgrade {error['previous']}, then run the command again"
    elif error.get("sqlstate") == _NEW_ENUM_VALUE:
        hint = "commit the value first: add it in op.get_context().autocommit_block()"
    elif error.get("hint"):
        hint = _text(error["hint"])
    failed = kind(message, hint=hint, detail=detail)
    failed.committed = int(cast("int | None", error.get("committed")) or 0)
    failed.partial = cast("str | None", error.get("partial"))
    return failed


def _moves(moves: Moves) -> Json:
    return {
        "graphs": [
            [_script(script, root) for script in graph]
            for graph, root in zip(moves.graphs, moves.roots, strict=True)
        ],
        "steps": [
            {"action": step.action.value, "revision": step.revision, "graph": graph}
            for step, graph in moves.steps
            if step.action in (Action.UPGRADE, Action.DOWNGRADE)
        ],
        "expect": list(moves.expect),
        "losses": [
            {"table": drop.table, "column": drop.column, "schema": drop.schema} for drop in moves.losses
        ],
        "operation": None if moves.operation is None else asdict(moves.operation),
    }


def _ledger(value: object, database: str) -> tuple[LedgerRow, ...] | None:
    if value is None:
        return None
    assert isinstance(value, list), value
    return tuple(row_of(row, database) for row in value)


def _ledgers(answer: Json) -> tuple[LedgerState, ...]:
    found = answer["databases"]
    assert isinstance(found, list), found
    return tuple(
        LedgerState(
            database=row["database"],
            dialect=row["dialect"],
            table=row["table"],
            environment=row["environment"],
            enabled=row["enabled"],
            rows=_ledger(row["rows"], row["database"]) or (),
        )
        for row in found
    )


def _losses(value: object) -> tuple[Loss, ...]:
    assert isinstance(value, list), value
    return tuple(
        Loss(drop=Drop(table=row["table"], column=row["column"], schema=row["schema"]), rows=row["rows"])
        for row in value
    )


def _script(script: Script, root: Path) -> Json:
    return {
        "revision": script.revision,
        "down_revisions": list(script.down_revisions),
        "depends_on": list(script.depends_on),
        "branch_labels": list(script.branch_labels),
        "path": str(root / script.path),
    }


_LARGE = 1 << 20
"""Bytes of a file at the top level that is still sent to the worker, if it is no code."""


def _folder(tree: Tree, path: str) -> Json:
    if path and not tree.exists(path):
        return {"absent": True}
    names, folders = tree.listing(path)
    contents = tree.read_all([posixpath.join(path, name) for name in names])
    # The top level may hold what no import reads, and large.
    files = {
        posixpath.basename(name): base64.b64encode(data).decode()
        for name, data in contents.items()
        if path or name.endswith(".py") or len(data) <= _LARGE
    }
    data: dict[str, str] = {}
    for folder in folders if path else ():
        place = posixpath.join(path, folder)
        # The link itself, where it is one: what it leads to is a folder like any other.
        inside = [name for name in tree.ids(place) if name != place]
        # A subfolder with code is asked for when it is imported; one without is only ever data.
        if not any(name.endswith(".py") for name in inside):
            data |= {posixpath.relpath(name, path): _encoded(tree, name) for name in inside}
    return {"files": files, "folders": list(folders), "data": data}


def _encoded(tree: Tree, path: str) -> str:
    return base64.b64encode(tree.read(path) or b"").decode()


def _object(value: object) -> Json:
    assert isinstance(value, dict), value
    return value


def _text(value: object) -> str:
    assert isinstance(value, str), value
    return value


def _texts(value: object) -> tuple[str, ...]:
    assert isinstance(value, list), value
    return tuple(_text(item) for item in value)


def _revisions(value: object) -> tuple[RevisionId, ...]:
    return tuple(RevisionId(item) for item in _texts(value))


def _rows(value: object) -> list[list[str]]:
    assert isinstance(value, list), value
    return value


def _mapping(value: object) -> Mapping[str, str]:
    assert isinstance(value, dict), value
    return value


def _where(stack: Sequence[str]) -> str | None:
    """The user's frames of a stack that faulthandler wrote, innermost last."""
    frames = [line.strip() for line in stack if line.lstrip().startswith("File ")]
    others = (f'File "{Path(__file__).parent}', 'File "<', "site-packages", sys.prefix, sys.base_prefix)
    return "\n".join(line for line in reversed(frames) if not any(other in line for other in others)) or None
