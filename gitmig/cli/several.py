"""One command for several environments: each speaks under its name, and the worst of them decides."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from gitmig.errors import GitmigError
from gitmig.operations.check import CheckResult
from gitmig.project.project import Project
from gitmig.render.hints import at, give

T = TypeVar("T")


def speak(
    projects: Sequence[Project],
    form: str,
    do: Callable[[Project], T],
    *,
    text: Callable[[T], None],
    as_json: Callable[[T], dict[str, object]],
    code: Callable[[T], int],
    quiet: bool = False,
) -> int:
    """Do it for each project and say it; the worst exit code. ``quiet``: the name only where text follows.

    What one environment raises does not keep the others from being heard.
    """
    from gitmig.render.errors import error_json, error_text

    worst, answers = 0, []
    for number, project in enumerate(projects):
        give([*project.options.words, "-e", project.name])
        at(project.top, project.directory)
        if form != "json" and not quiet:
            _headline(project.name, first=number == 0)
        try:
            result = do(project)
        except GitmigError as error:
            worst = max(worst, error.exit_code)
            answers.append({"name": project.name, "error": error_json(error)["error"]})
            if form != "json":
                label = f"{project.name}: " if quiet else ""
                print(label + error_text(error), file=sys.stderr)
            continue
        worst = max(worst, code(result))
        if form == "json":
            answers.append({"name": project.name, **_without_version(as_json(result))})
        else:
            text(result)
    if form == "json":
        print(json.dumps({"version": 1, "environments": answers}))
    return worst


def check_of(result: CheckResult, name: str) -> CheckResult:
    """The same with findings that say which environment they are of."""
    return replace(result, findings=tuple(one.saying(f"{name}: {one.message}") for one in result.findings))


def _headline(name: str, *, first: bool) -> None:
    from gitmig.render import consoles
    from gitmig.render.findings import print_line

    out = consoles.output()
    if not first:
        out.print()
    print_line(out, name, "bold")


def _without_version(answer: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in answer.items() if key != "version"}
