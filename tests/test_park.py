"""Rows come back: what a downgrade drops is parked, and put back by the upgrade."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import database
from tests.chain import chain
from tests.story import Project

ROWS = 100_000
MAKES = (
    "a1",
    """\
op.create_table('team', sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String))
op.create_table('member', sa.Column('id', sa.Integer, primary_key=True),
    sa.Column('team_id', sa.Integer, sa.ForeignKey('team.id')),
    sa.Column('boss_id', sa.Integer, sa.ForeignKey('member.id', name='boss')), sa.Column('name', sa.String))
op.create_table('big', sa.Column('id', sa.Integer, primary_key=True))
op.create_table('keyless', sa.Column('x', sa.Integer), sa.Column('y', sa.Integer))""",
    "op.drop_table('keyless')\nop.drop_table('big')\nop.drop_table('member')\nop.drop_table('team')",
)
CARE = {
    "sqlite": """\
op.execute('ALTER TABLE member ADD COLUMN loose BLOB')
op.execute('ALTER TABLE member ADD COLUMN price NUMERIC')
op.execute("ALTER TABLE member ADD COLUMN note TEXT DEFAULT 'x'")
with op.batch_alter_table('member') as batch:
    batch.add_column(sa.Column('code', sa.String, nullable=False))
    batch.add_column(sa.Column('size', sa.Integer, nullable=False))
with op.batch_alter_table('big') as batch:
    batch.add_column(sa.Column('value', sa.String, nullable=False))""",
    "postgresql": """\
op.execute("CREATE TYPE mood AS ENUM ('sad', 'so \\"so\\"')")
op.execute('''ALTER TABLE member ADD loose bytea, ADD price numeric(12, 4), ADD note text DEFAULT 'x',
    ADD at timestamptz, ADD naive timestamp, ADD doc json, ADD docb jsonb, ADD tags text[], ADD m mood,
    ADD moods mood[], ADD "Odd: na%me" text, ADD span int4range, ADD twice int
    GENERATED ALWAYS AS (id * 2) STORED''')
op.add_column('member', sa.Column('code', sa.String, nullable=False))
op.add_column('member', sa.Column('size', sa.Integer, nullable=False))
op.add_column('big', sa.Column('value', sa.String, nullable=False))""",
}
CARELESS = {
    "sqlite": """\
with op.batch_alter_table('big') as batch:
    batch.drop_column('value')
with op.batch_alter_table('member') as batch:
    batch.drop_column('size')
    batch.drop_column('code')
op.execute('/* drop table team */ ALTER TABLE "Member" DROP note;')
op.execute('alter table member drop column price')
op.drop_column('member', 'loose')""",
    "postgresql": """\
op.drop_column('big', 'value')
op.drop_column('member', 'size')
op.drop_column('member', 'code')
op.execute('''/* drop table team */ ALTER TABLE ONLY "member" DROP loose, DROP COLUMN IF EXISTS price,
    DROP note, DROP at; ALTER TABLE member DROP naive, DROP doc, DROP docb, DROP tags, DROP m, DROP moods,
    DROP "Odd: na%me", DROP span, DROP twice''')
op.execute('DROP TYPE mood')""",
}
VALUES = {
    "sqlite": """\
insert into member (id, team_id, boss_id, name, loose, price, note, code, size) values
    (1, 1, 2, 'a', x'00ff', 1.10, null, '', 1), (2, null, 1, '', 'text', '1e400', '', 'b', 2),
    (3, 2, 3, null, 1.5, 9007199254740993, 'é', 'c', 3)""",
    "postgresql": """\
insert into member values
    (1, 1, 2, 'a', '\\x00ff', 1.1000, null, '2026-01-01 00:00+05', '2026-01-01', '{"b": 1,  "a": null}',
    '{"a": [1.10]}', array['', null, '{,"'], 'so "so"', array['sad', null]::mood[], '%s %% :x', '[1,5)',
    default, '', 1),
    (2, null, 1, '', '', 'NaN', '', 'infinity', null, null, 'null', '{}', null, null, '', null,
    default, 'b', 2),
    (3, 2, 3, null, null, -0.0001, 'é', '1900-01-01 00:00+00', null, '[]', null, null, 'sad', '{}', null,
    'empty', default, 'c', 3)""",
}


@pytest.fixture
def project(tmp_path: Path, database_url: str) -> Project:
    kind = database_url.partition(":")[0].partition("+")[0]
    made = Project.create(tmp_path, database_url)
    chain(made, (MAKES, ("b2", CARE[kind], CARELESS[kind])))
    made.gitmig("upgrade", check=0)
    return made


def test_everything_comes_back(project: Project) -> None:
    kind = project.url.partition(":")[0].partition("+")[0]
    numbers = {
        "sqlite": f"with recursive n(i) as (select 1 union all select i + 1 from n where i < {ROWS}) "
        "insert into big select i, 'value ' || i from n",
        "postgresql": f"insert into big select i, 'value ' || i from generate_series(1, {ROWS}) i",
    }[kind]
    for statement in (
        "insert into team values (1, 'one'), (2, '')",
        VALUES[kind],
        "insert into keyless values (1, 1), (1, 1), (null, 2)",
        numbers,
    ):
        database.execute(project.url, statement)

    before = database.dump(project.url)
    down = project.gitmig("rollback", "base", "--database-only", "--yes", "--json", check=0).json
    assert database.tables(project.url) == ("alembic_version",)
    assert project.gitmig("park", "list", "--json", check=0).json["parked"] == down["parked"]
    up = project.gitmig("upgrade", "--json", check=0).json
    assert sorted(back["id"] for back in up["back"]) == [parked["id"] for parked in down["parked"]]
    assert "notes" not in up
    assert database.dump(project.url) == before
    assert not list(project.path(".git/gitmig/parked").glob("*"))
