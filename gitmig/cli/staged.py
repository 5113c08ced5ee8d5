"""``gitmig check --staged``, as hooks call it: without Typer, and Rich only where there is something to say.

Whoever commits waits for what is imported here.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from gitmig.errors import NoConfiguration
from gitmig.operations.check import CheckResult, check_staged
from gitmig.project import ProjectOptions, open_project


def run() -> int:
    """Judge what is being committed here; the exit code."""
    result = judged(ProjectOptions(directory=Path(".")))
    if result.findings:
        from gitmig.render.findings import check_text

        check_text(result)
    if result.problem is not None:
        raise result.problem
    return 1 if result.failed else 0


def judged(options: ProjectOptions) -> CheckResult:
    """The findings on what is being committed."""
    try:
        project = open_project(replace(options, hook=True))
    except NoConfiguration as error:
        # The hook is the clone's, and this may be a branch that has nothing to do with Alembic.
        print(f"Note: {error.message}: nothing was checked", file=sys.stderr)
        return CheckResult(findings=(), subject="nothing")
    return check_staged(project)
