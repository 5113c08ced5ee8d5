"""GM020: what drops rows is said, asked and refused before anything moves."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import make_url

from tests import database
from tests.articles import by_alembic
from tests.bad import refuses
from tests.chain import chain
from tests.story import Project

MAKES = (
    "a1",
    "op.create_table('t', sa.Column('id', sa.Integer), sa.Column('x', sa.Integer))\nop.execute('select 1')",
    "op.drop_table('t')",
)
DROPS = ("b2", "op.drop_column('t', 'x')", "op.add_column('t', sa.Column('x', sa.Integer))")
LOOK = "look at the plan with --dry-run, then give --yes"
LISTENER = """
    from sqlalchemy import event
    event.listen(
        engine,
        "before_cursor_execute",
        lambda c, cursor, statement, *others: open("statements", "a").write(statement + "\\n"),
    )
"""


@pytest.fixture
def project(tmp_path: Path, database_url: str) -> Project:
    """A database with a table ``t``, one revision before the one that drops a column of it."""
    made = Project.create(tmp_path, database_url)
    env = made.read("alembic/env.py")
    made.write(
        "alembic/env.py",
        env.replace("    with engine.connect() as", f"{LISTENER}    with engine.connect() as"),
    )
    made.write(".gitignore", made.read(".gitignore") + "/statements\n")
    chain(made, (MAKES, DROPS))
    made.gitmig("upgrade", "a1", check=0)
    return made


def test_a_column_with_values(project: Project) -> None:
    database.execute(project.url, "insert into t values (1, null)")
    assert project.gitmig("upgrade", "--dry-run", "--json", check=0).json["warnings"] == []
    database.execute(project.url, "insert into t values (2, 2)")
    loss = "GM020: the column t.x is dropped, and holds values in rows"
    refuses_but_for_the_log(project, "upgrade", error=loss)
    screen = project.on_terminal("upgrade", answers=["n"], check=1).stdout
    assert f"{loss}. Go on? [y/N/?] " in screen
    assert project.heads() == ("a1",)
    project.on_terminal("upgrade", answers=["y"], check=0)
    assert project.columns("t") == ("id",)
    assert "count(" not in project.read("statements").lower()


def test_a_generated_column_holds_nothing_of_its_own(tmp_path: Path, database_url: str) -> None:
    project = Project.create(tmp_path, database_url)
    column = "sa.Column('x2', sa.Integer(), sa.Computed('x * 2', persisted=True))"
    makes = f"op.create_table('t', sa.Column('x', sa.Integer), {column})"
    away = "op.drop_column('t', 'x2')\nop.add_column('t', sa.Column('x2', sa.Integer))"
    chain(project, (("a1", makes, "op.drop_table('t')"), ("b2", away, "op.execute('select 1')")))
    project.gitmig("upgrade", "a1", check=0)
    database.execute(project.url, "insert into t (x) values (1)")
    assert project.gitmig("upgrade", "--dry-run", "--json", check=0).json["warnings"] == []


def test_a_table_with_rows_in_the_plan_and_with_yes(project: Project) -> None:
    database.execute(project.url, "insert into t values (1, 1)")
    loss = "GM020: the table t is dropped, and holds rows; parked until the revision is applied again"
    refuses_but_for_the_log(project, "rollback", "base", error=loss)
    plan = project.gitmig("rollback", "base", "--dry-run", "--json", check=0).json
    assert loss in plan["warnings"]
    done = project.gitmig("rollback", "base", "--yes", check=0)
    assert f"! {loss}\n" in done.stderr
    assert "t" not in database.tables(project.url)


def test_rows_that_an_upgrade_deletes(project: Project) -> None:
    chain(project, (MAKES, ("b2", "op.execute('delete from t where x > 1')", "pass")))
    project.gitmig("upgrade", "--dry-run", check=0)
    assert project.gitmig("upgrade", "--dry-run", "--json", check=0).json["warnings"] == []
    database.execute(project.url, "insert into t values (1, 1)")
    loss = "GM020: the table t holds rows, and some or all of them are deleted"
    refuses_but_for_the_log(project, "upgrade", error=loss)
    project.gitmig("upgrade", "--yes", check=0)
    assert project.heads() == ("b2",)


def test_what_cannot_be_told_counts_as_rows(tmp_path: Path, postgres_url: str) -> None:
    """The table is empty, but somebody else keeps it locked."""
    project = Project.create(tmp_path, postgres_url)
    chain(project, (MAKES, DROPS))
    project.gitmig("upgrade", "a1", check=0)
    dsn = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg2.connect(dsn)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("lock table t")
        refused = project.gitmig("upgrade", "--ddl-lock-timeout", "0", check=1)
    assert "Error: GM020: the column t.x is dropped, and holds values in rows\n" in refused.stderr
    assert project.heads() == ("a1",)
    assert project.gitmig("upgrade", "--dry-run", "--json", check=0).json["warnings"] == []
    # How many is what the planner believes.
    database.execute(postgres_url, "insert into t select n, n from generate_series(1, 1234) n")
    database.execute(postgres_url, "analyze t")
    database.execute(postgres_url, "insert into t select n, n from generate_series(2001, 2010) n")
    plan = project.gitmig("upgrade", "--dry-run", "--json", check=0).json
    assert plan["warnings"] == ["GM020: the column t.x is dropped, and holds values in about 1,234 rows"]


def test_many_tables_at_once(tmp_path: Path, database_url: str) -> None:
    """More than are asked about in one statement: each answer belongs to its own table."""
    project = Project.create(tmp_path, database_url)
    names = [f"t{number}" for number in range(230)]
    makes = "\n".join(f"op.create_table('{name}', sa.Column('x', sa.Integer))" for name in names)
    drops = "\n".join(f"op.drop_table('{name}')" for name in names)
    chain(project, (("a1", makes, drops),))
    project.gitmig("upgrade", check=0)
    filled = ["t0", "t7", "t99", "t100", "t229"]
    for name in filled:
        database.execute(database_url, f"insert into {name} values (1)")
    database.execute(database_url, "drop table t50")
    plan = project.gitmig("rollback", "base", "--dry-run", "--json", check=0).json
    assert plan["warnings"] == [
        f"GM020: the table {name} is dropped, and holds rows; parked until the revision is applied again"
        for name in filled
    ]


def test_another_question_is_no_answer_to_this_one(tmp_path: Path) -> None:
    """Whoever agrees to an approximate tie has seen which rows go, and an answer is for those rows alone."""
    told = by_alembic(tmp_path)
    project = told.project
    database.execute(project.url, "insert into user values (1, 'ada')")
    loss = "GM020: the column user.username is dropped, and holds values in rows"
    before = project.snapshot()
    screen = project.on_terminal("rollback", "--no-park", answers=["n"], check=1).stdout
    question = screen[: screen.index("[y/N/?]")]
    assert question.count(loss) == 2, screen
    assert "not sure which commit" in question
    assert project.snapshot() == before
    project.on_terminal("rollback", "--no-park", answers=["y"], check=0)
    assert project.columns("user") == ("id",)


def test_a_comment_hides_no_drop_and_is_none(project: Project) -> None:
    chain(
        project,
        (
            ("c3", "op.execute('-- drop table t\\nselect 1')", "pass"),
            ("d4", "op.execute('DROP TABLE /* old */ t')", "pass"),
        ),
        parent="b2",
    )
    project.gitmig("upgrade", "b2", check=0)
    database.execute(project.url, "insert into t values (1)")
    project.gitmig("upgrade", "c3", check=0)
    refuses_but_for_the_log(project, "upgrade", error="GM020: the table t is dropped, and holds rows")


def refuses_but_for_the_log(project: Project, *args: str, error: str) -> None:
    """As ``refuses``; the statements that env.py writes down are no change of gitmig's."""
    log = project.path("statements")
    kept = log.read_bytes()
    log.unlink()
    log.symlink_to("/dev/null")
    refuses(project, *args, error=error, hint=LOOK, code="refused", exit_code=1)
    log.unlink()
    log.write_bytes(kept)
