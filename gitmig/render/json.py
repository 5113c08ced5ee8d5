"""Results as JSON objects, version 1. docs/reference.md describes each; a test holds it against this."""

from __future__ import annotations

from gitmig.applied.drift import Recorded
from gitmig.core.codes import Finding
from gitmig.core.parked import ParkedRows
from gitmig.core.plan import Plan, Step
from gitmig.moving.plans import MoveResult
from gitmig.operations.check import CheckResult
from gitmig.operations.log import Line, Log
from gitmig.operations.status import Status
from gitmig.render.hints import hinted

Json = dict[str, object]


def status_json(status: Status) -> Json:
    """``status --json``."""
    return {
        "version": 1,
        "in_step": status.in_step,
        "database": {
            "name": status.database.name,
            "heads": list(status.database.heads),
            "known": status.known,
            "others": [{"name": one.name, "heads": list(one.heads)} for one in status.database.others],
        },
        "checkout": {"commit": status.commit, "branch": status.branch, "heads": list(status.heads)},
        "models": {
            "paths": list(status.models),
            "revision": status.place.revision,
            "modified": list(status.place.modified),
        },
        "labels": {revision: list(labels) for revision, labels in status.labels},
        "recorded": _recorded(status.recorded),
        "hint": status.hint and hinted(status.hint),
        "findings": [finding_json(finding) for finding in status.findings],
    }


def _recorded(recorded: Recorded | None) -> Json | None:
    if recorded is None:
        return None
    return {
        "ledger": recorded.ledger,
        "heads": None if recorded.heads is None else list(recorded.heads),
        "time": recorded.rows[-1].time,
        "gap": recorded.gap,
        "moved": None
        if recorded.moved is None
        else {
            "tree": str(recorded.moved.tree),
            "branch": recorded.moved.row.branch,
            "time": recorded.moved.row.time,
            "who": recorded.moved.row.who,
        },
    }


def log_json(log: Log) -> Json:
    """``log --json``."""
    return {
        "version": 1,
        "commit": log.commit,
        "revisions": [_line(line) for line in log.lines],
        "findings": [finding_json(finding) for finding in log.findings],
    }


def _line(line: Line) -> Json:
    return {
        "revision": line.script.revision,
        "down_revisions": list(line.script.down_revisions),
        "message": line.script.message,
        "labels": list(line.labels),
        "introduced": line.introduced and line.introduced.id,
        "models_commit": line.tie and line.tie.models_commit,
        "tie": line.tie and line.tie.state.value,
        "applied": line.applied,
        "head": line.head,
    }


def check_json(result: CheckResult) -> Json:
    """``check --json``."""
    return {"version": 1, "findings": [finding_json(finding) for finding in result.findings]}


def finding_json(finding: Finding) -> Json:
    """One finding."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "message": finding.message,
        "hint": finding.hint and hinted(finding.hint),
        "path": finding.path,
        "line": finding.line,
        **({"details": list(finding.details)} if finding.details else {}),
    }


def move_json(result: MoveResult) -> Json:
    """A plan (``--dry-run``) or a result of ``revise``, ``upgrade``, ``rollback``."""
    answer: Json = {
        "version": 1,
        **_plan(result.plan),
        "database": {"heads": list(result.heads)},
    }
    if result.done or result.drafted or result.staged:
        answer["commit"] = result.commit
    if result.revision is not None:
        answer |= {"revision": result.revision, "path": result.path}
    if result.parked:
        answer["parked"] = [parked_json(rows) for rows in result.parked]
    if result.back:
        answer["back"] = [parked_json(rows) | {"left": rows.left} for rows in result.back]
    if result.notes:
        answer["notes"] = list(result.notes)
    if result.hint:
        answer["hint"] = hinted(result.hint)
    return answer


def parked_json(rows: ParkedRows) -> Json:
    """Rows that are parked, without themselves."""
    return {
        "id": rows.id,
        "revision": rows.revision,
        "schema": rows.schema,
        "table": rows.table,
        "columns": None if rows.columns is None else list(rows.columns),
        "rows": rows.rows,
        "bytes": rows.bytes,
        "who": rows.who,
        "time": rows.time,
        "why": rows.why,
    }


def _plan(plan: Plan) -> Json:
    return {"steps": [_step(step) for step in plan.steps], "warnings": list(plan.warnings)}


def _step(step: Step) -> Json:
    return {
        "action": step.action.value,
        "revision": step.revision,
        "path": step.path,
        "commit": step.commit,
    }
