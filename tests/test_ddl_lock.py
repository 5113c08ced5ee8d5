"""A step that waits for another session's lock: who is in the way is named, and it does not wait for ever."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pymysql
import pytest
from sqlalchemy import make_url

from tests import database
from tests.chain import chain, in_autocommit, started
from tests.story import Project

ADDS = ("b2", "op.add_column('t', sa.Column('x', sa.Integer))", "op.drop_column('t', 'x')")
MAKES = ("a1", "op.create_table('t', sa.Column('id', sa.Integer))", "op.drop_table('t')")


@pytest.fixture
def project(tmp_path: Path, postgres_url: str) -> Project:
    """A database with a table ``t``, one revision behind."""
    made = Project.create(tmp_path, postgres_url)
    chain(made, (MAKES, ADDS))
    made.gitmig("upgrade", "a1", check=0)
    return made


@contextmanager
def blocker(url: str, *statements: str) -> Iterator[psycopg2.extensions.connection]:
    """A session that has run statements and leaves its transaction open."""
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg2.connect(dsn, application_name="nightly report")) as connection:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        yield connection


def test_giving_up_names_the_blocker_and_leaves_everything_as_before(project: Project) -> None:
    before = project.snapshot()
    last = "/* it's */ create role nobody password 's3cr3t'; lock table t"
    with blocker(project.url, last) as connection:
        failed = project.gitmig("upgrade", "--ddl-lock-timeout", "1", check=1)
        pid = connection.info.backend_pid
    note, error, *_, hint = failed.stderr.splitlines()
    who = f"PostgreSQL session {pid} (nightly report), in its transaction for "
    assert note.startswith(f"Waiting for a lock of {who}")
    assert error.startswith(f"Error: upgrade b2 waited for 1 s for a lock of {who}")
    assert error.endswith(" s, idle in transaction, after: /* it…")
    assert hint == "Hint: wait for that session or end it, or wait longer: --ddl-lock-timeout SECONDS"
    assert "s3cr3t" not in failed.stderr
    assert project.snapshot() == before
    assert not project.path(".git/gitmig/journal.json").exists()


def test_waiting_is_told_and_goes_on_when_the_lock_is_free(project: Project) -> None:
    with blocker(project.url, 'lock table "t"') as connection:
        process = started(project, "upgrade")
        assert process.stderr is not None
        note = process.stderr.readline().decode()
        connection.rollback()
        assert process.communicate(timeout=60)[1] == "▲ upgrade b2\n".encode()
        assert process.wait() == 0
    assert 'idle in transaction, after: lock table "t"' in note
    assert project.heads() == ("b2",)


@pytest.mark.parametrize(
    ("option", "limit"), [((), "700ms"), (("--ddl-lock-timeout", "0.4"), "400ms")], ids=["ours", "asked"]
)
def test_a_limit_that_env_py_sets_stays_unless_another_is_asked_for(
    project: Project, option: tuple[str, ...], limit: str
) -> None:
    env = project.read("alembic/env.py")
    setting = (
        "        connection.exec_driver_sql(\"set lock_timeout = '700ms'\")\n        connection.commit()\n"
    )
    project.write(
        "alembic/env.py",
        env.replace(
            "        context.configure(\n            conn",
            f"{setting}        context.configure(\n            conn",
        ),
    )
    shows = "op.execute('create table seen as select current_setting(\\'lock_timeout\\') as it')"
    chain(project, [("c3", shows, "pass")], parent="b2")
    project.gitmig("upgrade", *option, check=0)
    assert database.query(project.url, "select it from seen") == ((limit,),)


def test_the_default_is_five_seconds_in_transactions_and_none_in_autocommit_blocks(project: Project) -> None:
    shows = "create table seen{} as select current_setting('lock_timeout') as it"
    inside = in_autocommit(shows.format(2))
    lines = f"op.execute({shows.format(1)!r})\n{inside}\nop.execute({shows.format(3)!r})"
    chain(project, [("c3", lines, "pass")], parent="b2")
    project.gitmig("upgrade", check=0)
    seen = [database.query(project.url, f"select it from seen{n}")[0][0] for n in (1, 2, 3)]
    assert seen == ["5s", "0", "5s"]


def test_a_bad_limit_is_a_usage_error(project: Project) -> None:
    assert "--ddl-lock-timeout" in project.gitmig("upgrade", "--ddl-lock-timeout=-1", check=2).stderr


def test_mariadb(tmp_path: Path, mysql_url: str) -> None:
    project = Project.create(tmp_path, mysql_url)
    chain(project, (MAKES, ADDS))
    project.gitmig("upgrade", "a1", check=0)
    url = make_url(mysql_url)
    with closing(
        pymysql.connect(
            user=url.username,
            password=url.password or "",
            host=url.host,
            port=url.port or 3306,
            database=url.database,
            unix_socket=url.query.get("unix_socket"),
        )
    ) as connection:
        connection.cursor().execute("select * from t")
        failed = project.gitmig("upgrade", "--ddl-lock-timeout", "1", check=1)
        with connection.cursor() as cursor:
            cursor.execute("select connection_id()")
            ((number,),) = cursor.fetchall()
        who = f"session {number} ({url.username}@"
    assert f"Waiting for a lock of {who}" in failed.stderr
    error = "Error: 0 of 1 applied, b2 perhaps in part, then: upgrade b2 waited for 1 s for a lock of"
    assert f"{error} {who}" in failed.stderr
    assert project.heads() == ("a1",)
    assert project.columns("t") == ("id",)
