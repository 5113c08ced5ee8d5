"""The result of ``rebase --check`` as text and as JSON."""

from __future__ import annotations

from gitmig.operations.rebase_check import RebaseCheck
from gitmig.render import consoles
from gitmig.render.findings import findings_text, print_line
from gitmig.render.json import finding_json

Json = dict[str, object]


def check_text(result: RebaseCheck) -> None:
    """One line, and the findings."""
    out, found = consoles.output(), result.commuting
    if found is None:
        print_line(out, "nothing to rebase: there is one line of revisions")
        return
    if found.commute:
        how = "their facets have nothing to do with each other"
        if found.by == "scratch":
            how = "both orders led to the same schema and the same rows on a scratch database"
        ours, theirs = ", ".join(found.sides.ours), ", ".join(found.sides.theirs)
        print_line(out, f"{ours} and {theirs} commute: {how}")
    findings_text(result.findings)


def check_json(result: RebaseCheck) -> Json:
    """``rebase --check --json``."""
    found = result.commuting
    return {
        "version": 1,
        "ours": list(found.sides.ours) if found else [],
        "theirs": list(found.sides.theirs) if found else [],
        "onto": list(found.sides.onto) if found else [],
        "commute": found.commute if found else True,
        "by": found.by if found else None,
        "reason": found.reason if found else None,
        "differences": list(found.lines) if found else [],
        "findings": [finding_json(finding) for finding in result.findings],
    }
