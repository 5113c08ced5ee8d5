"""Starting the worker's process, as early as it is known which one a command will want.

Its imports then overlap with those of the command line; see ``rpc/early.py``, which decides the plain case.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Sequence
from pathlib import Path

from gitmig.errors import GitmigError
from gitmig.git.repository import Repository
from gitmig.rpc import early
from gitmig.rpc.early import PACKAGE, Started
from gitmig.rpc.interpreter import Interpreter, find_interpreter

_repositories: dict[Path, Repository] = {}


def start(command: Sequence[str], directory: Path, *, verbose: bool = False) -> Started:
    """A worker process, or the one that was started early if it is just this. Raises OSError."""
    while early.waiting:
        started = early.waiting.pop()
        if started.command == tuple(command) and started.directory == str(directory) and not verbose:
            return started
        early.end(started)
    return early.start(command, str(directory), verbose=verbose)


def begin(arguments: Sequence[str]) -> None:
    """Start the worker that a command will want, if that is plain to see. Never raises, never prints."""
    if early.waiting or not early.wanted(arguments):
        return
    with contextlib.suppress(OSError, GitmigError):
        here = Path.cwd()
        repository = discover(here)
        if repository is not None:
            _repositories[here] = repository
        folders = [here] if repository is None else _up_to(here, repository.top)
        directory = next((folder for folder in folders if (folder / "alembic.ini").is_file()), None)
        if directory is not None:
            command = interpreter_of(repository, directory).command
            early.waiting.append(early.start(command, str(directory), moving=early.moves(arguments)))


def discover(directory: Path) -> Repository | None:
    """As :meth:`Repository.discover`; git is not asked again for what it has said already."""
    if (known := _repositories.pop(directory, None)) is not None:
        return known
    while early.answers:
        said = early.answers.pop()
        if said.directory == str(directory):
            return Repository.of(directory, said.places, said.configuration)
    return Repository.discover(directory)


def interpreter_of(repository: Repository | None, directory: Path) -> Interpreter:
    """The interpreter of a project whose configuration lies in ``directory``. Raises NoInterpreter."""
    tops = [directory]
    configured = None
    if repository is not None:
        tops += [repository.top, repository.common_dir.parent]
        configured = repository.config("gitmig.python")
    return find_interpreter(
        configured=configured,
        environment=os.environ,
        tops=list(dict.fromkeys(tops)),
        own_ok=early.own() is not None,
    )


@functools.cache
def sources() -> dict[str, tuple[bool, str]]:
    """The worker's code, for one that does not see our folders: module to whether a package, and text."""
    found = {}
    for room in ("wire", "worker"):
        for path in sorted(Path(PACKAGE, room).rglob("*.py")):
            parts = path.relative_to(PACKAGE).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            name = ".".join(("_gitmig", *(parts[:-1] if is_package else parts)))
            found[name] = (is_package, path.read_text("utf-8"))
    return found


def _up_to(here: Path, top: Path) -> list[Path]:
    """The folders from ``here`` up to the top level."""
    return [folder for folder in (here, *here.parents) if folder.is_relative_to(top)]
