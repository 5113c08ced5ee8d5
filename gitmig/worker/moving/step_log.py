"""Keeps a log of a step's statements where DDL is committed one by one, and finishes a step that was cut off.

To finish it, its script runs once more: the statements that the database has kept are not sent again. Of the
one that was under way, the tables that it names are compared with what they were before it.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, event

from ...wire.sql.tokens import tokens
from ...wire.step_log import HalfStep, Logged, StepLogWriter, read_half_step
from ..channel import Failure
from .calling_off import CallingOff

_ROWS = frozenset({"insert", "update", "delete", "replace", "load", "call", "with", "do"})
_SESSION = frozenset(
    (
        *("select", "show", "set", "use", "describe", "desc", "explain"),
        *("lock", "unlock", "start", "begin", "savepoint", "rollback", "release"),
    )
)
"""What changes nothing that outlives the session: it is sent again."""
_COUNTER = re.compile(r" AUTO_INCREMENT=\d+")
_OTHERS = tuple(
    f"select {name}, {state} from information_schema.{kind}s where {kind}_schema = database()"
    for kind, name, state in (
        ("trigger", "trigger_name", "action_statement"),
        ("routine", "routine_name", "last_altered"),
        ("event", "event_name", "last_altered"),
    )
)


class StepLog:
    """The log of one run. ``resumed``: it goes on with the step that the file tells of.

    ``calling_off`` is kept from ending the run in a commit.
    """

    def __init__(self, path: str, connection: Connection, calling_off: CallingOff, *, resumed: bool = False):
        self._calling_off = calling_off
        self.half = read_half_step(path) if resumed else None
        self._path = path
        self._connection = connection
        self._writer = StepLogWriter(path, resumed=resumed)
        self._known: tuple[Logged, ...] = ()
        self._at = 0
        self._pending = False
        self._skipping = False
        self._inside = False

    def close(self) -> None:
        """Close the file; it is removed by the command line, once that knows what became of the run."""
        self._writer.close()

    def to_be_finished(self, half: HalfStep) -> dict[str, Any]:
        """The plan's answer for a step that was cut off: its graph, itself, what the ledger says of it."""
        own = {"path": self._source_of(half)}
        graph = [one | (own if one["revision"] == half.revision else {}) for one in half.graph]
        step = {"action": half.action, "revision": half.revision, "graph": 0, "world": None}
        return {"graphs": [graph], "steps": [step], "worlds": [], "operation": half.operation}

    def _source_of(self, half: HalfStep) -> str:
        """A file with its script: the one that it was, if that still is the same."""
        with contextlib.suppress(OSError), open(half.path, "rb") as file:
            if file.read() == half.source:
                return half.path
        path = f"{self._path}.py"
        with open(path, "wb") as file:
            file.write(half.source)
        return path

    @contextlib.contextmanager
    def step(self, half: HalfStep) -> Iterator[None]:
        """Log, and leave out what the database has kept of it, while the script of ``half`` runs."""
        self._at, self._pending = 0, False
        if self.half is not None:
            self._known = self._kept(self.half)
        else:
            self._writer.begin(half)
        engine = self._connection.engine
        listeners: list[tuple[Any, str, Callable[..., Any]]] = [
            (self._connection, "before_cursor_execute", self._before),
            (self._connection, "after_cursor_execute", self._after),
            (self._connection, "commit", self._commit),
            *((engine, name, self._instead) for name in ("do_execute", "do_executemany")),
            (engine, "do_execute_no_params", self._instead_of_plain),
        ]
        for target, name, listener in listeners:
            event.listen(target, name, listener)
        self._inside = True
        try:
            yield
        finally:
            self._inside = False
            for target, name, listener in listeners:
                event.remove(target, name, listener)
        if self._at < len(self._known):
            raise Failure("migration", f"{half.revision} does less than when it was cut off")

    def _kept(self, half: HalfStep) -> tuple[Logged, ...]:
        """The statements that are not sent again. Raises Failure("migration") if that is unknown."""
        if half.doubtful:
            raise Failure("migration", f"it is not known whether rows of {half.revision} were committed")
        last = half.statements[-1] if half.statements else None
        committed = half.committed
        if last is not None and last.ddl and not last.done and self._looks(last.before) != last.before:
            committed = len(half.statements)
        # From here on the log goes on behind what is kept.
        known = half.statements[:committed]
        self._writer.begin(replace(half, statements=()))
        for one in known:
            self._writer.doing(one)
            self._writer.done()
        if known:
            self._writer.committed()
        return tuple(known)

    def _before(
        self, connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        self._skipping = False
        first = next((token.text for token in tokens(statement, "mysql")), "")
        if not self._inside or first in _SESSION:
            return
        if first == "commit":
            self._writer.committing()
            return
        ddl = first not in _ROWS
        digest = hashlib.sha256(statement.encode()).hexdigest()[:16]
        if self._at < len(self._known):
            if self._known[self._at].digest != digest:
                raise Failure("migration", "the script does something else than when it was cut off")
            self._skipping = True
            return
        if ddl and self._pending:
            # The server would do so, at a moment that nobody could tell after a crash.
            self._calling_off.committing()
            self._writer.committing()
            connection.connection.dbapi_connection.commit()
            self._writer.committed()
            self._calling_off.committed()
        self._pending = not ddl
        before = self._named(statement) if ddl else {}
        self._writer.doing(Logged(digest, ddl, before))

    def _after(
        self, connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        first = next((token.text for token in tokens(statement, "mysql")), "")
        if not self._inside or first in _SESSION:
            return
        if first == "commit":
            self._writer.committed()
            self._pending = False
            return
        self._at += 1
        if not self._skipping:
            self._writer.done()
        self._skipping = False

    def _instead(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool | None:
        return True if self._skipping else None

    def _instead_of_plain(self, cursor: Any, statement: str, context: Any) -> bool | None:
        return True if self._skipping else None

    def _commit(self, connection: Any) -> None:
        if self._inside:
            self._writer.committing()
            self._pending = False

    def _named(self, statement: str) -> Mapping[str, str]:
        """What the tables look like that a statement names, and all that is no table."""
        words = {token.text.lower() for token in tokens(statement, "mysql") if token.is_name}
        return self._looks({name: "" for name in words})

    def _looks(self, names: Mapping[str, str]) -> Mapping[str, str]:
        cursor = self._connection.connection.cursor()
        try:
            cursor.execute("show tables")
            there = [str(row[0]) for row in cursor.fetchall()]
            found = dict.fromkeys(names, "")
            for table in there:
                if table.lower() in names:
                    cursor.execute("show create table `{}`".format(table.replace("`", "``")))
                    row = cursor.fetchone()
                    found[table.lower()] = _digest(_COUNTER.sub("", str(row and row[1])))
            others = []
            for query in _OTHERS:
                cursor.execute(query)
                others += sorted(map(str, cursor.fetchall()))
            found[" others"] = _digest("\n".join(others))
            return found
        finally:
            cursor.close()


def halves_of(answer: Mapping[str, Any]) -> list[HalfStep]:
    """The steps of a plan's answer, as their logs begin."""
    operation = answer.get("operation")
    halves = []
    for number, step in enumerate(answer["steps"]):
        graph = answer["graphs"][step.get("graph", 0)]
        path = next(one["path"] for one in graph if one["revision"] == step["revision"])
        source = b""
        with contextlib.suppress(OSError), open(path, "rb") as file:
            source = file.read()
        scripts = operation["scripts"][number : number + 1] if operation else []
        halves.append(
            HalfStep(
                action=step["action"],
                revision=step["revision"],
                path=path,
                source=source,
                graph=graph,
                operation={**operation, "scripts": scripts} if operation else None,
            )
        )
    return halves


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
