"""Drafting: what autogenerate finds, cut down to the difference, and what it is blind to, written by us."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from tests import database
from tests.worker_moves.child import ENFORCED, GENERIC_ENV, Child, Failed, Json, Project
from tests.worker_moves.conftest import Make

USER = "sa.Table('user', metadata, sa.Column('id', sa.Integer, primary_key=True){})\n"


class Change:
    """Models before and after, their difference, and the draft for it. One worker has each."""

    def __init__(self, project: Project, before: str, after: str):
        self.project = project
        project.models(before)
        self.old = project.child()
        old = _schema(self.old)
        project.script("a1", "import models\nmodels.metadata.create_all(op.get_bind())")
        project.migrate("+a1", expect=["a1"], child=self.old)
        project.models(after)
        self.child = project.child()
        new = _schema(self.child)
        keys = sorted({*old, *new})
        self.rows = [[*key, old.get(key), new.get(key)] for key in keys if old.get(key) != new.get(key)]

    def draft(self, **data: Any) -> Json:
        """The draft as the command line asks for it; the database is afterwards what it was."""
        before = database.dump(self.project.url)
        request = {
            "revision": "b2",
            "message": "next",
            "head": ["a1"],
            "changes": self.rows,
            "wait": 5,
            **data,
        }
        answers = {"plan": lambda ask: self.project.plan(expect=ask["heads"]), "parent": self.parent}
        drafted = self.child.request("draft", answers, **request)
        assert database.dump(self.project.url) == before
        return drafted

    def parent(self, ask: Json) -> Json:
        """What the old models' worker answers."""
        asked = {key: value for key, value in ask.items() if key != "ask"}
        return self.old.request("parent", **asked)

    def apply(self, drafted: Json) -> None:
        """Write the script and upgrade."""
        known = self.project.script("b2")
        with open(known["path"], "w", encoding="utf-8") as file:
            file.write(drafted["text"])
        self.project.migrate("+b2", expect=["b2"], child=self.child)

    def prove(self, drafted: Json) -> None:
        """Up: the database has nothing left to be drafted. Down and up again: the same."""
        start = _shape(self.project.url)
        self.apply(drafted)
        there = _shape(self.project.url)
        again = self.draft(head=["b2"], changes=None)
        assert again["empty"], again["text"]
        self.project.migrate("-b2", expect=["a1"], child=self.child)
        assert _shape(self.project.url) == start
        self.project.migrate("+b2", expect=["b2"], child=self.child)
        assert _shape(self.project.url) == there


def _schema(child: Child) -> dict[tuple[str, str, str], str]:
    return {(kind, table, name): ddl for kind, table, name, ddl in child.request("schema")["facets"]}


def _shape(url: str) -> list[str]:
    lines = [
        line for line in database.dump(url) or () if "alembic_version" not in line and "INSERT" not in line
    ]
    # SQLite keeps the statement as it was written.
    return sorted("".join(line.split()).replace('"', "").replace("(", "").replace(")", "") for line in lines)


def body(drafted: Json, direction: str = "upgrade") -> list[str]:
    """The lines of one function, without Alembic's comments."""
    text = drafted["text"].partition(f"def {direction}() -> None:")[2]
    text = text.partition("def downgrade")[0] if direction == "upgrade" else text
    return [
        line.strip() for line in text.splitlines() if line.strip() and "###" not in line and '"""' not in line
    ]


def test_article(both: Project) -> None:
    change = Change(both, USER.format(""), USER.format(", sa.Column('username', sa.String, index=True)"))
    drafted = change.draft()
    assert body(drafted) == [
        "op.add_column('user', sa.Column('username', sa.String(), nullable=True))",
        "op.create_index(op.f('ix_user_username'), 'user', ['username'], unique=False)",
    ]
    assert drafted["filename"] == "b2_next.py"
    assert drafted["text"].startswith('"""next\n\nRevision ID: b2\nRevises: a1\nCreate Date: ')
    assert (drafted["uncovered"], drafted["drops"], drafted["rename_candidates"], drafted["empty"]) == (
        [],
        [],
        [],
        False,
    )
    change.prove(drafted)


EVERYWHERE = {
    "new table with a foreign key": (
        USER.format(""),
        USER.format("") + "sa.Table('post', metadata, sa.Column('id', sa.Integer, primary_key=True),"
        " sa.Column('user_id', sa.ForeignKey('user.id'), index=True),"
        " sa.UniqueConstraint('user_id', 'id'))\n",
    ),
    "dropped table": (
        USER.format("") + "sa.Table('x', metadata, sa.Column('y', sa.Integer, index=True))",
        USER.format(""),
    ),
    "dropped column": (USER.format(", sa.Column('a', sa.Integer)"), USER.format("")),
    "server default": (
        USER.format(", sa.Column('a', sa.String(9), nullable=False)"),
        USER.format(", sa.Column('a', sa.String(9), nullable=False, server_default='it''s')"),
    ),
    "server default changed": (
        USER.format(", sa.Column('a', sa.String(9), server_default='x')"),
        USER.format(", sa.Column('a', sa.String(9), server_default='y:z %')"),
    ),
    "server default gone": (
        USER.format(", sa.Column('a', sa.DateTime, server_default=sa.func.current_timestamp())"),
        USER.format(", sa.Column('a', sa.DateTime)"),
    ),
    "type and nullable": (
        USER.format(", sa.Column('a', sa.String(9))"),
        USER.format(", sa.Column('a', sa.String(30), nullable=False)"),
    ),
    "named check": (
        USER.format(", sa.Column('a', sa.Integer)"),
        USER.format(
            ", sa.Column('a', sa.Integer), sa.CheckConstraint(\"a > 0 and 'a:b' <> 'c'\", name='positive')"
        ),
    ),
    "check changed": (
        USER.format(", sa.Column('a', sa.Integer), sa.CheckConstraint('a > 0', name='positive')"),
        USER.format(", sa.Column('a', sa.Integer), sa.CheckConstraint('a > 1', name='positive')"),
    ),
    "check of a column of a new table": (
        USER.format(""),
        USER.format("")
        + "sa.Table('x', metadata, sa.Column('y', sa.Integer, sa.CheckConstraint('y > 7', name='seven')))",
    ),
    "unique": (
        USER.format(", sa.Column('a', sa.Integer)"),
        USER.format(", sa.Column('a', sa.Integer, unique=True)"),
    ),
    "foreign key": (
        USER.format(", sa.Column('a', sa.Integer)"),
        USER.format(", sa.Column('a', sa.Integer, sa.ForeignKey('user.id', ondelete='CASCADE'))"),
    ),
    "new column with foreign key": (
        USER.format(""),
        USER.format(", sa.Column('a', sa.Integer, sa.ForeignKey('user.id'))"),
    ),
    "partial index": (
        USER.format(", sa.Column('a', sa.Integer), sa.Index('ix', 'a')"),
        USER.format(
            ", sa.Column('a', sa.Integer),"
            " sa.Index('ix', 'a', postgresql_where=sa.text('a > 3'), sqlite_where=sa.text('a > 3'))"
        ),
    ),
    "new enum in a new table": (
        USER.format(""),
        USER.format("") + "sa.Table('x', metadata, sa.Column('y', sa.Enum('a', 'b', name='mood')))",
    ),
    "new enum in a new column": (
        USER.format(""),
        USER.format(", sa.Column('y', sa.Enum('a', 'b', name='mood'))"),
    ),
    "new enum in two new tables": (
        USER.format(""),
        USER.format("")
        + "mood = sa.Enum('a', 'b', name='mood')\n"
        + "sa.Table('x', metadata, sa.Column('y', mood))\nsa.Table('z', metadata, sa.Column('y', mood))",
    ),
    "old enum in a new table": (
        USER.format(", sa.Column('y', sa.Enum('a', 'b', name='mood'))"),
        USER.format(", sa.Column('y', sa.Enum('a', 'b', name='mood'))")
        + "sa.Table('x', metadata, sa.Column('y', sa.Enum('a', 'b', name='mood')))",
    ),
    "enum gone": (USER.format(", sa.Column('y', sa.Enum('a', 'b', name='mood'))"), USER.format("")),
}


@pytest.mark.parametrize(("before", "after"), EVERYWHERE.values(), ids=EVERYWHERE)
def test_up_and_down(both: Project, before: str, after: str) -> None:
    change = Change(both, before, after)
    drafted = change.draft(
        fills=[["user", "a", "'x'"]] if before != after and "nullable=False" in after else []
    )
    assert drafted["uncovered"] == [], drafted["text"]
    change.prove(drafted)


