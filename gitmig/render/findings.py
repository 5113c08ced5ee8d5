"""Findings as text and as GitHub annotations. The hook waits for this to be imported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console

from gitmig.core.codes import Finding, Severity
from gitmig.operations.check import CheckResult
from gitmig.render import consoles
from gitmig.render.harmless import harmless
from gitmig.render.hints import hinted

_SHOWN = 12


def findings_text(findings: Iterable[Finding]) -> None:
    """Findings to stderr: code, message, details, hint."""
    err = consoles.status()
    for finding in findings:
        colour = "red" if finding.severity is Severity.ERROR else "yellow"
        word = "" if finding.severity is Severity.ERROR else "warning: "
        print_line(err, f"{finding.code} {word}{finding.message}", colour)
        for line in _folded(finding.details):
            print_line(err, f"  {line}", {"+": "green", "-": "red", "~": "yellow"}.get(line[:1]))
        if finding.hint:
            print_line(err, f"  Hint: {hinted(finding.hint)}")


def _folded(lines: tuple[str, ...]) -> Iterator[str]:
    yield from lines[:_SHOWN]
    if len(lines) > _SHOWN:
        yield f"… and {len(lines) - _SHOWN} more"


def check_text(result: CheckResult) -> None:
    """The findings; nothing when there are none."""
    findings_text(result.findings)


def check_github(result: CheckResult) -> None:
    """The findings of a check as annotations."""
    findings_github(result.findings)


def findings_github(findings: Iterable[Finding]) -> None:
    """Findings as annotations of GitHub Actions, on stdout.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    for finding in findings:
        place = f" file={_escaped(harmless(finding.path), ',:')}" if finding.path else ""
        place += f",line={finding.line}" if finding.path and finding.line else ""
        hint = hinted(finding.hint or "")
        text = "\n".join(filter(None, (f"{finding.code} {finding.message}", *finding.details, hint)))
        print(f"::{finding.severity.value}{place}::{_escaped(harmless(text), '')}")


def _escaped(text: str, more: str) -> str:
    for char in "%\r\n" + more:
        text = text.replace(char, f"%{ord(char):02X}")
    return text


def print_line(console: Console, line: str, style: str | None = None) -> None:
    """One line, with what could harm a terminal made visible; ``style`` is Rich's."""
    console.print(harmless(line), markup=False, style=style)
