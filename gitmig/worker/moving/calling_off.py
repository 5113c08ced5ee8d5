"""Ends a running step at once if the command line does not want it any more, or is gone.

A thread looks whether the command line says something, or ends, while nothing is asked. Then the running
statement is cancelled and KeyboardInterrupt is raised in the main thread, again and again until the run has
ended: the project's code may swallow one. A commit is never interrupted: nobody would know what became of it.

Where the database keeps each statement, a command line that is gone does not end the step: nobody is waiting,
and half a step is worse than one. The run ends after it.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from ..channel import Channel

_LOOK = 0.05
_AGAIN = 0.2


class CallingOff:
    """The watch over one run, not begun. ``cancel`` ends the running statement, from any thread."""

    def __init__(self, channel: Channel, cancel: Callable[[], None]):
        self._channel = channel
        self._cancel = cancel
        self._committing = False
        self.whole = True
        """Whether what is prepared can be rolled back as a whole."""
        self.gone = False
        """Whether the command line is gone, and the running step is to be the last one."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gitmig-calling-off", daemon=True)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch for as long as the block lasts; it raises KeyboardInterrupt if the run is called off."""
        before = signal.signal(signal.SIGINT, self._interrupted)
        self._thread.start()
        try:
            yield
        finally:
            # Nothing is raised from here on.
            self._committing = True
            self._ended.set()
            self._thread.join()
            signal.signal(signal.SIGINT, before)

    def committing(self) -> None:
        """A commit is about to begin, or the word for it is about to be asked for."""
        self._committing = True

    def committed(self) -> None:
        """The commit is behind us, or was not made."""
        self._committing = False

    def _run(self) -> None:
        while not self._ended.wait(_LOOK):
            said = self._channel.unasked()
            if said == "gone" and not self.whole:
                self.gone = True
                return
            if said is not None:
                break
        main = threading.main_thread().ident
        while not self._ended.is_set():
            if not self._committing and main is not None:
                signal.pthread_kill(main, signal.SIGINT)
                self._cancel()
            self._ended.wait(_AGAIN)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        if not self._committing:
            raise KeyboardInterrupt
