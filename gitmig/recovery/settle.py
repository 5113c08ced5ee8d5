"""What an interrupted command left besides database and models: a draft, a commit to be made."""

from __future__ import annotations

from pathlib import Path

from gitmig.drafting.draft_file import draft_of
from gitmig.project.project import Project
from gitmig.state.files import remove_temporary, write_bytes
from gitmig.state.journal import CommitNote, DraftNote, Journal


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
    """Leave everything ready for the commit, where it was not made.

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
    project.git.stage([path for path in note.paths if path not in left])
    return note.complete, left
