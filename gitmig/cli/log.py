"""``gitmig log``."""

from __future__ import annotations

import json

from gitmig.cli import several
from gitmig.cli.common import Common
from gitmig.operations.log import log
from gitmig.render.json import log_json
from gitmig.render.text import log_text


def run(common: Common) -> int:
    """The revisions with the commits of their models, newest first."""
    projects = common.open_all()
    if len(projects) > 1:
        return several.speak(
            projects,
            common.format,
            log,
            text=log_text,
            as_json=log_json,
            code=lambda result: 0,
        )
    result = log(projects[0])
    if common.format == "json":
        print(json.dumps(log_json(result)))
    else:
        log_text(result)
    return 0
