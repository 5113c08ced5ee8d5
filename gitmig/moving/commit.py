"""The git commit at the end of a command, and what the journal tells of it.

Foreign programs (hooks, signers) run here, so everything else has happened and no transaction is open.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from gitmig.errors import CommitFailed, GitmigError, Interrupted
from gitmig.failpoints import failpoint
from gitmig.git import commits
from gitmig.git.repository import Repository
from gitmig.state.journal import CommitNote, Logbook, Stage
from gitmig.wire.values import CommitId


def begin_commit(log: Logbook, note: CommitNote) -> None:
    """Write down that everything has moved, and what is going to be committed."""
    log.write(replace(log.journal, stage=Stage.COMMITTING, commit=note))
    failpoint("commit-begun")


def end_commit(log: Logbook) -> None:
    """The commit was made, or it was not and what is to be committed is staged: nothing is half done."""
    log.remove()
    failpoint("journal-removed")


def commit_paths(
    repository: Repository,
    log: Logbook,
    message: str | None,
    paths: Sequence[str],
    *,
    trailers: Mapping[str, str],
    amend: bool = False,
    staged: Sequence[str] = (),
    refresh: Callable[[], None] = lambda: None,
    state: str = "the revision is applied, not committed, and its files are in place and staged",
) -> CommitId:
    """Commit these paths as they are in the work tree; everything else that is staged stays staged.

    ``staged`` are committed as they are in the index instead. Without a message an amended commit
    keeps its own. The journal tells of the commit already, and is removed.

    Hooks that reformat just these paths are given one more try, after ``refresh`` (which may rewrite
    the record in the revision). Raises CommitFailed, or Interrupted, which tell the ``state`` and how to
    complete it; the paths are then staged, so that a plain ``git commit`` does.
    """
    make = functools.partial(
        commits.commit, repository, message, paths, trailers=trailers, amend=amend, staged=staged
    )
    try:
        made = _attempt(repository, paths, make, refresh, again=not staged)
    except GitmigError as error:
        end_commit(log)
        if not isinstance(error, CommitFailed):
            raise
        assert log.journal.commit is not None
        raise _left(error, state, log.journal.commit.complete) from None
    end_commit(log)
    return made


def _attempt(
    repository: Repository,
    paths: Sequence[str],
    make: Callable[[], CommitId],
    refresh: Callable[[], None],
    *,
    again: bool,
) -> CommitId:
    """The commit; made ``again`` if hooks reformatted the paths the first time."""
    before = repository.hash_worktree(paths)
    try:
        return make()
    except CommitFailed as error:
        if not again or error.interrupted or repository.hash_worktree(paths) == before:
            raise
    refresh()
    return make()


def _left(error: CommitFailed, state: str, complete: str) -> GitmigError:
    if error.interrupted:
        return Interrupted(f"git commit was interrupted; {state}", hint=complete)
    return CommitFailed(
        f"git did not commit (its output above says why); {state}",
        hint=f"correct that, then: {complete}",
        detail=error.detail,
    )
