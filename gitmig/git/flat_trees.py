"""Trees that are lists of files: the index and the work tree."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gitmig.errors import GitError
from gitmig.git.listing import Listed, records
from gitmig.git.modules import lies_below, on_disk
from gitmig.git.objects import Entry
from gitmig.git.trees import GitTree
from gitmig.git.worktree import PLAIN, hash_files, index_entries, insert, is_large, scan, submodule_entries
from gitmig.wire.values import BlobId, CommitId

if TYPE_CHECKING:
    from gitmig.git.repository import Repository


class _FlatTree(GitTree):
    """A tree that comes as one list of files."""

    def _list(self) -> Listed:
        raise NotImplementedError

    @cached_property
    def _files(self) -> Listed:
        return self._list()

    def _around(self, path: str) -> Listed:
        """A list that has all that lies at or below a path."""
        return self._files

    def entry(self, path: str) -> Entry | None:
        """As :meth:`GitTree.entry`."""
        return self._around(path).at(path)

    def ids(self, prefix: str = "") -> Mapping[str, BlobId]:
        """As :meth:`Tree.ids`."""
        return super().ids(prefix) if prefix else self._files.ids()

    def entries(self, prefix: str = "") -> Mapping[str, Entry]:
        """As :meth:`GitTree.entries`."""
        return self._around(prefix).at_or_below(prefix) if prefix else self._files

    def _contents(self, folder: str) -> Mapping[str, Entry]:
        return self._files.directly_in(folder)


class IndexTree(_FlatTree):
    """What is staged. Intent-to-add and unmerged files are left out, since no commit would hold them.

    ``index_file`` is another index than the work tree's own: what a hook finds in ``GIT_INDEX_FILE``,
    as it stands there (git means it relative to the top).
    """

    def __init__(self, repository: Repository, index_file: Path | str | None = None) -> None:
        self._repository = repository
        self._index_file = repository.top / index_file if index_file else None
        self.label = "the index"

    @property
    def partial(self) -> bool:
        """Whether it is that of a ``git commit PATH``, which leaves out what else is staged.

        git names it ``next-index-<pid>.lock`` (builtin/commit.c).
        """
        return self._index_file is not None and self._index_file.name.startswith("next-index-")

    def tree_id(self, folder: Path, env: Mapping[str, str]) -> str:
        """As :meth:`GitTree.tree_id`. The index itself is only read."""
        runner = self._repository.runner
        with tempfile.TemporaryDirectory(prefix="index-", dir=folder) as name:
            ours = {**env, "GIT_INDEX_FILE": os.path.join(name, "index")}
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(
                    self._index_file or self._repository.git_dir / "index", ours["GIT_INDEX_FILE"]
                )
            try:
                out = runner.run([*PLAIN, "write-tree"], env=ours)
            except GitError:  # conflicts
                runner.run([*PLAIN, "read-tree", "--empty"], env=ours)
                insert(runner, ours, self.entries())
                out = runner.run([*PLAIN, "write-tree"], env=ours)
        return out.decode().strip()

    def changed_from(self, commit: CommitId) -> set[str]:
        """The paths in which it differs from a commit; a submodule's other commit is a difference."""
        command = ["diff-index", "--cached", "--name-only", "--no-renames", "-z", commit]
        return set(records(self._repository.runner.run(command, env=self._env)))

    def _list(self) -> Listed:
        return index_entries(self._repository.runner, env=self._env)

    def _list_modules(self) -> Mapping[str, CommitId]:
        found = submodule_entries(self._repository.runner, env=self._env)
        return {path: CommitId(entry.blob) for path, entry in found.items()}

    @property
    def _env(self) -> Mapping[str, str] | None:
        return {"GIT_INDEX_FILE": str(self._index_file)} if self._index_file else None

    def _bytes_all(self, files: Sequence[tuple[str, Entry]]) -> list[bytes | None]:
        return self._repository.objects.read_all([entry.blob for _, entry in files])


class WorkTree(_FlatTree):
    """The files on disk that git tracks or would offer to add; ignored ones and bytecode are left out.

    Ids are what git would record; only files that may differ from the index are hashed. ``read``
    gives the bytes on disk as they are now. ``also`` are files that belong to it even if git ignores them.
    """

    def __init__(self, repository: Repository, *, also: Collection[str] = ()) -> None:
        self._repository = repository
        self._also = frozenset(also)
        self._parts: dict[str, Listed] = {}
        self.label = "the work tree"

    def entries(self, prefix: str = "") -> Mapping[str, Entry]:
        """As :meth:`GitTree.entries`."""
        unseen = "_files" not in vars(self) and self._part_with(prefix) is None
        if prefix and unseen and is_large(self._repository.runner):
            # Among many files only those in question are looked at.
            self._parts[prefix] = self._seen([prefix])
        return super().entries(prefix)

    def _around(self, path: str) -> Listed:
        part = self._part_with(path)
        return self._files if part is None else part

    def _part_with(self, path: str) -> Listed | None:
        """What lies in a folder that was looked at alone, if a path lies there."""
        return next((part for folder, part in self._parts.items() if lies_below(path, folder)), None)

    def _list(self) -> Listed:
        return self._seen()

    def _seen(self, paths: Sequence[str] = ()) -> Listed:
        runner = self._repository.runner
        seen = scan(runner, paths)
        files = seen.index.without(seen.dirty)
        also = {path for path in self._also if not paths or lies_below(path, paths[0])}
        unseen = also - seen.index.keys()
        files.update(hash_files(runner, seen.dirty | seen.untracked | unseen, seeds=seen.index))
        return files

    def _list_modules(self) -> Mapping[str, CommitId]:
        top, known = self._repository.top, submodule_entries(self._repository.runner)
        return {path: on_disk(top, path) or CommitId(entry.blob) for path, entry in known.items()}

    def _bytes_all(self, files: Sequence[tuple[str, Entry]]) -> list[bytes | None]:
        return [_on_disk(self._repository.top / path, entry) for path, entry in files]


def _on_disk(place: Path, entry: Entry) -> bytes | None:
    try:
        return os.fsencode(os.readlink(place)) if entry.is_link else place.read_bytes()
    except OSError:
        return None
