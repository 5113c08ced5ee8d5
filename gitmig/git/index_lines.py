"""What ``git ls-files -s -z`` says of an index: lines that are read when they are asked for.

There may be 60,000, and every commit waits for the first questions: little is imported here.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from operator import itemgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

NO_STAGE = ord("0")
"""Before the tab that the path follows: the file is in no conflict."""


class IndexLines:
    """Mode and id of files by path."""

    def __init__(self, lines: Sequence[bytes], start: int) -> None:
        """``lines``: sorted by path, which begins at ``start`` in each; before it mode, id and stage."""
        self._lines = lines
        self._start = start
        self._path: Callable[[bytes], bytes] = itemgetter(slice(start, None))

    @classmethod
    def of(cls, ids: Mapping[str, str]) -> IndexLines:
        """The same for path to id, of files that are no links."""
        lines = sorted(((os.fsencode(path), id) for path, id in ids.items()))
        start = len(lines[0][1]) + 10 if lines else 0
        return cls([b"100644 %s 0\t%s" % (id.encode(), path) for path, id in lines], start)

    def __len__(self) -> int:
        return len(self._lines)

    def find(self, path: str) -> tuple[str, str] | None:
        """Mode and id of a file; None if there is no such file."""
        wanted = os.fsencode(path)
        place = bisect_left(self._lines, wanted, key=self._path)
        if place < len(self._lines) and self._path(self._lines[place]) == wanted:
            return self._said(self._lines[place])
        return None

    def has_below(self, folder: str) -> bool:
        """Whether there is such a folder."""
        start = os.fsencode(folder) + b"/"
        place = bisect_left(self._lines, start, key=self._path)
        return place < len(self._lines) and self._path(self._lines[place]).startswith(start)

    def below(self, folder: str = "") -> Iterator[tuple[str, str, str]]:
        """Path, mode and id of each file in a folder, or of all of them."""
        first, last = self._range(folder)
        for place in range(first, last):
            line = self._lines[place]
            yield (os.fsdecode(line[self._start :]), *self._said(line))

    def names_in(self, folder: str) -> Iterator[tuple[str, bool]]:
        """The names directly in a folder, and whether each is a folder itself."""
        place, last = self._range(folder)
        length = self._start + (len(os.fsencode(folder)) + 1 if folder else 0)
        while place < last:
            line = self._lines[place]
            name, slash, _ = line[length:].partition(b"/")
            yield os.fsdecode(name), bool(slash)
            # "0" follows "/".
            after = line[self._start : length] + name + b"0"
            place = bisect_left(self._lines, after, place, last, key=self._path) if slash else place + 1

    def ids(self) -> dict[str, str]:
        """Path to id of all of them."""
        start, end = self._start, self._start - 3
        first = self._lines[0].rindex(b" ", 0, end) + 1 if self._lines else 0
        return {os.fsdecode(line[start:]): line[first:end].decode() for line in self._lines}

    def _range(self, folder: str) -> tuple[int, int]:
        if not folder:
            return 0, len(self._lines)
        name = os.fsencode(folder)
        first = bisect_left(self._lines, name + b"/", key=self._path)
        return first, bisect_left(self._lines, name + b"0", first, key=self._path)

    def _said(self, line: bytes) -> tuple[str, str]:
        mode, id, _ = line[: self._start - 1].decode().split(" ")[-3:]
        return mode, id


def path_start(line: bytes) -> int:
    """Where the path begins in a line: ids of one repository are all as long."""
    return line.index(b"\t") + 1
