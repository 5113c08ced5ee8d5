"""Where a move of the database comes from: of which commit, and who makes it."""

from __future__ import annotations

import getpass
import os

from gitmig.errors import GitError
from gitmig.git.repository import Repository
from gitmig.wire.values import CommitId

_LONGEST = 255
"""Characters that are kept of what the environment says."""


def commit_of(repository: Repository | None) -> CommitId | None:
    """HEAD; where there is no repository what ``GITMIG_COMMIT`` says, as in a production image."""
    if repository is not None:
        return repository.head()
    said = _clean(os.environ.get("GITMIG_COMMIT", ""))
    return CommitId(said) if said else None


def who(repository: Repository | None) -> str:
    """The identity that git would commit with; the operating system's user where there is none."""
    if repository is not None:
        try:
            return _clean(repository.identity)
        except GitError:
            pass  # git needs an author, and has none
    try:
        return _clean(getpass.getuser())
    except (KeyError, OSError):
        # In a container the user may have no name (a KeyError before Python 3.13).
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"


def _clean(text: str) -> str:
    """Text that every database takes: without the surrogates that undecodable bytes become."""
    return text.strip()[:_LONGEST].encode("utf-8", "replace").decode("utf-8")
