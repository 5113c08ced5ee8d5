"""Starting the worker's process, as early as it is known which one a command will want.

Its imports then overlap with those of the command line. Nothing of the project is run before it is asked for
something, and nothing of a repository is started before git has said that the repository is the user's.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gitmig.errors import GitmigError
from gitmig.git.repository import Repository
from gitmig.rpc.interpreter import Interpreter, find_interpreter

PACKAGE = Path(__file__).parent.parent
BOOT = (Path(__file__).parent / "boot.py").read_text("utf-8")
"""The program of the project's interpreter; its arguments are :data:`PACKAGE` and :func:`inode` of that."""
_DROPPED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
_MOVING = ("upgrade", "rollback", "sync", "switch", "rebase", "merge", "squash", "backport")
_COMMANDS = ("check", "status", "revise", "tie", *_MOVING)
# With these another project or another output may be meant.
_UNKNOWN = ("-C", "--config", "-e", "--environment", "-v", "--verbose", "-h", "--help")


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A worker process that waits for its first request."""

    command: tuple[str, ...]
    directory: Path
    process: subprocess.Popen[bytes]
    log: int
    """The open file without a name that its stderr goes to."""


_waiting: list[Started] = []
_repositories: dict[Path, Repository] = {}


def start(command: Sequence[str], directory: Path, *, verbose: bool = False) -> Started:
    """A worker process, or the one that :func:`begin` started if it is just this. Raises OSError."""
    while _waiting:
        started = _waiting.pop()
        if started.command == tuple(command) and started.directory == directory and not verbose:
            return started
        _end(started)
    return _start(command, directory, verbose)


def begin(arguments: Sequence[str]) -> None:
    """Start the worker that a command will want, if that is plain to see. Never raises, never prints."""
    words = [word for word in arguments if not word.startswith("-")]
    if not words or words[0] not in _COMMANDS or any(word in _UNKNOWN for word in arguments):
        return
    with contextlib.suppress(OSError, GitmigError):
        here = Path.cwd()
        repository = Repository.discover(here)
        if repository is not None:
            _repositories[here] = repository
        folders = [here] if repository is None else _up_to(here, repository.top)
        directory = next((folder for folder in folders if (folder / "alembic.ini").is_file()), None)
        if directory is not None:
            command = interpreter_of(repository, directory).command
            _waiting.append(_start(command, directory, verbose=False, moving=words[0] in _MOVING))


def discover(directory: Path) -> Repository | None:
    """As :meth:`Repository.discover`; git is not asked again for what :func:`begin` has asked."""
    return _repositories.pop(directory, None) or Repository.discover(directory)


def interpreter_of(repository: Repository | None, directory: Path) -> Interpreter:
    """The interpreter of a project whose configuration lies in ``directory``. Raises NoInterpreter."""
    tops = [directory]
    configured = None
    if repository is not None:
        tops += [repository.top, repository.common_dir.parent]
        configured = repository.config("gitmig.python")
    own_ok = all(importlib.util.find_spec(name) is not None for name in ("sqlalchemy", "alembic"))
    return find_interpreter(
        configured=configured, environment=os.environ, tops=list(dict.fromkeys(tops)), own_ok=own_ok
    )


def discard() -> None:
    """End what was started and not wanted."""
    while _waiting:
        _end(_waiting.pop())


def inode(folder: Path) -> str:
    """Which folder it is: in a container the same path may be another one."""
    found = folder.stat()
    return f"{found.st_dev}:{found.st_ino}"


@functools.cache
def sources() -> dict[str, tuple[bool, str]]:
    """The worker's code, for one that does not see our folders: module to whether a package, and text."""
    found = {}
    for room in ("wire", "worker"):
        for path in sorted((PACKAGE / room).rglob("*.py")):
            parts = path.relative_to(PACKAGE).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            name = ".".join(("_gitmig", *(parts[:-1] if is_package else parts)))
            found[name] = (is_package, path.read_text("utf-8"))
    return found


def _start(command: Sequence[str], directory: Path, verbose: bool, moving: bool = False) -> Started:
    with tempfile.TemporaryFile() as file:
        log = os.dup(file.fileno())
    try:
        process = subprocess.Popen(
            [*command, "-c", BOOT, str(PACKAGE), inode(PACKAGE), *(["moving"] if moving else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if verbose else log,
            cwd=directory,
            env=_environment(),
            # Ctrl-C is for the command line alone: it decides what becomes of the transaction.
            process_group=0,
        )
    except OSError:
        os.close(log)
        raise
    return Started(command=tuple(command), directory=directory, process=process, log=log)


def _end(started: Started) -> None:
    started.process.kill()
    started.process.wait()
    for stream in (started.process.stdin, started.process.stdout):
        if stream is not None:
            stream.close()
    os.close(started.log)


def _environment() -> dict[str, str]:
    # Git's own variables would make the project's code act on another repository.
    kept = {key: value for key, value in os.environ.items() if key not in _DROPPED}
    return kept | {"PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1"}


def _up_to(here: Path, top: Path) -> list[Path]:
    """The folders from ``here`` up to the top level."""
    return [folder for folder in (here, *here.parents) if folder.is_relative_to(top)]
