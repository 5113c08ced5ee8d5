"""``gitmig verify`` on PostgreSQL: enum types, sequences, rows, scripts that commit by themselves."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests import database
from tests.articles import NAMED, USER, plain
from tests.story import Project
from tests.test_verify import ADD, DROP, EMAIL, found, third

_LEFT = "select datname from pg_database where datname like 'gitmig\\_scratch\\_%'"


@pytest.fixture
def project(
    tmp_path: Path, postgres_url: str, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> Project:
    """The article's two steps, made with plain Alembic; scratch databases are made on the tests' server."""
    monkeypatch.setenv("GITMIG_SCRATCH_URL", postgres_server)
    project = Project.create(tmp_path, postgres_url)
    plain(project, "a1a1", None, up=USER[0], down=USER[1], message="First revision")
    project.commit("First revision")
    project.append("app/models.py", "    username: Mapped[str | None] = mapped_column(String)\n")
    plain(project, "b2b2", "a1a1", up=NAMED[0], down=NAMED[1], message="Add username for user")
    project.commit("Add username for user")
    return project


ENUM = "    colour: Mapped[str | None] = mapped_column(Enum('red', 'blue', name='colour'))\n"
COLOUR = "sa.Enum('red', 'blue', name='colour')"
ADD_ENUM = f"{COLOUR}.create(op.get_bind())\nop.add_column('user', sa.Column('colour', {COLOUR}))"
DROP_ENUM = "op.drop_column('user', 'colour')"


def test_an_enum_left_behind(project: Project) -> None:
    third(project, ENUM, ADD_ENUM, DROP_ENUM, imports=", Enum")
    assert found(project) == (
        "GM022", "the downgrade of c3c3 leaves something behind", ["+ enum colour ('red', 'blue')"],
    )  # fmt: skip
    assert project.gitmig("verify", check=0).stderr.endswith("2 verified, 1 warned on postgresql\n")
    plain(project, "c3c3", "b2b2", up=ADD_ENUM.replace("\n", "\n    "), message="Third",
          down=f"{DROP_ENUM}\n    op.execute('drop type colour')")  # fmt: skip
    project.commit("Drop the type")
    assert project.gitmig("verify", check=0).stderr == "3 verified on postgresql\n"


def test_labels_of_another_order_and_a_sequence(project: Project) -> None:
    up = ADD_ENUM.replace("'red', 'blue'", "'blue', 'red'") + "\nop.execute('create sequence left_over')"
    third(project, ENUM, up, f"{DROP_ENUM}\nop.execute('drop type colour')", imports=", Enum")
    answer = project.gitmig("verify", "--last", "1", "--json", check=1).json
    assert [(f["code"], f["details"]) for f in answer["findings"]] == [
        (
            "GM023",
            ["~ enum colour ('blue', 'red') -> ('red', 'blue')", "- sequence left_over"],
        ),
        ("GM022", ["+ sequence left_over"]),
    ]


def test_rows_that_hurt(project: Project) -> None:
    third(project, EMAIL.replace(" | None", ""), ADD.replace("20)", "20), nullable=False"), DROP)
    code, message, _ = found(project)
    assert (code, message) == (
        "GM024", 'c3c3 fails on rows: column "email" of relation "user" contains null values',
    )  # fmt: skip
    # With a default for what is there it is right.
    up = ADD.replace("20)", "20), nullable=False, server_default='x'")
    plain(project, "c3c3", "b2b2", up=f"{up}\n    op.alter_column('user', 'email', server_default=None)",
          down=DROP, message="Third")  # fmt: skip
    project.commit("A default for what is there")
    assert project.gitmig("verify", check=0).stderr == "3 verified on postgresql\n"


def test_a_text_that_becomes_shorter_and_a_number(project: Project) -> None:
    models = project.read("app/models.py")
    project.write("app/models.py", models.replace("mapped_column(String)", "mapped_column(String(5))"))
    up = "op.alter_column('user', 'username', type_=sa.String(5))"
    third(project, "", up, "op.alter_column('user', 'username', type_=sa.String())")
    assert found(project) == (
        "GM024", "c3c3 fails on rows: value too long for type character varying(5)", [],
    )  # fmt: skip


def test_scripts_that_commit_by_themselves(project: Project) -> None:
    index = "op.create_index('ix_user_username', 'user', ['username'], postgresql_concurrently=True)"
    block = "with op.get_context().autocommit_block():\n    "
    models = project.read("app/models.py")
    project.write("app/models.py", models.replace("(String)", "(String, index=True)"))
    third(project, "", block + index, f"{block}op.drop_index('ix_user_username')")
    assert project.gitmig("verify", check=0).stderr == "3 verified on postgresql\n"
    # What such a downgrade leaves cannot be rolled back: the next revision begins anew.
    plain(project, "c3c3", "b2b2", up=(block + index).replace("\n", "\n    "), down="pass", message="Third")
    project.append("app/models.py", EMAIL)
    plain(project, "d4d4", "c3c3", up=ADD, down=DROP, message="E-mail")
    project.commit("More")
    said = project.gitmig("verify", check=0)
    assert [line[:6] for line in said.stdout.splitlines()] == ["✓ a1a1", "✓ b2b2", "! c3c3", "✓ d4d4"]
    assert said.stderr.splitlines()[:2] == [
        "GM022 warning: the downgrade of c3c3 leaves something behind",
        "  + index ix_user_username",
    ]


def test_nothing_is_left_on_the_server(project: Project, postgres_server: str) -> None:
    third(project, EMAIL, "raise ValueError", DROP)
    before = set(database.query(postgres_server, _LEFT))
    project.gitmig("verify", check=1)
    left = set(database.query(postgres_server, _LEFT)) - before
    # Those of other tests, which run at the same time, go.
    end = time.monotonic() + 60
    while left and time.monotonic() < end:
        time.sleep(0.2)
        left &= set(database.query(postgres_server, _LEFT))
    assert not left


def test_what_the_killed_left_on_the_server_is_dropped(project: Project, postgres_server: str) -> None:
    """Old ones; another command may be at work in those that are young."""
    now = int(time.time())
    old, young = (f"gitmig_scratch_{made}_0123456789ab" for made in (now - 4000, now - 100))
    for name in (old, young):
        database.execute(postgres_server, f"create database {name}")
    project.gitmig("verify", "--last", "1", check=0)
    left = {name for (name,) in database.query(postgres_server, _LEFT)}
    database.execute(postgres_server, f"drop database {young}")
    assert left & {old, young} == {young}


def test_tables_that_refer_to_each_other(project: Project) -> None:
    models = """

