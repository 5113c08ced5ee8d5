"""Trees: frozen views of the project's files, from a commit, the index, the work tree or a folder.

A tree is read when it is first asked and never again; make a new one to see what changed. Paths are
relative to the top, with forward slashes; ``""`` is the top.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gitmig.errors import GitError
from gitmig.git.modules import FILE, module_of, named
from gitmig.git.objects import FOLDER, Entry
from gitmig.wire.values import BlobId, CommitId

if TYPE_CHECKING:
    from gitmig.git.repository import Repository

_HOPS = 16
"""As many symbolic links as are followed on the way to one file."""


class Tree(Protocol):
    """What every tree can be asked."""

    @property
    def label(self) -> str:
        """What it is, for messages: a commit id, "the index", "the work tree"."""

    @property
    def commit(self) -> CommitId | None:
        """The commit, for the tree of one."""

    def ids(self, prefix: str = "") -> Mapping[str, BlobId]:
        """Path to blob id of every file at or below a path, links included, submodules not."""

    def ids_ending(self, endings: tuple[str, ...]) -> Mapping[str, BlobId]:
        """As :meth:`ids` for the files whose names end like this, faster."""

    def blob(self, path: str) -> BlobId | None:
        """The blob id of the file at a path, a link's own if it is one; None if there is no such file."""

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, links within the tree followed; None when there is no such file.

        An absolute path is that of a file that is in no tree: a revision in an installed package.
        """

    def read_all(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """As :meth:`read` for many paths, faster; those without a file are left out."""

    def listing(self, folder: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The names of the files and of the folders directly in a folder, each sorted."""

    def exists(self, path: str) -> bool:
        """Whether there is a file or a folder at a path; so there may be in a submodule."""

    def modules(self) -> Mapping[str, CommitId]:
        """Path to commit of every submodule."""


