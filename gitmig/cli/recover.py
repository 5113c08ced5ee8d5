"""``gitmig recover``."""

from __future__ import annotations

import json

from gitmig.cli.common import Common
from gitmig.cli.moving import Wait, Yes, manner
from gitmig.operations.noting import note_seen
from gitmig.operations.recover import Recovered, recover
from gitmig.render.harmless import harmless


def run(common: Common, yes: Yes = False, wait: Wait = 60.0) -> int:
    """Settle an interrupted command: everything is as before it or as after it."""
    project = common.open()
    result = recover(project, manner(common, dry_run=False, yes=yes, wait=wait))
    if result is not None:
        note_seen(project, result.database, result.heads)
    if common.format == "json":
        print(json.dumps(_json(result)))
    elif result is None:
        print("nothing to recover")
    else:
        but = ", but for its commit" if result.complete is not None else ""
        print(f"an interrupted `gitmig {result.command}` was settled: {result.told}{but}")
        print(harmless(f"database  at {', '.join(result.heads) or 'base'}"))
        for path in result.left:
            print(harmless(f"left      {path}: it holds something that the command did not write"))
        for note in result.notes:
            print(harmless(f"note      {note}"))
        if result.complete is not None:
            print(harmless(f"→ {result.complete}"))
    return 0


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
