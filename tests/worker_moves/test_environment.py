"""env.py of every kind: Alembic's own templates, and those that do as they like."""

from __future__ import annotations

from pathlib import Path

import alembic
import pytest

from tests import database
from tests.worker_moves.child import Failed, Project
from tests.worker_moves.conftest import Make

TEMPLATES = Path(alembic.__file__).parent / "templates"

LIKE_NOBODY_ELSE = {
    "attributes": """
from alembic import context
from sqlalchemy import create_engine
connectable = context.config.attributes.get("connection", None)
if connectable is None:
    connectable = create_engine(context.config.get_main_option("sqlalchemy.url"))
with connectable.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
""",
    "own transaction": """
from alembic import context
from sqlalchemy import create_engine, text
with create_engine(context.config.get_main_option("sqlalchemy.url")).begin() as connection:
    connection.execute(text("SELECT 1"))
    context.configure(connection=connection)
    context.run_migrations()
""",
    "no with": """
from alembic import context
from sqlalchemy import create_engine
connection = create_engine(context.config.get_main_option("sqlalchemy.url")).connect()
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
""",
    "prints": """
import logging, sys
from alembic import context
from sqlalchemy import create_engine
print("hello")
logging.basicConfig(stream=sys.stdout, level=logging.DEBUG)
with create_engine(context.config.get_main_option("sqlalchemy.url"), echo=True).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
""",
    "version table elsewhere": """
from alembic import context
from sqlalchemy import create_engine
def applied(ctx, step, heads, run_args, **kw):
    open("applied", "a").write(step.up_revision_id)
with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
    context.configure(connection=connection, version_table="versions", on_version_apply=applied)
    with context.begin_transaction():
        context.run_migrations()
""",
    "swallows": """
from alembic import context
from sqlalchemy import create_engine
with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
    context.configure(connection=connection)
    try:
        with context.begin_transaction():
            context.run_migrations()
    except Exception:
        pass
""",
}


@pytest.mark.parametrize("env", LIKE_NOBODY_ELSE.values(), ids=LIKE_NOBODY_ELSE)
def test_env_of_its_own_kind(make: Make, database_url: str, env: str) -> None:
    project = make(database_url, env=env)
    project.table("a1", "one")
    assert project.migrate("+a1", expect=["a1"], commit=False)["committed"] is False
    assert "one" not in project.tables()
    assert project.migrate("+a1", expect=["a1"])["committed"] is True
    assert "one" in project.tables()
    assert project.child().request("heads")["heads"] == ["a1"]
    project.script("b2", "op.execute('nonsense')")
    with pytest.raises(Failed, match=r"^migration: .*nonsense"):
        project.migrate("+b2", expect=["b2"])


@pytest.mark.parametrize("template", ["generic", "async", "pyproject", "pyproject_async"])
def test_templates(make: Make, tmp_path: Path, template: str) -> None:
    project = templated(make, tmp_path, template)
    project.table("a1", "one")
    project.table("b2", "two")
    child = project.child(toml="pyproject.toml" if "pyproject" in template else None)
    looked = child.request("heads")
    assert (looked["exists"], looked["heads"]) == (False, [])
    assert not (project.top / "test.db").exists()
    assert project.migrate("+a1", "+b2", expect=["b2"], commit=False, child=child)["heads"] == []
    assert project.tables() == ()
    assert project.migrate("+a1", "+b2", expect=["b2"], child=child)["heads"] == ["b2"]
    assert project.tables() == ("one", "two")
    project.script("c3", "op.create_table('c', sa.Column('id', sa.Integer()))\nop.execute('nonsense')")
    with pytest.raises(Failed, match=r"^migration: .*nonsense"):
        project.migrate("+c3", expect=["c3"], child=child)
    assert project.tables() == ("one", "two")
    looked = child.request("heads")
    assert (looked["exists"], looked["versioned"], looked["heads"], looked["tables"]) == (
        True,
        True,
        ["b2"],
        2,
    )


def templated(make: Make, tmp_path: Path, template: str) -> Project:
    project = make()
    driver = "sqlite+aiosqlite" if "async" in template else "sqlite"
    url = f"{driver}:///{project.top}/test.db"
    ini = (TEMPLATES / template / "alembic.ini.mako").read_text()
    ini = ini.replace("${script_location}", "%(here)s/alembic").replace(
        "driver://user:pass@localhost/dbname", url
    )
    (project.top / "alembic.ini").write_text(ini.replace('"%(here)s/alembic"', "%(here)s/alembic"))
    if "pyproject" in template:
        (project.top / "pyproject.toml").write_text('[tool.alembic]\nscript_location = "%(here)s/alembic"\n')
    (project.top / "alembic" / "env.py").write_text((TEMPLATES / template / "env.py").read_text())
    return project


