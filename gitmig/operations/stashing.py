"""Edits in the way of models, saved as an entry of git's stash while a command moves them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gitmig.errors import CommitFailed, GitError, GitmigError, Interrupted, WorkerCrashed
from gitmig.git.restore import Allowed, edits
from gitmig.git.stash import Stash, forget, is_untouched, look, stash, unstage
from gitmig.logbook import Logbook
from gitmig.operations.preconditions import require_quiet
from gitmig.operations.results import MoveResult
from gitmig.prepared import Manner
from gitmig.project import Project
from gitmig.seam import point


def stashing(
    project: Project, log: Logbook, manner: Manner, command: Callable[[Allowed], MoveResult]
) -> MoveResult:
    """Run a command that may overwrite the edits of the models files, once git's stash holds them.

    Afterwards the index holds HEAD's models, and a note says how to get the edits back. Where the command
    fails before it moved the files, the entry is taken out again, and files and index are what they were.
    """
    require_quiet(project)
    project.require_models()
    git = project.git
    found = edits(git, project.models)
    if not found or git.head() is None:
        return command({})
    if manner.dry_run:
        result = command(look(git, found).blobs)
        warning = f"goes into git's stash first: {', '.join(found)}"
        return replace(result, plan=replace(result.plan, warnings=(*result.plan.warnings, warning)))
    why = f"gitmig rollback {log.journal.operation[:8]}"
    log.write(replace(log.journal, stash=why))
    point("stash-begun")
    try:
        stashed = stash(git, found, why)
    except GitmigError:
        log.remove()
        raise
    point("stashed")
    try:
        result = command(stashed.blobs)
    except WorkerCrashed:
        raise  # the database may have moved: recovery asks it
    except (CommitFailed, Interrupted) as error:
        _undone(project, manner, stashed, error)
        raise
    except BaseException as error:
        if _undone(project, manner, stashed, error) or isinstance(error, GitmigError):
            log.remove()
        raise
    log.remove()
    return replace(result, notes=(*result.notes, put_away(project, stashed, forward=result.commit is None)))


def put_away(project: Project, stashed: Stash, *, forward: bool) -> str:
    """Take staged edits out of the index, now that the models moved; what is to be said of the stash.

    ``forward``: whether the models come forward again with an upgrade, so that the edits fit them.
    """
    way = way_back(stashed, forward=forward)
    try:
        unstage(project.git, list(stashed.staged))
    except GitError as error:
        way = f"{way}; the index has them too: {error.message}"
    return way


def _undone(project: Project, manner: Manner, stashed: Stash, error: BaseException) -> bool:
    """Whether the entry is forgotten, since files and index are what they were."""
    if is_untouched(project.git, stashed):
        forget(project.git, stashed)
        return True
    way = way_back(stashed, forward=False)
    if isinstance(error, GitmigError):
        error.detail = "\n".join(filter(None, (error.detail, way)))
    else:
        manner.person.tell(way)
    return False


def way_back(stashed: Stash, *, forward: bool) -> str:
    """How to get stashed edits back, as a sentence."""
    # git takes edits back onto models that are as committed, and staged ones where nothing else is staged.
    conditions = ("after gitmig upgrade", forward), ("with nothing else staged", stashed.is_staged)
    when = ", ".join(text for text, holds in conditions if holds)
    command = f"git stash apply {'--index ' if stashed.is_staged else ''}{stashed.entry}"
    return f"your edits are in git's stash{f'; {when}' if when else ''}: {command}"
