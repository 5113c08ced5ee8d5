"""What an interrupted command left besides models: a draft, a commit to be made, a step that was cut off."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from gitmig.drafting.draft_file import draft_of
from gitmig.errors import MigrationFailed, ProjectCodeError
from gitmig.git import commits
from gitmig.git.repository import Repository
from gitmig.git.temporary import delete_abandoned
from gitmig.moving.parking import folder_of
from gitmig.moving.plans import RunOptions
from gitmig.project.project import Project
from gitmig.rpc.client import Worker
from gitmig.rpc.protocol import DatabaseFacts, MigrationRequest
from gitmig.state.files import remove_temporary, write_bytes
from gitmig.state.journal import CommitNote, DraftNote, Journal, Stage, step_log
from gitmig.wire.step_log import HalfStep, read_half_step
from gitmig.wire.values import RevisionId


def clear(repository: Repository) -> None:
    """Delete what killed commands left, and have SQLite take back what they had begun to park."""
    delete_abandoned(repository.private())
    for journal in Path(folder_of(repository)).glob("*-journal"):
        file = str(journal).removesuffix("-journal")
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(file, timeout=0)) as own:
            own.execute("select count(*) from sqlite_master")


def settle_draft(project: Project, note: DraftNote, *, forward: bool) -> tuple[Path, ...]:
    """Make the draft of an interrupted command the revision's script, or as if it had not been written.

    What a person may have written stays or is put aside. Returns those files, and the old script where it
    is kept because git does not have it.
    """
    draft = draft_of(project, note)
    remove_temporary(draft.file)
    now = draft.file.read_bytes() if draft.file.exists() else None
    if forward:
        # The command may have put it aside before it was known that the database had moved.
        if now in (None, note.old) and note.new is not None:
            write_bytes(draft.file, note.new)
        lost = note.old is not None and not note.held and note.old != draft.file.read_bytes()
        return (draft.keep(note.old),) if lost and note.old is not None else ()
    if now is None:
        if note.old is not None:
            write_bytes(draft.file, note.old)
        return ()
    kept = draft.take_back() if now != note.old else None
    return (kept,) if kept is not None else ()


def settle_commit(project: Project, journal: Journal, note: CommitNote) -> tuple[str | None, tuple[str, ...]]:
    """Leave everything ready for the commit, if it was not made.

    Returns the command that makes it, and the files that stay because they are not what was to be removed.
    """
    for path in note.paths:
        remove_temporary(project.top / path)
    head = project.git.head()
    if head is not None and head != journal.head:
        committed = project.commit_tree(head).ids()
        there = project.git.hash_worktree(note.paths)
        missing = any((path in committed) != (path in there) for path in note.paths)
        return (note.complete if missing else None), ()
    now = project.git.hash_worktree(note.removed)
    left = tuple(path for path in sorted(now) if now[path] != note.removed[path])
    for path in now:
        if path not in left:
            (project.top / path).unlink()
    commits.stage(project.git, [path for path in note.paths if path not in left])
    return note.complete, left


def finish_half_step(
    project: Project, worker: Worker, journal: Journal, run_options: RunOptions
) -> str | None:
    """Do what is left of the step that an interrupted command was in; what to say of that, or None.

    Nothing happens if no part of it was committed, or if the database has moved on.
    """
    path = step_log(project.notes())
    half = read_half_step(str(path))
    if journal.stage is not Stage.MOVING or half is None or not half.has_begun:
        return None

    def plan(facts: DatabaseFacts) -> MigrationRequest | None:
        before, after = _place(journal, half)
        if before is None or after is None or facts.transactional or set(before) != set(facts.heads):
            return None
        return MigrationRequest(graphs=(), roots=(), steps=(), expect=after, step_log=path, resume=True)

    try:
        moved = worker.migrate(plan, lambda: True, wait=run_options.wait)
    except (MigrationFailed, ProjectCodeError) as error:
        return f"{half.revision} is done in part, and cannot be finished: {error.message}"
    return f"{half.revision} was done in part, and is finished now" if moved.committed else None


def _place(
    journal: Journal, half: HalfStep
) -> tuple[tuple[RevisionId, ...] | None, tuple[RevisionId, ...] | None]:
    """The heads before and after the step; None if nobody wrote them down."""
    before: tuple[RevisionId, ...] | None = journal.before
    for row in journal.rows:
        if (row.revision, row.direction) == (half.revision, half.action):
            return before, row.heads
        before = row.heads
    return None, None


def may_be_half_done(project: Project, revision: RevisionId) -> bool:
    """Whether the database may have kept a part of a step: not if its log says otherwise."""
    half = read_half_step(str(step_log(project.notes())))
    return half is None or (half.revision == revision and half.has_begun)
