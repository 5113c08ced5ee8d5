"""Roles of PostgreSQL whose password is asked for."""

from __future__ import annotations

import hashlib
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
from filelock import FileLock
from sqlalchemy import URL, make_url

from tests import database

SECRET = "s3cr%t@w:rd"


@contextmanager
def role_with_password(postgres_server: str) -> Iterator[str]:
    """The name of a new role that has to give its password, SECRET; it is dropped in the end."""
    lock = Path(
        tempfile.gettempdir(), f"gitmig-hba-{hashlib.sha256(postgres_server.encode()).hexdigest()[:12]}"
    )
    with FileLock(lock):  # the server's one file, for the tests of every process
        yield from _role(postgres_server)


def _role(postgres_server: str) -> Iterator[str]:
    name = f"gitmig_{uuid.uuid4().hex[:12]}"
    before = str(database.query(postgres_server, "select pg_read_file(current_setting('hba_file'))")[0][0])
    database.execute(postgres_server, f"create role {name} login password '{SECRET}'")
    asked = [f"{kind} all {name} {where} scram-sha-256" for kind, where in _EVERYWHERE]
    _write_hba(postgres_server, "\n".join([*asked, before]))
    try:
        _wait_until_asked(make_url(postgres_server).set(username=name, password="not this"))
        yield name
    finally:
        _write_hba(postgres_server, before)
        database.execute(postgres_server, f"drop role {name}")


_EVERYWHERE = (("local", ""), ("host", "0.0.0.0/0"), ("host", "::/0"))


def _write_hba(server: str, text: str) -> None:
    lines = " union all ".join(
        f"select {number}, $line${line}$line$"
        for number, line in enumerate(text.replace("\t", " ").splitlines())
    )
    path = database.query(server, "select current_setting('hba_file')")[0][0]
    database.execute(server, f"copy (select line from ({lines}) as l (n, line) order by n) to '{path}'")
    database.execute(server, "select pg_reload_conf()")


def _wait_until_asked(url: URL) -> None:
    for _ in range(100):
        try:
            database.query(url.render_as_string(hide_password=False), "select 1")
        except psycopg2.OperationalError:
            return
        time.sleep(0.05)
    pytest.fail("the server takes any password")
