"""What git lists of an index and a work tree, read quickly: there may be 60,000 files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field

from gitmig.git.index_lines import NO_STAGE, IndexLines, path_start
from gitmig.git.objects import FOLDER, Entry
from gitmig.wire.values import BlobId, CommitId

_EMPTY = re.compile(
    rb" (?:e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    rb"|473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813) 0\t([^\0]+)"
)


class Listed(MutableMapping[str, Entry]):
    """Path to entry: lines as git lists them, and what is said otherwise since.

    An entry is made when it is asked for.
    """

    def __init__(self, lines: IndexLines, changed: Mapping[str, Entry | None] | None = None) -> None:
        """``changed``: what is there instead, or that nothing is."""
        self._lines = lines
        self._changed = dict(changed or {})

    def __getitem__(self, path: str) -> Entry:
        if path in self._changed:
            entry = self._changed[path]
        else:
            found = self._lines.find(path)
            entry = None if found is None else Entry(found[0], BlobId(found[1]))
        if entry is None:
            raise KeyError(path)
        return entry

    def __setitem__(self, path: str, entry: Entry) -> None:
        self._changed[path] = entry

    def __delitem__(self, path: str) -> None:
        self._changed[path] = None

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids())

    def __len__(self) -> int:
        return len(self.ids()) if self._changed else len(self._lines)

    def ids(self) -> dict[str, BlobId]:
        """Path to blob id of all of them."""
        ids = {path: BlobId(id) for path, id in self._lines.ids().items()}
        for path, entry in self._changed.items():
            if entry is None:
                ids.pop(path, None)
            else:
                ids[path] = entry.blob
        return ids

    def at(self, path: str) -> Entry | None:
        """What lies at a path, which may be a folder's."""
        return self.get(path) or (FOLDER if path and self.is_folder(path) else None)

    def at_or_below(self, path: str) -> dict[str, Entry]:
        """The file at a path, or those that lie in a folder."""
        entry = self.get(path)
        return self.below(path) if entry is None else {path: entry}

    def below(self, folder: str) -> dict[str, Entry]:
        """Those that lie in a folder."""
        there = {path: Entry(mode, BlobId(id)) for path, mode, id in self._lines.below(folder)}
        for path, entry in self._changed.items():
            if entry is None:
                there.pop(path, None)
            elif path.startswith(f"{folder}/"):
                there[path] = entry
        return there

    def is_folder(self, path: str) -> bool:
        """Whether something lies in a folder of that name."""
        if not self._changed:
            return self._lines.has_below(path)
        start = f"{path}/"
        if any(entry is not None and name.startswith(start) for name, entry in self._changed.items()):
            return True
        gone = any(name.startswith(start) for name in self._changed)
        return bool(self.below(path)) if gone else self._lines.has_below(path)

    def directly_in(self, folder: str) -> dict[str, Entry]:
        """Name to entry of what lies in a folder ("" is the top), which may be folders."""
        start = f"{folder}/" if folder else ""
        names = dict(self._lines.names_in(folder))
        for path in self._changed:
            if path.startswith(start):
                name, slash, _ = path[len(start) :].partition("/")
                names[name] = bool(slash)
        entries = {name: FOLDER if is_folder else self.get(start + name) for name, is_folder in names.items()}
        return {
            name: entry
            for name, entry in entries.items()
            if entry is not None and (entry is not FOLDER or self.is_folder(start + name))
        }

    def without(self, paths: Iterable[str]) -> Listed:
        """A copy without some paths."""
        return Listed(self._lines, self._changed | dict.fromkeys(paths))


@dataclass(slots=True)
class Lists:
    """What ``ls-files`` says of its files, in kinds: see :class:`gitmig.git.worktree.Scan`."""

    entries: Listed
    empty: tuple[str, ...] = ()
    """Paths in the index whose files have no content."""
    dirty: set[str] = field(default_factory=set)
    untracked: set[str] = field(default_factory=set)
    unmerged: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    submodules: dict[str, CommitId] = field(default_factory=dict)

    @classmethod
    def of(cls, out: bytes, *, tagged: bool = True) -> Lists:
        """What ``ls-files -s -z`` has listed, with ``-v`` if it is ``tagged``."""
        lines = out.split(b"\0")[:-1]
        usual = b"H 10" if tagged else b"10"
        first = next((line for line in lines if line.startswith(usual)), None)
        start = path_start(first) if first is not None else 0
        stage = start - 2
        # Most are like this, and there may be many.
        plain = [line for line in lines if line.startswith(usual) and line[stage] == NO_STAGE]
        entries = Listed(IndexLines(plain, start))
        empty = (os.fsdecode(path) for path in _EMPTY.findall(out))
        lists = cls(entries=entries, empty=tuple(path for path in empty if path in entries))
        if len(plain) < len(lines):
            known = set(plain)
            for line in lines:
                if line not in known:
                    lists.note(("" if tagged else "H ") + os.fsdecode(line))
        return lists

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
            self.entries[path] = Entry(mode, BlobId(id))
            if tag != "H":
                self.hidden.add(path)
                self.dirty.add(path)
            if tag in "Ss":
                self.skipped.add(path)


def records(out: bytes) -> list[str]:
    """The records of ``-z`` output."""
    return [os.fsdecode(record) for record in out.split(b"\0") if record]
