"""Scripts out of git, written to a private folder with the files beside them, so that they can be run."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from gitmig.git.repository import Repository
from gitmig.git.trees import digest_of
from gitmig.model import BlobId, CommitId
from gitmig.operations.applied import Source
from gitmig.operations.side import Side

_PREFIX = "scripts-"


@dataclass(frozen=True, slots=True)
class _Beside:
    """What lies beside the scripts of a side."""

    blobs: dict[str, BlobId]
    digest: str | None


class PrivateScripts:
    """A folder in the private git directory, gone at the end of the block.

    Scripts that lay beside the same files share a folder below it. Used under the command's lock, so that
    what a killed command left can be removed.
    """

    def __init__(self, repository: Repository):
        self._private = repository.private()
        self._folder: Path | None = None
        self._groups: dict[tuple[str | None, int], tuple[Path, dict[str, BlobId | None]]] = {}
        self._beside: dict[tuple[CommitId | None, tuple[str, ...]], _Beside] = {}

    def __enter__(self) -> PrivateScripts:
        """Remove what an earlier command left."""
        for left in self._private.glob(f"{_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def path(self, source: Source) -> str:
        """Where a script can be run: its path on disk, or the absolute one of a private copy."""
        if source.side.commit is None:
            return source.script.path
        beside = self._files_beside(source.side)
        number = 0
        while True:
            root, written = self._group((beside.digest, number), source.side, beside.blobs)
            if written.setdefault(source.script.path, source.blob) == source.blob:
                break
            number += 1  # two revisions that had one file name at different times
        place = root / source.script.path
        if not place.exists():
            _write(place, source.side.tree.read(source.script.path) or b"")
        return str(place)

    def alike(self, one: Side, other: Side) -> bool:
        """Whether the same lies beside the scripts of two sides."""
        return self._files_beside(one).digest == self._files_beside(other).digest

    def application(self, files: Mapping[str, bytes]) -> Path:
        """A folder that holds these files, laid out as below the top."""
        root = Path(tempfile.mkdtemp(prefix="application-", dir=self._opened()))
        for path, data in files.items():
            _write(root / path, data)
        return root

    def _files_beside(self, side: Side) -> _Beside:
        key = (side.commit, side.configuration.versions)
        if key not in self._beside:
            holds = side.configuration.holds
            blobs = {path: blob for path, blob in side.blobs.items() if not holds(path)}
            self._beside[key] = _Beside(blobs, digest_of(blobs))
        return self._beside[key]

    def _opened(self) -> Path:
        if self._folder is None:
            self._private.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._private))
        return self._folder

    def _group(
        self, key: tuple[str | None, int], side: Side, beside: dict[str, BlobId]
    ) -> tuple[Path, dict[str, BlobId | None]]:
        if key not in self._groups:
            root = self._opened() / str(len(self._groups))
            root.mkdir()
            for path, data in side.tree.read_all(beside).items():
                _write(root / path, data)
            self._groups[key] = root, {}
        return self._groups[key]


def _write(place: Path, data: bytes) -> None:
    try:
        place.write_bytes(data)
    except FileNotFoundError:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
