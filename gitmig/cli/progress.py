"""What stderr shows while something takes its time, if it is a terminal: a bar, or what is being done."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, Self, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_WIDTH = 30
_PATIENCE = 1.0
"""Seconds in which nothing is said."""


def saying(text: str, do: Callable[P, T]) -> Callable[P, T]:
    """The function, but it shows ``text`` if it takes longer than a second; that is gone when it returns."""

    @functools.wraps(do)
    def run(*args: P.args, **kw: P.kwargs) -> T:
        with _shown(text):
            return do(*args, **kw)

    return run


@contextmanager
def _shown(text: str) -> Iterator[None]:
    if not sys.stderr.isatty():
        yield
        return
    ended = threading.Event()

    def show() -> None:
        if not ended.wait(_PATIENCE):
            sys.stderr.write(f"\x1b[2m{text} …\x1b[0m")
            sys.stderr.flush()
            ended.wait()
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    shower = threading.Thread(target=show, daemon=True)
    shower.start()
    try:
        yield
    finally:
        ended.set()
        shower.join()


class Bar:
    """``████░░░░  12/40``; it is gone at the end of the block."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._done = 0
        self._whole = 0

    def __enter__(self) -> Self:
        """The bar itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Clear the line."""
        self._write("")

    def begin(self, whole: int) -> None:
        """There are so many steps."""
        self._whole = whole
        self._draw()

    def step(self) -> None:
        """One more is done."""
        self._done += 1
        self._draw()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Lines can be printed meanwhile."""
        self._write("")
        yield
        self._draw()

    def _draw(self) -> None:
        if self._whole:
            full = min(_WIDTH, _WIDTH * self._done // self._whole)
            self._write(f"{'█' * full}{'░' * (_WIDTH - full)}  {self._done}/{self._whole}")

    def _write(self, text: str) -> None:
        if self._shown:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
