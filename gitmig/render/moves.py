"""What ``revise``, ``upgrade`` and ``rollback`` did, or would do, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gitmig.core.parked import told_rows
from gitmig.core.plan import Step
from gitmig.core.schema.facets import render
from gitmig.moving.plans import MoveResult
from gitmig.project.project import Project
from gitmig.render import consoles
from gitmig.render.harmless import harmless
from gitmig.render.hints import hinted
from gitmig.render.plans import plan_lines
from gitmig.wire.values import Action, short


def move_text(result: MoveResult, project: Project) -> None:
    """Print what happened to stdout, what is worth knowing besides to stderr."""
    out = consoles.output()
    err = consoles.status()
    for line in _lines(result, project):
        out.print(harmless(line), markup=False, style=_style(line))
    for warning in result.plan.warnings if result.done else ():
        err.print(harmless(f"! {warning}"), markup=False, style="yellow")
    for note in result.notes if result.done or result.command not in _OF_REVISIONS else ():
        err.print(harmless(f"Note: {hinted(note)}"), markup=False, style="yellow")
    if result.hint:
        err.print(harmless(f"Hint: {hinted(result.hint)}"), markup=False)


def _lines(result: MoveResult, project: Project) -> Iterator[str]:
    for change in result.changes:
        yield f"  {render(change)}"
    if result.drafted:
        yield f"drafted {result.path}; nothing was applied"
        yield hinted("review it, then: gitmig upgrade --commit")
    elif result.done:
        yield from _done(result, project)
    elif result.command == "revise" and result.text is None:
        yield "nothing was changed"
    elif result.command in _OF_REVISIONS and not result.plan.steps:
        yield from result.notes
    else:
        yield from _planned(result)


def _planned(result: MoveResult) -> Iterator[str]:
    if result.text is not None:
        yield f"would write {result.path}:"
        yield result.text
    yield from plan_lines(result.plan)
    if result.command == "rollback" and not result.plan.heads:
        yield _BASE
    if not result.plan.steps and result.text is None:
        yield "nothing to do"


def _done(result: MoveResult, project: Project) -> Iterator[str]:
    moves = result.plan.of(Action.UPGRADE, Action.DOWNGRADE)
    where = ", ".join(result.heads) or "base"
    if result.database:
        yield f"database  {'at' if moves else 'already at'} {where}{_message(result, project)}"
    if result.checkout is not None:
        yield f"checkout  {result.checkout}"
    yield from _rows(result)
    restored = result.plan.of(Action.RESTORE, Action.REMOVE)
    if result.command == "rollback" and not result.heads:
        yield _BASE
    elif restored and result.command in _OF_REVISIONS:
        yield f"removed   {_files(restored, '')}"
    elif restored and result.command != "switch":
        yield f"models    {_files(restored)}{_origin(restored)}"
    for step in result.plan.of(Action.REWRITE):
        yield f"{'rewrote ' if result.command == 'rebase' else 'wrote   '}  {step.path}"
    if result.staged:
        yield f"staged    {result.path} and the models, to be committed with your other changes"
    if result.commit:
        yield f"commit    {short(result.commit)}"
        yield from _besides(result, project)


def _besides(result: MoveResult, project: Project) -> Iterator[str]:
    """What ``revise`` commits that is neither a models file nor the revision: env.py, the first time."""
    if result.command == "revise":
        paths = [step.path for step in result.plan.of(Action.COMMIT) if step.path]
        others = [path for path in paths if path not in (*project.models, result.path)]
        if others:
            yield f"          with {', '.join(others)}"


def _rows(result: MoveResult) -> Iterator[str]:
    for each in result.parked:
        yield f"rows      parked {told_rows(each.rows)} of {each.name}"
    for each in result.back:
        yield f"rows      {told_rows(each.rows)} of {each.name} {'is' if each.rows == 1 else 'are'} back"


_OF_REVISIONS = ("rebase", "merge", "squash", "backport")
"""The commands that have files to change even if the database has nothing to do."""
_BASE = "models    unchanged: base has no models"
_NAMED = 3


def _files(steps: Sequence[Step], removed: str = " removed") -> str:
    if len(steps) > _NAMED:
        return f"{len(steps)} files"
    return ", ".join(f"{step.path}{removed if step.action is Action.REMOVE else ''}" for step in steps)


def _origin(steps: Sequence[Step]) -> str:
    commit = next((step.commit for step in steps if step.commit), None)
    return f" as of {short(commit)}" if commit else ""


def _message(result: MoveResult, project: Project) -> str:
    graph = project.graph()
    known = [graph.scripts[head].title for head in result.heads if head in graph.scripts]
    return f"  {known[0]}" if len(known) == 1 and known[0] else ""


def _style(line: str) -> str | None:
    return {"+": "green", "-": "red", "~": "yellow"}.get(line.strip()[:1])
