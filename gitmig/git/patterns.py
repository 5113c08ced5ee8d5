"""The paths that a pattern stands for, now and in history."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gitmig.git.listing import records

if TYPE_CHECKING:
    from gitmig.git.repository import Repository

_GLOB = re.compile(r"[*?\[]")


def is_pattern(path: str) -> bool:
    """Whether a path is a pattern: ``app/*/models.py``, ``app/**/tables.py``."""
    return _GLOB.search(path) is not None


def expanded(repository: Repository, paths: Iterable[str]) -> tuple[str, ...]:
    """The paths, with those that match in the place of each pattern: on disk, staged, or in HEAD's history.

    Those of history are no longer there, but may have to be put back.
    """
    found: dict[str, None] = {}
    for path in paths:
        if not is_pattern(path):
            found[path] = None
            continue
        wanted = ("--", f":(glob){path}")
        listed = ("ls-files", "-z", "--cached", "--others", "--exclude-standard", *wanted)
        outputs = [repository.runner.run(listed, literal=False)]
        if repository.head() is not None:
            added = (
                "log",
                "-z",
                "--full-history",
                "--no-renames",
                "--diff-filter=A",
                "--format=",
                "--name-only",
            )
            outputs.append(repository.runner.run((*added, "HEAD", *wanted), literal=False))
        matching = {name.strip("\n") for output in outputs for name in records(output)}
        found.update(dict.fromkeys(sorted(name for name in matching if name)))
    return tuple(found)
