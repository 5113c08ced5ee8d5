"""What git lists of an index and a work tree, read quickly: there may be 60,000 files."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Container, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field

from gitmig.git.objects import Entry
from gitmig.wire.values import BlobId, CommitId

_EMPTY = (
    "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
)


class Listed(MutableMapping[str, Entry]):
    """Path to entry as git lists them: each is made when it is asked for, as each takes time."""

    def __init__(self, lines: dict[str, str]) -> None:
        """``lines``: path to mode, id and stage with spaces between; kept, not copied."""
        self._lines = lines

    def __getitem__(self, path: str) -> Entry:
        mode, id, _ = self._lines[path].split(" ")
        return Entry(mode, BlobId(id))

    def __setitem__(self, path: str, entry: Entry) -> None:
        self._lines[path] = f"{entry.mode} {entry.blob} 0"

    def __delitem__(self, path: str) -> None:
        del self._lines[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, path: object) -> bool:
        return path in self._lines

    def ids(self) -> dict[str, BlobId]:
        """Path to blob id of all of them."""
        return {path: BlobId(line[7:-2]) for path, line in self._lines.items()}

    def empty(self) -> list[str]:
        """The paths of files without content."""
        return [path for path, line in self._lines.items() if line[7:-2] in _EMPTY]

    def without(self, paths: Container[str]) -> Listed:
        """A copy without some paths."""
        return Listed({path: line for path, line in self._lines.items() if path not in paths})


@dataclass(slots=True)
class Lists:
    """What ``ls-files`` says of its files, in kinds: see :class:`gitmig.git.worktree.Scan`."""

    lines: dict[str, str] = field(default_factory=dict)
    dirty: set[str] = field(default_factory=set)
    untracked: set[str] = field(default_factory=set)
    unmerged: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    submodules: dict[str, CommitId] = field(default_factory=dict)

    @classmethod
    def of(cls, out: bytes, tag: str = "") -> Lists:
        """What ``ls-files -z`` has listed; ``tag`` goes before each record."""
        lists = cls()
        lines = lists.lines
        for record in os.fsdecode(out).split("\0"):
            tagged = tag + record
            meta, found, path = tagged.partition("\t")
            # Most are like this, and there may be many.
            if found and tagged.startswith("H 10") and meta.endswith(" 0"):
                lines[path] = meta[2:]
            elif record:
                lists.note(tagged)
        return lists

    @property
    def index(self) -> Listed:
        """The entries of the index."""
        return Listed(self.lines)

    def note(self, record: str) -> None:
        """Take in one record: its tag (as ``ls-files -v`` has it), a space, and the rest."""
        tag, rest = record[0], record[2:]
        if tag == "?":
            # A folder here is another repository; bytecode is nobody's work, ignored or not.
            if not rest.endswith(("/", ".pyc")):
                self.untracked.add(rest)
            return
        data, path = rest.split("\t", 1)
        mode, id, stage = data.split(" ")
        if mode == "160000":
            self.submodules[path] = CommitId(id)
        elif stage != "0":
            self.unmerged.add(path)
            self.dirty.add(path)
        elif tag in "CR":
            self.dirty.add(path)
        else:
            self.lines[path] = data
            if tag != "H":
                self.hidden.add(path)
                self.dirty.add(path)
            if tag in "Ss":
                self.skipped.add(path)


def below(paths: Sequence[str], folder: str) -> Sequence[str]:
    """Those of sorted paths that lie in a folder."""
    # "0" follows "/".
    return paths[bisect_left(paths, f"{folder}/") : bisect_left(paths, f"{folder}0")]


def records(out: bytes) -> list[str]:
    """The records of ``-z`` output."""
    return [os.fsdecode(record) for record in out.split(b"\0") if record]
