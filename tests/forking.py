"""Python command lines without the wait: forks of an interpreter that has imported the libraries already.

Most of a test's time would go into importing SQLAlchemy, Alembic and Typer again for each command. So each
test process has one server (this file, run as a script), which imports them once and forks for each command.
A command is a process of its own all the same: its arguments, environment, folder, streams, signals and exit
code are what they would be, and the workers that a command starts are its children. What is not the same is
how the interpreter starts; so commands whose environment bears on that are executed for real, and with
``GITMIG_TEST_EXEC=1`` all are.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import io
import json
import os
import runpy
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

# What an interpreter or a library reads while it starts.
_STARTING = ("COLUMNS", "FORCE_COLOR", "GIT_PYTHON", "GITHUB_", "LANG", "LC_", "PATH", "PYTHON", "TERM", "TZ")
# The worker is to find nothing of these in memory.
_OURS = ("gitmig", "typer", "click", "rich", "git", "gitdb", "tomlkit", "filelock", "shellingham", "pygments")
_LIBRARIES = (
    *("alembic.autogenerate", "alembic.command", "alembic.context", "sqlalchemy.orm", "psycopg2.extras"),
    *("sqlalchemy.dialects.postgresql.psycopg2", "sqlalchemy.dialects.sqlite.pysqlite"),
    *("typer.main", "rich.console", "rich.table", "rich.prompt", "tomlkit", "filelock", "git"),
    *("gitmig.cli.main", "gitmig.render.errors", "alembic.config", "logging.config"),
)
# Of the libraries' own: what they import when a command is parsed. Some versions have none of that.
_PRIVATE = ("rich._emoji_codes", "typer._adapters", "typer._click.decorators")
_GITMIG = Path(__file__).resolve().parent.parent / "gitmig"
# Read before a test's environment is sealed off.
_EXECUTE = os.environ.get("GITMIG_TEST_EXEC", "0") != "0"
_PID_AND_STATUS = 16
"""The server answers with two of these: digits, filled up with spaces."""


class Process:
    """A forked command; the part of ``subprocess.Popen`` that tests use."""

    def __init__(
        self,
        connection: socket.socket,
        stdin: BinaryIO | None = None,
        stdout: BinaryIO | None = None,
        stderr: BinaryIO | None = None,
    ):
        self._connection = connection
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self.pid = int(_exactly(connection))
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, negative for a signal. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                self.returncode = os.waitstatus_to_exitcode(int(_exactly(self._connection)))
            except TimeoutError:
                raise subprocess.TimeoutExpired("a forked command", timeout or 0) from None
            self._connection.close()
        return self.returncode

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0.001)
        return None

    def communicate(self, timeout: float | None = None) -> tuple[bytes, bytes]:
        """End its input, read what is left of its output, and wait."""
        if self.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.stdin.close()
        rest: list[bytes] = [b"", b""]
        readers = [
            threading.Thread(target=_read_into, args=(rest, place, stream))
            for place, stream in enumerate((self.stdout, self.stderr))
            if stream is not None
        ]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join()
        return rest[0], rest[1]

    def kill(self) -> None:
        """SIGKILL, if it is still there."""
        if self.returncode is None and self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def popen(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Process | subprocess.Popen[bytes]:
    """Start a Python command line with its three streams as pipes."""
    if not can_fork(env):
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    theirs_in, ours_in = os.pipe()
    ours_out, theirs_out = os.pipe()
    ours_err, theirs_err = os.pipe()
    try:
        connection = _ask(command, cwd, env, (theirs_in, theirs_out, theirs_err))
    finally:
        for descriptor in (theirs_in, theirs_out, theirs_err):
            os.close(descriptor)
    return Process(
        connection, os.fdopen(ours_in, "wb", 0), os.fdopen(ours_out, "rb"), os.fdopen(ours_err, "rb")
    )


def run(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], input: bytes | None, timeout: float
) -> tuple[int, bytes, bytes]:
    """Run a Python command line; its exit code, stdout and stderr. Raises subprocess.TimeoutExpired."""
    if not can_fork(env):
        stdin = subprocess.DEVNULL if input is None else None
        done = subprocess.run(
            command, cwd=cwd, env=env, input=input, stdin=stdin, capture_output=True, timeout=timeout
        )
        return done.returncode, done.stdout, done.stderr
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        streams[0].write(input or b"")
        streams[0].seek(0)
        process = on(command, cwd=cwd, env=env, streams=[stream.fileno() for stream in streams])
        try:
            exit_code = process.wait(timeout)
        finally:
            process.kill()
        # Written by another process, but through this very description: its place is at the end.
        streams[1].seek(0)
        streams[2].seek(0)
        return exit_code, streams[1].read(), streams[2].read()


def alone(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], output: Path
) -> Process | subprocess.Popen[bytes]:
    """Start a Python command line in a session of its own: nothing to read, and a file to write to."""
    with open(os.devnull, "rb") as nothing, open(output, "wb") as said:
        if can_fork(env):
            streams = [nothing.fileno(), said.fileno(), said.fileno()]
            return on(command, cwd=cwd, env=env, streams=streams, session=True)
        return subprocess.Popen(
            command, cwd=cwd, env=env, stdin=nothing, stdout=said, stderr=said, start_new_session=True
        )


def on(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    streams: Sequence[int],
    session: bool = False,
    terminal: bool = False,
) -> Process:
    """Fork a command on these three descriptors.

    ``session``: it leads a session of its own. ``terminal``: it does, and the first is its terminal.
    """
    return Process(_ask(command, cwd, env, streams, session=session or terminal, terminal=terminal))


def can_fork(env: Mapping[str, str]) -> bool:
    """Whether a fork is what the command would be."""
    return not _EXECUTE and _bearing(env) == _bearing(server()[1])


_STAND_IN = """\
#!{python} -IS
import json, os, socket, sys

