"""Finding the project's Python interpreter: the one whose SQLAlchemy and Alembic the worker imports."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitmig.errors import NoInterpreter

_FOLDERS = (".venv", "venv", "env")
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
    for origin, command in _candidates(configured, environment, tops):
        if _runs(command):
            return Interpreter(command=command, origin=origin)
        tried.append(f"{origin}: {' '.join(command)}")
        if origin in ("git config gitmig.python", "GITMIG_PYTHON"):
            raise _none_found(tried)
    if own_ok:
        return Interpreter(command=(sys.executable,), origin=OWN)
    raise _none_found([*tried, *(f"{top / folder}" for top in tops for folder in _FOLDERS)])


def _none_found(tried: Sequence[str]) -> NoInterpreter:
    return NoInterpreter(
        "no Python interpreter of the project was found",
        hint="git config gitmig.python PATH_OF_PYTHON",
        detail="tried:\n" + "\n".join(f"  {line}" for line in tried),
    )


def _candidates(
    configured: str | None, environment: Mapping[str, str], tops: Sequence[Path]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    if environment.get("GITMIG_PYTHON"):
        yield "GITMIG_PYTHON", _command(environment["GITMIG_PYTHON"], tops)
    if configured:
        yield "git config gitmig.python", _command(configured, tops)
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = environment.get(variable)
        # The pre-commit framework sets VIRTUAL_ENV to the environment that gitmig itself lives in.
        if prefix and not _own(Path(prefix)):
            yield from _in_folder(variable, Path(prefix))
    for top in tops:
        for folder in _FOLDERS:
            yield from _in_folder(str(top / folder), top / folder)


def _command(text: str, tops: Sequence[Path]) -> tuple[str, ...]:
    expanded = Path(text).expanduser()
    if expanded.is_absolute() and expanded.exists():
        return (str(expanded),)
    try:
        parts = shlex.split(text)
    except ValueError:  # a quotation mark that nothing closes
        return (text,)
    if parts and "/" in parts[0] and not Path(parts[0]).is_absolute():
        for top in tops:
            if (top / parts[0]).exists():
                return (str(top / parts[0]), *parts[1:])
    return tuple(parts)


def _own(prefix: Path) -> bool:
    try:
        return prefix.samefile(sys.prefix)
    except OSError:
        return False


def _in_folder(origin: str, folder: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    program = folder / "bin" / "python"
    if program.is_file():
        yield origin, (str(program),)


def _runs(command: Sequence[str]) -> bool:
    import shutil

    return bool(command) and shutil.which(command[0], path=os.environ.get("PATH")) is not None
