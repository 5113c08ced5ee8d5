"""Locks of the index and of our own refs, in a way that tells whose lock was left behind.

git's own ``index.lock`` says nothing about who made it. So git works on a copy here, and gitmig takes the
lock itself: a file that appears under that name in one step, with a mark in it that nobody else writes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gitmig.errors import GitError
from gitmig.failpoints import failpoint
from gitmig.git.worktree import private_index

if TYPE_CHECKING:
    from gitmig.git.repository import Repository

if TYPE_CHECKING:
    from gitmig.git.repository import Repository

_MARK = b"gitmig holds this lock\n"
_PATIENCE = 1.0
"""Seconds: editors and prompts refresh the index now and then."""


@contextlib.contextmanager
def real_index(repository: Repository) -> Iterator[dict[str, str]]:
    """An environment in which git changes a copy of the index, which takes the index's place in the end.

    Where the block raises, the index stays as it was. Raises GitError while somebody else has the lock.
    """
    index, lock = _places(repository)
    with private_index(repository.runner, write=True) as env:
        copy = Path(env["GIT_INDEX_FILE"])
        _take(lock, copy.with_name("mark"))
        try:
            failpoint("index-locked")
            if index.exists():
                shutil.copy2(index, copy)
            yield env
            if copy.exists():
                copy.replace(index)
            failpoint("index-replaced")
        finally:
            lock.unlink(missing_ok=True)


def remove_stale_lock(repository: Repository) -> bool:
    """Remove the index's lock where a gitmig that is gone left it; whether there was one.

    The caller holds the work tree's command lock, so that no gitmig holds this one. A lock without the
    mark is somebody else's, and stays.
    """
    _, lock = _places(repository)
    try:
        with open(lock, "rb") as file:
            ours = file.read(len(_MARK) + 1) == _MARK
    except OSError:
        return False
    if ours:
        lock.unlink(missing_ok=True)
    return ours


def _places(repository: Repository) -> tuple[Path, Path]:
    # As git does it: where the index is a symbolic link, the lock lies beside the file itself.
    index = Path(os.path.realpath(repository.git_dir / "index"))
    return index, index.with_name(f"{index.name}.lock")


def _take(lock: Path, marked: Path) -> None:
    marked.write_bytes(_MARK)
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return _make(lock, marked)
        except FileExistsError:
            if time.monotonic() > deadline:
                raise GitError(
                    f"another git command is at work here: {lock} exists",
                    hint="wait for it; if there is none, it crashed, and the file can be removed",
                ) from None
        except OSError as error:
            raise GitError(f"{lock} cannot be written: {error.strerror}") from error
        time.sleep(0.05)


def _make(lock: Path, marked: Path) -> None:
    try:
        os.link(marked, lock)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links: the mark comes a moment after the file.
        with open(lock, "xb") as file:
            file.write(_MARK)


_REF_PATIENCE = 1.0
"""Seconds: another work tree may be moving its database just now."""


def remove_stale_ref_locks(repository: Repository) -> None:
    """Remove the locks under ``refs/gitmig/`` that nobody holds any more."""
    found = {lock: _state(lock) for lock in (repository.common_dir / "refs" / "gitmig").rglob("*.lock")}
    if not found:
        return
    time.sleep(_REF_PATIENCE)
    for lock, state in found.items():
        if state is not None and _state(lock) == state:
            lock.unlink(missing_ok=True)


def _state(lock: Path) -> tuple[int, int, int] | None:
    """Which file it is, and since when; None if it is gone."""
    try:
        stat = lock.stat()
    except FileNotFoundError:
        return None
    return stat.st_dev, stat.st_ino, stat.st_mtime_ns
