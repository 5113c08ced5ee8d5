"""At which point of a line of commits each tag is."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from gitmig.git.commits import first_parents
from gitmig.git.repository import Repository
from gitmig.wire.values import CommitId

_FORMAT = "--format=%(objectname) %(*objectname) %(refname:short)"


def tags(repository: Repository, line: Sequence[CommitId]) -> Iterator[tuple[str, CommitId]]:
    """Each tag on HEAD's first-parent line, oldest first, and the last commit of ``line`` that it has.

    ``line`` are some commits of that line, oldest first. Tags of other branches, and those before the first
    of these commits, are left out.
    """
    head = repository.head()
    named = _named(repository)
    if head is None or not named:
        return
    chosen, last = frozenset(line), None
    for commit in first_parents(repository, head):
        last = commit.id if commit.id in chosen else last
        if last is not None:
            yield from ((tag, last) for tag in named.get(commit.id, ()))


def _named(repository: Repository) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in os.fsdecode(repository.git("for-each-ref", _FORMAT, "refs/tags")).splitlines():
        tag_or_commit, peeled, name = row.split(" ", 2)
        found.setdefault(peeled or tag_or_commit, []).append(name)
    return found
