"""``gitmig check``."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from gitmig.cli import several
from gitmig.cli.common import Common
from gitmig.cli.progress import saying
from gitmig.cli.staged import judged_projects
from gitmig.errors import UsageError
from gitmig.operations.check import CheckResult, check_staged, check_tree
from gitmig.operations.check_base import check_base
from gitmig.project.project import Project
from gitmig.render.findings import check_github, check_text
from gitmig.render.json import check_json


def run(
    common: Common,
    ref: Annotated[
        str | None, typer.Argument(metavar="[REF]", help="A commit instead of the work tree.")
    ] = None,
    staged: Annotated[bool, typer.Option("--staged", help="Judge what is being committed.")] = False,
    base: Annotated[
        str | None,
        typer.Option("--base", metavar="REF", help="Judge what HEAD (or REF) adds to this branch."),
    ] = None,
    each_commit: Annotated[
        bool, typer.Option("--each-commit", help="With --base: judge every commit by itself.")
    ] = False,
) -> int:
    """Findings for the work tree, for what is being committed, for a commit, or for a pull request."""
    if staged and (ref is not None or base is not None):
        other = "REF" if base is None else "--base"
        raise UsageError(f"--staged and {other} exclude each other", hint="gitmig check --help")
    if each_commit and base is None:
        raise UsageError("--each-commit needs --base", hint="gitmig check --base origin/main --each-commit")
    if staged and (pushed := os.environ.get("PRE_COMMIT_FROM_REF")):
        # `pre-commit run --from-ref … --to-ref …`, and its pre-push hook.
        staged, base, ref = False, pushed, os.environ.get("PRE_COMMIT_TO_REF")
    judge: Callable[[Project], CheckResult] = functools.partial(check_tree, ref=ref)
    if base is not None:
        judge = functools.partial(check_base, base=base, head=ref or "HEAD", each_commit=each_commit)
    elif staged:
        judge = check_staged
    judge = saying("importing the models, and trying what no record proves", judge)
    projects = judged_projects(common.project) if staged else common.open_all()
    if len(projects) > 1:
        return speak(projects, common.format, judge)
    result = judge(projects[0]) if projects else CheckResult(findings=(), subject="nothing")
    if result.problem is not None and common.format == "json":
        raise result.problem
    _say(result, common.format)
    if result.problem is not None:
        raise result.problem
    return 1 if result.failed else 0


def speak(projects: Sequence[Project], form: str, judge: Callable[[Project], CheckResult]) -> int:
    """Judge each environment, and say what was found under its name; the worst exit code."""
    return several.speak(
        projects,
        form,
        lambda project: several.check_of(_whole(judge(project), form), project.name),
        text=lambda result: _say(result, form),
        as_json=check_json,
        code=lambda result: 1 if result.failed else 0,
        quiet=True,
    )


def _whole(result: CheckResult, form: str) -> CheckResult:
    """The result, if all could be judged. Raises what kept it from that, after the findings were said."""
    if result.problem is not None:
        if form != "json":
            _say(result, form)
        raise result.problem
    return result


def _say(result: CheckResult, form: str) -> None:
    match form:
        case "json":
            print(json.dumps(check_json(result)))
        case "github":
            check_github(result)
        case _:
            check_text(result)
