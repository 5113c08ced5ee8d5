"""``gitmig status``."""

from __future__ import annotations

import json

from gitmig.cli import several
from gitmig.cli.common import Common
from gitmig.operations.status import status
from gitmig.render.json import status_json
from gitmig.render.text import status_text


def run(common: Common) -> int:
    """Where database, checkout and models stand, and the one command that brings them in step."""
    projects = common.open_all()
    if len(projects) > 1:
        return several.speak(
            projects,
            common.format,
            status,
            text=status_text,
            as_json=status_json,
            code=lambda result: 0 if result.in_step else 1,
        )
    result = status(projects[0])
    if common.format == "json":
        print(json.dumps(status_json(result)))
    else:
        status_text(result)
    return 0 if result.in_step else 1
