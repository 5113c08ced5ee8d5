"""Runs a program on a terminal of its own (a pty) and types the answers to its questions."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests import forking

Answer = str | tuple[str, str]
"""What to type at the next question, or (a pattern to wait for on the screen, what to type then)."""

# Makes the terminal the controlling one, as it is for a person: Ctrl-C typed there is a signal. Whoever
# started the tests in the background may have had SIGINT ignored, which children inherit.
_ADOPT = """\
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGINT, signal.SIG_DFL)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
_QUESTION = re.compile(r"[?:>\])] *\Z")
_QUIET = 0.15
# First what is shown while something takes its time, and is gone in the end.
_CONTROL = re.compile(
    r"\r\x1b\[K\x1b\[2m[^\x1b]*\x1b\[0m(?:\r\x1b\[K(?!\x1b\[2m))?"
    r"|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-Z\\-_]|\x1b\][^\x07]*\x07"
)


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    answers: Sequence[Answer],
    timeout: float = 60,
    sent: list[str] | None = None,
) -> tuple[int, str]:
    """The exit code, and everything that the screen showed, what was typed included.

    Raises AssertionError, with the screen, when the program ends before it took every answer, or is still
    running (or asking) after ``timeout`` seconds. An answer of one control character (``"\\x03"``: Ctrl-C)
    is typed as it is; others are ended with the Return key. ``sent`` gets what the terminal was sent, with
    the control characters.
    """
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
    process = _start(command, cwd, env, terminal)
    os.close(terminal)
    try:
        session = _Session(controller, time.monotonic() + timeout)
        for answer in answers:
            session.reply(answer)
        session.read_to_the_end()
        if sent is not None:
            sent.append(session.output)
        return process.wait(timeout), session.screen
    finally:
        process.kill()
        process.wait()
        os.close(controller)


def _start(
    command: Sequence[str], cwd: Path, env: Mapping[str, str], terminal: int
) -> forking.Process | subprocess.Popen[bytes]:
    if command[0] == sys.executable and forking.can_fork(env):
        return forking.on(command, cwd=cwd, env=env, streams=[terminal] * 3, terminal=True)
    return subprocess.Popen(
        [sys.executable, "-I", "-c", _ADOPT, *command],
        cwd=cwd,
        env=dict(env),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )


class _Session:
    """The person's side of the terminal."""

    def __init__(self, controller: int, deadline: float):
        self._controller = controller
        self._deadline = deadline
        self._output = b""
        self._answered = 0
        self._ended = False

    @property
    def output(self) -> str:
        return self._output.decode(errors="replace")

    @property
    def screen(self) -> str:
        return _CONTROL.sub("", self.output).replace("\r\n", "\n")

    def reply(self, answer: Answer) -> None:
        pattern, text = (None, answer) if isinstance(answer, str) else answer
        while not self._asked(pattern):
            assert not self._ended, f"ended before it took {text!r}; the screen:\n{self.screen}"
            self._read(1.0)
        self._answered = len(self.screen)
        typed = text if len(text) == 1 and text < " " else text + "\n"
        os.write(self._controller, typed.encode())

    def read_to_the_end(self) -> None:
        while not self._ended:
            self._read(1.0)

    def _asked(self, pattern: str | None) -> bool:
        fresh = self.screen[self._answered :]
        if pattern is not None:
            return re.search(pattern, fresh) is not None
        # A question is the end of what is shown, and nothing comes after it.
        return _QUESTION.search(fresh) is not None and not self._ended and not self._read(_QUIET)

    def _read(self, seconds: float) -> bool:
        """Whether anything came within so many seconds."""
        assert time.monotonic() < self._deadline, f"still running; the screen:\n{self.screen}"
        if not select.select([self._controller], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._controller, 65536)
        except OSError:
            # Linux reports the end of a terminal as an error.
            data = b""
        self._ended = not data
        self._output += data
        return bool(data)