POSTGRESQL = {
    "comments": (
        USER.format(", sa.Column('a', sa.Integer), sa.Column('b', sa.Integer, comment='old')"),
        USER.format(
            ", sa.Column('a', sa.Integer, comment=\"it's: :x\\nhere\"),"
            " sa.Column('b', sa.Integer), comment='t'"
        ),
    ),
    "comment on a constraint": (
        USER.format(", sa.Column('a', sa.Integer), sa.CheckConstraint('a > 0', name='c')"),
        USER.format(", sa.Column('a', sa.Integer), sa.CheckConstraint('a > 0', name='c', comment='why')"),
    ),
    "label added": (
        USER.format(", sa.Column('y', sa.Enum('a', 'c', name='mood'), server_default='a')"),
        USER.format(", sa.Column('y', sa.Enum('a', \"b'\", 'c', 'd', name='mood'), server_default='a')"),
    ),
    "label removed": (
        USER.format(", sa.Column('y', sa.ARRAY(sa.Enum('a', 'b', 'c', name='mood')))"),
        USER.format(", sa.Column('y', sa.ARRAY(sa.Enum('a', 'c', name='mood')))"),
    ),
    "primary key": (
        USER.format(", sa.Column('k', sa.Integer, nullable=False)"),
        "sa.Table('user', metadata, sa.Column('id', sa.Integer, primary_key=True, autoincrement=False),"
        " sa.Column('k', sa.Integer, primary_key=True, autoincrement=False))",
    ),
    "sequence": (USER.format(""), USER.format("") + "sa.Sequence('counter', start=5, metadata=metadata)"),
    "schema": (
        USER.format(""),
        USER.format("")
        + "sa.Table('t', metadata, sa.Column('y', sa.Enum('a', name='e', schema='other')), schema='other')",
    ),
    "identity": (
        "sa.Table('user', metadata, sa.Column('id', sa.Integer, primary_key=True, autoincrement=False))",
        "sa.Table('user', metadata, sa.Column('id', sa.Integer, sa.Identity(), primary_key=True))",
    ),
    "expression default and collation": (
        USER.format(", sa.Column('a', sa.String), sa.Column('b', sa.DateTime)"),
        USER.format(
            ", sa.Column('a', sa.String(collation='C')),"
            " sa.Column('b', sa.DateTime, server_default=sa.func.now())"
        ),
    ),
    "unnamed check": (
        USER.format(", sa.Column('a', sa.Integer), sa.CheckConstraint('a <> 7')"),
        USER.format(", sa.Column('a', sa.Integer), sa.CheckConstraint('a <> 8')"),
    ),
}


@pytest.mark.parametrize(("before", "after"), POSTGRESQL.values(), ids=POSTGRESQL)
def test_up_and_down_on_postgresql(make: Make, postgres_url: str, before: str, after: str) -> None:
    change = Change(make(postgres_url, options="include_schemas=True"), before, after)
    if "primary" in after and "'k'" in after:
        change.rows = [row for row in change.rows if row[0] != "sequence" and row[2] != "id"]
    drafted = change.draft()
    assert drafted["uncovered"] == [], drafted["text"]
    change.prove(drafted)


def test_label_is_added_outside_of_the_transaction(make: Make, postgres_url: str) -> None:
    drafted = Change(make(postgres_url), *POSTGRESQL["label added"]).draft()
    assert body(drafted) == [
        "with op.get_context().autocommit_block():",
        """op.execute("ALTER TYPE mood ADD VALUE IF NOT EXISTS 'b''' BEFORE 'c'")""",
        """op.execute("ALTER TYPE mood ADD VALUE IF NOT EXISTS 'd'")""",
    ]


def test_a_label_that_may_have_another_name_is_asked_about(make: Make, postgres_url: str) -> None:
    before = USER.format(", sa.Column('y', sa.Enum('a', 'b', name='mood'))")
    change = Change(make(postgres_url), before, before.replace("'b'", "'c'"))
    assert change.draft()["rename_candidates"] == [["mood", "b", "c"]]
    drafted = change.draft(renames=[["mood", "b", "c"]])
    assert drafted["rename_candidates"] == []
    assert body(drafted) == ["""op.execute("ALTER TYPE mood RENAME VALUE 'b' TO 'c'")"""]
    change.prove(drafted)


