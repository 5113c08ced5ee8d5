"""What is one transaction and what is not, and what is told of it when it fails."""

from __future__ import annotations

import sqlite3

import pytest

from tests import database
from tests.worker_moves.child import ENFORCED, GENERIC_ENV, Failed, Json, Project
from tests.worker_moves.conftest import Make


class TestOnePerMigration:
    """An env.py that asked for transaction_per_migration keeps it."""

    def test_failure_says_how_many_are_committed(self, make: Make, database_url: str) -> None:
        project = make(database_url, options="transaction_per_migration=True")
        project.table("a1", "one")
        project.table("b2", "two")
        project.script(
            "c3", "op.create_table('three', sa.Column('id', sa.Integer()))\nop.execute('nonsense')"
        )
        child = project.child()
        with pytest.raises(Failed) as failed:
            project.migrate("+a1", "+b2", "+c3", expect=["c3"], child=child)
        assert child.asked[0]["per_migration"] is True
        error = failed.value.error
        assert (error["revision"], error["committed"], error["partial"]) == ("c3", 2, None)
        assert project.heads() == ("b2",)
        assert project.tables() == ("one", "two")

    def test_not_confirmed_takes_back_the_last_one(self, make: Make, database_url: str) -> None:
        project = make(database_url, options="transaction_per_migration=True")
        project.table("a1", "one")
        project.table("b2", "two")
        answer = project.migrate("+a1", "+b2", expect=["b2"], commit=False)
        assert (answer["committed"], answer["heads"], answer["steps"]) == (False, ["a1"], 1)
        assert project.heads() == ("a1",)

    def test_wrong_heads_are_found_before_the_last_commit(self, make: Make, database_url: str) -> None:
        project = make(database_url, options="transaction_per_migration=True")
        project.table("a1", "one")
        project.table("b2", "two")
        with pytest.raises(Failed) as failed:
            project.migrate("+a1", "+b2", expect=["z9"])
        assert failed.value.error["committed"] == 1
        assert project.heads() == ("a1",)


class TestAutocommitBlock:
    """It commits all before it."""

    @pytest.mark.parametrize("options", ["", "transaction_per_migration=True"])
    def test_value_added_in_one_revision_and_used_in_the_next(
        self, make: Make, postgres_url: str, options: str
    ) -> None:
        project = make(postgres_url, options=options)
        project.script(
            "a1", "op.execute(\"create type mood as enum ('a')\")\nop.execute('create table t (m mood)')"
        )
        project.script(
            "b2",
            "with op.get_context().autocommit_block():\n    op.execute(\"alter type mood add value 'b'\")",
        )
        project.script("c3", "op.execute(\"insert into t values ('b')\")")
        answer = project.migrate("+a1", "+b2", "+c3", expect=["c3"])
        assert (answer["committed"], answer["steps"], answer["heads"]) == (True, 3, ["c3"])
        assert database.query(postgres_url, "select m from t") == (("b",),)

    def test_failure_after_it(self, both: Project) -> None:
        both.table("a1", "one")
        both.script(
            "b2",
            "with op.get_context().autocommit_block():\n    op.execute('select 1')\nop.execute('nonsense')",
        )
        with pytest.raises(Failed) as failed:
            both.migrate("+a1", "+b2", expect=["b2"])
        assert (failed.value.error["committed"], failed.value.error["partial"]) == (1, "b2")
        assert both.heads() == ("a1",)

    def test_failure_in_a_later_revision(self, both: Project) -> None:
        both.script(
            "a1",
            "op.execute('create table one (id int)')\nwith op.get_context().autocommit_block():\n    pass",
        )
        both.table("b2", "two")
        both.script("c3", "op.execute('nonsense')")
        with pytest.raises(Failed) as failed:
            both.migrate("+a1", "+b2", "+c3", expect=["c3"])
        assert (failed.value.error["committed"], failed.value.error["partial"]) == (0, "a1")
        assert both.tables() == ("one",)
        assert both.heads() == ()

    def test_vacuum_on_sqlite(self, project: Project) -> None:
        project.table("a1", "one")
        project.script("b2", "with op.get_context().autocommit_block():\n    op.execute('vacuum')")
        project.table("c3", "two")
        project.script("d4", "op.execute('nonsense')")
        with pytest.raises(Failed):
            project.migrate("+a1", "+b2", "+c3", "+d4", expect=["d4"])
        assert (project.heads(), project.tables()) == (("a1",), ("one",))


