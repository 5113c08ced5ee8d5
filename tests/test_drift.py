"""``gitmig drift``: the live database beside the revision that it says it is at."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import make_url

from tests import database
from tests.articles import Article, article, article_on, by_alembic, plain, third
from tests.chain import started
from tests.roles import SECRET
from tests.story import Project
from tests.test_ddl_lock import blocker


@pytest.fixture
def told(tmp_path: Path) -> Article:
    return article(tmp_path)


def drift(project: Project, code: int = 1) -> list[str]:
    """The lines of the answer, without the first, which says where the database is."""
    return project.gitmig("drift", check=code).stdout.splitlines()[1:]


def stamp(project: Project, revision: str) -> None:
    database.execute(project.url, f"update alembic_version set version_num = '{revision}'")


def test_nothing_has_drifted(told: Article) -> None:
    project = told.project
    before = project.snapshot()
    said = project.gitmig("drift", check=0)
    place = f"at {told.second} Add username for user (models of {told.second_commit[:8]})"
    assert (said.stdout, said.stderr) == (f"database  {place}  [sqlite:///app.db]\nno drift\n", "")
    assert project.snapshot() == before


def test_a_table_altered_by_hand(told: Article) -> None:
    project = told.project
    for statement in (
        "alter table user add column by_hand integer",
        "drop index ix_user_username",
        "create table stray (id integer)",
    ):
        database.execute(project.url, statement)
    before = project.snapshot()
    said = project.gitmig("drift", check=1)
    assert said.stdout.splitlines()[1:] == [
        "extra      + user.by_hand INTEGER",
        f"missing    - index ix_user_username  (made by {told.second} Add username for user)",
        "unknown    table stray",
    ]
    assert said.stderr == (
        "unknown: no revision has made it; left alone\n"
        f"GM021 the database is not what {told.second} says (1 extra, 1 missing)\n"
        f"  Hint: gitmig diff db {told.second} --sql\n"
    )
    assert project.snapshot() == before
    sql = project.gitmig("diff", "db", told.second, "--sql", check=1).stdout
    assert "-- the table stray is in the database alone, and is left alone\n" in sql
    assert "DROP TABLE stray" not in sql
    assert 'DROP TABLE "stray"' not in sql


def test_an_unknown_table_is_no_drift(told: Article) -> None:
    database.execute(told.project.url, "create table stray (id integer)")
    assert drift(told.project, 0) == ["unknown    table stray", "no drift"]
    answer = told.project.gitmig("drift", "--json", check=0).json
    assert (answer["unknown_tables"], answer["findings"]) == (["stray"], [])


def test_a_version_table_that_is_named_online_alone(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    env = project.read("alembic/env.py").replace(
        "connection=connection,", 'connection=connection,\n            version_table="ours",'
    )
    project.write("alembic/env.py", env)
    project.commit("Our own version table")
    project.gitmig("revise", "-m", "First", check=0)
    assert drift(project, 0) == ["no drift"]


def test_a_virtual_table_is_nobodys(told: Article) -> None:
    """SQLite keeps its rows in tables of its own; neither can be a model, or have an index."""
    database.execute(told.project.url, "create virtual table search using fts5(name)")
    assert drift(told.project, 0)[-1] == "no drift"


def test_a_stamp_that_is_not_true(told: Article) -> None:
    project = told.project
    stamp(project, told.first)
    made = f"(made by {told.second} Add username for user, which is not applied)"
    said = project.gitmig("drift", check=1)
    assert said.stdout.splitlines()[1:] == [
        f"extra      + user.username VARCHAR  {made}",
        f"extra      + index ix_user_username  {made}",
    ]
    assert said.stderr == (
        f"GM021 the database is not what {told.first} says (2 extra): "
        f"stamped {told.first}, has what {told.second} made\n"
        f"  Hint: alembic stamp {told.second}\n"
    )
    # Stamped ahead of what it has.
    project.alembic("stamp", told.second)
    added = third(told)
    project.alembic("downgrade", told.first)
    stamp(project, added)
    answer = project.gitmig("drift", "--json", check=1).json
    assert answer["like"] == told.first
    assert {line["origin"]["revision"] for line in answer["missing"]} == {told.second, added}


def test_json_and_github(told: Article) -> None:
    project = told.project
    database.execute(project.url, "drop index ix_user_username")
    answer = project.gitmig("drift", "--json", check=1).json
    ddl = "CREATE INDEX ix_user_username ON user (username)"
    assert answer == {
        "version": 1,
        "database": {"name": "sqlite:///app.db", "heads": [told.second]},
        "models_commit": told.second_commit,
        "extra": [],
        "missing": [
            {
                "sign": "-",
                "kind": "index",
                "table": "user",
                "name": "ix_user_username",
                "before": ddl,
                "after": None,
                "origin": {"revision": told.second, "commit": None, "way": "made", "applied": True},
            }
        ],
        "different": [],
        "as_made": [],
        "unknown_tables": [],
        "like": None,
        "warnings": [],
        "findings": [
            {
                "code": "GM021",
                "severity": "error",
                "message": f"the database is not what {told.second} says (1 missing)",
                "hint": f"gitmig diff db {told.second} --sql",
                "path": None,
                "line": None,
                "details": ["- index ix_user_username"],
            }
        ],
    }
    said = project.gitmig("drift", "--format", "github", check=1).stdout
    assert said.startswith(f"::error::GM021 the database is not what {told.second} says (1 missing)%0A")
    project.append("pyproject.toml", '\n[tool.gitmig.severity]\nGM021 = "warning"\n')
    assert project.gitmig("drift", check=0).stderr.startswith("GM021 warning: the database is not what")


def test_what_the_models_of_a_commit_made(told: Article) -> None:
    """A colleague ran create_all on models that were committed without a revision."""
    project = told.project
    project.append("app/models.py", "    email: Mapped[str | None]\n")
    commit = project.commit("No revision")
    database.execute(project.url, "alter table user add column email varchar")
    assert drift(project) == [f"extra      + user.email VARCHAR  (as in the models of {commit[:8]})"]


def test_what_the_revisions_themselves_lead_to(tmp_path: Path) -> None:
    told = by_alembic(tmp_path)
    project = told.project
    project.append("app/models.py", "    email: Mapped[str | None] = mapped_column(String(20))\n")
    add = "op.add_column('user', sa.Column('email', sa.String(30)))"
    plain(project, "c3c3", "b2b2", up=add, down="op.drop_column('user', 'email')", message="E-mail")
    project.commit("E-mail")
    project.alembic("upgrade", "head")
    said = project.gitmig("drift", check=0)
    assert said.stdout.splitlines()[1:] == [
        "as made    ~ user.email VARCHAR(20) -> VARCHAR(30)",
        "no drift",
    ]
    assert "as made: the revisions lead there, the models say otherwise; see gitmig verify\n" in said.stderr


def test_where_there_is_nothing_to_compare(told: Article) -> None:
    project = told.project
    stamp(project, "abcabcabcabc")
    assert project.gitmig("drift", check=1).stderr == (
        "Error: the database is at abcabcabcabc, which no file of the checkout has\nHint: gitmig status\n"
    )
    database.execute(project.url, "drop table alembic_version")
    assert project.gitmig("drift", check=1).stderr == (
        "Error: the database has 1 table of the models and is not under Alembic\n"
        "Hint: alembic stamp REVISION  (the one that matches its tables)\n"
    )
    project.path("app.db").unlink()
    assert project.gitmig("drift", check=1).stderr == (
        "Error: there is no database yet: sqlite:///app.db\nHint: gitmig upgrade\n"
    )
    assert not project.path("app.db").exists()


def test_at_base_and_at_several_heads(told: Article) -> None:
    project = told.project
    plain(project, "d4d4", told.first, up="op.create_table('side', sa.Column('id', sa.Integer))",
          down="op.drop_table('side')", message="Side")  # fmt: skip
    project.commit("A second head")
    project.alembic("upgrade", "heads")
    assert drift(project, 0) == ["no drift"]
    database.execute(project.url, "alter table side add column more integer")
    assert drift(project) == ["extra      + side.more INTEGER"]
    project.alembic("downgrade", "base")
    assert drift(project, 0) == ["no drift"]


def test_ledger_and_parked_rows_are_ours(told: Article) -> None:
    project = told.project
    project.gitmig("ledger", "enable", "--yes", check=0)
    database.execute(project.url, "insert into user (username) values ('ada')")
    project.gitmig("rollback", "--yes", check=0)
    assert drift(project, 0) == ["no drift"]


def test_another_writer_is_not_waited_for(told: Article) -> None:
    project = told.project
    with closing(sqlite3.connect(project.path("app.db"), isolation_level=None)) as other:
        other.execute("begin immediate")
        assert drift(project, 0) == ["no drift"]


@pytest.fixture
def reader(
    postgres_url: str, postgres_server: str, role: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str]:
    """A database, and its URL for a role that may read the version table alone."""
    monkeypatch.setenv("GITMIG_SCRATCH_URL", postgres_server)
    url = make_url(postgres_url).set(username=role, password=SECRET)
    return postgres_url, url.render_as_string(hide_password=False)


def test_on_postgresql_without_any_right_and_without_a_lock(tmp_path: Path, reader: tuple[str, str]) -> None:
    own, restricted = reader
    told = article_on(tmp_path, own)
    role = make_url(restricted).username
    database.execute(own, 'alter table "user" alter column username type varchar(7)')
    database.execute(own, f"grant select on alembic_version to {role}")
    reading = Project(told.project.top, restricted, told.project._clock)
    with closing(
        psycopg2.connect(make_url(own).set(drivername="postgresql").render_as_string(False))
    ) as other:
        other.cursor().execute('lock table "user" in exclusive mode')
        assert drift(reading) == [
            "different  ~ user.username CHARACTER VARYING -> CHARACTER VARYING(7)  "
            f"(made by {told.second} Add username for user)"
        ]
    database.execute(own, f"revoke select on alembic_version from {role}")


def test_status_offers_it_where_something_else_has_moved_the_database(told: Article) -> None:
    project = told.project
    assert "gitmig drift" not in project.gitmig("status", check=0).stderr
    project.alembic("downgrade", "-1")
    offer = "gitmig drift compares its tables with the models of its revision\n"
    assert offer in project.gitmig("status", check=1).stderr


@pytest.mark.parametrize("table", ["user", "alembic_version"])
def test_it_does_not_wait_for_ever_behind_a_migration(tmp_path: Path, postgres_url: str, table: str) -> None:
    """Whoever has a table to himself keeps PostgreSQL from describing its indexes."""
    project = article_on(tmp_path, postgres_url).project
    with blocker(project.url, f'lock table "{table}" in access exclusive mode') as connection:
        said = project.gitmig("drift", check=1).stderr
        pid = connection.info.backend_pid
    who = f"PostgreSQL session {pid} (nightly report)"
    assert said.startswith(f"Error: reading the database waited for 5 s for a lock of {who}")
    assert said.endswith("\nHint: wait for that session or end it, then run the command again\n")
    assert drift(project, 0) == ["no drift"]


def test_nobody_waits_for_it(tmp_path: Path, postgres_url: str) -> None:
    """It keeps no lock: a step that wants the table to itself goes on at once."""
    project = article_on(tmp_path, postgres_url).project
    looking = started(project, "drift")
    lock = 'lock table "user" in access exclusive mode'
    while looking.poll() is None:
        database.execute(project.url, f"begin; set local lock_timeout = 500; {lock}; commit")
    assert looking.communicate()[0].endswith(b"no drift\n")
