"""``gitmig drift``."""

from __future__ import annotations

import json

from gitmig.cli.common import Common
from gitmig.cli.pager import paged
from gitmig.operations.drift import drift
from gitmig.render.drift import drift_json, drift_text
from gitmig.render.findings import findings_github


def run(common: Common) -> int:
    """What the live database has that its revision does not, and the reverse; exits with 1 then."""
    result = drift(common.open())
    match common.format:
        case "json":
            print(json.dumps(drift_json(result)))
        case "github":
            findings_github(result.findings)
        case _:
            paged(drift_text)(result)
    return 1 if result.failed else 0