request = {{"command": {command} + sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ)}}
connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
connection.connect({server!r})
data = json.dumps({{**request, "terminal": False}}).encode()
socket.send_fds(connection, [len(data).to_bytes(4, "big")], [0, 1, 2])
connection.sendall(data)
for answer in range(2):
    told = connection.recv({size}, socket.MSG_WAITALL)
sys.exit(os.waitstatus_to_exitcode(int(told)))
"""


def stand_in(path: Path, *words: str) -> Path:
    """Make an executable that does what this Python with these words does, as a fork; for hooks of git.

    It starts in a fifth of the time of what it stands for.
    """
    text = _STAND_IN.format(
        python=sys.executable, command=[sys.executable, *words], server=server()[0], size=_PID_AND_STATUS
    )
    if _EXECUTE:
        text = f'#!/bin/sh\nexec {shlex.join([sys.executable, *words])} "$@"\n'
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def _bearing(env: Mapping[str, str]) -> dict[str, str | None]:
    # The hash seed is the server's; that of a command line decides nothing that a test looks at. Of PATH,
    # what matters to a library while it is imported is the git that is found.
    ours = ("PYTHONHASHSEED", "PATH")
    known = {name: value for name, value in env.items() if name.startswith(_STARTING) and name not in ours}
    return {**known, "git": shutil.which("git", path=env.get("PATH", os.defpath))}


def _ask(
    command: Sequence[str], cwd: Path, env: Mapping[str, str], streams: Sequence[int], **leads: bool
) -> socket.socket:
    request = {"command": list(command), "cwd": str(cwd), "env": dict(env), **leads}
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(server()[0])
    data = json.dumps(request).encode()
    socket.send_fds(connection, [len(data).to_bytes(4, "big")], list(streams))
    connection.sendall(data)
    return connection


@functools.cache
def server() -> tuple[str, Mapping[str, str]]:
    """This process's server, started when first asked for: its socket, and the environment that it has."""
    folder = tempfile.mkdtemp(prefix="gitmig-forks-")
    path = f"{folder}/socket"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(64)
    process = subprocess.Popen(
        [sys.executable, "-P", __file__, str(listener.fileno())],
        stdin=subprocess.DEVNULL,
        pass_fds=[listener.fileno()],
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    listener.close()

    def stop() -> None:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    return path, dict(os.environ)


def _exactly(connection: socket.socket) -> bytes:
    data = connection.recv(_PID_AND_STATUS, socket.MSG_WAITALL)
    assert len(data) == _PID_AND_STATUS, "the server of forks is gone"
    return data


def _read_into(rest: list[bytes], place: int, stream: BinaryIO) -> None:
    rest[place] = stream.read()
    stream.close()


# The server's side.


def serve(listener: socket.socket) -> None:
    """Fork for each connection, for ever."""
    for library in _LIBRARIES:
        __import__(library)
    for library in _PRIVATE:
        with contextlib.suppress(ModuleNotFoundError):
            __import__(library)
    importlib.import_module("gitmig.cli.app").application()
    _load_worker()
    # A command that ends is waited for by its own watcher.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # Whoever runs the tests under nohup wants them to go on, not the commands that they interrupt.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    gc.collect()
    gc.freeze()
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _watch(connection)
        connection.close()


def _load_worker() -> None:
    """The worker's modules, as gitmig has the project's interpreter load them; see gitmig/rpc/boot.py."""
    package = sys.modules["_gitmig"] = types.ModuleType("_gitmig")
    package.__path__ = [str(_GITMIG)]
    for room in ("wire", "worker"):
        for path in (_GITMIG / room).rglob("[!_]*.py"):
            __import__(".".join(("_gitmig", *path.relative_to(_GITMIG).with_suffix("").parts)))


def _watch(connection: socket.socket) -> None:
    """Fork the command and tell its process id and, later, its status. Never returns."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        size, streams, _, _ = socket.recv_fds(connection, 4, 3)
        data = b""
        while len(data) < int.from_bytes(size, "big"):
            data += connection.recv(1 << 20)
        pid = os.fork()
        if pid == 0:
            connection.close()
            _become(json.loads(data), streams)
        for stream in streams:
            os.close(stream)
        connection.sendall(b"%-16d" % pid)
        _, status = os.waitpid(pid, 0)
        # Whoever asked may not care any more.
        with contextlib.suppress(BrokenPipeError):
            connection.sendall(b"%-16d" % status)
    finally:
        os._exit(0)


def _become(request: Mapping[str, Any], streams: Sequence[int]) -> None:
    """Be the process of the command line. Never returns."""
    exit_code = 1
    try:
        if request.get("session"):
            os.setsid()
        if request.get("terminal"):
            import fcntl
            import termios

            fcntl.ioctl(streams[0], termios.TIOCSCTTY, 0)
        _start(request["command"], request["env"], request["cwd"], streams)
        subprocess.Popen = _popen_or_fork  # type: ignore[assignment, misc]
        exit_code = _execute(request["command"])
    except BaseException:
        traceback.print_exc()
    finally:
        _end(exit_code)


def _start(command: Sequence[str], env: Mapping[str, str], cwd: str, streams: Sequence[int]) -> None:
    """What is fresh in a process: streams, folder, environment, signals."""
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
    os.closerange(3, 1024)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdin = _stream(0, "r", sys.stdin)
    sys.stdout = _stream(1, "w", sys.stdout)
    sys.stderr = _stream(2, "w", sys.stderr)
    sys.__dict__.update(__stdin__=sys.stdin, __stdout__=sys.stdout, __stderr__=sys.stderr)
    sys.argv = list(command[3:])


def _stream(descriptor: int, mode: str, like: Any) -> io.TextIOWrapper:
    raw: Any = open(descriptor, f"{mode}b", closefd=False)  # noqa: SIM115
    by_line = mode == "w" and (descriptor == 2 or os.isatty(descriptor))
    return io.TextIOWrapper(raw, encoding=like.encoding, errors=like.errors, line_buffering=by_line)


def _execute(command: Sequence[str]) -> int:
    """Run what stands in ``python [-P] -m MODULE …`` or ``python -c CODE …``; the exit code."""
    words = [word for word in command[1:] if word != "-P"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        if words[0] == "-m":
            sys.argv = [words[1], *words[2:]]
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = ["-c", *words[2:]]
            exec(words[1], sys.modules["__main__"].__dict__)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    return 0


def _end(exit_code: int) -> None:
    """End as an interpreter does."""
    with contextlib.suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()
    os._exit(exit_code)


_Popen = subprocess.Popen


def _popen_or_fork(command: Any, **options: Any) -> Any:
    """``subprocess.Popen`` of a forked command line: a worker in this interpreter is a fork too."""
    if not (isinstance(command, list) and command[:2] == [sys.executable, "-c"] and options.get("env")):
        return _Popen(command, **options)
    return _Worker(command, **options)


class _Worker:
    """A child that is a worker; the part of ``subprocess.Popen`` that gitmig uses."""

    def __init__(self, command: list[str], *, cwd: Any, env: Mapping[str, str], stderr: Any, **options: Any):
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        errors = 2 if stderr is None else stderr if isinstance(stderr, int) else stderr.fileno()
        sys.stdout.flush()
        sys.stderr.flush()
        # Unlike subprocess, a fork here runs what libraries have registered for it. An interrupt
        # would be lost there ("Exception ignored in …"), so it waits until that is over.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        self.pid = os.fork()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if self.pid == 0:
            exit_code = 1
            try:
                if options.get("process_group") is not None:
                    os.setpgid(0, options["process_group"])
                subprocess.Popen = _Popen  # type: ignore[misc]
                for name in [name for name in sys.modules if name.partition(".")[0] in _OURS]:
                    del sys.modules[name]
                _start(command, env, str(cwd), [theirs_in, theirs_out, os.dup(errors)])
                exit_code = _execute(command)
            except BaseException:
                traceback.print_exc()
            finally:
                _end(exit_code)
        os.close(theirs_in)
        os.close(theirs_out)
        self.stdin = os.fdopen(ours_in, "wb", 0 if options.get("bufsize") == 0 else -1)
        self.stdout = os.fdopen(ours_out, "rb")
        self.stderr = None
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            with contextlib.suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        import time

        end = None if timeout is None else time.monotonic() + timeout
        if end is None and self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired("worker", timeout or 0)
            time.sleep(0.002)
        return code

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