class TestSqlite:
    """Truly transactional, and rows of children are kept."""

    children = (
        "op.execute('create table p (id integer primary key, a int)')\n"
        "op.execute('create table c (p integer references p(id) on delete cascade)')\n"
        "op.execute('insert into p values (1, 1)')\nop.execute('insert into c values (1)')"
    )

    @pytest.mark.parametrize("env", [GENERIC_ENV, ENFORCED], ids=["off", "on"])
    def test_rebuilt_table_keeps_its_childrens_rows(self, make: Make, env: str) -> None:
        project = make(env=env)
        project.script("a1", self.children)
        project.script(
            "b2",
            "with op.batch_alter_table('p') as batch_op:\n    batch_op.alter_column('a', nullable=False)",
        )
        project.migrate("+a1", "+b2", expect=["b2"])
        assert database.query(project.url, "select * from c") == ((1,),)

    def test_new_violation_fails_before_the_commit(self, make: Make) -> None:
        project = make(env=ENFORCED)
        project.script("a1", self.children)
        project.script("b2", "op.execute('delete from p')")
        project.migrate("+a1", expect=["a1"])
        with pytest.raises(Failed) as failed:
            project.migrate("+b2", expect=["b2"])
        assert failed.value.kind == "migration"
        assert failed.value.message == "foreign keys are violated: a row of c without a row of p"
        assert database.query(project.url, "select count(*) from p") == ((1,),)

    def test_old_violations_are_nobodys_concern(self, project: Project) -> None:
        project.script("a1", self.children + "\nop.execute('insert into c values (7)')")
        project.table("b2", "one")
        database_file = project.top / "test.db"
        with pytest.raises(Failed):
            project.migrate("+a1", expect=["a1"])
        with sqlite3.connect(database_file) as connection:
            connection.execute("create table q (id integer primary key)")
            connection.execute("create table r (q references q(id))")
            connection.execute("insert into r values (7)")
        connection.close()
        project.scripts[:] = []
        project.table("b2", "one")
        assert project.migrate("+b2", expect=["b2"])["committed"] is True

    def test_other_isolation_levels_of_the_driver(self, make: Make) -> None:
        env = GENERIC_ENV.replace(
            "poolclass=pool.NullPool)", "connect_args={{'isolation_level': 'EXCLUSIVE'}})"
        )
        project = make(env=env)
        project.table("a1", "one")
        assert project.migrate("+a1", expect=["a1"], commit=False)["committed"] is False
        assert project.tables() == ()
        assert project.migrate("+a1", expect=["a1"])["committed"] is True

    def test_memory(self, make: Make) -> None:
        project = make("sqlite://")
        project.table("a1", "one")
        assert project.child().request("heads")["exists"] is True
        assert project.migrate("+a1", expect=["a1"])["committed"] is True

    def test_what_env_py_says_of_transactional_ddl_holds(self, make: Make) -> None:
        project = make(options="transactional_ddl=False")
        project.table("a1", "one")
        child = project.child()
        project.migrate("+a1", expect=["a1"], child=child)
        assert child.asked[0]["transactional"] is False


def test_commit_that_the_database_refuses(make: Make, postgres_url: str) -> None:
    project = make(postgres_url)
    project.script(
        "a1",
        "op.execute('create table p (id int primary key)')\n"
        "op.execute('create table c (p int references p deferrable initially deferred)')\n"
        "op.execute('insert into c values (7)')",
    )
    child = project.child()
    with pytest.raises(Failed) as failed:
        project.migrate("+a1", expect=["a1"], child=child)
    assert [ask["ask"] for ask in child.asked] == ["plan", "commit"]
    error = failed.value.error
    assert (error["kind"], error["committed"]) == ("migration", 0)
    assert "violates foreign key constraint" in error["message"]
    assert project.tables() == ()
    assert project.migrate(expect=[], child=child)["heads"] == []


def test_autocommit_engine_is_not_transactional(make: Make, postgres_url: str) -> None:
    env = GENERIC_ENV.replace(
        "poolclass=pool.NullPool", "poolclass=pool.NullPool, isolation_level='AUTOCOMMIT'"
    )
    project = make(postgres_url, env=env)
    project.table("a1", "one")
    child = project.child()
    project.migrate("+a1", expect=["a1"], child=child)
    assert child.asked[0]["transactional"] is False
    assert project.heads() == ("a1",)


def test_mariadb(make: Make, mysql_url: str) -> None:
    """DDL commits by itself there: told so beforehand, and counted."""
    project = make(mysql_url)
    project.table("a1", "one")
    project.script("b2", "op.create_table('two', sa.Column('id', sa.Integer()))\nop.execute('nonsense')")
    child = project.child()
    with pytest.raises(Failed) as failed:
        project.migrate("+a1", "+b2", expect=["b2"], child=child)
    assert child.asked[0]["transactional"] is False
    assert (failed.value.error["committed"], failed.value.error["partial"]) == (1, "b2")
    assert project.heads() == ("a1",)
    assert project.tables() == ("one", "two")
    holder = project.child()
    holder.send({"do": "migrate", "wait": 5})
    assert holder.receive()["ask"] == "plan"
    with pytest.raises(Failed, match=r"^lock: the database is being moved by session \d+"):
        project.child().request("migrate", wait=0)
    for each in project.children:
        each.close()


def test_secrets_of_statements_and_messages_are_not_told(both: Project) -> None:
    both.script("a1", "raise RuntimeError('postgresql://ada:s3cret@localhost/app')")
    with pytest.raises(Failed) as failed:
        both.migrate("+a1", expect=["a1"])
    told: Json = failed.value.error
    assert told["message"] == "RuntimeError: postgresql://ada:***@localhost/app"
    assert "s3cret@" not in str(told).replace("'postgresql://ada:s3cret@localhost/app')\"", "")
