"""Calls that go on in threads, while the caller does something else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

_T = TypeVar("_T")


class BackgroundCall(Generic[_T]):
    """A call that goes on in a thread of its own."""

    def __init__(self, call: Callable[[], _T]):
        self._call = call
        self._answer: _T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._answer = self._call()
        except BaseException as error:
            self._error = error

    def wait(self) -> None:
        """Until it has ended, whatever came of it."""
        self._thread.join()

    def result(self) -> _T:
        """What it returned, or raised."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._answer  # type: ignore[return-value]


def at_once(calls: Sequence[Callable[[], _T]]) -> list[_T]:
    """What some calls return, all made at the same time: the first one here, each other in a thread.

    Raises the error of the first that failed, once all have ended.
    """
    others = [BackgroundCall(call) for call in calls[1:]]
    try:
        own = [call() for call in calls[:1]]
    finally:
        for other in others:
            other.wait()
    return [*own, *(other.result() for other in others)]
