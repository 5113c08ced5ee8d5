"""Edits put into git's own stash, without touching the files or the index.

``git stash push`` takes the edits off the disk first, and puts them back by merging: it leaves out what is
skip-worktree, records everything else that is staged, and fails to take it all back. So the entry is made
here, out of the same commits that git makes, and what comes of the files is the caller's business.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitmig.errors import GitError
from gitmig.git.changes import changed
from gitmig.git.objects import Entry
from gitmig.git.real_index import real_index
from gitmig.git.trees import CommitTree
from gitmig.git.worktree import PLAIN, hash_files, index_entries, insert, private_index, records
from gitmig.model import BlobId, CommitId

if TYPE_CHECKING:
    from gitmig.git.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Stash:
    """Edits, and the entry of git's stash that holds them; None where there is none yet."""

    entry: CommitId | None
    staged: Mapping[str, Entry | None]
    """What the index holds, None for what it does not have."""
    worktree: Mapping[str, Entry]
    """What is on disk."""
    is_staged: bool = False
    """Whether the index differs from HEAD at one of these files."""

    @property
    def blobs(self) -> dict[str, tuple[BlobId, ...]]:
        """Per path, the contents that may be overwritten once the entry is there."""
        both = {path: (entry, self.worktree.get(path)) for path, entry in self.staged.items()}
        return {path: tuple(e.blob for e in entries if e is not None) for path, entries in both.items()}


def look(repository: Repository, paths: Sequence[str]) -> Stash:
    """What :func:`stash` would take of some files. Writes nothing."""
    seeds = index_entries(repository.runner, paths)
    return Stash(
        entry=None,
        staged={path: seeds.get(path) for path in paths},
        worktree=hash_files(repository.runner, paths, seeds=seeds),
    )


def stash(repository: Repository, paths: Sequence[str], why: str) -> Stash:
    """Make an entry of the staged and unstaged edits of some files, untracked ones too.

    Files and index stay as they are. There has to be a commit. Raises GitError.
    """
    head = repository.head()
    assert head is not None
    seeds = index_entries(repository.runner, paths)
    worktree = hash_files(repository.runner, paths, seeds=seeds, folder=repository.private())
    states = changed(repository, paths)
    new = {state.path for state in states if state.untracked}
    tracked = [path for path in paths if path not in new]
    message = f"On {repository.branch() or '(no branch)'}: {why}"
    staged = _commit(repository, f"index {message}", _tree(repository, head, tracked, seeds), head)
    parents = [head, staged]
    if fresh := {path: worktree[path] for path in sorted(new) if path in worktree}:
        tree = _tree(repository, None, fresh, fresh)
        parents.append(_commit(repository, f"untracked files {message}", tree))
    entry = _commit(repository, message, _tree(repository, head, tracked, worktree), *parents)
    repository.runner.run(["stash", "store", "--quiet", "-m", message, entry], env=IDENTITY)
    return Stash(
        entry=entry,
        staged={path: seeds.get(path) for path in paths},
        worktree=worktree,
        is_staged=any(state.staged for state in states),
    )


def stashed(repository: Repository, why: str) -> Stash | None:
    """What :func:`stash` made for a reason, read from its entry; None where there is none."""
    entry = next((id for id, said in _entries(repository) if said.endswith(f": {why}")), None)
    if entry is None:
        return None
    head, index, *fresh = repository.commit_info(entry).parents
    trees = [CommitTree(repository, commit).entries() for commit in (head, index, entry, *fresh)]
    base, staged, worktree, *untracked = trees
    new = untracked[0] if untracked else {}
    paths = {p for p in {**base, **staged, **worktree} if not base.get(p) == staged.get(p) == worktree.get(p)}
    return Stash(
        entry=entry,
        staged={path: staged.get(path) for path in (*paths, *new)},
        worktree={path: worktree[path] for path in paths if path in worktree} | dict(new),
        is_staged=any(staged.get(path) != base.get(path) for path in paths),
    )


def is_untouched(repository: Repository, stashed: Stash) -> bool:
    """Whether index and files are still what the entry was made of."""
    now = look(repository, list(stashed.staged))
    return now.staged == stashed.staged and now.worktree == stashed.worktree


def forget(repository: Repository, stashed: Stash) -> None:
    """Take the entry out of the stash, whatever came on top of it."""
    entries = [id for id, _ in _entries(repository)]
    if stashed.entry in entries:
        number = entries.index(stashed.entry)
        repository.git("stash", "drop", "--quiet", f"stash@{{{number}}}", env=IDENTITY)


def _entries(repository: Repository) -> list[tuple[CommitId, str]]:
    try:
        out = repository.git("stash", "list", "-z", "--format=%H %gs")
    except GitError:
        return []
    lines = [line.partition(" ") for line in records(out)]
    return [(CommitId(id), said) for id, _, said in lines]


def unstage(repository: Repository, paths: Sequence[str]) -> None:
    """Make the index hold what HEAD holds at some paths, as ``git stash push`` does. Raises GitError."""
    with real_index(repository) as env:
        repository.git("reset", "--quiet", "HEAD", "--", *paths, env=env)


IDENTITY = {
    "GIT_AUTHOR_NAME": "gitmig",
    "GIT_AUTHOR_EMAIL": "gitmig",
    "GIT_COMMITTER_NAME": "gitmig",
    "GIT_COMMITTER_EMAIL": "gitmig",
}


def _tree(
    repository: Repository, base: CommitId | None, paths: Iterable[str], entries: Mapping[str, Entry]
) -> str:
    """A commit's tree with these paths as in ``entries``, or gone."""
    runner, chosen = repository.runner, list(paths)
    with private_index(runner, folder=repository.private()) as env:
        runner.run([*PLAIN, "read-tree", base or "--empty"], env=env)
        gone = b"".join(os.fsencode(path) + b"\0" for path in chosen)
        runner.run([*PLAIN, "update-index", "--force-remove", "-z", "--stdin"], input=gone, env=env)
        insert(runner, env, {path: entries[path] for path in chosen if path in entries})
        return repository.git(*PLAIN, "write-tree", env=env).decode().strip()


def _commit(repository: Repository, message: str, tree: str, *parents: CommitId) -> CommitId:
    words = [word for parent in parents for word in ("-p", parent)]
    made = repository.git("commit-tree", *words, "-m", message, tree, env=IDENTITY)
    return CommitId(made.decode().strip())