class TestRename:
    """A column that goes while one of equal type comes."""

    before = USER.format(", sa.Column('name', sa.String(9), index=True, unique=True)")
    after = USER.format(", sa.Column('full_name', sa.String(9), index=True, unique=True)")

    def test_not_answered_is_a_candidate(self, both: Project) -> None:
        drafted = Change(both, self.before, self.after).draft()
        assert drafted["rename_candidates"] == [["user", "name", "full_name"]]
        assert drafted["drops"] == ["column user.name"]

    @pytest.mark.parametrize("more", ["", ", nullable=False, server_default='x'"])
    def test_answered_keeps_the_rows(self, both: Project, more: str) -> None:
        change = Change(both, self.before, self.after.replace("String(9)", f"String(9){more}"))
        database.execute(both.url, "insert into \"user\" (id, name) values (1, 'Ada')")
        fills = [["user", "full_name", "'x'"]] if more else []
        drafted = change.draft(renames=[["user", "name", "full_name"]], fills=fills)
        assert (drafted["rename_candidates"], drafted["drops"], drafted["uncovered"]) == ([], [], [])
        change.prove(drafted)
        assert database.query(both.url, 'select full_name from "user"') == (("Ada",),)

    def test_constraints_follow(self, both: Project) -> None:
        other = (
            "sa.Table('o', metadata, sa.Column('u', sa.String(9), sa.ForeignKey('user.name')),"
            " sa.CheckConstraint('u IS NOT NULL', name='uu'))"
        )
        before = (
            USER.format(", sa.Column('name', sa.String(9)), sa.UniqueConstraint('name', name='q')") + other
        )
        change = Change(both, before, before.replace("'name'", "'full'").replace("user.name", "user.full"))
        drafted = change.draft(renames=[["user", "name", "full"]])
        assert body(drafted) == [
            "op.alter_column('user', 'name', new_column_name='full')",
        ]
        change.prove(drafted)

    def test_two_of_equal_type_are_two_candidates(self, project: Project) -> None:
        before = USER.format(", sa.Column('a', sa.Integer)")
        after = USER.format(
            ", sa.Column('b', sa.Integer), sa.Column('c', sa.Integer), sa.Column('d', sa.Text)"
        )
        drafted = Change(project, before, after).draft()
        assert drafted["rename_candidates"] == [["user", "a", "b"], ["user", "a", "c"]]


class TestCutDown:
    """The difference alone, never the drift of the database."""

    def test_drift_is_left_out(self, both: Project) -> None:
        change = Change(both, USER.format(""), USER.format(", sa.Column('a', sa.Integer)"))
        for number in range(20):
            database.execute(both.url, f"create table other{number} (id int)")
        database.execute(both.url, 'alter table "user" add column stray int')
        database.execute(both.url, 'create index stray_index on "user" (id)')
        assert body(change.draft()) == ["op.add_column('user', sa.Column('a', sa.Integer(), nullable=True))"]

    def test_change_that_the_database_has_already_is_written_all_the_same(self, both: Project) -> None:
        after = (
            USER.format(", sa.Column('a', sa.Integer)")
            + "sa.Table('x', metadata, sa.Column('y', sa.Integer, index=True))"
        )
        change = Change(both, USER.format(""), after)
        expected = change.draft()
        database.execute(both.url, 'alter table "user" add column a int')
        database.execute(both.url, "create table x (y int)")
        drafted = change.draft()
        assert sorted(body(drafted)) == sorted(body(expected))

    def test_object_that_the_database_lost_is_dropped_all_the_same(self, both: Project) -> None:
        change = Change(
            both,
            USER.format(", sa.Column('a', sa.Integer), sa.Index('ix', 'a')"),
            USER.format(", sa.Column('a', sa.Integer)"),
        )
        database.execute(both.url, "drop index ix")
        drafted = change.draft()
        assert body(drafted) == ["op.drop_index('ix', table_name='user')"]
        assert body(drafted, "downgrade") == ["op.create_index('ix', 'user', ['a'], unique=False)"]

    def test_the_ledger_is_not_drafted(self, make: Make, database_url: str) -> None:
        project = make(
            database_url, options="include_schemas=True, include_name=lambda n, k, p: n != 'theirs'"
        )
        change = Change(project, USER.format(""), USER.format(""))
        change.child.request("ledger", enable=True, wait=5)
        database.execute(project.url, "create table theirs (id int)")
        assert change.draft(changes=None)["empty"]

    def test_everything_where_no_difference_is_named(self, project: Project) -> None:
        change = Change(project, USER.format(""), USER.format(""))
        database.execute(project.url, "create table other (id int)")
        assert body(change.draft(changes=None)) == ["op.drop_table('other')"]

    def test_nothing(self, both: Project) -> None:
        drafted = Change(both, USER.format(""), USER.format("")).draft()
        assert drafted["empty"] is True
        assert body(drafted) == ["pass"]

    def test_an_alteration_says_what_changed_alone(self, both: Project) -> None:
        change = Change(
            both,
            USER.format(", sa.Column('a', sa.String(9))"),
            USER.format(", sa.Column('a', sa.String(9), nullable=False)"),
        )
        if both.url.startswith("postgresql"):
            database.execute(both.url, 'alter table "user" alter a type varchar(77)')
        text = change.draft(fills=[["user", "a", "'x'"]])["text"]
        assert "type_=" not in text
        assert "nullable=False" in text


