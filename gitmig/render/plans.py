"""Plans as lines of text."""

from __future__ import annotations

from gitmig.core.plan import Plan, Step
from gitmig.wire.values import Action, short

_VERBS = {
    Action.DOWNGRADE: "▼ downgrade",
    Action.UPGRADE: "▲ upgrade",
    Action.RESTORE: "  restore",
    Action.REMOVE: "  remove",
    Action.COMMIT: "  commit",
    Action.SWITCH: "  switch to",
    Action.REWRITE: "  rewrite",
}


def plan_lines(plan: Plan) -> tuple[str, ...]:
    """One line for each step, then the warnings."""
    return (*(_line(step) for step in plan.steps), *(f"! {warning}" for warning in plan.warnings))


def _line(step: Step) -> str:
    what = step.path if step.action is Action.REWRITE and step.path else step.revision or step.path or ""
    origin = f" from {short(step.commit)}" if step.commit and step.action is Action.RESTORE else ""
    target = short(step.commit) if step.action is Action.SWITCH and step.commit else what
    return f"{_VERBS[step.action]} {target}{origin}"
