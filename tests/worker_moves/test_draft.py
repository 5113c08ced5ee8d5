"""Drafting: what autogenerate finds, cut down to the difference, and what it is blind to, written by us."""

from __future__ import annotations

from typing import Any

import pytest

from tests import database
from tests.worker_moves.child import Child, Failed, Json, Project

USER = "sa.Table('user', metadata, sa.Column('id', sa.Integer, primary_key=True){})\n"


class Change:
    """Models before and after, their difference, and the draft for it. One worker has each."""

    def __init__(self, project: Project, before: str, after: str):
        self.project = project
        project.models(before)
        child = project.child()
        old = _schema(child)
        project.script("a1", "import models\nmodels.metadata.create_all(op.get_bind())")
        project.migrate("+a1", expect=["a1"], child=child)
        child.close()
        project.models(after)
        self.child = project.child()
        new = _schema(self.child)
        keys = sorted({*old, *new})
        self.rows = [[*key, old.get(key), new.get(key)] for key in keys if old.get(key) != new.get(key)]

    def draft(self, **data: Any) -> Json:
        """The draft as the command line asks for it; the database is afterwards what it was."""
        before = database.dump(self.project.url)
        request = {"revision": "b2", "message": "next", "head": ["a1"], "changes": self.rows, "wait": 5, **data}
        answers = {"plan": lambda ask: self.project.plan(expect=ask["heads"])}
        drafted = self.child.request("draft", answers, **request)
        assert database.dump(self.project.url) == before
        return drafted

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
    lines = [line for line in database.dump(url) or () if "alembic_version" not in line and "INSERT" not in line]
    # SQLite keeps the statement as it was written.
    return sorted("".join(line.split()).replace('"', "").replace("(", "").replace(")", "") for line in lines)


def body(drafted: Json, direction: str = "upgrade") -> list[str]:
    """The lines of one function, without Alembic's comments."""
    text = drafted["text"].partition(f"def {direction}() -> None:")[2]
    text = text.partition("def downgrade")[0] if direction == "upgrade" else text
    return [line.strip() for line in text.splitlines() if line.strip() and "###" not in line and '"""' not in line]


def test_article(both: Project) -> None:
    change = Change(both, USER.format(""), USER.format(", sa.Column('username', sa.String, index=True)"))
    drafted = change.draft()
    assert body(drafted) == [
        "op.add_column('user', sa.Column('username', sa.String(), nullable=True))",
        "op.create_index(op.f('ix_user_username'), 'user', ['username'], unique=False)",
    ]
    assert drafted["filename"] == "b2_next.py"
    assert drafted["text"].startswith('"""next\n\nRevision ID: b2\nRevises: a1\nCreate Date: ')
    assert (drafted["uncovered"], drafted["drops"], drafted["rename_candidates"], drafted["empty"]) == ([], [], [], False)
    change.prove(drafted)


EVERYWHERE = {
    "new table with a foreign key": (
        USER.format(""),
        USER.format("")
        + "sa.Table('post', metadata, sa.Column('id', sa.Integer, primary_key=True),"
        " sa.Column('user_id', sa.ForeignKey('user.id'), index=True), sa.UniqueConstraint('user_id', 'id'))\n",
    ),
    "dropped table": (USER.format("") + "sa.Table('x', metadata, sa.Column('y', sa.Integer, index=True))", USER.format("")),
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
        USER.format(", sa.Column('a', sa.Integer), sa.CheckConstraint(\"a > 0 and 'a:b' <> 'c'\", name='positive')"),
    ),
    "check changed": (
        USER.format(", sa.Column('a', sa.Integer), sa.CheckConstraint('a > 0', name='positive')"),
        USER.format(", sa.Column('a', sa.Integer), sa.CheckConstraint('a > 1', name='positive')"),
    ),
    "check of a column of a new table": (
        USER.format(""),
        USER.format("") + "sa.Table('x', metadata, sa.Column('y', sa.Integer, sa.CheckConstraint('y > 7', name='seven')))",
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
    "new enum in a new column": (USER.format(""), USER.format(", sa.Column('y', sa.Enum('a', 'b', name='mood'))")),
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
    drafted = change.draft()
    assert drafted["uncovered"] == [], drafted["text"]
    change.prove(drafted)
