"""``gitmig log``."""

from __future__ import annotations

import json

from gitmig.cli.common import Common
from gitmig.operations.log import log
from gitmig.render.json import log_json
from gitmig.render.text import log_text


def run(common: Common) -> int:
    """The revisions with the commits of their models, newest first."""
    result = log(common.open())
    if common.format == "json":
        print(json.dumps(log_json(result)))
    else:
        log_text(result)
    return 0
