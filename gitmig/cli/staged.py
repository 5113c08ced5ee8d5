"""``gitmig check --staged``, as hooks call it: without Typer, and Rich only if there is something to say.

Whoever commits waits for what is imported here.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from gitmig.cli.progress import saying, tell
from gitmig.errors import NoConfiguration
from gitmig.operations.check import CheckResult, check_staged, remember_passed
from gitmig.project.opening import open_projects
from gitmig.project.project import Project, ProjectOptions


def run() -> int:
    """Judge what is being committed here; the exit code."""
    projects = judged_projects(ProjectOptions(directory=Path("."), tell=tell))
    results: list[CheckResult] = []

    def judge(project: Project) -> CheckResult:
        results.append(saying("importing the models", check_staged)(project))
        return results[-1]

    if len(projects) > 1:
        from gitmig.cli.check import speak

        worst = speak(projects, "text", judge)
    else:
        worst = _one(judge(projects[0])) if projects else 0
    if worst == 0 and not any(one.findings for one in results):
        remember_passed(projects)
    return worst


def _one(result: CheckResult) -> int:
    if result.findings:
        from gitmig.render.findings import check_text

        check_text(result)
    if result.problem is not None:
        raise result.problem
    return 1 if result.failed else 0


def judged_projects(options: ProjectOptions) -> tuple[Project, ...]:
    """The projects whose commit it is; none where the branch has nothing to do with Alembic."""
    try:
        return open_projects(replace(options, hook=True))
    except NoConfiguration as error:
        # The hook is the clone's, and this may be a branch without.
        print(f"Note: {error.message}: nothing was checked", file=sys.stderr)
        return ()
