"""What differs between HEAD, the index and the work tree, and whether git holds it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitmig.git.listing import records
from gitmig.git.objects import Entry
from gitmig.git.trees import CommitTree
from gitmig.git.worktree import hash_files, scan
from gitmig.wire.values import BlobId

if TYPE_CHECKING:
    from gitmig.git.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class PathState:
    """One file: what HEAD, the index and the work tree hold, None if they do not have it."""

    path: str
    head: Entry | None = None
    index: Entry | None = None
    worktree: Entry | None = None
    unmerged: bool = False

    @property
    def staged(self) -> bool:
        """Whether the next commit would change it."""
        return self.index != self.head and not self.unmerged

    @property
    def unstaged(self) -> bool:
        """Whether the file on disk is tracked and differs from the index."""
        return not self.untracked and self.worktree != self.index

    @property
    def untracked(self) -> bool:
        """Whether only the work tree has it, or will by ``git add --intent-to-add``."""
        return self.index is None and self.head is None and not self.unmerged


def changed(repository: Repository, paths: Sequence[str]) -> tuple[PathState, ...]:
    """Each file at or below the paths whose three places are not all the same, sorted by path."""
    runner = repository.runner
    commit = repository.head()
    head: dict[str, Entry] = {}
    if commit is not None:
        tree = CommitTree(repository, commit)
        for path in paths:
            head.update(tree.entries(path))
    seen = scan(runner, paths)
    hashed = hash_files(runner, seen.dirty | seen.untracked, seeds=seen.index)
    states = []
    for path in sorted({*head, *seen.index, *seen.unmerged, *hashed}):
        index = seen.index.get(path)
        on_disk = hashed.get(path) if path in seen.dirty or path in seen.untracked else index
        if on_disk is None and path in seen.skipped:
            on_disk = index
        state = PathState(
            path=path, head=head.get(path), index=index, worktree=on_disk, unmerged=path in seen.unmerged
        )
        if state.unmerged or not state.head == state.index == state.worktree:
            states.append(state)
    return tuple(states)


def held(repository: Repository, path: str, blob: BlobId) -> bool:
    """Whether a commit reachable from any ref or reflog holds the blob at the path."""
    if repository.objects.find(blob) is None:
        return False
    # With every parent (-m): a merge may hold what none of its parents does. --find-object itself looks at
    # the full history, so that content that lost in a merge is found as well.
    out = repository.git(
        "-c", "log.showSignature=false", "-c", "log.showRoot=true",
        "log", "--all", "--reflog", "-1", "-m", "--format=%H", "--no-patch",
        f"--find-object={blob}", "--", path,
    )  # fmt: skip
    return bool(out)


def ignored(repository: Repository, paths: Iterable[str]) -> frozenset[str]:
    """Those of some paths that .gitignore and its kin name; tracked ones never are."""
    # `check-ignore` does not know literal pathspecs. Wildcards mean nothing to it, but a leading colon does.
    names = b"".join(b"./" + os.fsencode(path) + b"\0" for path in paths)
    if not names:
        return frozenset()
    out = repository.runner.run(["check-ignore", "-z", "--stdin"], input=names, ok=(0, 1), literal=False)
    return frozenset(path.removeprefix("./") for path in records(out))
