"""When Ctrl-C ends a command: anywhere while nothing moves, and only if it waits while something does.

While database and files move together, a signal in the middle of a write would leave them apart. So it is
held back until the command waits for the worker, which may take as long as a migration takes, or is about to
give its word to commit.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _State:
    """What the handlers know; a process has one set of them."""

    def __init__(self) -> None:
        self.held = False
        self.waiting = False
        self.pending = False


_state = _State()


def end_in_order() -> None:
    """Let SIGTERM and SIGHUP end the command as Ctrl-C does. What ignores a signal goes on to ignore it."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, signal.default_int_handler)


def end() -> None:
    """Ignore the signals from here on: the command has its result, and only tidies up and exits."""
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Hold the signals back for as long as the block lasts, except in :func:`interruptible`.

    A signal that comes too late for that is dropped at the end: what it would have stopped is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    _state.pending, _state.held = False, True
    try:
        for number, handler in before.items():
            if handler not in (signal.SIG_IGN, None):
                signal.signal(number, _handle)
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
        _state.pending = _state.held = False


def are_held() -> bool:
    """Whether signals are held back now."""
    return _state.held


def exit_code_of(start: Callable[[], subprocess.Popen[bytes]]) -> int:
    """Wait for a process that has this one's terminal, and leave the signals to it: its exit code."""
    process: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        early.append(number)
        if process is not None:
            process.send_signal(number)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        for number, handler in before.items():
            if handler not in (signal.SIG_IGN, None):
                # Ctrl-C reaches it by itself.
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else pass_on)
        process = start()
        for missed in early:
            process.send_signal(missed)
        while True:
            with contextlib.suppress(KeyboardInterrupt):
                return process.wait()
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt for a signal during the block, or for one that was held back before.

    Where signals are not held back, they do as they always do.
    """
    _state.waiting = True
    try:
        raise_pending()
        yield
    finally:
        _state.waiting = False


def raise_pending() -> None:
    """Raise KeyboardInterrupt for a signal that was held back."""
    if _state.pending:
        _state.pending = False
        raise KeyboardInterrupt


def _handle(number: int, frame: FrameType | None) -> None:
    if _state.waiting:
        _state.waiting = False
        raise KeyboardInterrupt
    _state.pending = True
