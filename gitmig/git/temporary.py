"""A temporary folder of gitmig's own, which a later command deletes if the owner was killed.

It holds a file that is locked for as long as the owner lives, or a git that it started. Whoever gets that
lock may delete the folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "gitmig-tmp-"
_LOCK = "lock"


class TemporaryFolder:
    """A folder of this process, until :meth:`close`.

    Attributes:
        path: where it is.
        handle: the file that is locked. A process that inherits it keeps the folder.
    """

    def __init__(self, place: Path) -> None:
        """Make it in ``place``, where what the killed left behind is deleted first. Raises OSError."""
        self._was_missing = not place.exists()
        _delete_abandoned_in(place)
        self.path, self.handle = _made(place)
        self._owner = os.getpid()

    def close(self) -> None:
        """Delete it. Nothing happens in a fork of its owner."""
        if self._owner == os.getpid():
            _delete(self.path)
            os.close(self.handle)
            self._owner = 0
            if self._was_missing:
                with contextlib.suppress(OSError):
                    self.path.parent.rmdir()


@contextmanager
def temporary_folder() -> Iterator[TemporaryFolder]:
    """One in the system's temporary folder, for as long as the block lasts."""
    folder = TemporaryFolder(Path(tempfile.gettempdir()))
    try:
        yield folder
    finally:
        with contextlib.suppress(OSError):
            folder.close()


def delete_abandoned(place: Path) -> None:
    """Delete the temporary folders whose owners are gone, in ``place`` and in the system's folder for them.

    What cannot be deleted stays.
    """
    _delete_abandoned_in(place)
    _delete_abandoned_in(Path(tempfile.gettempdir()))


def _delete_abandoned_in(place: Path) -> None:
    for folder in place.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            _delete_if_abandoned(folder)


def _delete_if_abandoned(folder: Path) -> None:
    try:
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        folder.rmdir()  # nothing but an empty one is left of a folder when its lock is gone
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _delete(folder)
    finally:
        os.close(handle)


def _made(place: Path) -> tuple[Path, int]:
    while True:
        place.mkdir(parents=True, exist_ok=True)
        # Another command may take it for abandoned before it is locked.
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
            handle = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                _lock(handle)
                if os.path.samestat(os.fstat(handle), os.stat(path / _LOCK)):
                    return path, handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)


def _lock(handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return  # a file system without locks: there nobody can take it for abandoned


def _delete(folder: Path) -> None:
    for entry in os.scandir(folder):
        if entry.name == _LOCK:
            continue
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            os.unlink(entry.path)
    os.unlink(folder / _LOCK)
    folder.rmdir()
