"""What a step loses and its script does not say takes the step back; then it is part of the plan."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests import database
from tests.bad import refuses
from tests.chain import chain, per_migration
from tests.story import Project

MAKES = (
    "a1",
    "op.create_table('t', sa.Column('id', sa.Integer, primary_key=True), sa.Column('x', sa.Integer))\n"
    "op.execute('create table k (a integer, b integer)')",
    "op.execute('drop table k'); op.drop_table('t')",
)
HIDDEN = "op.execute(' '.join(('drop', 'table t')))"
COLUMN = "op.execute(' '.join(('alter table k drop', 'column b')))"
LOOK = "look at the plan with --dry-run, then give --yes"
LOSS = "GM020: the table t is dropped, and holds rows"


def at_first(tmp_path: Path, url: str | None, *scripts: tuple[str, str, str]) -> Project:
    project = Project.create(tmp_path, url)
    chain(project, (MAKES, *scripts))
    project.gitmig("upgrade", "a1", check=0)
    database.execute(project.url, "insert into t values (1, 1)")
    database.execute(project.url, "insert into k values (1, 1)")
    return project


def test_an_upgrade(tmp_path: Path, database_url: str) -> None:
    project = at_first(tmp_path, database_url, ("b2", HIDDEN, "pass"))
    assert project.gitmig("upgrade", "--dry-run", "--json", check=0).json["warnings"] == []
    refuses(project, "upgrade", error=LOSS, hint=LOOK, code="refused", exit_code=1)
    screen = project.on_terminal("upgrade", answers=["n"], check=1).stdout
    assert f"{LOSS}. Go on? [y/N/?] " in screen
    assert project.heads() == ("a1",)
    project.on_terminal("upgrade", answers=["y"], check=0)
    assert (project.heads(), database.tables(project.url)) == (("b2",), ("alembic_version", "k"))


def test_it_is_told_with_yes(tmp_path: Path, database_url: str) -> None:
    project = at_first(tmp_path, database_url, ("b2", HIDDEN, "pass"))
    done = project.gitmig("upgrade", "--yes", check=0)
    assert f"! {LOSS}\n" in done.stderr
    assert not project.path(".git/gitmig/journal.json").exists()


def test_an_empty_table_is_no_loss(tmp_path: Path, database_url: str) -> None:
    project = at_first(tmp_path, database_url, ("b2", HIDDEN, "pass"))
    database.execute(project.url, "delete from t")
    project.gitmig("upgrade", check=0)


def test_a_table_that_the_run_makes_itself_is_no_loss(tmp_path: Path, database_url: str) -> None:
    helps = (
        "op.execute('create table help as select * from t')",
        "op.execute(' '.join(('drop', 'table help')))",
    )
    project = at_first(tmp_path, database_url, ("b2", helps[0], "pass"), ("c3", helps[1], "pass"))
    project.gitmig("upgrade", check=0)
    assert "help" not in database.tables(project.url)


def test_a_downgrade_that_cannot_park(tmp_path: Path, database_url: str) -> None:
    project = at_first(tmp_path, database_url, ("b2", "pass", COLUMN))
    project.gitmig("upgrade", check=0)
    down = ("rollback", "a1", "--database-only")
    loss = (
        "GM020: the column k.b is dropped, and holds values in rows; they cannot be parked: "
        "the table has no key to park values by"
    )
    refuses(project, *down, error=loss, hint=LOOK, code="refused", exit_code=1)
    done = project.gitmig(*down, "--yes", check=0)
    assert f"! {loss}\n" in done.stderr
    assert "Note: not parked, and gone: k.b: the table has no key to park values by\n" in done.stderr
    assert project.columns("k") == ("a",)


def test_what_a_cursor_drops_behind_our_back(tmp_path: Path, database_url: str) -> None:
    """No statement is seen, and nothing parked although the plan said so: it is found at the step's end."""
    cursor = "op.get_bind().connection.cursor().execute('drop table t')"
    project = at_first(tmp_path, database_url, ("b2", "pass", cursor))
    project.gitmig("upgrade", check=0)
    done = project.gitmig("rollback", "a1", "--database-only", "--yes", check=0)
    assert f"! {LOSS}; they cannot be parked: no statement was seen to drop it\n" in done.stderr
    assert "parked" not in done.stdout
    assert project.heads() == ("a1",)


def test_steps_that_are_committed_stay(tmp_path: Path, postgres_url: str) -> None:
    """With a transaction for each migration only the step itself is taken back."""
    project = at_first(tmp_path, postgres_url, ("b2", "op.create_table('u')", "pass"), ("c3", HIDDEN, "pass"))
    per_migration(project)
    failed = project.gitmig("upgrade", check=1)
    assert failed.stderr.endswith(
        "Error: 1 of 2 applied, then: GM020: t is dropped, and no script says so\nHint: gitmig sync\n"
    ), failed.stderr
    assert project.heads() == ("b2",)
    refuses(project, "upgrade", error=LOSS, hint=LOOK, code="refused", exit_code=1)


@pytest.mark.parametrize(
    "statement", ["select away()", "do $$ begin drop table t; end $$", "drop schema s cascade"]
)
def test_what_postgresql_drops_without_a_name(tmp_path: Path, postgres_url: str, statement: str) -> None:
    makes = (
        "op.execute('create schema s')\nop.execute('alter table t set schema s')\n"
        "op.execute('set search_path = s, public')\n"
        "op.execute('create function away() returns void language sql as $$drop table s.t$$')"
    )
    down = f"op.execute('set search_path = s, public')\nop.execute('{statement}')"
    project = at_first(tmp_path, postgres_url, ("b2", makes, down))
    project.gitmig("upgrade", check=0)
    result = project.gitmig("rollback", "a1", "--database-only", "--yes", check=0)
    assert "rows      parked 1 row of s.t\n" in result.stdout
    assert "Note" not in result.stderr


def test_a_temporary_table_goes_before_one_of_its_name(tmp_path: Path, database_url: str) -> None:
    """What is dropped is the temporary one: the rows of the other are not lost, and not parked."""
    shadows = "op.execute('create temporary table t (id integer)')\nop.execute('insert into t values (7)')\n"
    project = at_first(tmp_path, database_url, ("b2", "pass", f"{shadows}op.execute('drop table t')"))
    project.gitmig("upgrade", check=0)
    done = project.gitmig("rollback", "a1", "--database-only", "--yes", check=0)
    assert "parked" not in done.stdout
    assert database.query(project.url, "select x from t") == ((1,),)


def test_pages_that_move_when_something_is_dropped(tmp_path: Path) -> None:
    """SQLite's auto_vacuum gives a table the pages of one that is dropped: it is not taken for that one."""
    url = f"sqlite:///{tmp_path / 'moves.db'}"
    with closing(sqlite3.connect(tmp_path / "moves.db")) as made:
        made.executescript("pragma auto_vacuum = full; create table made (id); drop table made")
    makes = "\n".join(f"op.execute('create table if not exists {name} (id integer)')" for name in "mn")
    project = at_first(tmp_path, url, ("b2", makes, "op.execute('drop table m')"))
    project.gitmig("upgrade", check=0)
    for name in "mn":
        database.execute(url, f"insert into {name} values (1)")
    done = project.gitmig("rollback", "a1", "--database-only", "--yes", check=0)
    assert "parked 1 row of m\n" in done.stdout
    assert "table n" not in done.stderr
    assert database.query(url, "select * from n") == ((1,),)
