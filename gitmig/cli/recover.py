"""``gitmig recover``."""

from __future__ import annotations

import json
from collections.abc import Sequence

from gitmig.cli import several
from gitmig.cli.common import Common
from gitmig.cli.moving import DryRun, Wait, Yes, run_options
from gitmig.hooks.notes import note_seen
from gitmig.operations.recover import is_interrupted, recover
from gitmig.project.project import Project
from gitmig.recovery.recovery import Recovered
from gitmig.render.harmless import harmless
from gitmig.state.journal import read_journal


def run(common: Common, dry_run: DryRun = False, yes: Yes = False, wait: Wait = 60.0) -> int:
    """Settle an interrupted command: everything is as before it or as after it."""
    projects = common.open_all()
    interrupted = [project for project in projects if is_interrupted(project)]
    if dry_run:
        return _previewed(common, interrupted)
    how = run_options(common, dry_run=False, yes=yes, wait=wait)

    def settle(project: Project) -> Recovered | None:
        result = recover(project, how)
        if result is not None:
            note_seen(project, result.database, result.heads)
        return result

    if len(interrupted) > 1:
        return several.speak(
            interrupted, common.format, settle, text=_text, as_json=_json, code=lambda result: 0
        )
    result = settle((interrupted or projects)[0])
    if common.format == "json":
        print(json.dumps(_json(result)))
    else:
        _text(result)
    return 0


def _previewed(common: Common, interrupted: Sequence[Project]) -> int:
    """Which commands would be settled. Which side they come to is known under the database's lock alone."""
    journals = [read_journal(project.notes()) for project in interrupted]
    commands = [journal.command for journal in journals if journal is not None]
    if common.format == "json":
        print(json.dumps({"version": 1, "recovered": None, "interrupted": commands}))
    for command in commands if common.format != "json" else ():
        print(f"would settle an interrupted `gitmig {command}`")
    if not commands and common.format != "json":
        print("nothing to recover")
    return 0


def _text(result: Recovered | None) -> None:
    if result is None:
        print("nothing to recover")
        return
    but = ", but for its commit" if result.complete is not None else ""
    print(f"an interrupted `gitmig {result.command}` was settled: {result.described}{but}")
    print(harmless(f"database  at {', '.join(result.heads) or 'base'}"))
    for path in result.left:
        print(harmless(f"left      {path}: it holds something that the command did not write"))
    for note in result.notes:
        print(harmless(f"note      {note}"))
    if result.complete is not None:
        print(harmless(f"→ {result.complete}"))


def _json(result: Recovered | None) -> dict[str, object]:
    if result is None:
        return {"version": 1, "recovered": None}
    return {
        "version": 1,
        "recovered": {
            "command": result.command,
            "side": result.side,
            "applied": result.applied,
            "left": list(result.left),
            "backup": result.backup,
            "complete": result.complete,
            "notes": list(result.notes),
        },
        "database": {"heads": list(result.heads)},
    }
