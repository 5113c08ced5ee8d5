"""Edits put into git's own stash, and taken out again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gitmig.errors import GitError
from gitmig.git.real_index import real_index
from gitmig.git.worktree import records

if TYPE_CHECKING:
    from gitmig.git.repository import Repository


def stash(repository: Repository, paths: Sequence[str], message: str) -> str:
    """Put the staged and unstaged edits of some files, untracked ones too, into a new stash entry.

    Returns the entry's commit id, which stays good when other entries come on top. Raises GitError.
    """
    with real_index(repository) as env:
        repository.git(
            "stash", "push", "--quiet", "--include-untracked", f"--message={message}", "--", *paths, env=env
        )
    return repository.git("rev-parse", "--verify", "refs/stash").decode().strip()


def stashed(repository: Repository, message: str) -> str | None:
    """The commit id of the entry with a message; None where there is none."""
    for commit, said in _entries(repository):
        if said.endswith(f": {message}"):
            return commit
    return None


def unstash(repository: Repository, entry: str) -> None:
    """Put an entry's edits back as they were, staged ones staged, and forget it. Raises GitError."""
    place = [commit for commit, _ in _entries(repository)].index(entry)
    with real_index(repository) as env:
        repository.git("stash", "pop", "--quiet", "--index", f"stash@{{{place}}}", env=env)


def _entries(repository: Repository) -> list[tuple[str, str]]:
    try:
        out = repository.git("stash", "list", "-z", "--format=%H %gs")
    except GitError:
        return []
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in records(out)]
