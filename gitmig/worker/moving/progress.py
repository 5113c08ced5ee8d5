"""How far a run that moves the database has come, and its failures, which say so."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy.exc import DBAPIError

from ...wire.redaction import without_passwords
from ..channel import Failure
from ..environment.run import first_line
from ..importing.places import Places
from ..importing.tracebacks import user_traceback
from ..locking.blockers import sqlstate
from ..locking.held import Locks


class Progress:
    """The steps of one run: which is being applied, what is applied, what is committed.

    Attributes:
        whole: whether what is prepared can be rolled back as a whole.
        planned, done, committed: how many steps; an env.py for several databases adds to them.
        heads: what the version table holds, with what is committed; prepared_heads: without.
        current: action and revision of the step that is being applied, or None.
    """

    def __init__(self, locks: Locks, places: Places):
        self._locks = locks
        self._places = places
        self.whole = True
        self.planned = 0
        self.done = 0
        self.committed = 0
        self.heads: list[str] = []
        self.prepared_heads: list[str] = []
        self.current: tuple[str, str] | None = None
        self._previous: str | None = None
        self._started = 0.0
        self._step_done = False
        self._in_part: str | None = None
        """The revision whose step the last commit cut in two."""
        self._previously_committed = 0

    @property
    def begun(self) -> bool:
        """Whether any step is being applied or was."""
        return self.current is not None or self.done > 0

    @property
    def left_over(self) -> str | None:
        """The revision of which the database has kept statements although its step was not committed."""
        return self.current[1] if self.current is not None and not self.whole else None

    def begin(self, action: str, revision: str) -> None:
        """A step is about to be applied."""
        self.current = (action, revision)
        self._step_done = False
        self._started = time.monotonic()

    def end(self) -> None:
        """The step is behind us, and nothing is being applied."""
        if self.current is not None:
            self._previous, self.current = self.current[1], None

    def applied(self, heads: list[str]) -> float:
        """The step is applied, and leads to ``heads``; how many seconds it took."""
        self.done += 1
        self._step_done = True
        self.prepared_heads = heads
        return round(time.monotonic() - self._started, 3)

    def committing(self) -> None:
        """Everything that is applied is about to be committed."""
        self._in_part = self.current[1] if self.current is not None and not self._step_done else None
        self._previously_committed, self.committed = self.committed, self.done
        self.heads = self.prepared_heads

    def not_committed(self) -> None:
        """The commit that was announced last was refused."""
        self.committed = self._previously_committed

    def failed(self, error: BaseException, path: str | None) -> Failure:
        """A step raised ``error``: "blocked" where it waited for another session in vain."""
        gave_up = self._locks.gave_up(error)
        detail = user_traceback(error, self._places) or None
        if not isinstance(error, DBAPIError):
            return self.failure(first_line(error), detail)
        kind, message = "migration", first_line(error)
        if gave_up is not None:
            who = " ".join(self.current) if self.current else "the version table"
            kind, message = "blocked", f"{who} {gave_up}"
        report = self.failure(message, detail, kind, statement=error.statement, sqlstate=sqlstate(error.orig))
        # The session is gone, and with it what is known of its last statement.
        report.data["unsettled"] = error.connection_invalidated and not self.whole
        return report

    def reported(self, failure: Failure) -> Failure:
        """A failure of ours in the midst of a step, with how far the run had come."""
        report = self.failure(failure.message, failure.detail, failure.kind)
        report.data |= failure.data
        return report

    def failure(
        self,
        message: str,
        detail: str | None = None,
        kind: str = "migration",
        *,
        statement: str | None = None,
        sqlstate: str | None = None,
    ) -> Failure:
        """A failure with everything that the ``migrate`` request promises of one."""
        action, revision = self.current or (None, None)
        data: dict[str, Any] = {
            "revision": revision,
            "action": action,
            "previous": self._previous,
            "statement": without_passwords(statement) if statement else None,
            "sqlstate": sqlstate,
            "committed": self.committed,
            "unsettled": False,
            "partial": self._in_part if self.whole else revision,
        }
        return Failure(kind, message, detail, **data)
