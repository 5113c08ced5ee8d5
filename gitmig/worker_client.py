"""The command line's end of the worker: starts it, answers what it asks, translates its errors.

See ``worker/main.py`` for the other end. Everything that runs the project's code happens there.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from gitmig import prestart, twin
from gitmig.errors import (
    GitmigError,
    NoInterpreter,
    ProjectCodeError,
    WorkerCrashed,
)
from gitmig.messages import (
    Draft,
    Ground,
    Json,
    Loss,
    Moved,
    Moves,
    SchemaAnswer,
    WorkerOptions,
    a_text,
    an_object,
    folder_told,
    ground_of,
    ledger_rows,
    ledger_states,
    lists_of_texts,
    losses_found,
    mapping,
    moved_of,
    moves_told,
    parked_rows,
    revisions,
    texts,
)
from gitmig.model import (
    DatabaseState,
    FacetChange,
    FacetKey,
    LedgerState,
    RevisionId,
    Schema,
)
from gitmig.parked import ParkedRows
from gitmig.passwords import without_passwords
from gitmig.worker_errors import frames_of, translated

if TYPE_CHECKING:
    from gitmig.git.trees import Tree
    from gitmig.interpreter import Interpreter


_PATIENCE = 5.0
"""Seconds that a worker has to end by itself."""


@dataclass(slots=True)
class Worker:
    """One child process with one version of the project's code."""

    options: WorkerOptions
    tree: Tree | None
    process: subprocess.Popen[bytes] | twin.Twin
    log: Path
    ignored: Callable[[str], bool] = field(default=lambda path: False)
    _asked_for: twin.Errand[Json] | None = None
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

    def twin(self, tree: Tree | None) -> Worker | None:
        """Another worker, forked from this one before it was asked anything; None where that is not possible.

        ``tree`` is what the other one imports from.
        """

        def ask(address: str) -> bool:
            try:
                self._send({"do": "fork", "address": address})
                return "ok" in self._receive()
            except GitmigError:
                return False  # whoever asks this one for anything will be told

        process = None if self._open else twin.fork(ask)
        if process is None:
            return None
        return Worker(options=self.options, tree=tree, process=process, log=self.log, ignored=self.ignored)

    @property
    def is_twin(self) -> bool:
        """Whether it was forked from another."""
        return isinstance(self.process, twin.Twin)

    def begin_schema(self) -> None:
        """Have the schema computed while the caller goes on; :meth:`schema` waits for it."""
        self._asked_for = twin.Errand(self._schema)

    def _schema(self) -> Json:
        return self._request("schema", {"limit": self.options.limit})

    def schema(self) -> SchemaAnswer:
        """The schema of the models of this worker's tree, and what it depended on."""
        answer = self._schema() if self._asked_for is None else self._asked_for.result()
        manifest = an_object(answer["manifest"])
        return SchemaAnswer(
            schema=Schema(
                dialect=a_text(answer["dialect"]),
                sqlalchemy=a_text(answer["sqlalchemy"]),
                facets={
                    FacetKey(kind, table, name): ddl
                    for kind, table, name, ddl in lists_of_texts(answer["facets"])
                },
            ),
            files=texts(manifest["files"]),
            lookups=mapping(manifest["lookups"]),
            listings=mapping(manifest["listings"]),
            checkout_files=texts(manifest["checkout_files"]),
            untracked=texts(answer["untracked"]),
            sources=mapping(answer["sources"]),
            versions=texts(answer["versions"]),
        )

    def heads(self) -> DatabaseState:
        """Where the configured database stands; changes nothing, creates nothing."""
        answer = self._request("heads")
        database = a_text(answer["database"])
        return DatabaseState(
            name=database,
            heads=revisions(answer["heads"]),
            exists=bool(answer["exists"]),
            versioned=bool(answer["versioned"]),
            tables=int(cast(int, answer["tables"])),
            models_tables=int(cast(int, answer["models_tables"])),
            environment=a_text(answer["environment"]),
            ledger=ledger_rows(answer["ledger"], database),
        )

    def ledger(self, limit: int | None = None) -> tuple[LedgerState, ...]:
        """The ledger of each database of this environment, with at most ``limit`` rows; changes nothing."""
        return ledger_states(self._request("ledger", {"limit": limit}))

    def enable_ledger(self, wait: float) -> tuple[LedgerState, ...]:
        """Make the table where it is missing, under the database's lock. Raises as :meth:`migrate` does."""
        return ledger_states(self._request("ledger", {"enable": True, "wait": wait}))

    def parked(self, folder: str) -> tuple[str, tuple[ParkedRows, ...]]:
        """The database's name and what is parked of it, oldest first; changes nothing, creates nothing."""
        answer = self._request("park", {"folder": folder})
        return a_text(answer["database"]), parked_rows(answer["entries"])

    def parked_rows(
        self, folder: str, number: int, limit: int | None
    ) -> tuple[tuple[str, ...], tuple[tuple[str | None, ...], ...]]:
        """The columns and the rows of one copy, as text; changes nothing."""
        answer = self._request("park", {"folder": folder, "show": number, "limit": limit})
        rows = cast("list[list[str | None]]", answer["rows"])
        return texts(answer["columns"]), tuple(tuple(row) for row in rows)

    def drop_parked(self, folder: str, numbers: Sequence[int], wait: float) -> tuple[ParkedRows, ...]:
        """Delete copies, under the database's lock; what is left. Raises as :meth:`migrate` does."""
        data: Json = {"folder": folder, "drop": list(numbers), "wait": wait, "lock": self.options.lock}
        self._request("park", data)
        return self.parked(folder)[1]

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
        return moved_of(answer)

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
            filename=a_text(answer["filename"]),
            text=a_text(answer["text"]),
            uncovered=tuple(FacetKey(*row) for row in lists_of_texts(answer["uncovered"])),
            drops=texts(answer["drops"]),
            rename_candidates=tuple(
                (table, old, new) for table, old, new in lists_of_texts(answer["rename_candidates"])
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

    def leave(self) -> None:
        """Tell the process to end, without waiting until it has; :meth:`close` waits."""
        with contextlib.suppress(OSError):
            if self.process.stdin is not None:
                self.process.stdin.close()

    def close(self) -> None:
        """End the process. What was prepared and not committed is rolled back."""
        self.leave()
        try:
            self._wait_for_its_end()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.log.unlink(missing_ok=True)

    def _wait_for_its_end(self) -> None:
        # The end of its output comes with its own; to wait for a process with a time limit is to look again
        # and again.
        stream, patience = self.process.stdout, _PATIENCE
        if not self.is_twin and stream is not None:
            while select.select([stream], [], [], patience)[0] and os.read(stream.fileno(), 1 << 16):
                pass
            patience = 1.0  # its output has ended, or its time is over
        self.process.wait(timeout=patience)

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
            moves = plan(ground_of(ask))
            return {"release": True} if moves is None else moves_told(moves)

        return {
            "plan": answer_plan,
            "losses": lambda ask: {"go": losses(losses_found(ask["found"]))},
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
                raise translated(an_object(message["error"]))
            else:
                return an_object(message["ok"])

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
        name = a_text(ask["ask"])
        if name in answers:
            return answers[name](ask)
        if name == "folder" and self.tree is not None:
            return folder_told(self.tree, a_text(ask["path"]))
        if name == "ignored":
            return {"ignored": self.ignored(a_text(ask["path"]))}
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
        return an_object(json.loads(line))

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
                detail=frames_of(stack.splitlines()),
            )
        _, fatal, stack = tail.rpartition("Fatal Python error: ")
        reason, _, stack = stack.partition("\n")
        if fatal:
            return WorkerCrashed(
                f"the project's interpreter crashed: {reason}",
                hint="correct it, then run the command again",
                detail=frames_of(stack.splitlines()),
            )
        return WorkerCrashed(
            f"the project's interpreter ended with exit code {code}",
            hint="git config gitmig.python PATH_OF_PYTHON",
            detail="\n".join(tail.splitlines()[-15:]) or None,
        )
