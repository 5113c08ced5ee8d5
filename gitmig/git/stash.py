"""Edits put into git's own stash, and taken out again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gitmig.git.repository import Repository


def stash(repository: Repository, paths: Sequence[str], message: str) -> str:
    """Put the staged and unstaged edits of some files, untracked ones too, into a new stash entry.

    Returns the entry's commit id, which stays good when other entries come on top. Raises GitError.
    """
    repository.git("stash", "push", "--quiet", "--include-untracked", f"--message={message}", "--", *paths)
    return repository.git("rev-parse", "--verify", "refs/stash").decode().strip()


def unstash(repository: Repository) -> None:
    """Put the newest entry's edits back as they were, staged ones staged. Raises GitError."""
    repository.git("stash", "pop", "--quiet", "--index")
