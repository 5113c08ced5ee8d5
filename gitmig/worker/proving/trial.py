"""One revision tried on a scratch database, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from alembic.runtime.migration import RevisionStep
from sqlalchemy import Connection, event

from ..environment.run import first_line
from ..schema.facets import Facet

_LOOKS = re.compile(
    r"\s*(?:PRAGMA\b|(?:SELECT|WITH)\b.*\b(?:sqlite_master|pg_catalog|pg_class)\b)", re.I | re.S
)
"""Alembic looks at the database before it rebuilds a table."""
Change = list[str | None]
"""kind, table, name, before, after."""


class _One:
    """A revision with both of its steps."""

    def __init__(self, revision: str, up: RevisionStep, down: RevisionStep, graph: Any):
        self.revision = revision
        self.up = up
        self.down = down
        self.path = graph.get_revision(revision).path
        self.plain: Callable[..., None] = getattr(up.migration_fn, "plain", up.migration_fn)


class _Trial:
    """What came of going down and up again."""

    def __init__(self, *, before: list[Facet], after: list[Facet]):
        self._before = before
        self._after = after
        self._down = False
        self.left: list[Change] = []
        """What the database after the downgrade has beyond the one before the upgrade, or lacks."""
        self.again: list[Change] = []
        """The same for the second upgrade beside the first."""
        self.failed: str | None = None
        self.is_stuck = False

    def undone(self, found: list[Facet]) -> None:
        """The downgrade is done."""
        self._down = True
        self.left = _difference(self._before, found)

    def redone(self, found: list[Facet]) -> None:
        """The second upgrade is done."""
        self.again = _difference(self._after, found)

    def failed_with(self, error: BaseException) -> None:
        """The downgrade, or the upgrade after it, has failed."""
        what = "the upgrade after it" if self._down else "it"
        self.failed = f"{what} fails: {_said(error)}"


def _listening(
    connection: Connection, heard: list[str], function: Callable[..., None], how: str
) -> Callable[..., None]:
    """The function; with ``how`` "show" every statement that it gives the database is added to ``heard``."""
    if how != "show":
        return function

    def hear(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not _LOOKS.match(statement):
            heard.append(statement.strip())

    def listening(**arguments: Any) -> None:
        event.listen(connection, "before_cursor_execute", hear)
        try:
            function(**arguments)
        finally:
            event.remove(connection, "before_cursor_execute", hear)

    listening.__name__, listening.__doc__ = function.__name__, function.__doc__
    return listening


def _said(error: BaseException) -> str:
    return first_line(error).rstrip(": ")


def _noted(trial: _Trial, function: Callable[..., None]) -> Callable[..., None]:
    def noted(**arguments: Any) -> None:
        try:
            function(**arguments)
        except (Exception, SystemExit) as error:
            trial.failed_with(error)

    noted.__name__, noted.__doc__ = function.__name__, function.__doc__
    return noted


def _commits_by_itself(one: _One) -> bool:
    try:
        return "autocommit" in Path(one.path).read_text("utf-8", "replace")
    except OSError:
        return False


def _difference(old: Sequence[Facet], new: Sequence[Facet]) -> list[Change]:
    one = {facet[:3]: facet[3] for facet in old}
    two = {facet[:3]: facet[3] for facet in new}
    keys = sorted(one.keys() | two.keys())
    return [[*key, one.get(key), two.get(key)] for key in keys if one.get(key) != two.get(key)]
