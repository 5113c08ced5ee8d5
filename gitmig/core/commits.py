"""What the commits of a history hold, as far as ties depend on it: values that ``facts.history`` reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitmig.core.paths import Generations
from gitmig.core.revisions.header import Header
from gitmig.wire.values import CommitId, RevisionId

_NO_RECORD = Header()


@dataclass(frozen=True, slots=True)
class Placed:
    """A revision file as one commit has it: what it follows there, and its record."""

    parents: tuple[str, ...]
    """``down_revision`` and ``depends_on``, as they are written."""
    header: Header = _NO_RECORD


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What one commit changes, against its first parent (against nothing if it has none)."""

    commit: CommitId
    before: int | None = None
    """The nearest fact on the first-parent line below it, by its place in the history."""
    placed: Mapping[RevisionId, Placed]
    """The revisions that come here, or have other parents or another record than before."""
    left: frozenset[RevisionId] = frozenset()
    models: str | None = None
    """The content digest of the models files in this commit; None if it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All commits below a head at which a revision file or the models' content changed, parents first.

    Commits between two facts hold what the first of the two holds.
    """

    facts: tuple[Fact, ...]
    line: tuple[int, ...] = ()
    """The places of the facts on the head's own first-parent line, oldest first."""
    cut_off: frozenset[int] = frozenset()
    """The facts at which a shallow clone begins: what they bring may have come before."""
    replaced: Mapping[RevisionId, frozenset[RevisionId]] = field(default_factory=dict)
    """By revision: those that left in the commit that brought it, if both lead to one recorded schema."""
    models: tuple[Generations, ...] = ()
    """For each of the models paths: itself; then, newest first, the paths where its files lay before."""
    paths: tuple[str, ...] = ()
    """All places that were looked at for revisions and models, those of before included."""
