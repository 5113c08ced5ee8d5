"""Starting the worker before anything else is imported: its imports take longest of all.

Nothing of the project is run before it is asked for something, and nothing of a repository is started before
git has said that the repository is the user's. Here only the plain case is decided: an alembic.ini in a work
tree that git finds by itself. The others are for ``rpc/launch.py``, a bit later.
"""

from __future__ import annotations

import os
import sys

from gitmig.git import asking
from gitmig.rpc.candidates import candidates, runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_DROPPED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
_MOVING = ("upgrade", "rollback", "sync", "switch", "rebase", "merge", "squash", "backport")
_COMMANDS = ("check", "status", "revise", "tie", "verify", "drift", "show", *_MOVING)
# With these another project or another output may be meant.
_UNKNOWN = ("-C", "--config", "-e", "--environment", "-v", "--verbose", "-h", "--help")
_DECIDING = ("GITMIG_PYTHON", "GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR")
"""With these the repository or the interpreter is another than the files say."""


class Started:
    """A worker process that waits for its first request.

    Attributes:
        command: what was started, without the arguments.
        directory: where.
        process: of ``subprocess``.
        log: the open file without a name that its stderr goes to.
    """

    def __init__(self, command: Sequence[str], directory: str, process: subprocess.Popen[bytes], log: int):
        self.command = tuple(command)
        self.directory = directory
        self.process = process
        self.log = log


class Answers:
    """What git said on the way: of the repository of a folder, and of its configuration."""

    def __init__(self, directory: str, places: bytes, configuration: bytes):
        self.directory = directory
        self.places = places
        self.configuration = configuration


waiting: list[Started] = []
answers: list[Answers] = []


def wanted(arguments: Sequence[str]) -> bool:
    """Whether it is plain that a command will want a worker, and which one."""
    words = [word for word in arguments if not word.startswith("-")]
    return bool(words) and words[0] in _COMMANDS and not any(word in _UNKNOWN for word in arguments)


def moves(arguments: Sequence[str]) -> bool:
    """Whether such a command moves the database."""
    return any(word in _MOVING for word in arguments)


def begin(arguments: Sequence[str]) -> None:
    """Start the worker of the plain case; see the module. Never raises, never prints."""
    if not wanted(arguments) or any(os.environ.get(name) for name in _DECIDING):
        return
    try:
        here = os.getcwd()
        top, directory = _nearest(here, ".git"), _nearest(here, "alembic.ini")
        if top is not None and directory is not None and len(directory) >= len(top):
            _begin(here, top, directory, moves(arguments))
    except OSError:
        return


def _begin(here: str, top: str, directory: str, moving: bool) -> None:
    places, configured = asking.start(*asking.PLACES), asking.start(*asking.CONFIGURATION)
    import subprocess  # while git thinks  # noqa: F401

    said, configuration = asking.answer(places), asking.answer(configured)
    if said is None or configuration is None:
        return
    lines = os.fsdecode(said).removesuffix("\n").split("\n")
    if len(lines) != 3 or lines[0] != top or b"\0gitmig.python\n" in b"\0" + configuration:
        return
    answers.append(Answers(here, said, configuration))
    common = os.path.dirname(os.path.abspath(os.path.join(here, lines[2])))
    found = candidates(None, os.environ, list(dict.fromkeys((directory, top, common))))
    command = next((command for _, command in found if runs(command)), None) or own()
    if command is not None:
        waiting.append(start(command, directory, moving=moving))


def start(command: Sequence[str], directory: str, *, verbose: bool = False, moving: bool = False) -> Started:
    """A worker process. Raises OSError."""
    import subprocess

    log = _log()
    try:
        process = subprocess.Popen(
            [*command, "-c", program(), PACKAGE, inode(PACKAGE), *(["moving"] if moving else [])],
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
    return Started(command, directory, process, log)


def own() -> tuple[str, ...] | None:
    """gitmig's own interpreter, if it has what the worker imports."""
    from importlib.util import find_spec

    has_all = all(find_spec(name) is not None for name in ("sqlalchemy", "alembic"))
    return (sys.executable,) if has_all else None


def program() -> str:
    """What the interpreter runs; its arguments are :data:`PACKAGE` and :func:`inode` of that."""
    with open(os.path.join(PACKAGE, "rpc", "boot.py"), encoding="utf-8") as file:
        return file.read()


def end(started: Started) -> None:
    """End a process that nobody wants."""
    started.process.kill()
    started.process.wait()
    for stream in (started.process.stdin, started.process.stdout):
        if stream is not None:
            stream.close()
    os.close(started.log)


def discard() -> None:
    """End what was started and not wanted."""
    answers.clear()
    while waiting:
        end(waiting.pop())


def inode(folder: str) -> str:
    """Which folder it is: in a container the same path may be another one."""
    found = os.stat(folder)
    return f"{found.st_dev}:{found.st_ino}"


def _log() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("gitmig-worker")
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _environment() -> dict[str, str]:
    # Git's own variables would make the project's code act on another repository.
    kept = {key: value for key, value in os.environ.items() if key not in _DROPPED}
    return kept | {"PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1"}


def _nearest(folder: str, name: str) -> str | None:
    """The first folder upwards that has something of that name."""
    while not os.path.exists(os.path.join(folder, name)):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder
