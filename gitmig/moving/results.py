"""What the commands that move something return."""

from __future__ import annotations

from dataclasses import dataclass

from gitmig.core.parked import ParkedRows
from gitmig.core.plan import Plan
from gitmig.core.schema.facets import FacetChange
from gitmig.wire.values import CommitId, RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveResult:
    """A plan that was carried out, or (``done`` False) only made."""

    command: str
    plan: Plan
    database: str
    before: tuple[RevisionId, ...]
    heads: tuple[RevisionId, ...]
    done: bool
    commit: CommitId | None = None
    checkout: str | None = None
    """The branch or commit that ``switch`` went to."""
    revision: RevisionId | None = None
    """The revision that ``revise`` made."""
    path: str | None = None
    """The file of that revision, relative to the top."""
    changes: tuple[FacetChange, ...] = ()
    text: str | None = None
    """The drafted script, for a dry run."""
    staged: bool = False
    """Whether ``--no-commit`` left models and revision staged."""
    drafted: bool = False
    """Whether a draft was left to be reviewed, and nothing applied."""
    parked: tuple[ParkedRows, ...] = ()
    """Rows that were parked before they were dropped."""
    back: tuple[ParkedRows, ...] = ()
    """Rows that were parked and came back."""
    notes: tuple[str, ...] = ()
    hint: str | None = None
