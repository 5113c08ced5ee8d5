"""``gitmig revise`` when the migration fails, or the commit."""

from __future__ import annotations

import sys
from pathlib import Path

from tests import database
from tests.revising import NAME, begun, begun_on, committed, header, hook, newest, revision_of, scripts
from tests.story import USERNAME, Project

_NOT_NULL = "    name: Mapped[str] = mapped_column(String(20))\n"
_NO_VALUE = "user.name=NULL"
"""With this value the migration fails where there is a row already."""
_LEFT = (
    "Error: git did not commit (its output above says why); the revision is applied, not committed, "
    "and its files are in place and staged\n"
    "Hint: correct that, then: git commit  (or: gitmig upgrade --commit)\n"
)


def test_a_failing_migration_leaves_all_but_the_draft(database_url: str, tmp_path: Path) -> None:
    project = begun_on(tmp_path, database_url)
    database.execute(database_url, 'insert into "user" (id) values (1)')
    project.write("note.txt", "staged\n")
    project.git("add", "note.txt")
    project.append("app/models.py", _NOT_NULL)
    before, state = scripts(project), project.snapshot()
    result = project.gitmig("revise", "-m", "Add name", "--fill", _NO_VALUE, check=1)
    path = newest(project, before)
    assert result.stderr.splitlines()[0].startswith("Error: ")
    assert result.stderr.endswith(f"Hint: correct {path}, then: gitmig upgrade --commit\n")
    after = project.snapshot()
    assert {name for name in after.files if name not in state.files} == {path}
    assert {name: data for name, data in after.files.items() if name != path} == state.files
    assert (after.database, after.index, after.head, after.refs) == (
        state.database,
        state.index,
        state.head,
        state.refs,
    )


def test_a_revision_below_the_draft_that_fails_is_not_called_the_draft(tmp_path: Path) -> None:
    project = begun(tmp_path)
    before = scripts(project)
    project.gitmig("revise", "-m", "Fill", "--empty", "--draft", check=0)
    below = newest(project, before)
    project.write(below, project.read(below).replace("    pass\n", "    raise ValueError('below')\n", 1))
    project.git("add", "--all")
    project.git("commit", "--no-verify", "-m", "Fill")
    project.append("app/models.py", USERNAME)
    said = project.gitmig("revise", "-m", "Add username", "-y", check=1).stderr
    assert f'File "{below}"' in said
    assert said.endswith("Hint: correct the revision, then: gitmig upgrade --commit\n")


def test_the_corrected_draft_is_what_upgrade_applies(tmp_path: Path) -> None:
    project = begun(tmp_path)
    database.execute(project.url, 'insert into "user" (id) values (1)')
    project.append("app/models.py", _NOT_NULL)
    before = scripts(project)
    project.gitmig("revise", "-m", "Add name", "--fill", _NO_VALUE, check=1)
    path = newest(project, before)
    project.write(path, project.read(path).replace("name = NULL", "name = 7"))
    project.gitmig("upgrade", "--commit", check=0)
    assert committed(project) == (path, "app/models.py")
    assert database.query(project.url, 'select name from "user"') == (("7",),)


def test_a_failing_commit_hook_leaves_the_revision_applied(database_url: str, tmp_path: Path) -> None:
    project = begun_on(tmp_path, database_url)
    hook(project, "echo not today >&2", "exit 1")
    project.append("app/models.py", USERNAME)
    before, head = scripts(project), project.git("rev-parse", "HEAD")
    result = project.gitmig("revise", "-m", "Add username", check=1)
    path = newest(project, before)
    assert result.stderr == f"▲ upgrade {revision_of(path)}\nnot today\n{_LEFT}"
    assert project.heads() == (revision_of(path),)
    assert project.columns("user") == ("id", "username")
    assert project.git("rev-parse", "HEAD") == head
    assert sorted(project.git("diff", "--cached", "--name-only").split()) == [path, "app/models.py"]


def test_git_commit_completes_it(tmp_path: Path) -> None:
    project, path = _refused_once(tmp_path)
    project.hook()
    project.git("commit", "-qm", "Add username")
    assert committed(project) == (path, "app/models.py")
    assert project.gitmig("status", "--json", check=0).json["in_step"] is True


def test_upgrade_commit_completes_it(tmp_path: Path) -> None:
    project, path = _refused_once(tmp_path)
    project.gitmig("upgrade", "--commit", check=0)
    assert committed(project) == (path, "app/models.py")
    assert project.git("log", "-1", "--format=%s") == "Add username"
    assert f"Migration-Revision: {revision_of(path)}" in project.git("log", "-1", "--format=%B")
    assert project.gitmig("status", "--json", check=0).json["in_step"] is True


def test_the_refusal_as_json(tmp_path: Path) -> None:
    project = begun(tmp_path)
    hook(project, "exit 1")
    project.append("app/models.py", USERNAME)
    result = project.gitmig("revise", "-m", "Add username", "--json", check=1)
    assert result.json["error"]["code"] == "commit-failed"


def test_a_hook_that_reformats_is_given_one_more_try(tmp_path: Path) -> None:
    project = begun(tmp_path)
    hook(
        project,
        # As the pre-commit framework does it: change the files, and fail when any was changed.
        "if grep -q ' $' app/models.py; then sed -i 's/ *$//' app/models.py; exit 1; fi",
    )
    project.append("app/models.py", USERNAME.replace("\n", "   \n"))
    before = scripts(project)
    project.gitmig("revise", "-m", "Add username", check=0)
    path = newest(project, before)
    assert committed(project) == (path, "app/models.py")
    assert project.git("status", "--porcelain") == ""
    # The record names the models as they were committed.
    assert project.gitmig("log", "--json").json["revisions"][0]["tie"] == "verified"
    assert header(project, path)[0].startswith("Models: ")


def test_a_hook_that_runs_alembic_check_and_opens_the_database(database_url: str, tmp_path: Path) -> None:
    project = begun_on(tmp_path, database_url)
    python = f'"{sys.executable}"'
    write = (
        "from app.database import engine; from sqlalchemy import text; "
        "c = engine.connect(); c.execute(text('create table of_the_hook (id integer)')); c.commit()"
    )
    hook(
        project,
        f"{python} -m alembic check || exit 1",
        f'{python} -c "{write}" || exit 1',
    )
    project.append("app/models.py", NAME)
    project.gitmig("revise", "-m", "Add name", check=0)
    assert "of_the_hook" in database.tables(database_url)


def test_control_c_in_the_hook_says_where_things_are(tmp_path: Path) -> None:
    project = begun(tmp_path)
    hook(project, "echo 'Waiting:' >&2", "sleep 30")
    project.append("app/models.py", USERNAME)
    before = scripts(project)
    result = project.on_terminal(
        "revise", "-m", "Add username", "-y", answers=[("Waiting", "\x03")], check=130
    )
    assert (
        "Error: git commit was interrupted; the revision is applied, not committed, and its files are in "
        "place and staged\nHint: git commit  (or: gitmig upgrade --commit)\n"
    ) in result.stdout
    assert not project.path(".git/index.lock").exists()
    hook(project, "exit 0")
    project.gitmig("upgrade", "--commit", check=0)
    assert committed(project) == (newest(project, before), "app/models.py")


def _refused_once(tmp_path: Path) -> tuple[Project, str]:
    project = begun(tmp_path)
    hook(project, "exit 1")
    project.append("app/models.py", USERNAME)
    before = scripts(project)
    project.gitmig("revise", "-m", "Add username", check=1)
    project.path(".git/hooks/pre-commit").unlink()
    return project, newest(project, before)
