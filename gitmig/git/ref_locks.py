"""Locks of gitmig's own refs that a killed git left behind.

git holds the lock of a ref for as long as it takes to write one line, and removes it. One that stays for a
second is nobody's any more; and under ``refs/gitmig/`` nobody but gitmig ever took it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gitmig.git.repository import Repository

_PATIENCE = 1.0
"""Seconds: another work tree may be moving its database just now."""


def remove_stale_ref_locks(repository: Repository) -> None:
    """Remove the locks under ``refs/gitmig/`` that nobody holds any more."""
    found = {lock: _state(lock) for lock in (repository.common_dir / "refs" / "gitmig").rglob("*.lock")}
    if not found:
        return
    time.sleep(_PATIENCE)
    for lock, state in found.items():
        if state is not None and _state(lock) == state:
            lock.unlink(missing_ok=True)


def _state(lock: Path) -> tuple[int, int, int] | None:
    """Which file it is, and since when; None where it is gone."""
    try:
        stat = lock.stat()
    except FileNotFoundError:
        return None
    return stat.st_dev, stat.st_ino, stat.st_mtime_ns
