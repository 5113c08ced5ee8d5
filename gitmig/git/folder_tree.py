"""The tree of a folder, if there is no git."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from gitmig.wire.values import BlobId, CommitId

_NOT_PROJECT = frozenset({".git", "__pycache__"})


class FolderTree:
    """The files below a folder, if there is no git. Ids are git's for the same bytes unfiltered.

    Virtual environments and ``__pycache__`` are left out.
    """

    def __init__(self, folder: Path) -> None:
        self._top = folder
        self.label = "the files"
        self.commit: CommitId | None = None

    def ids(self, prefix: str = "") -> Mapping[str, BlobId]:
        """As :meth:`Tree.ids`; every one of the files is read."""
        start = self._top / prefix
        if start.is_file():
            return {prefix: blob_id(start.read_bytes())}
        return {path: blob_id((self._top / path).read_bytes()) for path in self._walk(prefix)}

    def ids_ending(self, endings: tuple[str, ...]) -> Mapping[str, BlobId]:
        """As :meth:`Tree.ids_ending`."""
        paths = (path for path in self._walk("") if path.endswith(endings))
        return {path: blob_id((self._top / path).read_bytes()) for path in paths}

    def blob(self, path: str) -> BlobId | None:
        """As :meth:`Tree.blob`."""
        return self.ids(path).get(path)

    def read(self, path: str) -> bytes | None:
        """As :meth:`Tree.read`."""
        try:
            return (self._top / path).read_bytes()
        except (OSError, ValueError):
            return None

    def read_all(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """As :meth:`Tree.read_all`."""
        contents = {path: self.read(path) for path in paths}
        return {path: data for path, data in contents.items() if data is not None}

    def listing(self, folder: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """As :meth:`Tree.listing`."""
        files: list[str] = []
        folders: list[str] = []
        for name, place in self._children(folder):
            (folders if place.is_dir() else files).append(name)
        return tuple(files), tuple(folders)

    def exists(self, path: str) -> bool:
        """As :meth:`Tree.exists`."""
        return (self._top / path).exists()

    def modules(self) -> Mapping[str, CommitId]:
        """As :meth:`Tree.modules`: without git there are none."""
        return {}

    def _walk(self, folder: str) -> Iterator[str]:
        for name, place in self._children(folder):
            path = f"{folder}/{name}" if folder else name
            if not place.is_dir():
                yield path
            elif not place.is_symlink():
                yield from self._walk(path)

    def _children(self, folder: str) -> Iterator[tuple[str, Path]]:
        try:
            names = sorted(os.listdir(self._top / folder))
        except OSError:
            return
        for name in names:
            place = self._top / folder / name
            if name not in _NOT_PROJECT and not (place / "pyvenv.cfg").exists() and place.exists():
                yield name, place


def blob_id(data: bytes) -> BlobId:
    """The id that git gives these bytes, as they are, in a sha1 repository."""
    return BlobId(hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest())
