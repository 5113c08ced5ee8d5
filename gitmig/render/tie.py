"""The result of ``tie`` as text and as JSON."""

from __future__ import annotations

import shlex

from gitmig.operations.tie import Tied
from gitmig.render import consoles
from gitmig.render.harmless import harmless
from gitmig.render.hints import hinted
from gitmig.wire.values import short

Json = dict[str, object]


def tie_text(result: Tied) -> None:
    """Whether it is proven, and what was recorded; warnings go to stderr."""
    out = consoles.output()
    err = consoles.status()
    for warning in result.warnings:
        err.print(harmless(f"Warning: {warning}"), markup=False, style="yellow")
    whose = f"those of {short(result.models_commit)}" if result.models_commit else "not committed yet"
    if result.proven:
        line = f"proven    {result.script.revision} takes the database to its models ({whose})"
        out.print(harmless(line), markup=False)
    verb = "recorded" if result.done else "would record"
    if not result.changed:
        verb = "recorded already"
    out.print(harmless(f"{verb}  in {result.script.path}"), markup=False)
    if result.done and result.changed and result.models_commit:
        subject = shlex.quote(f"Record the models of {result.script.revision}")
        hint = hinted(f"git commit -m {subject} -- {shlex.quote(result.script.path)}")
        err.print(harmless(f"Hint: {hint}"), markup=False)


def tie_json(result: Tied) -> Json:
    """``tie --json``."""
    step = {
        "action": "record",
        "revision": result.script.revision,
        "path": result.script.path,
        "commit": result.models_commit,
    }
    return {
        "version": 1,
        "steps": [step] if result.changed else [],
        "warnings": list(result.warnings),
        "revision": result.script.revision,
        "path": result.script.path,
        "proven": result.proven,
        "models_commit": result.models_commit,
    }
