"""Findings: what a check says, and how grave it is. Pure."""

from __future__ import annotations

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
