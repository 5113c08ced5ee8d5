"""Objects out of git's store, through one long-lived ``cat-file --batch`` and one ``--batch-check``.

Names travel on stdin, one a line, so that nothing a user typed can be an option. Several threads may
ask: one after the other.
"""

from __future__ import annotations

import re
import subprocess
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from gitmig.errors import GitError
from gitmig.git.command import abandon
from gitmig.wire.values import BlobId

Start = Callable[[Sequence[str]], "subprocess.Popen[bytes]"]
_T = TypeVar("_T")

# Two groups of requests are under way at once; together they fit the smallest pipe there is (4096),
# so that git and we never wait for each other.
_GROUP = 2000


class Entry(NamedTuple):
    """What a tree or an index holds at a path."""

    mode: str
    """Six octal digits, as ``ls-tree`` prints them."""
    blob: BlobId
    """The object's id: a blob's, except for folders and submodules."""

    @property
    def is_folder(self) -> bool:
        """Whether it is a tree."""
        return self.mode == "040000"

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link: the blob is its target."""
        return self.mode == "120000"

    @property
    def is_submodule(self) -> bool:
        """Whether it is a commit of another repository."""
        return self.mode == "160000"


FOLDER = Entry("040000", BlobId(""))
"""What lies at the path of a folder."""


class ObjectInfo(NamedTuple):
    """The id and type (``commit``, ``tree``, ``blob``, ``tag``) of an object."""

    id: str
    type: str


class Objects:
    """Reads objects of one repository, by id or by any name that git understands."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._trees: dict[str, Mapping[str, Entry]] = {}
        self._asking = threading.Lock()

    def find(self, name: str) -> ObjectInfo | None:
        """The object that a name stands for, or None: no such object, or ambiguous."""
        return self.find_all([name])[0]

    def find_all(self, names: Sequence[str]) -> list[ObjectInfo | None]:
        """As :meth:`find`, in the order of the names, much faster than one by one."""
        return self._ask("--batch-check", names, _found)

    def read(self, name: str) -> bytes | None:
        """The bytes of an object, unfiltered; None when it is missing."""
        return self.read_all([name])[0]

    def read_all(self, names: Sequence[str]) -> list[bytes | None]:
        """As :meth:`read`, in the order of the names. All of it is in memory at once."""
        return self._ask("--batch", names, _content)

    def tree(self, id: str) -> Mapping[str, Entry]:
        """The entries of one tree (not below it) by name. Raises GitError when it is missing."""
        if (known := self._trees.get(id)) is None:
            data = self.read(id)
            if data is None:
                raise GitError(f"git does not have the tree {id}", hint="git fsck")
            known = self._trees[id] = parse_tree(data, len(id) // 2)
        return known

    def _ask(
        self, mode: str, names: Sequence[str], receive: Callable[[subprocess.Popen[bytes]], _T]
    ) -> list[_T]:
        with self._asking:
            try:
                return self._exchanged(mode, names, receive)
            except GitError:
                # Somebody killed it (a look at what takes memory): another one answers the same.
                return self._exchanged(mode, names, receive)

    def _exchanged(
        self, mode: str, names: Sequence[str], receive: Callable[[subprocess.Popen[bytes]], _T]
    ) -> list[_T]:
        if mode not in self._processes:
            self._processes[mode] = self._started(mode)
        try:
            return _exchange(self._processes[mode], names, receive)
        except BaseException as error:
            # Answers still under way would be taken for those of the next question.
            abandon(self._processes.pop(mode))
            if isinstance(error, OSError):
                raise GitError("git cat-file ended before it was asked everything", hint="git fsck") from None
            raise

    def _started(self, mode: str) -> subprocess.Popen[bytes]:
        process = self._start(["cat-file", mode])
        weakref.finalize(self, _end, process)
        return process

    def close(self) -> None:
        """End both processes. The next question starts them again."""
        for process in self._processes.values():
            _end(process)
        self._processes.clear()


def parse_tree(data: bytes, id_size: int) -> Mapping[str, Entry]:
    """The entries of a raw tree object, by name; ids are ``id_size`` bytes long."""
    entry = re.compile(rb"(\d+) ([^\0]+)\0(.{%d})" % id_size, re.DOTALL)
    return {
        name.decode("utf-8", "surrogateescape"): Entry(mode.decode().zfill(6), BlobId(id.hex()))
        for mode, name, id in entry.findall(data)
    }


def _exchange(
    process: subprocess.Popen[bytes], names: Sequence[str], receive: Callable[[subprocess.Popen[bytes]], _T]
) -> list[_T]:
    assert process.stdin is not None
    answers: list[_T] = []
    waiting = 0
    for group in _groups(names):
        process.stdin.write(b"".join(group))
        process.stdin.flush()
        answers.extend(receive(process) for _ in range(waiting))
        waiting = len(group)
    answers.extend(receive(process) for _ in range(waiting))
    return answers


def _groups(names: Iterable[str]) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    size = 0
    for name in names:
        # A newline would be two questions, and so two answers; no object has such a name.
        line = name.encode("utf-8", "surrogateescape") if "\n" not in name else b""
        if group and size + len(line) >= _GROUP:
            yield group
            group, size = [], 0
        group.append(line + b"\n")
        size += len(line) + 1
    if group:
        yield group


def _header(process: subprocess.Popen[bytes]) -> tuple[str, str, int] | None:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.endswith(b"\n"):
        raise _cut_off()
    if line.endswith((b" missing\n", b" ambiguous\n")):
        return None
    id, type, size = line.decode().split()
    return id, type, int(size)


def _found(process: subprocess.Popen[bytes]) -> ObjectInfo | None:
    header = _header(process)
    return None if header is None else ObjectInfo(header[0], header[1])


def _content(process: subprocess.Popen[bytes]) -> bytes | None:
    assert process.stdout is not None
    header = _header(process)
    if header is None:
        return None
    data = process.stdout.read(header[2])
    if not process.stdout.read(1):
        raise _cut_off()
    return data


def _cut_off() -> GitError:
    return GitError("git cat-file ended in the middle of an answer", hint="git fsck")


def _end(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
