"""gitmig's commands as real processes that do not import everything anew: forked from one that has.

For tests of many commands. What a command does, and how it may die, is that of any other process.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.story import Project, Result

_TOP = Path(__file__).resolve().parent.parent


def gitmig(
    project: Project, *args: str, env: Mapping[str, str | None] | None = None, check: int | None = None
) -> Result:
    """As ``Project.gitmig``, at half of the price."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        request = {
            # With -C no worker is started before it is known that one is wanted.
            "args": (*args[:1], "-C", str(project.top), *args[1:]),
            "env": project.environment(env),
            "out": str(out),
            "err": str(err),
        }
        exit_code = _ask(json.dumps(request))
        result = Result(exit_code=exit_code, stdout=out.read_text("utf-8"), stderr=err.read_text("utf-8"))
    if check is not None:
        said = f"exit code {result.exit_code}\n{result.stdout}{result.stderr}"
        assert result.exit_code == check, f"gitmig {' '.join(args)}: {said}"
    return result


def _ask(request: str) -> int:
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(request.encode() + b"\n")
    server.stdin.flush()
    return int(server.stdout.readline())


@functools.cache
def _server() -> subprocess.Popen[bytes]:
    """One for each process of the tests; it ends with it, when its stdin does."""
    server = subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-c",
            "import sys; sys.path.append(sys.argv[1]); import tests.preloaded as p; p.serve()",
            str(_TOP),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    atexit.register(_end, server)
    return server


def _end(server: subprocess.Popen[bytes]) -> None:
    server.kill()
    server.wait()


def serve() -> None:
    """Fork a command for each line of stdin, and tell its exit code as ``subprocess`` does."""
    _import_everything()
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    for line in requests:
        child = os.fork()
        if child == 0:
            requests.close()
            answers.close()
            return _become(json.loads(line))
        _, status = os.waitpid(child, 0)
        answers.write(b"%d\n" % os.waitstatus_to_exitcode(status))
        answers.flush()


def _become(request: Mapping[str, object]) -> None:
    from gitmig.cli.main import main

    for number, name in enumerate((os.devnull, str(request["out"]), str(request["err"]))):
        handle = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT)
        os.dup2(handle, number)
        os.close(handle)
    os.chdir("/")
    env, args = request["env"], request["args"]
    assert isinstance(env, dict)
    assert isinstance(args, Sequence)
    os.environ.clear()
    os.environ.update(env)
    main([str(argument) for argument in args])


def _import_everything() -> None:
    import importlib
    import pkgutil

    import filelock  # noqa: F401
    import git  # noqa: F401
    import rich.console
    import rich.syntax  # noqa: F401
    import typer.main  # noqa: F401

    import gitmig

    for module in pkgutil.walk_packages(gitmig.__path__, "gitmig."):
        if (
            not module.name.startswith(("gitmig.worker.", "gitmig.__main__"))
            and module.name != "gitmig.worker"
        ):
            importlib.import_module(module.name)
