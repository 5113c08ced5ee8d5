"""Text that is longer than the terminal goes through a pager, as with git."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import ParamSpec

from gitmig.cli.progress import paused

P = ParamSpec("P")
_SETTINGS = {"LESS": "FRX", "LV": "-c"}
"""What pagers are to do unless the person says otherwise: show colours, leave the screen as it is."""


def paged(show: Callable[P, None]) -> Callable[P, None]:
    """The function, but what it prints is paged if it is long and a person reads it.

    The pager is ``GITMIG_PAGER``, else none if ``NO_PAGER`` is set, else ``PAGER``, else less; an empty one
    and ``cat`` are none. What goes to stderr meanwhile is part of the text, in its place.
    """

    @functools.wraps(show)
    def run(*args: P.args, **kw: P.kwargs) -> None:
        pager = _pager() if sys.stdout.isatty() and sys.stderr.isatty() else None
        if pager is None:
            show(*args, **kw)
            return
        text = _Screen()
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            show(*args, **kw)
        _print(text.getvalue(), pager)

    return run


class _Screen(io.StringIO):
    """What is going to be on the terminal."""

    def isatty(self) -> bool:
        return True


def _pager() -> str | None:
    named = os.environ.get("GITMIG_PAGER")
    if named is None:
        named = "" if os.environ.get("NO_PAGER") else os.environ.get("PAGER", "less")
    command = named.split(maxsplit=1)
    if not command or command == ["cat"] or os.environ.get("TERM") == "dumb":
        return None
    return named if shutil.which(command[0]) else None


def _print(text: str, pager: str) -> None:
    columns, rows = shutil.get_terminal_size()
    if sum(max(1, -(-len(line) // columns)) for line in text.splitlines()) < rows:
        sys.stdout.write(text)
        return
    environment = {**_SETTINGS, **os.environ}
    with paused(), subprocess.Popen(["sh", "-c", pager], stdin=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        # Who quits the pager has read enough; Ctrl-C there is the pager's.
        with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
            process.stdin.write(text.encode(sys.stdout.encoding, "backslashreplace"))
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        while process.poll() is None:
            with contextlib.suppress(KeyboardInterrupt):
                process.wait()
