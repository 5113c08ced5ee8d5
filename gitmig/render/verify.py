"""The result of ``verify`` as text, JSON and JUnit."""

from __future__ import annotations

from xml.etree import ElementTree

from gitmig.core.codes import Severity
from gitmig.core.verification import Result, Verified
from gitmig.operations.verify import Verification
from gitmig.render import consoles
from gitmig.render.findings import findings_text, print_line
from gitmig.render.harmless import harmless
from gitmig.render.json import finding_json
from gitmig.wire.values import short

Json = dict[str, object]
_MARKS = {
    Result.VERIFIED: ("✓", "green"),
    Result.WARNED: ("!", "yellow"),
    Result.FAILED: ("✗", "red"),
    Result.UNPROVEN: ("?", "cyan"),
}


def verified_text(verified: Verified) -> None:
    """One line on stdout; what was found goes to stderr."""
    outcome = verified.outcome
    mark, colour = _MARKS[verified.result]
    models = f"  (models of {short(outcome.commit)})" if outcome.commit is not None else ""
    line = f"{mark} {outcome.script.revision}  {outcome.script.message}{models}"
    print_line(consoles.output(), line, colour)
    findings_text(verified.findings)


def summary_text(result: Verification) -> None:
    """How many are what."""
    words = [f"{count} {one.value}" for one in Result if (count := result.count(one))]
    if result.accepted:
        words.append(f"{result.accepted} accepted by the baseline")
    where = f" on {result.dialect}" if result.dialect is not None else ""
    err = consoles.status()
    print_line(err, f"{', '.join(words)}{where}" if words else "there are no revisions to verify", "dim")
    if result.baseline is not None:
        print_line(err, f"written: {result.baseline}")


def verify_json(result: Verification) -> Json:
    """``verify --json``."""
    return {
        "version": 1,
        "dialect": result.dialect,
        "revisions": [_revision(one) for one in result.revisions],
        "counts": {
            **{one.value: result.count(one) for one in Result},
            "accepted": result.accepted,
        },
        "baseline": result.baseline,
        "findings": [finding_json(finding) for finding in result.findings],
    }


def _revision(verified: Verified) -> Json:
    outcome = verified.outcome
    return {
        "revision": outcome.script.revision,
        "message": outcome.script.message,
        "path": outcome.script.path,
        "result": verified.result.value,
        "models_commit": outcome.commit,
        "reached": outcome.reached,
        "unproven": outcome.unproven,
        "accepted": verified.accepted,
    }


def junit(result: Verification) -> bytes:
    """JUnit's XML: a test case for each revision; what could not be tried is skipped."""
    failed, skipped = result.count(Result.FAILED), result.count(Result.UNPROVEN)
    counts = {"tests": str(len(result.revisions)), "failures": str(failed), "skipped": str(skipped)}
    suites = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(suites, "testsuite", {"name": "gitmig verify", "errors": "0", **counts})
    for one in result.revisions:
        script = one.outcome.script
        name = _xml(f"{script.revision} {script.message}".rstrip())
        case = ElementTree.SubElement(
            suite, "testcase", {"classname": "gitmig.verify", "name": name, "file": _xml(script.path)}
        )
        errors = [f for f in one.findings if f.severity is Severity.ERROR]
        for finding in errors:
            message = _xml(f"{finding.code} {finding.message}")
            failure = ElementTree.SubElement(case, "failure", {"type": finding.code, "message": message})
            failure.text = _xml("\n".join(finding.details))
        if not errors and one.result is Result.UNPROVEN:
            ElementTree.SubElement(case, "skipped", {"message": _xml(one.outcome.unproven or "")})
        warned = [f"{f.code} {f.message}" for f in one.findings if f.severity is Severity.WARNING]
        if warned and one.result is not Result.UNPROVEN:
            ElementTree.SubElement(case, "system-out").text = _xml("\n".join(warned))
    ElementTree.indent(suites)
    text: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _xml(text: str) -> str:
    """XML has no way to write control characters."""
    return harmless(text)
