"""What stderr shows while something takes its time, if it is a terminal: a bar, or what is being done."""

from __future__ import annotations

import functools
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, Self, TextIO, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")
_WIDTH = 30
_PATIENCE, _TICK = 1.0, 0.25
"""Seconds in which nothing is said, and after which it is looked again."""
_lines: list[_Line] = []


@functools.cache
def tell(text: str) -> None:
    """A line about something that takes long, also for who reads it later; each is said once."""
    sys.stderr.write(f"\r\x1b[K\x1b[2m{text}\x1b[0m\n" if sys.stderr.isatty() else f"{text}\n")
    sys.stderr.flush()


def saying(text: str, do: Callable[P, T]) -> Callable[P, T]:
    """The function, but :func:`working` is around it."""

    @functools.wraps(do)
    def run(*args: P.args, **kw: P.kwargs) -> T:
        with working(text):
            return do(*args, **kw)

    return run


@contextmanager
def working(text: str | None) -> Iterator[None]:
    """Show ``text`` and the seconds whenever nothing was printed for a second, until the block ends."""
    if text is None or not sys.stderr.isatty():
        yield
        return
    line = _Line(text)
    shower = threading.Thread(target=line.run, daemon=True)
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", _Cleared(stream, line)) for stream in before)
    _lines.append(line)
    shower.start()
    try:
        yield
    finally:
        line.end()
        shower.join()
        _lines.pop()
        sys.stdout, sys.stderr = before


@contextmanager
def paused() -> Iterator[None]:
    """Show nothing during the block: the terminal is somebody else's."""
    for line in _lines:
        line.pause(True)
    try:
        yield
    finally:
        for line in _lines:
            line.pause(False)


class _Line:
    """``importing the models … 3 s``, at the place where the next line will be."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._terminal = sys.stderr
        self._begun = self._touched = time.monotonic()
        self._shown = ""
        self._paused = 0
        self._ended = threading.Event()
        self._lock = threading.RLock()

    def run(self) -> None:
        """Show it when it is time, until :meth:`end`."""
        while not self._ended.wait(_TICK):
            with self._lock:
                now = time.monotonic()
                text = f"{self._text} … {now - self._begun:.0f} s"
                if not self._paused and now - self._touched >= _PATIENCE and text != self._shown:
                    # Of a line that wraps only the end could be taken away.
                    self._write(f"\r\x1b[K\x1b[2m{text[: shutil.get_terminal_size().columns - 1]}\x1b[0m")
                    self._shown = text

    def clear(self) -> threading.RLock:
        """Take it away; the lock, for who prints something else."""
        with self._lock:
            self._touched = time.monotonic()
            if self._shown:
                self._write("\r\x1b[K")
                self._shown = ""
        return self._lock

    def pause(self, on: bool) -> None:
        """Do not show it, or show it again."""
        with self.clear():
            self._paused += 1 if on else -1

    def end(self) -> None:
        """Take it away for good."""
        self.pause(True)
        self._ended.set()

    def _write(self, text: str) -> None:
        self._terminal.write(text)
        self._terminal.flush()


class _Cleared:
    """A stream that takes the line away before it prints."""

    def __init__(self, stream: TextIO, line: _Line) -> None:
        self._stream = stream
        self._line = line

    def write(self, text: str) -> int:
        """Print it."""
        with self._line.clear():
            return self._stream.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Print them."""
        with self._line.clear():
            self._stream.writelines(lines)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Bar:
    """``████░░░░  12/40  models 8/31``; it is gone at the end of the block."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._done = 0
        self._whole = 0
        self._beside = ""

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

    def models(self, done: int, whole: int) -> None:
        """So many of the models that the next steps need are imported."""
        self._beside = f"  models {done}/{whole}" if done < whole else ""
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
            self._write(f"{'█' * full}{'░' * (_WIDTH - full)}  {self._done}/{self._whole}{self._beside}")

    def _write(self, text: str) -> None:
        if self._shown:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
