"""Whose turn it is: one changing command at a time in one work tree.

A killed command may leave a git behind that is still at work (``git commit`` in its hooks, say). Every git
that a changing command starts inherits the second of two locks, and the next command waits for that too.
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

_LOCK, _CHILDREN = "lock", "children.lock"
_HOLDER = "GITMIG_COMMAND_LOCK"
"""Tells the children of a command which work tree's lock it holds."""


@contextlib.contextmanager
def command_lock(repository: Repository | None, wait: float) -> Iterator[None]:
    """One changing command at a time in one work tree. Raises LockTimeout after ``wait`` seconds.

    A command that a hook or an editor of another one starts would wait for a command that waits for it:
    it is told so at once.
    """
    if repository is None:
        yield
        return
    from filelock import FileLock, Timeout

    folder, deadline = repository.private(), time.monotonic() + wait
    if os.environ.get(_HOLDER) == str(folder):
        raise LockTimeout(
            "another gitmig command runs this one, in a hook or an editor, and waits for it",
            hint="run it when that command has ended",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK)
        lock.acquire(timeout=wait)
    except Timeout:
        raise LockTimeout(
            "another gitmig command is at work in this work tree",
            hint="wait for it, or give it longer with --wait SECONDS",
        ) from None
    except OSError as error:
        raise Refused(
            f"the repository cannot be written to: {error.strerror or error}",
            hint=f"make {folder.parent} writable",
        ) from None
    try:
        with _children(repository, folder / _CHILDREN, deadline):
            os.environ[_HOLDER] = str(folder)
            yield
    finally:
        os.environ.pop(_HOLDER, None)
        lock.release()


def at_work(repository: Repository) -> bool:
    """Whether a changing command is at work in this work tree."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(repository.private() / _LOCK).acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False


@contextlib.contextmanager
def _children(repository: Repository, path: Path, deadline: float) -> Iterator[None]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        while not _taken(handle):
            if time.monotonic() > deadline:
                raise LockTimeout(
                    "a git that was started by a killed gitmig command is still at work in this work tree",
                    hint="wait for it and its hooks, or give it longer with --wait SECONDS",
                )
            time.sleep(0.05)
        repository.runner.heirs = (handle,)
        try:
            yield
        finally:
            repository.runner.heirs = ()
            # Said aloud: a daemon that git started may keep its copy of the file open for good.
            fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
