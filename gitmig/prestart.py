"""Starting the worker's process before anything else is imported, so that its imports overlap with ours.

A guess by file names alone, with the standard library alone: where the project turns out to want another
interpreter or folder, the process is ended unused. It has run nothing of the project's code by then.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

BOOT = (
    'import sys; "" in sys.path and sys.path.remove(""); import os;'
    'm = sys.modules["_gitmig"] = type(sys)("_gitmig"); m.__path__ = [sys.argv[1]];'
    "from _gitmig.worker.main import main; os._exit(main())"
)
"""What the project's interpreter runs; its first argument is :data:`PACKAGE`.

The worker is loaded by path, under a private name: the project's interpreter need not have gitmig.
``_gitmig`` is this folder without its ``__init__``, so that the worker's ``from ..wire import …`` means
there what it means here. Nothing of the project may come in before that (it may have a ``types.py``), and
its atexit handlers are not waited for.
"""
PACKAGE = Path(__file__).parent
_DROPPED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
_MOVING = ("upgrade", "rollback", "sync", "switch")
_COMMANDS = ("check", "status", "revise", "tie", *_MOVING)
# With these the guess is too likely to be wrong, or output must go elsewhere.
_UNGUESSABLE = ("-C", "--config", "-v", "--verbose", "-h", "--help")


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A worker process that waits for its first request."""

    command: tuple[str, ...]
    directory: Path
    process: subprocess.Popen[bytes]
    log: Path
    """Where its stderr goes."""


_waiting: list[Started] = []


def start(command: Sequence[str], directory: Path, *, verbose: bool = False) -> Started:
    """A worker process, or the one that :func:`guess` started if it is just this. Raises OSError."""
    while _waiting:
        started = _waiting.pop()
        if started.command == tuple(command) and started.directory == directory and not verbose:
            return started
        _end(started)
    return _start(command, directory, verbose)


def guess(arguments: Sequence[str]) -> None:
    """Start the worker that the command will probably want. Never raises, never prints."""
    words = [word for word in arguments if not word.startswith("-")]
    if not words or words[0] not in _COMMANDS or any(word in _UNGUESSABLE for word in arguments):
        return
    if os.environ.get("GITMIG_PYTHON"):
        return
    try:
        here = Path.cwd()
        directory = next((folder for folder in _upwards(here) if (folder / "alembic.ini").is_file()), None)
        command = None if directory is None else _interpreter(directory)
        if directory is not None and command is not None:
            _waiting.append(_start(command, directory, verbose=False, moving=words[0] in _MOVING))
    except OSError:
        return


def discard() -> None:
    """End what was started and not wanted."""
    while _waiting:
        _end(_waiting.pop())


def _start(command: Sequence[str], directory: Path, verbose: bool, moving: bool = False) -> Started:
    handle, name = tempfile.mkstemp(prefix="gitmig-worker-")
    try:
        process = subprocess.Popen(
            [*command, "-c", BOOT, str(PACKAGE), *(["moving"] if moving else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if verbose else handle,
            cwd=directory,
            env=_environment(),
            # Ctrl-C is for the command line alone: it decides what becomes of the transaction.
            process_group=0 if os.name == "posix" else None,
        )
    except OSError:
        os.unlink(name)
        raise
    finally:
        os.close(handle)
    return Started(command=tuple(command), directory=directory, process=process, log=Path(name))


def _end(started: Started) -> None:
    started.process.kill()
    started.process.wait()
    for stream in (started.process.stdin, started.process.stdout):
        if stream is not None:
            stream.close()
    started.log.unlink(missing_ok=True)


def _environment() -> dict[str, str]:
    # Git's own variables would make the project's code act on another repository.
    kept = {key: value for key, value in os.environ.items() if key not in _DROPPED}
    return kept | {"PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1"}


def _upwards(here: Path) -> Iterator[Path]:
    yield here
    for folder in () if (here / ".git").exists() else here.parents:
        yield folder
        if (folder / ".git").exists():
            return


def _interpreter(directory: Path) -> tuple[str, ...] | None:
    """As ``gitmig.interpreter`` would find it, without asking git."""
    prefixes = [Path(os.environ[name]) for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if os.environ.get(name)]
    prefixes = [prefix for prefix in prefixes if prefix.is_dir() and not prefix.samefile(sys.prefix)]
    tops = [directory, *(folder for folder in _upwards(directory) if (folder / ".git").exists())]
    prefixes += [top / name for top in dict.fromkeys(tops) for name in (".venv", "venv", "env")]
    for prefix in prefixes:
        for program in ("bin/python", "Scripts/python.exe", "python.exe"):
            if (prefix / program).is_file():
                return (str(prefix / program),)
    return (sys.executable,)
