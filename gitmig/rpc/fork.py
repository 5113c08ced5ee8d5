"""A second worker at half the price: forked from the first when that has imported SQLAlchemy and Alembic.

Only if the two processes can be sure of each other: a socket of this machine, whose other end the kernel
names (Linux). Everywhere else, and whatever goes wrong, the second worker is a process like the first.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
from collections.abc import Callable

_SECONDS = 5.0
"""For a fork to call back; it takes a few milliseconds."""


class ForkedWorker:
    """A forked worker; the part of ``subprocess.Popen`` that its client uses."""

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self.pid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        self.stdin = _Input(connection)
        self.stdout = connection.makefile("rb")

    def wait(self, timeout: float | None = None) -> int:
        """Read what is left until it has ended. Raises subprocess.TimeoutExpired."""
        try:
            self._connection.settimeout(timeout)
            while self.stdout.read(1 << 16):
                pass
        except TimeoutError:
            raise subprocess.TimeoutExpired("a forked worker", timeout or 0) from None
        except (OSError, ValueError):
            pass  # the connection is closed: by an earlier wait, or by its end
        self._connection.close()
        return 0

    def kill(self) -> None:
        """SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class _Input:
    """The stream to a twin. To close it is to send the end: what comes back is still read."""

    def __init__(self, connection: socket.socket):
        self._connection = connection

    def write(self, data: bytes) -> int:
        self._connection.sendall(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)


def fork(ask: Callable[[str], bool]) -> ForkedWorker | None:
    """A fork of the worker that ``ask`` tells the address to call; None if there is none."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    try:
        with _listener() as listener:
            if not ask(os.fsdecode(listener.getsockname())):
                return None
            connection, _ = listener.accept()
    except OSError:
        return None
    connection.settimeout(None)
    twin = ForkedWorker(connection)
    return twin if twin.pid > 0 else None


def read(stream: int) -> bytes:
    """What a worker said; nothing if it has ended. One that is killed before it has read resets the line."""
    try:
        return os.read(stream, 1 << 16)
    except ConnectionResetError:
        return b""


def _listener() -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.settimeout(_SECONDS)
    # Linux chooses an address that is no file: nothing has to be deleted when we are killed.
    listener.bind("")
    listener.listen(1)
    return listener