def test_multidb_template(make: Make) -> None:
    project = make()
    (project.top / "alembic" / "env.py").write_text((TEMPLATES / "multidb" / "env.py").read_text())
    (project.top / "alembic.ini").write_text(
        "[alembic]\nscript_location = %(here)s/alembic\ndatabases = engine1, engine2\n"
        f"[engine1]\nsqlalchemy.url = sqlite:///{project.top}/one.db\n"
        f"[engine2]\nsqlalchemy.url = sqlite:///{project.top}/two.db\n"
        "[loggers]\nkeys=root\n[handlers]\nkeys=\n[formatters]\nkeys=\n[logger_root]\nhandlers=\n"
    )
    known = project.script("a1")
    Path(known["path"]).write_text(
        "from alembic import op\nimport sqlalchemy as sa\nrevision='a1'\ndown_revision=None\n"
        "def upgrade(engine_name):\n    op.create_table(engine_name, sa.Column('id', sa.Integer()))\n"
        "def downgrade(engine_name):\n    op.drop_table(engine_name)\n"
    )
    child = project.child()
    assert [one["exists"] for one in child.request("heads")["databases"]] == [False, False]
    assert not list(project.top.glob("*.db"))
    assert project.migrate("+a1", expect=["a1"], commit=False, child=child)["committed"] is False
    # On the stand-in of the first, and then on both.
    assert [ask["ask"] for ask in child.asked] == ["plan", "plan", "plan", "commit"]
    assert database.tables(f"sqlite:///{project.top}/one.db") == ()
    assert project.migrate("+a1", expect=["a1"], child=child)["committed"] is True
    assert database.tables(f"sqlite:///{project.top}/one.db") == ("alembic_version", "engine1")
    assert database.tables(f"sqlite:///{project.top}/two.db") == ("alembic_version", "engine2")
    assert [one["heads"] for one in child.request("heads")["databases"]] == [["a1"], ["a1"]]


def test_env_that_never_commits_is_told_so(make: Make, database_url: str) -> None:
    project = make(
        database_url,
        env=LIKE_NOBODY_ELSE["own transaction"].replace(".begin()", ".connect()"),
    )
    project.table("a1", "one")
    with pytest.raises(Failed) as failed:
        project.migrate("+a1", expect=["a1"])
    assert failed.value.kind == "project-code"
    assert (
        failed.value.message
        == "env.py did not commit the transaction that it began itself: nothing was applied"
    )
    assert project.tables() == ()


@pytest.mark.parametrize(
    ("env", "kind", "message"),
    [
        ("import not_there", "project-code", "ModuleNotFoundError: No module named 'not_there'"),
        ("raise SystemExit(3)", "project-code", "SystemExit: 3"),
        ("1 +", "project-code", "SyntaxError: invalid syntax (env.py, line 1)"),
        ("pass", "project-code", "env.py did not run any migrations"),
        (
            "from alembic.util import CommandError\nraise CommandError('no such thing')",
            "alembic",
            "no such thing",
        ),
        (
            "from alembic import context\ncontext.configure(url='sqlite://')",
            "project-code",
            "env.py gave configure() no connection, though not offline",
        ),
    ],
)
def test_env_that_does_not_run(make: Make, env: str, kind: str, message: str) -> None:
    project = make(env=env.replace("{", "{{").replace("}", "}}"))
    for do in ("heads", "migrate"):
        with pytest.raises(Failed) as failed:
            project.child().request(do, wait=1)
        assert failed.value.kind == kind
        assert failed.value.message == message


