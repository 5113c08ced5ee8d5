"""JSON lines between the worker and the command line.

The worker speaks on a duplicate of its first stdout; file descriptor 1 points at stderr, because user
code prints. Nothing else in the worker writes to the channel.
"""

from __future__ import annotations

import json
import os
import select
import sys
import threading
from typing import Any, BinaryIO


class Failure(Exception):
    """A request that could not be done; becomes the ``error`` object on the channel.

    ``kind`` is one of the protocol's words, ``detail`` a traceback cut down to the user's frames or
    None; ``data`` is added to the object as it is.
    """

    def __init__(self, kind: str, message: str, detail: str | None = None, **data: Any):
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.detail = detail
        self.data = data


class ParentGone(BaseException):
    """The command line ended. A BaseException, so that user code does not swallow it."""


class Channel:
    """One object per line, both ways."""

    def __init__(self, source: BinaryIO, sink: BinaryIO):
        self._source = source
        self._sink = sink
        self._writing = threading.Lock()
        self._asking = threading.Lock()
        self._forked: list[int] = []

    @classmethod
    def claim(cls) -> Channel:
        """Take stdin and stdout for the channel; from here on the process's stdout is its stderr."""
        sys.stdout.flush()
        sink = os.fdopen(os.dup(1), "wb")
        source = os.fdopen(os.dup(0), "rb")
        os.dup2(2, 1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        return cls(source, sink)

    def fork(self, address: str) -> Channel | None:
        """Go on as two processes: None in the old one, in the new one its channel, a socket at ``address``.

        Raises OSError if the system does not let us.
        """
        pid = os.fork()
        if pid:
            self._forked.append(pid)
            return None
        try:
            import socket

            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.connect(address)
            # The old one's end is not to be kept from being seen.
            self._source.close()
            self._sink.close()
            return Channel(connection.makefile("rb"), connection.makefile("wb"))
        except BaseException:
            os._exit(1)

    def wait_for_forks(self) -> None:
        """Wait until the processes that this one was forked into have ended."""
        while self._forked:
            os.waitpid(self._forked.pop(), 0)

    def read(self) -> dict[str, Any]:
        """The next object. Raises ParentGone at the end of the input."""
        line = self._source.readline()
        if not line.endswith(b"\n"):
            raise ParentGone
        answer: dict[str, Any] = json.loads(line)
        return answer

    def write(self, **message: Any) -> None:
        """Send one object, from any thread. Raises ParentGone when nobody reads any more."""
        try:
            with self._writing:
                self._sink.write(json.dumps(message).encode() + b"\n")
                self._sink.flush()
        except BrokenPipeError:
            raise ParentGone from None

    def ask(self, name: str, **data: Any) -> dict[str, Any]:
        """Ask the command line and wait for its answer."""
        with self._asking:
            self.write(ask=name, **data)
            return self.read()

    def unasked(self) -> str | None:
        """What the command line said though nobody asked: "stop", or "gone" where it ended without a word."""
        if not self._asking.acquire(blocking=False):
            return None
        try:
            if not select.select([self._source], [], [], 0)[0]:
                return None
            return "stop" if self._source.readline() else "gone"
        finally:
            self._asking.release()

    def note(self, name: str, **data: Any) -> None:
        """Tell the command line something that needs no answer."""
        self.write(note=name, **data)
