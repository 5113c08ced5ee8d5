"""Trees that are lists of files: the index and the work tree."""

from __future__ import annotations

import contextlib
import os
import posixpath
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gitmig.errors import GitError
from gitmig.git.modules import on_disk
from gitmig.git.objects import Entry
from gitmig.git.trees import FOLDER, GitTree
from gitmig.git.worktree import PLAIN, hash_files, index_entries, insert, scan, submodule_entries
from gitmig.wire.values import CommitId

if TYPE_CHECKING:
    from gitmig.git.repository import Repository


class _FlatTree(GitTree):
    """A tree that comes as one list of files."""

    def _list(self) -> Mapping[str, Entry]:
        raise NotImplementedError

    @cached_property
    def _files(self) -> Mapping[str, Entry]:
        return self._list()

    @cached_property
    def _folders(self) -> Mapping[str, Mapping[str, Entry]]:
        folders: dict[str, dict[str, Entry]] = {"": {}}
        for path, entry in self._files.items():
            folder, name = posixpath.split(path)
            child = entry
            while True:
                known = folder in folders
                folders.setdefault(folder, {})[name] = child
                if known or not folder:
                    break
                folder, name = posixpath.split(folder)
                child = FOLDER
        return folders

    def entry(self, path: str) -> Entry | None:
        """As :meth:`GitTree.entry`."""
        return self._files.get(path) or (FOLDER if path and path in self._folders else None)

    def entries(self, prefix: str = "") -> Mapping[str, Entry]:
        """As :meth:`GitTree.entries`."""
        if not prefix:
            return self._files
        below = prefix + "/"
        return {
            path: entry for path, entry in self._files.items() if path == prefix or path.startswith(below)
        }

    def _contents(self, folder: str) -> Mapping[str, Entry]:
        return self._folders.get(folder, {})


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

    def _list(self) -> Mapping[str, Entry]:
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
        self.label = "the work tree"

    def _list(self) -> Mapping[str, Entry]:
        runner = self._repository.runner
        seen = scan(runner)
        files = {path: entry for path, entry in seen.index.items() if path not in seen.dirty}
        unseen = self._also - seen.index.keys()
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