class Part(Base):
    __tablename__ = "part"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[int] = mapped_column(ForeignKey("user.id"))
    other: Mapped[int | None] = mapped_column(ForeignKey("part.id"))
    kind: Mapped[str] = mapped_column(String(3), unique=True)
    size: Mapped[int]
    __table_args__ = (CheckConstraint("size > 41 and size < 43"),)
"""
    up = (
        "op.create_table('part', sa.Column('id', sa.Integer, primary_key=True), "
        "sa.Column('owner', sa.Integer, sa.ForeignKey('user.id'), nullable=False), "
        "sa.Column('other', sa.Integer, sa.ForeignKey('part.id')), "
        "sa.Column('kind', sa.String(3), unique=True, nullable=False), "
        "sa.Column('size', sa.Integer, nullable=False), sa.CheckConstraint('size > 41 and size < 43'))"
    )
    third(project, models, up, "op.drop_table('part')", imports=", CheckConstraint, ForeignKey")
    # The rows are there: the next revision meets them.
    meets = "rows = op.get_bind().exec_driver_sql('select size, owner from part').all()\n    "
    plain(project, "d4d4", "c3c3", up=f"{meets}assert not rows, rows[0][0]", down="pass", message="Look")
    project.commit("Look")
    answer = project.gitmig("verify", "--json", check=1).json
    assert [(f["code"], f["message"]) for f in answer["findings"]] == [
        ("GM024", "d4d4 fails on rows: AssertionError: 42")
    ]
