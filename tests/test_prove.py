"""Revisions that nobody has recorded: proven on scratch databases by the hook and by ``tie``."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests import database
from tests.articles import Article, by_alembic, plain
from tests.revising import newest, scripts
from tests.story import MODELS, Project, Result

EMAIL = "    email: Mapped[str] = mapped_column(String(20), server_default='x', index=True)\n"
ADD = "op.add_column('user', sa.Column('email', sa.String(20), server_default='x', nullable=False))"
INDEX = "op.create_index('ix_user_email', 'user', ['email'])"
PATH = "alembic/versions/c3c3_plain.py"
VERIFIED = ("c3c3", "verified")
ASYNC = """\
import asyncio

from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

import app.models
from app.database import Base


def run(**where):
    context.configure(target_metadata=Base.metadata, render_as_batch=True, **where)
    with context.begin_transaction():
        context.run_migrations()


async def online():
    engine = create_async_engine("sqlite+aiosqlite:///app.db")
    async with engine.connect() as connection:
        await connection.run_sync(lambda one: run(connection=one))
    await engine.dispose()


if context.is_offline_mode():
    run(url="sqlite:///app.db")
else:
    asyncio.run(online())
"""

_LEFT = "select datname from pg_database where datname like 'gitmig\\_scratch\\_%'"


@pytest.fixture
def told(tmp_path: Path) -> Article:
    return by_alembic(tmp_path)


def changed(told: Article, *up: str) -> Project:
    """Models with one more column, and the revision c3c3 by hand; both staged."""
    told.project.append("app/models.py", EMAIL)
    return by_hand(told.project, *up)


def by_hand(project: Project, *up: str) -> Project:
    plain(project, "c3c3", "b2b2", up="\n    ".join(up), down="pass", message="E-mail")
    project.git("add", "--all")
    return project


def staged(project: Project, code: int = 0) -> Result:
    return project.gitmig("check", "--staged", check=code)


def test_a_right_revision_passes_and_a_wrong_one_does_not(told: Article) -> None:
    project = changed(told, ADD, INDEX)
    before = project.snapshot()
    assert staged(project).stderr == ""
    # What is not staged yet is judged alike.
    project.git("reset", "--quiet")
    assert project.gitmig("check", check=0).stderr == ""
    project.git("add", "--all")
    assert project.snapshot() == before  # the configured database too
    wrong = {
        (ADD.replace(" server_default='x',", ""), INDEX): (
            "  ~ user.email VARCHAR(20) NOT NULL -> VARCHAR(20) DEFAULT 'x' NOT NULL\n"
        ),
        (ADD.replace("20", "30"), INDEX): (
            "  ~ user.email VARCHAR(30) DEFAULT 'x' NOT NULL -> VARCHAR(20) DEFAULT 'x' NOT NULL\n"
        ),
        (ADD,): "  + index ix_user_email\n",
        ("op.execute('CREATE TABLE more (id INTEGER)')", ADD, INDEX): "  - table more\n  - more.id INTEGER\n",
    }
    said = ""
    for up, lines in wrong.items():
        said = staged(by_hand(project, *up), 1).stderr
        assert said == (
            f"GM001 the revision c3c3 does not take the database to these models\n{lines}"
            f"  Hint: correct {PATH}\n"
        )
    project.git("reset", "--quiet")
    assert project.gitmig("check", check=1).stderr == said


def test_what_cannot_be_proven(told: Article) -> None:
    project = changed(told, "raise ValueError('not today')")
    assert staged(project).stderr == (
        "GM007 warning: nothing proves that c3c3 takes the database to these models: "
        "the upgrade of c3c3 fails on a scratch database: ValueError: not today\n"
        f"  Hint: compare {PATH} with the models, then: gitmig tie c3c3 --trust\n"
    )
    # A driver's connection that env.py makes by itself leads to the real database.
    env = project.read("alembic/env.py")
    made = 'create_engine("sqlite://", creator=lambda: sqlite3.connect("app.db"), poolclass=pool.NullPool)'
    project.write("alembic/env.py", "import sqlite3\n" + env.replace(
        "create_engine(CONNECTION_STR, poolclass=pool.NullPool)", made
    ))  # fmt: skip
    dump = database.dump(project.url)
    assert (
        "to these models: env.py makes its connection by itself (`creator`, say): it leads elsewhere\n"
        in staged(by_hand(project, ADD, INDEX)).stderr
    )
    assert database.dump(project.url) == dump


def test_data_migrations_and_what_env_py_leaves_out(told: Article) -> None:
    project = changed(
        told,
        "op.execute(\"INSERT INTO user (id, username) VALUES (1, 'ada')\")",
        ADD,
        INDEX,
        "op.create_index('ix_by_hand', 'user', ['username'])",
        "assert op.get_bind().exec_driver_sql('SELECT email FROM user').all() == [('x',)]",
    )
    assert "  - index ix_by_hand\n" in staged(project, 1).stderr
    hide = "lambda o, name, kind, reflected, other: not (kind == 'index' and reflected and other is None)"
    env = project.read("alembic/env.py").replace(
        "target_metadata=target_metadata,", f"target_metadata=target_metadata, include_object={hide},"
    )
    # A URL of its own, whatever is asked for.
    project.write("alembic/env.py", env.replace("engine(CONNECTION_STR", 'engine("sqlite:///app.db"'))
    project.git("add", "--all")
    dump = database.dump(project.url)
    assert staged(project).stderr == ""
    assert database.dump(project.url) == dump


def test_an_asynchronous_env_py_and_a_table_made_anew(told: Article) -> None:
    project = told.project
    project.write("alembic/env.py", ASYNC)
    changed(
        told,
        "with op.batch_alter_table('user', recreate='always') as batch:",
        "    batch.add_column(sa.Column('email', sa.String(20), server_default='x', nullable=False))",
        "    batch.create_index('ix_user_email', ['email'])",
    )
    dump = database.dump(project.url)
    assert staged(project).stderr == ""
    assert database.dump(project.url) == dump


def test_a_record_settles_it_without_a_proof_and_a_proof_is_remembered(told: Article) -> None:
    note = f"open({str(told.project.path('ran'))!r}, 'a').write('x')"
    project = changed(told, note, ADD, INDEX)
    for _ in range(2):
        assert staged(project).stderr == ""
        assert project.read("ran") == "x"
    project.gitmig("tie", "c3c3", check=0)
    project.path("ran").unlink()
    project.git("add", PATH)
    project.path(".git/gitmig/cache/proofs.json").unlink()
    assert staged(project).stderr == ""
    assert not project.path("ran").exists()
    # Another one by hand on top of it.
    project.append("app/models.py", "    zip: Mapped[int | None] = mapped_column()\n")
    zip_ = "op.add_column('user', sa.Column('zip', sa.Integer))"
    plain(project, "d4d4", "c3c3", up=zip_, down="pass", message="Zip")
    project.git("add", "--all")
    assert staged(project).stderr == ""


def test_tie(told: Article) -> None:
    project = changed(told, ADD)
    before = project.snapshot()
    refused = project.gitmig("tie", "c3c3", "--trust", check=1)
    assert refused.stderr == (
        "Error: the revision c3c3 does not take the database to its models\n"
        "  + index ix_user_email\n"
        f"Hint: correct {PATH}, then: gitmig tie c3c3\n"
    )
    assert project.gitmig("tie", "d4d4", check=2).stderr.startswith("Error: ")
    assert project.snapshot() == before
    by_hand(project, ADD, INDEX)
    text, before = project.read(PATH), project.snapshot()
    planned = project.gitmig("tie", "c3", "--dry-run", check=0).stdout
    assert planned.endswith(f"would record  in {PATH}\n")
    assert project.snapshot() == before
    answer = project.gitmig("tie", "head", "--json", check=0).json
    assert answer == {
        "version": 1,
        "steps": [{"action": "record", "revision": "c3c3", "path": PATH, "commit": None}],
        "warnings": [],
        "revision": "c3c3",
        "path": PATH,
        "proven": True,
        "models_commit": None,
    }
    lines = [line for line in project.read(PATH).splitlines() if line not in text.splitlines()]
    assert [line.partition(":")[0] for line in lines] == ["Models", "Schema"]
    project.commit("E-mail")
    first = project.gitmig("log", "--json", check=0).json["revisions"][0]
    assert (first["revision"], first["tie"]) == VERIFIED
    assert project.gitmig("tie", "c3c3", check=0).stdout.endswith(f"recorded already  in {PATH}\n")


def test_tie_of_what_is_committed_and_on_trust(told: Article) -> None:
    project = told.project
    project.git("tag", "v1")
    assert [line["tie"] for line in project.gitmig("log", "--json").json["revisions"]] == ["approximate"] * 2
    for revision, commit in (("a1a1", told.first_commit), ("b2b2", told.second_commit)):
        answer = project.gitmig("tie", revision, "--json", check=0).json
        assert (answer["proven"], answer["models_commit"]) == (True, commit)
        assert answer["warnings"] == [f"{revision} is published: its docstring alone changes"]
    assert [line["tie"] for line in project.gitmig("log", "--json").json["revisions"]] == ["verified"] * 2
    assert staged(project).stderr == ""
    project.commit("Ties")
    project.git("tag", "-d", "v1")
    changed(told, "raise ValueError('not today')")
    reason = "the upgrade of c3c3 fails on a scratch database: ValueError: not today"
    assert project.gitmig("tie", "c3c3", check=1).stderr == (
        f"Error: nothing proves that c3c3 takes the database to its models: {reason}\n"
        f"Hint: compare {PATH} with the models, then: gitmig tie c3c3 --trust\n"
    )
    plain(project, "d4d4", "c3c3", up="pass", down="pass", message="Later")
    assert project.gitmig("tie", "c3c3", check=1).stderr == (
        "Error: the models in the work tree are those of d4d4, which follows c3c3\n"
        "Hint: commit c3c3 with its own models first, or: gitmig tie d4d4\n"
    )
    project.path("alembic/versions/d4d4_plain.py").unlink()
    trusted = project.gitmig("tie", "c3c3", "--trust", "--json", check=0).json
    assert (trusted["proven"], trusted["warnings"]) == (False, [f"recorded without proof: {reason}"])
    project.git("add", PATH)
    assert staged(project).stderr == ""


def test_models_that_were_committed_ahead_of_their_revision(told: Article) -> None:
    project = told.project
    project.append("app/models.py", EMAIL)
    ahead = project.commit("Models alone")
    by_hand(project, ADD, INDEX)
    project.commit("E-mail")
    answer = project.gitmig("tie", "c3c3", "--json", check=0).json
    assert (answer["proven"], answer["models_commit"]) == (True, project.git("rev-parse", "HEAD"))
    assert answer["models_commit"] != ahead
    assert project.gitmig("log", "--json", check=0).json["revisions"][0]["tie"] == "verified"


def test_a_merge_that_changes_more(told: Article) -> None:
    project, phone = told.project, "    phone: Mapped[str | None] = mapped_column(String)\n"
    models = project.read("app/models.py")
    project.git("switch", "--quiet", "-c", "feature")
    project.append("app/models.py", phone)
    plain(
        project,
        "d4d4",
        "b2b2",
        up="op.add_column('user', sa.Column('phone', sa.String))",
        down="pass",
        message="Phone",
    )
    project.commit("Phone")
    project.git("switch", "--quiet", "main")
    changed(told, ADD, INDEX)
    assert staged(project).stderr == ""
    project.commit("E-mail")
    assert project.try_git("merge", "--quiet", "feature").exit_code == 1
    project.write("app/models.py", models + EMAIL + phone)
    merge = "alembic/versions/e5e5_plain.py"
    plain(project, "e5e5", "c3c3", up="pass", down="pass", message="Merge")
    project.write(merge, project.read(merge).replace("= 'c3c3'", "= ('c3c3', 'd4d4')"))
    project.git("add", "--all")
    assert staged(project).stderr == ""
    project.append("app/models.py", "    zip: Mapped[int | None] = mapped_column()\n")
    project.write(
        merge, project.read(merge).replace("pass", "op.add_column('user', sa.Column('zip', sa.Integer))", 1)
    )
    project.git("add", "--all")
    assert staged(project).stderr == ""
    project.write(merge, project.read(merge).replace("sa.Integer", "sa.String"))
    project.git("add", "--all")
    assert "  ~ user.zip VARCHAR -> INTEGER\n" in staged(project, 1).stderr


def test_the_head_redone_by_hand(told: Article) -> None:
    """``git commit --amend`` looks like a commit on top of the one that it replaces."""
    project = changed(told, ADD, INDEX)
    project.commit("E-mail")
    project.write("app/models.py", project.read("app/models.py").replace("20", "30"))
    assert staged(by_hand(project, ADD.replace("20", "30"), INDEX)).stderr == ""
    assert "VARCHAR(20)" in staged(by_hand(project, ADD, INDEX, "pass"), 1).stderr


def test_on_postgresql(tmp_path: Path, postgres_url: str, postgres_server: str) -> None:
    project = Project.create(tmp_path, postgres_url)
    state = "    state: Mapped[str] = mapped_column(sa.Enum('on', 'off', name='state'))\n"
    project.write("app/models.py", f"import sqlalchemy as sa\n{MODELS}{state}")
    path = "alembic/versions/a1a1_plain.py"
    columns = "sa.Column('id', sa.Integer, primary_key=True), " + (
        "sa.Column('state', sa.Enum('on', 'off', name='state'), nullable=False)"
    )
    plain(project, "a1a1", None, up=f"op.create_table('user', {columns})", down="pass", message="First")
    project.git("add", "--all")
    elsewhere = {"DATABASE_URL": "mysql+pymysql://nobody@localhost/nothing"}
    said = project.gitmig("check", "--staged", env=elsewhere).stderr
    assert "models: there are no scratch databases for mysql\n" in said
    # The server that comes as a package.
    assert staged(project).stderr == ""
    project.git("config", "gitmig.scratchUrl", postgres_server.replace("+psycopg2", ""))
    assert staged(project).stderr == ""
    project.write(path, project.read(path).replace("'on', 'off'", "'off', 'on'"))
    project.git("add", "--all")
    assert "  ~ enum state ('off', 'on') -> ('on', 'off')\n" in staged(project, 1).stderr
    assert database.tables(postgres_url) == ()
    # Killed in the middle.
    killed = "import os, time; os.kill(os.getppid(), 9); time.sleep(1)"
    plain(project, "a1a1", None, up=killed, down="pass", message="First")
    project.git("add", "--all")
    # Other tests make some of their own meanwhile, and kill those who would drop them.
    before = set(database.query(postgres_server, _LEFT))
    assert project.gitmig("check", "--staged").exit_code == -9
    left = set(database.query(postgres_server, _LEFT)) - before
    end = time.monotonic() + 60
    while left and time.monotonic() < end:
        left &= set(database.query(postgres_server, _LEFT))
        time.sleep(0.1)
    assert left == set()


def test_a_proof_that_is_killed_leads_to_no_commit(told: Article) -> None:
    file = "op.get_bind().exec_driver_sql('pragma database_list').all()[0][2]"
    kills = f"import os\n    if not {file}.endswith('app.db'): os.kill(os.getpid(), 9)"
    project = changed(told, ADD, INDEX, kills)
    before = project.snapshot()
    failed = project.gitmig("upgrade", "--commit", check=1).stderr
    assert failed.startswith(
        "Error: the proof that c3c3 takes the database to its models did not come to an end: the project's "
        "interpreter was killed (SIGKILL, as the system does if memory runs out)\n"
    )
    assert failed.endswith("Hint: run the command again\n")
    assert project.snapshot() == before


def test_a_failed_proof_is_remembered_to_look_and_tried_again_to_judge(told: Article) -> None:
    note = f"open({str(told.project.path('ran'))!r}, 'a').write('x')"
    project = changed(told, note, "op.drop_column('user', 'nothing')")
    project.git("commit", "--quiet", "--no-verify", "-m", "By hand")
    said = [project.gitmig("status").stderr for _ in range(2)]
    assert said[0] == said[1]
    assert "nothing proves that c3c3 takes the database to these models: the upgrade of c3c3 fails" in said[0]
    assert project.read("ran") == "x"
    assert "the upgrade of c3c3 fails" in project.gitmig("check").stderr
    assert project.read("ran") == "xx"


SPECIAL = """

