"""``gitmig check``."""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

import typer

from gitmig.cli import several
from gitmig.cli.common import Common
from gitmig.cli.staged import judged_projects
from gitmig.core.codes import Finding
from gitmig.errors import GitmigError, UsageError
from gitmig.operations.check import CheckResult, check_staged, check_tree
from gitmig.operations.check_base import Review, check_base, review_of
from gitmig.project.project import Project
from gitmig.render.findings import check_github, check_text
from gitmig.render.json import check_json

_WHOLE = ("sarif", "markdown")


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
    projects = judged_projects(common.project) if staged else common.open_all()
    whole = _Whole(several=len(projects) > 1, base=base, head=ref or "HEAD")
    try:
        return _run(projects, common.format, functools.partial(whole.judge, judge))
    finally:
        if common.format in _WHOLE and whole.judged:
            print(whole.document(common.format))


def _run(projects: Sequence[Project], form: str, judge: Callable[[Project], CheckResult]) -> int:
    if len(projects) > 1:
        return speak(projects, form, judge)
    result = judge(projects[0]) if projects else CheckResult(findings=(), subject="nothing")
    if result.problem is not None and form == "json":
        raise result.problem
    _say(result, form)
    if result.problem is not None:
        raise result.problem
    return 1 if result.failed else 0


@dataclass(slots=True, kw_only=True)
class _Whole:
    """What becomes one document, of however many environments."""

    several: bool
    base: str | None
    head: str
    judged: list[tuple[Project, CheckResult]] = field(default_factory=list)

    def judge(self, judge: Callable[[Project], CheckResult], project: Project) -> CheckResult:
        """Judge, and keep what was found."""
        try:
            result = judge(project)
        except GitmigError as error:
            self.judged.append((project, CheckResult(findings=(), subject=project.name, problem=error)))
            raise
        named = several.check_of(result, project.name) if self.several else result
        self.judged.append((project, named))
        return result

    def document(self, form: str) -> str:
        """All of it as SARIF or Markdown."""
        from gitmig.render.review import review_markdown
        from gitmig.render.sarif import sarif

        findings = [_placed(f, project) for project, result in self.judged for f in result.findings]
        problems = [result.problem for _, result in self.judged if result.problem is not None]
        if form == "sarif":
            return json.dumps(sarif(findings, problems))
        return review_markdown(findings, problems, list(self._reviews()))

    def _reviews(self) -> Iterator[tuple[str, Review]]:
        for project, _ in self.judged if self.base else ():
            with contextlib.suppress(GitmigError):  # which is among the problems
                yield project.name, review_of(project, str(self.base), self.head)


def _placed(finding: Finding, project: Project) -> Finding:
    """The finding, with a file that somebody can look into."""
    return replace(finding, path=finding.path or project.environment.settings_file)


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
        case "sarif" | "markdown":
            pass  # one document of all
        case _:
            check_text(result)