class TestBatch:
    """SQLite has no ALTER TABLE for most things."""

    alter = (
        USER.format(", sa.Column('a', sa.String(9))"),
        USER.format(", sa.Column('a', sa.String(9), nullable=False)"),
    )
    add = (USER.format(""), USER.format(", sa.Column('a', sa.Integer)"))

    def test_only_where_it_is_needed(self, make: Make) -> None:
        fills = [["user", "a", "'x'"]]
        assert "batch_alter_table" in Change(make(), *self.alter).draft(fills=fills)["text"]
        assert "batch_alter_table" not in Change(make(), *self.add).draft()["text"]

    def test_env_py_decides(self, make: Make) -> None:
        assert (
            "batch_alter_table"
            not in Change(make(options="render_as_batch=False"), *self.alter).draft()["text"]
        )
        assert "batch_alter_table" in Change(make(options="render_as_batch=True"), *self.add).draft()["text"]

    def test_never_on_postgresql(self, make: Make, postgres_url: str) -> None:
        assert "batch_alter_table" not in Change(make(postgres_url), *self.alter).draft()["text"]

    def test_unnamed_checks_and_rows_of_children_survive(self, make: Make) -> None:
        models = (
            "sa.Table('user', metadata, sa.Column('id', sa.Integer, primary_key=True),"
            " sa.Column('a', sa.Integer{}), sa.CheckConstraint('a <> 13'))\n"
            "sa.Table('child', metadata, sa.Column('u', sa.ForeignKey('user.id', ondelete='CASCADE')))\n"
        )
        project = make(env=ENFORCED)
        change = Change(project, models.format(""), models.format(", nullable=False"))
        database.execute(project.url, "insert into user values (1, 2)")
        database.execute(project.url, "insert into child values (1)")
        change.apply(change.draft())
        assert database.query(project.url, "select * from child") == ((1,),)
        with pytest.raises(sqlite3.IntegrityError):
            database.execute(project.url, "insert into user values (2, 13)")

    def test_a_variant_for_another_database_is_kept(self, project: Project) -> None:
        """Alembic writes the type inside, Text(), with a prefix only for the dialect that it works for."""
        type_ = "sa.JSON().with_variant(sa.dialects.postgresql.JSONB(), 'postgresql')"
        after = USER.format(f", sa.Column('tags', {type_})")
        change = Change(project, USER.format(""), "import sqlalchemy.dialects.postgresql\n" + after)
        drafted = change.draft()
        assert "postgresql.JSONB(astext_type=sa.Text())" in drafted["text"]
        change.prove(drafted)

    def test_check_of_an_added_column_is_there(self, project: Project) -> None:
        after = USER.format(
            ", sa.Column('m', sa.Enum('a', 'b', native_enum=False, create_constraint=True, name='mood'))"
        )
        change = Change(project, USER.format(""), after)
        drafted = change.draft()
        change.apply(drafted)
        assert drafted["uncovered"] == []
        with pytest.raises(sqlite3.IntegrityError):
            database.execute(project.url, "insert into user values (2, 'x')")

    def test_a_value_is_asked_for(self, make: Make) -> None:
        drafted = Change(make(), *self.alter).draft()
        assert drafted["unfilled"] == ["user.a"]


