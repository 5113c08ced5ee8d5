"""Findings as SARIF 2.1.0, which GitHub's code scanning and others read.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from gitmig import __version__
from gitmig.core.codes import MEANINGS, Finding
from gitmig.errors import GitmigError
from gitmig.render.harmless import harmless
from gitmig.render.hints import hinted

Json = dict[str, object]
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(findings: Iterable[Finding], problems: Iterable[GitmigError] = ()) -> Json:
    """A log of one run; ``problems`` are what kept it from judging everything.

    Each finding has a path by now: readers want a place for each.
    """
    found, kept = list(findings), list(problems)
    codes = list(dict.fromkeys(finding.code for finding in found))
    rules = [
        {"id": code, "shortDescription": {"text": MEANINGS[code]}, "help": {"text": _help(code)}}
        for code in codes
    ]
    run: Json = {
        "tool": {"driver": {"name": "gitmig", "semanticVersion": __version__, "rules": rules}},
        "invocations": [
            {
                "executionSuccessful": not kept,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": harmless(problem.message)}} for problem in kept
                ],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, codes) for finding in found],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _help(code: str) -> str:
    return f"What to do about {code}: docs/troubleshooting.md of gitmig"


def _result(finding: Finding, codes: Sequence[str]) -> Json:
    hint = f"Hint: {hinted(finding.hint)}" if finding.hint else ""
    text = "\n".join(filter(None, (finding.message, *finding.details, hint)))
    place: Json = {"artifactLocation": {"uri": quote(finding.path or ""), "uriBaseId": "%SRCROOT%"}}
    if finding.line:
        place["region"] = {"startLine": finding.line}
    # The same finding in the next run, on whatever line it is then.
    known = "\0".join((finding.code, finding.path or "", finding.message))
    return {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": finding.severity.value,
        "message": {"text": harmless(text)},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"gitmig/v1": hashlib.sha256(known.encode("utf-8", "replace")).hexdigest()},
    }
