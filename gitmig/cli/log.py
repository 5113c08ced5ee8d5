"""``gitmig log``."""

from __future__ import annotations

import functools
import json
from typing import Annotated

import typer

from gitmig.cli import several
from gitmig.cli.common import Common
from gitmig.cli.pager import paged
from gitmig.operations.log import log
from gitmig.render.json import log_json
from gitmig.render.text import log_text


def run(
    common: Common,
    graph: Annotated[bool, typer.Option("--graph", help="Draw which revision follows which.")] = False,
) -> int:
    """The revisions with the commits of their models, newest first."""
    text = functools.partial(paged(log_text), graph=graph)
    projects = common.open_all()
    if len(projects) > 1:
        return several.speak(
            projects,
            common.format,
            log,
            text=text,
            as_json=log_json,
            code=lambda result: 0,
        )
    result = log(projects[0])
    if common.format == "json":
        print(json.dumps(log_json(result)))
    else:
        text(result)
    return 0