class TestUrlEnv:
    """GM015: the database that the command names, or none."""

    def test_given_to_env_py(self, make: Make, tmp_path: Path) -> None:
        project = make()
        (tmp_path / "per%cent").mkdir()
        other = f"sqlite:///{tmp_path}/per%25cent/other.db"
        project.table("a1", "one")
        child = project.child({"OTHER": other}, url_env="OTHER")
        assert child.request("heads")["database"].endswith("other.db")
        project.migrate("+a1", expect=["a1"], child=child)
        assert (tmp_path / "per%25cent" / "other.db").exists() or (
            tmp_path / "per%cent" / "other.db"
        ).exists()
        assert not (project.top / "test.db").exists()

    @pytest.mark.parametrize("do", ["heads", "migrate"])
    def test_env_that_connects_elsewhere_is_refused_before_any_statement(
        self, make: Make, postgres_url: str, do: str
    ) -> None:
        project = make()
        env = project.top / "alembic" / "env.py"
        overwrite = f"config = context.config\nconfig.set_main_option('sqlalchemy.url', {project.url!r})"
        env.write_text(env.read_text().replace("config = context.config", overwrite))
        child = project.child({"OTHER": postgres_url}, url_env="OTHER")
        with pytest.raises(Failed) as failed:
            child.request(do, wait=1)
        error = failed.value.error
        assert error["kind"] == "wrong-database"
        assert error["got"] == project.url
        assert error["asked"].startswith("postgresql+psycopg2://")
        assert "postgres@" not in error["asked"]
        assert database.tables(postgres_url) == ()

    def test_another_driver_of_the_same_database_is_the_same(self, make: Make, tmp_path: Path) -> None:
        project = templated(make, tmp_path, "async")
        child = project.child({"OTHER": f"sqlite+aiosqlite:///{tmp_path}/x.db"}, url_env="OTHER")
        assert child.request("heads")["exists"] is False

    def test_not_set(self, project: Project) -> None:
        with pytest.raises(Failed, match=r"^database: the environment variable OTHER is not set"):
            project.child(url_env="OTHER").request("heads")


class TestUnreachable:
    """A database that cannot be connected to, and no password in what is said about it."""

    def test_sqlite_folder_missing(self, make: Make, tmp_path: Path) -> None:
        project = make(f"sqlite:///{tmp_path}/nowhere/test.db")
        with pytest.raises(Failed) as failed:
            project.migrate(expect=[])
        assert failed.value.kind == "database"
        assert failed.value.message == f"unable to open database file: sqlite:///{tmp_path}/nowhere/test.db"

    @pytest.mark.parametrize("query", ["", "?password=s3cret"])
    def test_nobody_listens(self, make: Make, query: str) -> None:
        user = "ada" if query else "ada:s3cret"
        project = make(f"postgresql+psycopg2://{user}@127.0.0.1:1/app{query}")
        with pytest.raises(Failed) as failed:
            project.child().request("heads")
        assert failed.value.kind == "database"
        assert "127.0.0.1" in failed.value.message
        assert "s3cret" not in str(failed.value.error)

    def test_password_wrong(self, make: Make, postgres_url: str) -> None:
        project = make(postgres_url.replace("postgres:@", "nobody:s3cret@"))
        with pytest.raises(Failed) as failed:
            project.child().request("heads")
        assert failed.value.kind == "database"
        assert "s3cret" not in str(failed.value.error)

    def test_not_a_url(self, make: Make) -> None:
        for url in ("driver://user:s3cret@localhost/dbname", "no url s3cret"):
            with pytest.raises(Failed) as failed:
                make(url).child().request("heads")
            assert failed.value.kind in ("project-code", "database")
            assert "s3cret" not in str(failed.value.error) or url.startswith("no")


class TestHeads:
    """Looking."""

    def test_nothing_there(self, project: Project) -> None:
        answer = project.child().request("heads")
        assert {key: answer[key] for key in ("exists", "versioned", "heads", "tables", "models_tables")} == {
            "exists": False,
            "versioned": False,
            "heads": [],
            "tables": 0,
            "models_tables": 0,
        }
        assert answer["database"] == project.url
        assert not (project.top / "test.db").exists()

    def test_tables_of_the_models_and_others(self, both: Project) -> None:
        both.models("sa.Table('one', metadata, sa.Column('id', sa.Integer))")
        both.table("a1", "one")
        both.table("b2", "other")
        both.migrate("+a1", "+b2", expect=["b2"])
        answer = both.child().request("heads")
        assert (answer["exists"], answer["versioned"], answer["heads"]) == (True, True, ["b2"])
        assert (answer["tables"], answer["models_tables"]) == (2, 1)

    def test_no_version_table_is_made(self, both: Project) -> None:
        if both.url.startswith("sqlite"):
            (Path(both.url.partition("///")[2])).touch()
        database.execute(both.url, "create table x (id int)")
        answer = both.child().request("heads")
        assert (answer["versioned"], answer["tables"]) == (False, 1)
        assert database.tables(both.url) == ("x",)

    def test_the_ledger_is_nobodys_table(self, both: Project) -> None:
        child = both.child()
        child.request("ledger", enable=True, wait=5)
        answer = child.request("heads")
        assert (answer["versioned"], answer["tables"], answer["ledger"]) == (False, 0, [])