class Special(UserDefinedType):
    cache_ok = True

    def get_col_spec(self, **_):
        return {extension!r}
"""


@pytest.mark.parametrize("how", ["create extension {}", 'CREATE EXTENSION IF NOT EXISTS \\"{}\\"'])
def test_types_of_an_extension(postgres_url: str, tmp_path: Path, how: str) -> None:
    """The models' tables need an extension: that a revision makes it is known, also to the one after it."""
    query = "select name from pg_available_extensions where name in ('vector', 'citext') order by name"
    ((extension,), *_) = database.query(postgres_url, query)
    project = Project.create(tmp_path, postgres_url)
    models = project.read("app/models.py").replace(
        "\n\nclass User(", SPECIAL.format(extension=extension) + "\n\nclass User("
    )
    project.write("app/models.py", "from sqlalchemy.types import UserDefinedType\n" + models)
    project.append("app/models.py", "    special: Mapped[str | None] = mapped_column(Special())\n")
    unknown = project.gitmig("revise", "--draft", "-m", "First", check=0)
    assert f'type "{extension}" does not exist' in unknown.stderr
    (script,) = project.path("alembic/versions").glob("*.py")
    made = f'    op.execute("{how.format(extension)}")\n'
    script.write_text(
        script.read_text("utf-8").replace("op.create_table(", f"{made.strip()}\n    op.create_table(", 1),
        "utf-8",
    )
    first = project.gitmig("upgrade", "--commit", "-y", check=0)
    assert "GM007" not in first.stderr
    before = scripts(project)
    project.append("app/models.py", EMAIL)
    # Without the project's database: all of it rests on the scratch one.
    second = project.gitmig("revise", "--draft", "-m", "Second", check=0)
    assert "GM007" not in second.stderr
    assert "Schema:" in project.read(newest(project, before))
