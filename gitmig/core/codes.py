"""Findings: what a check says, and how grave it is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Severity(StrEnum):
    """Errors decide the exit code; warnings never do."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a check found. Codes (GM0xx) never change meaning."""

    code: str
    severity: Severity
    message: str
    hint: str | None = None
    path: str | None = None
    line: int | None = None
    details: tuple[str, ...] = ()
    """Further lines, such as the facets of a schema difference."""
    earlier: bool = False
    """Whether it was so before what is judged: a warning then, whatever the settings make of its code."""

    def at(self, severity: Severity) -> Finding:
        """The same with another severity."""
        return replace(self, severity=severity)

    def saying(self, message: str) -> Finding:
        """The same with another message."""
        return replace(self, message=message)


MEANINGS: Mapping[str, str] = {
    "GM001": "the models change without a revision that takes the database there",
    "GM002": "more than one head on a line; each base and each branch with a label is a line of its own",
    "GM003": "a published revision was edited, re-parented or deleted",
    "GM004": "two files with one revision id",
    "GM005": "a parent that no file has",
    "GM006": "revision identifiers that cannot be read",
    "GM007": "a revision that could not be proven",
    "GM008": "a configured models path that the commit does not have",
    "GM009": "parallel revisions that do not commute",
    "GM010": "the database is at a revision that the checkout does not have",
    "GM011": "the database is behind the checkout",
    "GM012": "the database is ahead of the checkout",
    "GM013": "models in the work tree were put there by a rollback",
    "GM014": "an interrupted command",
    "GM015": "env.py connects to another database than the one that was named",
    "GM016": "git is in the middle of a merge, rebase, cherry-pick or revert",
    "GM017": "the database has tables and is not under Alembic",
    "GM018": "a revision is applied, and in no commit of the checkout, or not in the form it was applied in",
    "GM019": "the script of a revision was edited after it was applied",
    "GM020": "a step that loses data",
    "GM021": "the live database is not what its revision says",
    "GM022": "a downgrade that leaves something behind or takes too much",
    "GM023": "a revision that does not lead to its models",
    "GM024": "a revision that fails on rows",
    "GM025": "the version table names a revision and one below it",
}
"""What each code means; docs/reference.md has more of it, docs/troubleshooting.md what to do."""
