"""One worker moves a database at a time; the others wait, and say for whom."""

from __future__ import annotations

import threading
import time

import psycopg2
import pytest
from sqlalchemy import make_url

from tests import database
from tests.worker_moves.child import Child, Failed, Json, Project
from tests.worker_moves.conftest import Make


def hold(project: Project) -> Child:
    """A worker that has the lock and waits for its plan."""
    child = project.child()
    child.send({"do": "migrate", "wait": 5})
    assert child.receive()["ask"] == "plan"
    return child


def test_holder_is_named_after_the_wait(both: Project) -> None:
    both.table("a1", "one")
    both.table("b2", "two")
    both.migrate("+a1", expect=["a1"])
    holder = hold(both)
    other = both.child()
    start = time.monotonic()
    with pytest.raises(Failed) as failed:
        other.request("migrate", wait=1)
    assert 1 <= time.monotonic() - start < 5
    error = failed.value.error
    assert error["kind"] == "lock"
    assert [note["note"] for note in other.notes] == ["waiting"]
    if both.url.startswith("postgresql"):
        assert error["holder"].startswith("PostgreSQL session ")
        assert ", since 20" in error["holder"]
        assert error["holder"].endswith("FROM alembic_version")
    else:
        assert error["holder"].startswith(f"process {holder.process.pid} on ")
        assert ", since 20" in error["holder"]
    assert error["message"] == f"the database is being moved by {error['holder']}"
    holder.send({"release": True})
    assert holder.receive()["ok"]["committed"] is False
    both.migrate("+b2", expect=["b2"], child=other)
    assert both.heads() == ("b2",)


def test_application_name_is_told(make: Make, postgres_url: str) -> None:
    project = make(postgres_url)
    holder = project.child({"PGAPPNAME": "nightly deploy"})
    holder.send({"do": "migrate", "wait": 5})
    assert holder.receive()["ask"] == "plan"
    with pytest.raises(Failed) as failed:
        project.child().request("migrate", wait=0)
    assert "(nightly deploy)" in failed.value.error["holder"]


def test_dead_holder_holds_nothing(both: Project) -> None:
    both.table("a1", "one")
    holder = hold(both)
    holder.process.kill()
    assert both.migrate("+a1", expect=["a1"])["committed"] is True


def test_other_database_of_the_server_is_not_locked(
    make: Make, postgres_server: str, postgres_url: str
) -> None:
    from tests import servers

    hold(make(postgres_url))
    with servers.fresh_database(postgres_server) as url:
        other = make(url)
        other.table("a1", "one")
        assert other.migrate("+a1", expect=["a1"], wait=0)["committed"] is True
        for child in other.children:
            child.close()


def test_none_takes_no_lock(make: Make, postgres_url: str) -> None:
    project = make(postgres_url)
    project.table("a1", "one")
    hold(project)
    assert project.migrate("+a1", expect=["a1"], wait=0, lock="none")["committed"] is True


def test_lost_lock_is_noticed_before_the_commit(make: Make, postgres_url: str) -> None:
    project = make(postgres_url)
    project.table("a1", "one")

    def terminated(ask: Json) -> Json:
        database.execute(
            postgres_url,
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
            " and objsubid = 1"
            " and database = (select oid from pg_database where datname = current_database())",
        )
        return project.plan("+a1", expect=["a1"])

    with pytest.raises(Failed) as failed:
        project.child().request("migrate", {"plan": terminated}, wait=1)
    assert failed.value.kind == "lock"
    assert failed.value.message.startswith("the database's lock was lost")
    assert project.tables() == ()


def test_concurrent_index_is_not_blocked_by_those_who_wait(make: Make, postgres_url: str) -> None:
    project = make(postgres_url)
    project.table("a1", "one")
    project.script(
        "b2",
        "with op.get_context().autocommit_block():\n"
        "    op.create_index('ix', 'one', ['id'], postgresql_concurrently=True)",
    )
    holder = hold(project)
    waiter = project.child()
    thread = threading.Thread(target=race, args=(project, waiter, 30))
    thread.start()
    time.sleep(1)
    holder.send(project.plan("+a1", "+b2", expect=["b2"]))
    while "ok" not in (message := holder.receive()):
        if "ask" in message:
            holder.send({"commit": True})
    thread.join()
    assert project.heads() == ("b2",)


def race(project: Project, child: Child, wait: float) -> None:
    """Go to the last revision from wherever the database is."""
    names = [known["revision"] for known in project.scripts]

    def plan(ask: Json) -> Json:
        at = names.index(ask["heads"][0]) + 1 if ask["heads"] else 0
        return project.plan(*(f"+{name}" for name in names[at:]), expect=[names[-1]])

    child.request("migrate", {"plan": plan, "commit": lambda ask: {"commit": True}}, wait=wait)


@pytest.mark.parametrize("options", ["", "transaction_per_migration=True"])
def test_racers_apply_each_revision_once(make: Make, database_url: str, options: str) -> None:
    check_racers(make(database_url, options=options))


def test_racers_on_mariadb(make: Make, mysql_url: str) -> None:
    check_racers(make(mysql_url))


def check_racers(project: Project) -> None:
    """Five workers at once through ten revisions."""
    for number in range(10):
        project.table(f"r{number}", f"t{number}")
    failures: list[BaseException] = []

    def run(child: Child) -> None:
        try:
            race(project, child, 60)
        except BaseException as error:
            failures.append(error)

    children = [project.child() for _ in range(5)]
    threads = [threading.Thread(target=run, args=(child,)) for child in children]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert project.heads() == ("r9",)
    applied = [note["revision"] for child in children for note in child.notes if note["note"] == "step"]
    assert sorted(applied) == [f"r{number}" for number in range(10)]
    for child in children:
        child.close()


def test_read_only_file(make: Make) -> None:
    project = make()
    project.table("a1", "one")
    project.migrate("+a1", expect=["a1"])
    made = make(f"sqlite:///file:{project.top}/test.db?mode=ro&uri=true")
    made.scripts = project.scripts
    assert made.child().request("heads")["heads"] == ["a1"]
    with pytest.raises(Failed, match="attempt to write a readonly database"):
        made.migrate("-a1", expect=[])
    assert project.heads() == ("a1",)


def test_ddl_of_another_session_is_not_our_lock(make: Make, postgres_url: str) -> None:
    """A psycopg2 session without the lock does not keep a migration from planning."""
    url = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("create table x (id int)")
        project = make(postgres_url)
        assert project.migrate(expect=[], wait=0)["committed"] is False
    connection.close()
