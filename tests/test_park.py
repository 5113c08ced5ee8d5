"""Rows come back: what a downgrade drops is parked, and put back by the upgrade."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import database
from tests.bad import refuses
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


NOTES = (
    (
        "a1",
        "op.create_table('member', sa.Column('id', sa.Integer, primary_key=True),\n"
        "    sa.Column('x', sa.Integer))",
        "op.drop_table('member')",
    ),
    (
        "b2",
        "op.add_column('member', sa.Column('email', sa.String, server_default='none'))",
        "op.drop_column('member', 'email')",
    ),
    (
        "c3",
        """\
notes = op.create_table('note', sa.Column('id', sa.Integer, primary_key=True),
    sa.Column('member_id', sa.Integer, sa.ForeignKey('member.id')),
    sa.Column('text', sa.String, nullable=False, unique=True))
op.bulk_insert(notes, [{'id': 8, 'text': 'eight'}, {'id': 9, 'text': 'nine'}])""",
        "op.drop_table('note')",
    ),
)


def test_what_does_not_fit_stays_parked(tmp_path: Path, database_url: str) -> None:
    project = Project.create(tmp_path, database_url)
    chain(project, NOTES)
    project.gitmig("upgrade", check=0)
    for statement in (
        "insert into member values (1, 0, 'a@x'), (2, 0, ''), (3, 0, null)",
        "update note set text = 'ninth' where id = 9",
        "insert into note values (1, 1, 'one'), (2, 2, 'two'), (3, 3, 'nine'), (4, null, '')",
    ):
        database.execute(project.url, statement)
    project.gitmig("rollback", "a1", "--database-only", "--yes", check=0)
    database.execute(project.url, "delete from member where id = 2")
    database.execute(project.url, "insert into member values (4, 0)")
    result = project.gitmig("upgrade", check=0)
    assert "rows      2 rows of member.email are back\nrows      3 rows of note are back\n" in result.stdout
    assert database.query(project.url, "select id, email from member order by id") == (
        (1, "a@x"),
        (3, None),
        (4, "none"),
    )
    assert database.query(project.url, "select id, text from note order by id") == (
        (1, "one"),
        (4, ""),
        (8, "eight"),
        (9, "nine"),
    )
    assert (
        "Note: 1 row of member.email stays parked: no row of member has their key (gitmig park show 2)\n"
        in (result.stderr)
    )
    left = project.gitmig("park", "show", "1", "--json", check=0).json
    assert (left["names"], left["values"]) == (
        ["id", "member_id", "text"],
        [["2", "2", "two"], ["3", "3", "nine"], ["9", None, "ninth"]],
    )


CONSTRAINTS = {
    "sqlite": (
        "with op.batch_alter_table('member') as batch:\n"
        "    batch.create_foreign_key('of', 'team', ['team_id'], ['id'])",
        "with op.batch_alter_table('member') as batch:\n    batch.drop_constraint('of')",
        "with op.batch_alter_table('member') as batch:\n"
        "    batch.add_column(sa.Column('role_id', sa.Integer, nullable=False))\n"
        "    batch.create_foreign_key('as', 'role', ['role_id'], ['id'])",
        "with op.batch_alter_table('member') as batch:\n    batch.drop_column('role_id')",
        "op.execute(\"CREATE TRIGGER t BEFORE UPDATE ON member BEGIN SELECT raise(abort, 'no'); END\")",
        "op.create_table('nest', sa.Column('id', sa.Integer, primary_key=True),\n"
        "    sa.Column('egg_id', sa.Integer, sa.ForeignKey('egg.id')))",
        "",
        "pass",
    ),
    "postgresql": (
        "op.create_foreign_key('of', 'member', 'team', ['team_id'], ['id'])",
        "op.drop_constraint('of', 'member')",
        "op.add_column('member', sa.Column('role_id', sa.Integer, nullable=False))\n"
        "op.create_foreign_key('as', 'member', 'role', ['role_id'], ['id'], initially='deferred',\n"
        "    deferrable=True)",
        "op.drop_column('member', 'role_id')",
        "op.execute(\"CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END'\")\n"
        "op.execute('CREATE TRIGGER t BEFORE UPDATE ON member FOR EACH ROW EXECUTE FUNCTION no()')",
        "op.create_table('nest', sa.Column('id', sa.Integer, sa.Identity(always=True), primary_key=True),\n"
        "    sa.Column('egg_id', sa.Integer))",
        "op.create_foreign_key('in', 'nest', 'egg', ['egg_id'], ['id'])\n"
        "op.execute('CREATE TABLE yin (id int PRIMARY KEY, yang_id int)')\n"
        "op.execute('CREATE TABLE yang (id int PRIMARY KEY, yin_id int REFERENCES yin)')\n"
        "op.execute('DO $$ BEGIN ALTER TABLE yin ADD FOREIGN KEY (yang_id) REFERENCES yang; END $$')\n"
        "pass",
        "op.drop_constraint('in', 'nest')\nop.execute('DROP TABLE yin, yang CASCADE')",
    ),
}


def test_tables_that_refer_to_each_other(tmp_path: Path, database_url: str) -> None:
    kind = database_url.partition(":")[0].partition("+")[0]
    of, not_of, role, no_role, trigger, nest, cycle, no_cycle = CONSTRAINTS[kind]
    project = Project.create(tmp_path, database_url)
    named = (
        "op.create_table('{0}', sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String))"
    )
    chain(
        project,
        (
            (
                "a1",
                "op.create_table('member', sa.Column('id', sa.Integer, primary_key=True),\n"
                f"    sa.Column('team_id', sa.Integer))\n{trigger}",
                "op.drop_table('member')",
            ),
            ("b2", f"{named.format('team')}\n{of}", f"{not_of}\nop.drop_table('team')"),
            ("c3", f"{named.format('role')}\n{role}", f"{no_role}\nop.drop_table('role')"),
            (
                "d4",
                f"{nest}\nop.create_table('egg', sa.Column('id', sa.Integer, primary_key=True),\n"
                f"    sa.Column('nest_id', sa.Integer, sa.ForeignKey('nest.id', name='out')))\n{cycle}",
                f"{no_cycle}\nop.drop_table('egg')\nop.drop_table('nest')",
            ),
            (
                "e5",
                "op.add_column('member', sa.Column('last', sa.Integer))",
                "op.drop_column('member', 'last')",
            ),
        ),
    )
    project.gitmig("upgrade", check=0)
    always = " overriding system value" if kind == "postgresql" else ""
    for statement in (
        "insert into team values (1, 'one')",
        "insert into role values (7, 'seven')",
        "insert into member values (1, 1, 7, 3), (2, null, 7, 4)",
        f"insert into nest{always} values (5, null)",
        "insert into egg values (6, 5)",
        "update nest set egg_id = 6",
        *(
            ("insert into yin values (1)", "insert into yang values (2, 1)", "update yin set yang_id = 2")
            if kind == "postgresql"
            else ()
        ),
    ):
        database.execute(project.url, statement)
    before = database.dump(project.url)
    project.gitmig("rollback", "a1", "--database-only", "--yes", check=0)
    result = project.gitmig("upgrade", check=0)
    assert "Note" not in result.stderr
    assert database.dump(project.url) == before
    if kind == "postgresql":
        database.execute(project.url, "insert into nest (egg_id) values (6)")
        assert database.query(project.url, "select max(id) from nest") == ((6,),)


ANEW = (
    "a1",
    """\