class TestScript:
    """The project's own template, file name and hooks."""

    def test_file_name_and_timezone(self, make: Make) -> None:
        ini = "file_template = %%(year)d/%%(rev)s-%%(slug)s\ntimezone = utc\ntruncate_slug_length = 9\n"
        project = make(ini=ini)
        drafted = project.child().request(
            "draft", revision="b2", message="Añadir más cosas", head=[], empty=True
        )
        assert drafted["filename"].partition("/")[2] == "b2-añadir_.py"
        assert "+00:00" in drafted["text"]
        assert body(drafted) == ["pass"]
        assert "down_revision: Union[str, Sequence[str], None] = None" in drafted["text"]
        assert list((project.top / "alembic" / "versions").rglob("*.py")) == []

    def test_empty_asks_for_no_database(self, make: Make) -> None:
        project = make("postgresql+psycopg2://127.0.0.1:1/nowhere")
        child = project.child()
        drafted = child.request(
            "draft", revision="b2", message="x", head=["a1", "c3"], empty=True, branch_label="here"
        )
        assert "Revises: a1, c3" in drafted["text"]
        assert "('a1', 'c3')" in drafted["text"]
        assert "('here',)" in drafted["text"]

    def test_directives_hook_has_the_last_word(self, make: Make) -> None:
        hook = (
            "def hook(context, revision, directives):\n"
            "    directives[0].rev_id = 'z9'\n    assert revision == ('a1',)\n"
        )
        project = make(env=hook + GENERIC_ENV, options="process_revision_directives=hook")
        drafted = Change(project, USER.format(""), USER.format(", sa.Column('a', sa.Integer)")).draft()
        assert drafted["revision"] == "z9"
        assert drafted["filename"] == "z9_next.py"
        assert "Revision ID: z9" in drafted["text"]

    def test_directives_hook_that_empties(self, make: Make) -> None:
        hook = (
            "def hook(context, revision, directives):\n    assert context.config.cmd_opts.autogenerate\n"
            "    if directives[0].upgrade_ops.is_empty():\n        directives[:] = []\n"
        )
        project = make(env=hook + GENERIC_ENV, options="process_revision_directives=hook")
        drafted = Change(project, USER.format(""), USER.format("")).draft()
        assert (drafted["empty"], drafted["text"]) == (True, "")

    def test_steps_come_first_and_are_taken_back(self, both: Project) -> None:
        change = Change(
            both, USER.format(""), USER.format(", sa.Column('a', sa.Integer), sa.Column('b', sa.Integer)")
        )
        both.script(
            "c3", "op.add_column('user', sa.Column('a', sa.Integer()))", "op.drop_column('user', 'a')"
        )
        change.rows = [row for row in change.rows if row[2] == "b"]
        answers = {"plan": lambda ask: both.plan("+c3", expect=["c3"])}
        request = {"revision": "d4", "message": "next", "head": ["c3"], "changes": change.rows, "wait": 5}
        drafted = change.child.request("draft", answers, **request)
        assert body(drafted) == ["op.add_column('user', sa.Column('b', sa.Integer(), nullable=True))"]
        assert both.heads() == ("a1",)
        assert database.columns(both.url, "user") == ("id",)

    def test_amend_goes_down_first(self, both: Project) -> None:
        change = Change(both, USER.format(""), USER.format(", sa.Column('a', sa.Integer)"))
        change.apply(change.draft())
        answers = {"plan": lambda ask: both.plan("-b2", expect=["a1"])}
        request = {"revision": "b2", "message": "next", "head": ["a1"], "changes": change.rows, "wait": 5}
        drafted = change.child.request("draft", answers, **request)
        assert body(drafted) == ["op.add_column('user', sa.Column('a', sa.Integer(), nullable=True))"]
        assert both.heads() == ("b2",)

    def test_no_metadata(self, make: Make) -> None:
        without = GENERIC_ENV.replace("target_metadata=target_metadata, ", "").replace(
            ", target_metadata=target_metadata)", ")"
        )
        with pytest.raises(Failed, match=r"^no-metadata: env\.py gives configure"):
            make(env=without).child().request("draft", revision="b2", message="", head=[], changes=[])

    def test_write_hooks(self, make: Make) -> None:
        ini = (
            "[post_write_hooks]\nhooks = one\none.type = exec\none.executable = sed\n"
            "one.options = -i s/old/new/ REVISION_SCRIPT_FILENAME\n"
        )
        project = make(ini=ini)
        file = project.top / "x.py"
        file.write_text("old\n")
        assert project.child().request("format", path=str(file)) == {}
        assert file.read_text() == "new\n"
