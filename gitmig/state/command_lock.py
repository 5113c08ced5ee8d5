"""One changing command at a time in one work tree.

A killed command may leave a git behind that is still at work (``git commit`` in its hooks, say). Every git
that a changing command starts inherits the lock, so that the next command waits for that too.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from gitmig.errors import LockTimeout, Refused
from gitmig.git.repository import Repository

_LOCK = "lock"
HOLDER = "GITMIG_COMMAND_LOCK"
"""Tells the children of a command which work tree's lock it holds."""


@contextlib.contextmanager
def command_lock(repository: Repository | None, wait: float) -> Iterator[None]:
    """One changing command at a time in one work tree. Raises LockTimeout after ``wait`` seconds.

    A command that a hook or an editor of another one starts would wait for a command that waits for it: it
    is refused at once.
    """
    if repository is None:
        yield
        return
    folder = repository.private()
    if os.environ.get(HOLDER) == str(folder):
        raise LockTimeout(
            "another gitmig command runs this one, in a hook or an editor, and waits for it",
            hint="run it when that command has ended",
        )
    with _opened(folder) as handle:
        _take(handle, wait)
        os.environ[HOLDER] = str(folder)
        repository.runner.locks = (handle,)
        try:
            yield
        finally:
            repository.runner.locks = ()
            os.environ.pop(HOLDER, None)
            # To close it is not enough: a daemon that git started may keep its copy of the file open.
            fcntl.flock(handle, fcntl.LOCK_UN)


def at_work(repository: Repository) -> bool:
    """Whether a changing command is at work in this work tree, or a git that one started."""
    try:
        handle = os.open(repository.private() / _LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _taken(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise Refused(
            f"the repository cannot be written to: {error.strerror or error}",
            hint=f"make {folder.parent} writable",
        ) from None
    try:
        yield handle
    finally:
        os.close(handle)


def _take(handle: int, wait: float) -> None:
    deadline = time.monotonic() + wait
    while not _taken(handle):
        if time.monotonic() > deadline:
            raise _timeout(handle)
        time.sleep(0.05)
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _timeout(handle: int) -> LockTimeout:
    if _is_alive(os.pread(handle, 20, 0)):
        return LockTimeout(
            "another gitmig command is at work in this work tree",
            hint="wait for it, or give it longer with --wait SECONDS",
        )
    return LockTimeout(
        "a git that was started by a killed gitmig command is still at work in this work tree",
        hint="wait for it and its hooks, or give it longer with --wait SECONDS",
    )


def _is_alive(holder: bytes) -> bool:
    try:
        os.kill(int(holder), 0)
    except (ProcessLookupError, ValueError):
        return False
    except OSError:
        return True  # another user's
    return True