class GitTree:
    """What the trees of git share; these also know modes (:meth:`entry`, :meth:`entries`)."""

    label: str
    commit: CommitId | None = None

    def tree_id(self, folder: Path, env: Mapping[str, str]) -> str:
        """The id of git's own object for it, which is written if there is none.

        ``folder`` is for temporary files, ``env`` says where new objects go. Raises GitError.
        """
        raise NotImplementedError

    def entry(self, path: str) -> Entry | None:
        """What lies at a path, links not followed; None also for the top."""
        raise NotImplementedError

    def entries(self, prefix: str = "") -> Mapping[str, Entry]:
        """Path to mode and blob of every file at or below a path; submodules are left out."""
        raise NotImplementedError

    def _contents(self, folder: str) -> Mapping[str, Entry]:
        raise NotImplementedError

    def _bytes_all(self, files: Sequence[tuple[str, Entry]]) -> list[bytes | None]:
        raise NotImplementedError

    def _bytes(self, path: str, entry: Entry) -> bytes | None:
        return self._bytes_all([(path, entry)])[0]

    def ids(self, prefix: str = "") -> Mapping[str, BlobId]:
        """As :meth:`Tree.ids`."""
        return {path: entry.blob for path, entry in self.entries(prefix).items()}

    def ids_ending(self, endings: tuple[str, ...]) -> Mapping[str, BlobId]:
        """As :meth:`Tree.ids_ending`."""
        return {path: blob for path, blob in self.ids().items() if path.endswith(endings)}

    def blob(self, path: str) -> BlobId | None:
        """As :meth:`Tree.blob`."""
        entry = self.entry(path)
        return None if entry is None or entry.is_folder or entry.is_submodule else entry.blob

    def read(self, path: str) -> bytes | None:
        """As :meth:`Tree.read`."""
        return self.read_all([path]).get(path)

    def read_all(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """As :meth:`Tree.read_all`."""
        wanted: dict[str, tuple[str, Entry]] = {}
        outside: dict[str, bytes] = {}
        for path in paths:
            if path.startswith("/"):
                with contextlib.suppress(OSError):
                    outside[path] = Path(path).read_bytes()
                continue
            real = self._real(path)
            entry = None if real is None else self.entry(real)
            if real is not None and entry is not None and not entry.is_folder and not entry.is_submodule:
                wanted[path] = (real, entry)
        contents = self._bytes_all(list(wanted.values()))
        inside = {path: data for path, data in zip(wanted, contents, strict=True) if data is not None}
        return inside | outside

    def listing(self, folder: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """As :meth:`Tree.listing`."""
        real = self._real(folder)
        contents = {} if real is None else self._contents(real)
        files: list[str] = []
        folders: list[str] = []
        for name, entry in contents.items():
            target: Entry | None = entry
            if entry.is_link and real is not None:
                target = self._target(posixpath.join(real, name))
            if target is not None and not target.is_submodule:
                (folders if target.is_folder else files).append(name)
        return tuple(sorted(files)), tuple(sorted(folders))

    def exists(self, path: str) -> bool:
        """As :meth:`Tree.exists`."""
        real = self._real(path)
        if real == "" or (real is not None and self.entry(real) is not None):
            return True
        return module_of(path, self.modules()) is not None

    def modules(self) -> Mapping[str, CommitId]:
        """As :meth:`Tree.modules`."""
        return self._modules

    @cached_property
    def _modules(self) -> Mapping[str, CommitId]:
        return self._list_modules() if self.blob(FILE) is not None else {}

    def _list_modules(self) -> Mapping[str, CommitId]:
        raise NotImplementedError

    def _target(self, path: str) -> Entry | None:
        real = self._real(path)
        if real is None:
            return None
        return FOLDER if real == "" else self.entry(real)

    def _real(self, path: str, hops: int = 0) -> str | None:
        """The path with every link on the way replaced by its target; None when it leaves the tree."""
        if path == "":
            return path
        entry = self.entry(path)
        if entry is not None and not entry.is_link:
            return path
        parts = path.split("/")
        for count in range(1, len(parts) + 1):
            here = "/".join(parts[:count])
            entry = self.entry(here)
            if entry is None:
                return None
            if entry.is_link:
                target = os.fsdecode(self._bytes(here, entry) or b"")
                moved = posixpath.normpath(posixpath.join(posixpath.dirname(here), target, *parts[count:]))
                if hops == _HOPS or moved.startswith(("/", "../")) or moved == "..":
                    return None
                return self._real("" if moved == "." else moved, hops + 1)
        return path


class CommitTree(GitTree):
    """The files of a commit. Folders are read when they are asked for, through ``cat-file --batch``."""

    def __init__(self, repository: Repository, commit: CommitId) -> None:
        self._repository = repository
        self.label = f"commit {commit}"
        self.commit: CommitId = commit

    def tree_id(self, folder: Path, env: Mapping[str, str]) -> str:
        """As :meth:`GitTree.tree_id`."""
        found = self.root_id()
        if found is None:
            raise GitError(f"{self.label} is not in this clone")
        return found

    def root_id(self) -> str | None:
        """The id of its tree; None if the commit is not in this clone."""
        found = self._repository.objects.find(f"{self.commit}^{{tree}}")
        return None if found is None else found.id

    @cached_property
    def _root(self) -> Mapping[str, Entry]:
        found = self.root_id()
        return {} if found is None else self._repository.objects.tree(found)

    def entry(self, path: str) -> Entry | None:
        """As :meth:`GitTree.entry`."""
        folder, name = posixpath.split(path)
        return self._contents(folder).get(name)

    def entries(self, prefix: str = "") -> Mapping[str, Entry]:
        """As :meth:`GitTree.entries`."""
        if prefix:
            entry = self.entry(prefix)
            if entry is None or entry.is_submodule:
                return {}
            if not entry.is_folder:
                return {prefix: entry}
        below = self._walk(prefix, self._contents(prefix))
        return {path: entry for path, entry in below if not entry.is_submodule}

    def ids_ending(self, endings: tuple[str, ...]) -> Mapping[str, BlobId]:
        """As :meth:`Tree.ids_ending`."""
        out = self._repository.runner.run(["ls-tree", "-r", "-z", "--full-tree", self.commit])
        ends = tuple(map(os.fsencode, endings))
        found = (line.split(b"\t", 1) for line in out.split(b"\0") if line.endswith(ends))
        parted = ((os.fsdecode(path), meta.decode().split(" ")) for meta, path in found)
        return {path: BlobId(id) for path, (_, kind, id) in parted if kind == "blob"}

    def modules_at(self, paths: Iterable[str]) -> Mapping[str, CommitId]:
        """The submodules at or below some paths, and those that a path lies in, in .gitmodules or not."""
        found: list[tuple[str, Entry]] = []
        for path in paths:
            parts = path.split("/")
            above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
            found += [(one, entry) for one in above if (entry := self.entry(one)) is not None]
            found += self._walk(path, self._contents(path))
        return {path: CommitId(entry.blob) for path, entry in found if entry.is_submodule}

    def _list_modules(self) -> Mapping[str, CommitId]:
        entries = ((path, self.entry(path)) for path in named(self.read(FILE) or b""))
        return {path: CommitId(e.blob) for path, e in entries if e is not None and e.is_submodule}

    def _walk(self, folder: str, contents: Mapping[str, Entry]) -> Iterator[tuple[str, Entry]]:
        for name, entry in contents.items():
            path = f"{folder}/{name}" if folder else name
            if entry.is_folder:
                yield from self._walk(path, self._repository.objects.tree(entry.blob))
            else:
                yield path, entry

    def _contents(self, folder: str) -> Mapping[str, Entry]:
        contents = self._root
        for name in folder.split("/") if folder else ():
            entry = contents.get(name)
            if entry is None or not entry.is_folder:
                return {}
            contents = self._repository.objects.tree(entry.blob)
        return contents

    def _bytes_all(self, files: Sequence[tuple[str, Entry]]) -> list[bytes | None]:
        return self._repository.objects.read_all([entry.blob for _, entry in files])
