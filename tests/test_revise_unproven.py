"""``gitmig revise`` of drafts that are not proven, and without a database."""

from __future__ import annotations

from pathlib import Path

from tests import database
from tests.revising import NAME, begun, begun_on, committed, editor, header, newest, scripts
from tests.story import USERNAME, Project

NOWHERE = {"GITMIG_SCRATCH_URL": "postgresql://127.0.0.1:1/none"}


def changed(folder: Path, url: str | None = None) -> tuple[Project, tuple[str, ...]]:
    project = begun(folder) if url is None else begun_on(folder, url)
    project.append("app/models.py", USERNAME)
    return project, scripts(project)


def test_without_a_scratch_database_the_database_is_looked_into(postgres_url: str, tmp_path: Path) -> None:
    project, before = changed(tmp_path, postgres_url)
    project.gitmig("revise", "-m", "Add username", env=NOWHERE, check=0)
    path = newest(project, before)
    assert committed(project) == (path, "app/models.py")
    assert len(header(project, path)) == 2


def test_what_is_not_there_afterwards_takes_everything_back(postgres_url: str, tmp_path: Path) -> None:
    project, before = changed(tmp_path, postgres_url)
    state = project.snapshot()
    env = NOWHERE | editor(project, """sed -i "s/nullable=True/nullable=False, server_default='x'/" "$1" """)
    result = project.gitmig("revise", "-m", "Add username", "--edit", env=env, check=1)
    path = newest(project, before)
    assert result.stderr.endswith(
        "Error: none of 1 applied: the database has not what the draft is for: + user.username VARCHAR\n"
        f"Hint: correct {path}, then: gitmig upgrade --commit\n"
    )
    assert header(project, path) == ()
    assert project.snapshot().database == state.database


def test_a_draft_alone_says_that_nothing_proved_it(postgres_url: str, tmp_path: Path) -> None:
    project, before = changed(tmp_path, postgres_url)
    result = project.gitmig("revise", "-m", "Add username", "--draft", env=NOWHERE, check=0)
    assert "Note: GM007: nothing proves that " in result.stderr
    assert header(project, newest(project, before)) == ()


def test_no_proof_gives_no_record(tmp_path: Path) -> None:
    project, before = changed(tmp_path)
    result = project.gitmig("revise", "-m", "Add username", "--no-proof", check=0)
    path = newest(project, before)
    assert "takes the database to these models: --no-proof was given\n" in result.stderr
    assert committed(project) == (path, "app/models.py")
    assert header(project, path) == ()


def test_a_draft_needs_no_database(tmp_path: Path) -> None:
    project, before = changed(tmp_path)
    project.path("app.db").unlink()
    project.gitmig("revise", "-m", "Add username", "--draft", check=0)
    assert len(header(project, newest(project, before))) == 2
    assert not project.path("app.db").exists()


def test_a_draft_is_made_without_a_server(tmp_path: Path) -> None:
    project = Project.create(tmp_path, "postgresql+psycopg2://127.0.0.1:1/none")
    result = project.gitmig("revise", "-m", "First", "--draft", "--no-proof", check=0)
    (path,) = scripts(project)
    assert f"drafted {path}; nothing was applied\n" in result.stdout
    assert "op.create_table('user'," in project.read(path)


def test_a_directive_that_spoils_the_draft_is_found(tmp_path: Path) -> None:
    project, before = changed(tmp_path)
    state = project.snapshot()
    env_py = project.read("alembic/env.py")
    hook = "\n\ndef spoil(context, revision, directives):\n    directives[0].upgrade_ops.ops[:] = []\n"
    head, sign, rest = env_py.partition("\ndef ")
    env_py = f"{head}{hook}{sign}{rest}".replace(
        "target_metadata=", "process_revision_directives=spoil, target_metadata="
    )
    project.write("alembic/env.py", env_py)
    result = project.gitmig("revise", "-m", "Add username", check=1)
    name = Path(newest(project, before)).name
    assert (
        f"Error: the draft {name} is not proven: the draft leads elsewhere; nothing was applied"
        in result.stderr
    )
    assert "+ user.username VARCHAR" in result.stderr
    assert project.snapshot().database == state.database


VIEWS = """

from alembic.autogenerate import comparators
from alembic.operations import ops
from sqlalchemy import inspect


class ViewOp(ops.ExecuteSQLOp):
    def reverse(self):
        return ViewOp("DROP VIEW everybody")

    def to_diff_tuple(self):
        return ("view", self.sqltext)


@comparators.dispatch_for("schema")
def views(context, upgrade_ops, schemas):
    if "everybody" not in inspect(context.connection).get_view_names():
        upgrade_ops.ops.append(ViewOp('CREATE VIEW everybody AS SELECT id FROM "user"'))
"""


def with_views(folder: Path, url: str) -> tuple[Project, tuple[str, ...]]:
    project = begun_on(folder, url)
    project.write("app/views.py", VIEWS)
    project.write("alembic/env.py", "import app.views\n" + project.read("alembic/env.py"))
    project.git("add", "--all")
    project.git("commit", "-qm", "Views", "--no-verify")
    project.append("app/models.py", USERNAME)
    return project, scripts(project)


def test_an_extension_looks_into_the_database(database_url: str, tmp_path: Path) -> None:
    project, before = with_views(tmp_path, database_url)
    project.gitmig("revise", "-m", "Add username", check=0)
    text = project.read(newest(project, before))
    assert "CREATE VIEW everybody" in text
    assert "DROP VIEW everybody" in text
    assert database.query(database_url, "select * from everybody") == ()


def test_an_extension_that_was_not_asked_is_named(postgres_url: str, tmp_path: Path) -> None:
    project, before = with_views(tmp_path, postgres_url)
    nowhere = NOWHERE | {"DATABASE_URL": "postgresql+psycopg2://127.0.0.1:1/none"}
    result = project.gitmig("revise", "-m", "Add username", "--draft", env=nowhere, check=0)
    assert "Note: app.views was not asked: the database cannot be reached\n" in result.stderr
    assert "username" in project.read(newest(project, before))


def test_the_redone_revision_keeps_its_number(tmp_path: Path) -> None:
    project, before = changed(tmp_path)
    hook = """

def number(context, revision, directives):
    count = len(list(context.script.walk_revisions())) + 1
    directives[0].rev_id = f"{count:04}"
"""
    head, sign, rest = project.read("alembic/env.py").partition("\ndef ")
    text = f"{head}{hook}{sign}{rest}".replace(
        "target_metadata=", "process_revision_directives=number, target_metadata="
    )
    project.write("alembic/env.py", text)
    project.gitmig("revise", "-m", "Add username", check=0)
    path = newest(project, before)
    assert Path(path).name.startswith("0002_")
    project.append("app/models.py", NAME)
    project.gitmig("revise", "--amend", check=0)
    assert newest(project, before) == path
    assert "revision: str = '0002'" in project.read(path)
