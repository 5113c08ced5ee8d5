"""Finding the project's Python interpreter: the one whose SQLAlchemy and Alembic the worker imports."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitmig.errors import NoInterpreter
from gitmig.rpc.candidates import CONFIGURED, FOLDERS, candidates, runs

OWN = "gitmig's own"
"""Where the interpreter comes from that is the last resort."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A command that starts Python, and where it was found (for ``status -v`` and error messages)."""

    command: tuple[str, ...]
    origin: str


def find_interpreter(
    *, configured: str | None, environment: Mapping[str, str], tops: Sequence[Path], own_ok: bool
) -> Interpreter:
    """The first that there is, in the design's order.

    ``configured`` is ``git config gitmig.python``; ``tops`` are the top level and, for a linked work
    tree, the main one. ``own_ok`` says whether gitmig's own interpreter has SQLAlchemy and Alembic;
    it is the last resort. Raises NoInterpreter with the list of what was tried.
    """
    tried: list[str] = []
    for origin, command in candidates(configured, environment, tops):
        if runs(command):
            return Interpreter(command=command, origin=origin)
        tried.append(f"{origin}: {' '.join(command)}")
        if origin in CONFIGURED:
            raise _none_found(tried)
    if own_ok:
        return Interpreter(command=(sys.executable,), origin=OWN)
    raise _none_found([*tried, *(f"{top / folder}" for top in tops for folder in FOLDERS)])


def _none_found(tried: Sequence[str]) -> NoInterpreter:
    return NoInterpreter(
        "no Python interpreter of the project was found",
        hint="git config gitmig.python PATH_OF_PYTHON",
        detail="tried:\n" + "\n".join(f"  {line}" for line in tried),
    )
