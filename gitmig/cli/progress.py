"""A progress bar on stderr, if that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

_WIDTH = 30


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
