"""Where the project's interpreter may be, in the design's order.

Imports nothing that takes time: the worker is started before anything else.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FOLDERS = (".venv", "venv", "env")
CONFIGURED = ("GITMIG_PYTHON", "git config gitmig.python")
"""Where somebody says which interpreter it is: then there is no other."""


def candidates(
    configured: str | None, environment: Mapping[str, str], tops: Sequence[str | os.PathLike[str]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Where each comes from, and its command; for the arguments see ``find_interpreter``."""
    places = [os.fspath(top) for top in tops]
    for origin, text in zip(CONFIGURED, (environment.get("GITMIG_PYTHON"), configured), strict=True):
        if text:
            yield origin, _command(text, places)
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = environment.get(variable)
        # The pre-commit framework sets VIRTUAL_ENV to the environment that gitmig itself lives in.
        if prefix and not _own(prefix):
            yield from _in_folder(variable, prefix)
    for top in places:
        for folder in FOLDERS:
            yield from _in_folder(os.path.join(top, folder), os.path.join(top, folder))


def runs(command: Sequence[str]) -> bool:
    """Whether there is such a program."""
    if command and os.path.isabs(command[0]):
        return os.path.isfile(command[0]) and os.access(command[0], os.X_OK)
    import shutil

    return bool(command) and shutil.which(command[0], path=os.environ.get("PATH")) is not None


def _command(text: str, tops: Sequence[str]) -> tuple[str, ...]:
    expanded = os.path.expanduser(text)
    if os.path.isabs(expanded) and os.path.exists(expanded):
        return (expanded,)
    import shlex

    try:
        parts = shlex.split(text)
    except ValueError:  # a quotation mark that nothing closes
        return (text,)
    if parts and "/" in parts[0] and not os.path.isabs(parts[0]):
        for top in tops:
            if os.path.exists(os.path.join(top, parts[0])):
                return (os.path.join(top, parts[0]), *parts[1:])
    return tuple(parts)


def _own(prefix: str) -> bool:
    try:
        return os.path.samefile(prefix, sys.prefix)
    except OSError:
        return False


def _in_folder(origin: str, folder: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    program = os.path.join(folder, "bin", "python")
    if os.path.isfile(program):
        yield origin, (program,)