op.create_table('again', sa.Column('id', sa.Integer, primary_key=True))
op.create_table('old', sa.Column('id', sa.Integer, primary_key=True), sa.Column('x', sa.String))
op.create_table('apart', sa.Column('name', sa.String))
op.create_table('lot', sa.Column('x', sa.Integer, primary_key=True))""",
    "pass",
)
AGAIN = "op.drop_table('again')\nop.create_table('again', sa.Column('id', sa.Integer, primary_key=True){})\n"


def test_what_a_step_makes_anew(tmp_path: Path, database_url: str) -> None:
    """Rows come back where they belong, and nowhere else: not by keys that were given out anew."""
    postgres = "postgresql" in database_url
    project = Project.create(tmp_path, database_url)
    up, down = (
        f"""\
{AGAIN.format(", sa.Column('x', sa.String)")}
op.add_column('old', sa.Column('y', sa.String))
op.rename_table('old', 'new')
op.create_table('lots', sa.Column('id', sa.Integer, primary_key=True), sa.Column('x', sa.Integer))
op.execute('insert into lots (x) select x from lot')
""",
        f"op.drop_table('lots')\nop.rename_table('new', 'old')\n"
        f"op.drop_column('old', 'y')\n{AGAIN.format('')}",
    )
    if postgres:
        up += "op.execute('alter table apart add id serial primary key, add a text')\n"
        up += "op.execute('alter table lot add id int generated always as identity')\n"
        down += "op.execute('alter table apart drop a, drop id')\nop.execute('alter table lot drop id')\n"
    chain(project, (ANEW, ("b2", up, down)))
    project.gitmig("upgrade", check=0)
    for statement in (
        "insert into again values (1, 'a'), (2, null)",
        "insert into new values (1, '', 'y')",
        "insert into lots values (7, 5)",
        "insert into lot (x) values (5), (6)",
        *(
            ("insert into apart values ('two', 2, 'a2')", "insert into apart values ('one', 1, 'a1')")
            if postgres
            else ()
        ),
    ):
        database.execute(project.url, statement)
    tables = ("again", "new", "lot")
    before = [database.query(project.url, f"select * from {table} order by x") for table in tables]
    project.gitmig("rollback", "a1", "--database-only", "--yes", check=0)
    if postgres:
        database.execute(project.url, "delete from lot")
        database.execute(project.url, "insert into lot values (6), (5)")
    result = project.gitmig("upgrade", check=0)
    assert [database.query(project.url, f"select * from {table} order by x") for table in tables] == before
    assert "Note: 1 row of lots stays parked: the upgrade fills the table itself (" in result.stderr
    assert database.query(project.url, "select x from lots order by x") == ((5,), (6,))
    if postgres:
        assert "stay parked: the key of their rows was dropped, and is not back (" in result.stderr
        assert database.query(project.url, "select distinct a from apart") == ((None,),)


def test_limits_and_refusals(tmp_path: Path, database_url: str) -> None:
    """Nothing is dropped that is too large to be parked; ``--no-park`` drops it."""
    project = Project.create(tmp_path, database_url)
    chain(
        project,
        (
            ("a1", "op.create_table('t', sa.Column('x', sa.Text), sa.Column('y', sa.Text))", "pass"),
            ("b2", "op.add_column('t', sa.Column('z', sa.Text))", "op.drop_column('t', 'z')"),
            (
                "c3",
                "op.create_table('u', sa.Column('id', sa.Integer, primary_key=True),\n"
                "    sa.Column('x', sa.Text))",
                "op.execute(' '.join(('drop', 'table u')))",
            ),
        ),
    )
    project.gitmig("upgrade", check=0)
    size = "repeat('x', 300000)" if "postgresql" in database_url else "hex(zeroblob(150000))"
    database.execute(project.url, f"insert into u values (1, {size})")
    database.execute(project.url, "insert into t values ('a', '', 'b')")
    assert project.gitmig("park", "list", check=0).stdout == "nothing is parked\n"
    down = ("rollback", "--database-only", "--yes")
    project.git("config", "gitmig.parkLimit", "lots")
    refuses(
        project,
        *down,
        error="gitmig.parkLimit is not a size: 'lots'",
        hint="git config gitmig.parkLimit 100M",
        code="settings",
        exit_code=2,
    )
    # On SQLite the table is looked at alone only where the whole file is too large.
    project.git("config", "gitmig.parkLimit", "3k")
    refused = project.gitmig(*down, check=1).stderr
    assert "of gitmig.parkLimit: its rows are not parked, and not dropped (--no-park loses them)\n" in refused
    assert "Hint: git config gitmig.parkLimit 1M\n" in refused
    assert project.heads() == ("c3",)
    project.git("config", "gitmig.parkLimit", "1M")
    assert "parked 1 row of u\n" in project.gitmig(*down, check=0).stdout
    project.git("config", "gitmig.protected", "*")
    protected = project.gitmig("rollback", "--database-only", "--dry-run", check=0).stdout
    assert "; they cannot be parked: gitmig.protected names this database\n" in protected
    project.git("config", "--unset", "gitmig.protected")
    lost = project.gitmig("rollback", "--database-only", "--dry-run", check=0).stdout
    assert "! GM020: the column t.z is dropped, and holds values in rows; they cannot be parked: " in lost
    assert "parked" not in project.gitmig(*down, "--no-park", check=0).stdout
    assert [each["table"] for each in project.gitmig("park", "list", "--json", check=0).json["parked"]] == [
        "u"
    ]
    assert "Error: this deletes 1 row of u for good\n" in project.gitmig("park", "drop", "1", check=1).stderr
    assert "deleted 1 row of u\n" in project.on_terminal("park", "drop", "1", answers=["y"], check=0).stdout
    assert project.gitmig("park", "list", check=0).stdout == "nothing is parked\n"


def test_what_no_statement_names(tmp_path: Path, postgres_url: str) -> None:
    project = Project.create(tmp_path, postgres_url)
    chain(
        project,
        (
            (
                "a1",
                "op.execute('create schema s; create table s.t (id int primary key)')\n"
                "op.execute('create table u (id int)')",
                "op.execute('DO $$ BEGIN DROP TABLE u; END $$; drop schema s cascade')",
            ),
        ),
    )
    project.gitmig("upgrade", check=0)
    database.execute(project.url, "insert into s.t values (1)")
    database.execute(project.url, "insert into u values (1)")
    before = database.dump(project.url)
    result = project.gitmig("rollback", "base", "--database-only", "--yes", check=0)
    assert "Note" not in result.stderr
    assert "rows      parked 1 row of s.t\nrows      parked 1 row of u\n" in result.stdout
    project.gitmig("upgrade", check=0)
    assert database.dump(project.url) == before


def test_a_crash_between_the_commits_of_two_files(tmp_path: Path) -> None:
    """In WAL mode SQLite commits the database first: what a crash then takes is in the second copy."""
    project = Project.create(tmp_path)
    keep = "import shutil\nshutil.copytree('.git/gitmig/parked', '.git/kept', dirs_exist_ok=True)"
    made, (revision, up, down), _ = NOTES
    chain(project, (made, (revision, up, f"{down}\n{keep}")))
    project.gitmig("upgrade", check=0)
    database.execute(project.url, "pragma journal_mode = wal")
    database.execute(project.url, "insert into member values (1, 0, 'a@x')")
    parked, kept = project.path(".git/gitmig/parked"), project.path(".git/kept")
    project.gitmig("rollback", "--database-only", "--yes", check=0)
    (second,) = kept.glob("*-crash")
    (first,) = parked.iterdir()
    assert first.name + "-crash" == second.name
    first.unlink()
    shutil.copy(second, parked)
    assert "rows      1 row of member.email is back\n" in project.gitmig("upgrade", check=0).stdout
    assert database.query(project.url, "select email from member") == (("a@x",),)
    assert list(parked.iterdir()) == []
    # What was killed before it committed has left a copy of what is still there.
    shutil.copy(second, parked)
    project.gitmig("rollback", "--database-only", "--yes", check=0)
    assert [each["id"] for each in project.gitmig("park", "list", "--json", check=0).json["parked"]] == [1]
    # A file that cannot be read is named, and so is what to do.
    content = first.read_bytes()
    first.write_text("not a database")
    for command in (("park", "list"), ("upgrade",)):
        refused = project.gitmig(*command, check=1).stderr
        assert refused.startswith(
            f"Error: what is parked in {first} cannot be read: file is not a database\n"
        )
        assert f"Hint: mv {first} {first}.broken\n" in refused
    first.write_bytes(content)
    project.gitmig("upgrade", check=0)
    parked.rmdir()
    parked.write_text("no folder")
    refused = project.gitmig("rollback", "--database-only", "--yes", check=1).stderr
    assert refused.startswith("Error: the rows of member.email cannot be parked: FileExistsError: ")
    parked.unlink()
    # Without room for the second copy nothing is dropped.
    block = f"import os\nos.mkdir('.git/gitmig/parked/{second.name}')"
    chain(
        project,
        [
            (
                "c3",
                "op.add_column('member', sa.Column('y', sa.Text))",
                f"{block}\nop.drop_column('member', 'y')",
            )
        ],
        parent=revision,
    )
    project.gitmig("upgrade", check=0)
    database.execute(project.url, "update member set y = 'y'")
    parked.mkdir()
    refused = project.gitmig("rollback", "--database-only", "--yes", check=1).stderr
    why = f"IsADirectoryError: [Errno 21] Is a directory: '{parked / second.name}'"
    assert refused.startswith(f"Error: the rows of member.y cannot be parked: {why}\n")
    assert database.query(project.url, "select y from member") == (("y",),)


def test_a_revision_that_was_edited(tmp_path: Path, database_url: str) -> None:
    """Undone and redone by one ``sync``: what fits today's columns is back, and only in that database."""
    project = Project.create(tmp_path, database_url)
    made, (revision, up, down), _ = NOTES
    chain(project, (made, (revision, up.replace("sa.String, server_default='none'", "sa.Integer"), down)))
    project.gitmig("upgrade", check=0)
    database.execute(project.url, "insert into member values (1, 0, 5), (2, 0, null)")
    path = "alembic/versions/b2_plain.py"
    project.write(path, project.read(path).replace("sa.Integer", "sa.String(9)"))
    project.commit("Text")
    synced = project.gitmig("sync", "--yes", check=0)
    assert "rows      2 rows of member.email are back\n" in synced.stdout
    assert database.query(project.url, "select email from member order by id") == (("5",), (None,))
    project.write(path, project.read(path).replace("'email'", "'mail'"))
    project.commit("Rename")
    synced = project.gitmig("sync", "--yes", check=0)
    assert "rows      parked 2 rows of member.email\n" in synced.stdout
    assert "Note: 2 rows of member.email stay parked: member.email is not there (gitmig park show 1)\n" in (
        synced.stderr
    )
    project.gitmig("rollback", "base", "--database-only", "--yes", check=0)
    if "postgresql" in database_url:
        database.execute(project.url, "drop schema public cascade; create schema public")
    else:
        Path(project.url.removeprefix("sqlite:///")).unlink()
    assert "back" not in project.gitmig("upgrade", check=0).stdout
    left = project.gitmig("park", "list", check=0).stdout
    assert [line.split()[2] for line in left.splitlines()[1:]] == ["member.email", "member"]
