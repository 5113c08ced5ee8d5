"""``gitmig revise``: the way it goes when nothing stands in it."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests import database
from tests.revising import NAME, begun, begun_on, committed, header, newest, revision_of, scripts
from tests.story import MODELS, SETTINGS, USERNAME, Project


def test_models_and_revision_are_applied_and_committed_together(database_url: str, tmp_path: Path) -> None:
    project = begun_on(tmp_path, database_url)
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username for user", check=0)
    path = newest(project, before)
    assert project.heads() == (revision_of(path),)
    assert project.columns("user") == ("id", "username")
    assert committed(project) == (path, "app/models.py")
    assert project.git("status", "--porcelain") == ""


def test_the_commit_has_the_message_and_the_trailer(tmp_path: Path) -> None:
    project = begun(tmp_path)
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username for user", check=0)
    revision = revision_of(newest(project, before))
    body = project.git("log", "-1", "--format=%B").strip()
    assert body == f"Add username for user\n\nMigration-Revision: {revision}"


def test_the_header_is_written_and_verifies_the_tie(tmp_path: Path) -> None:
    project = begun(tmp_path)
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username", check=0)
    models, schema = header(project, newest(project, before))
    assert models.startswith("Models: ")
    assert schema.startswith("Schema: sqlite ")
    newest_line = project.gitmig("log", "--json", check=0).json["revisions"][0]
    assert newest_line["tie"] == "verified"
    assert newest_line["models_commit"] == project.git("rev-parse", "HEAD")


def test_what_it_says(tmp_path: Path) -> None:
    project = begun(tmp_path)
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    result = project.gitmig("revise", "-m", "Add username", check=0)
    revision = revision_of(newest(project, before))
    short = project.git("rev-parse", "--short=8", "HEAD")
    assert result.stdout == (
        "  + user.username VARCHAR\n"
        "  + index ix_user_username\n"
        f"database  at {revision}  Add username\n"
        f"commit    {short}\n"
    )
    assert result.stderr == f"▲ upgrade {revision}\n"


def test_json(tmp_path: Path) -> None:
    project = begun(tmp_path)
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    result = project.gitmig("revise", "-m", "Add username", "--json", check=0)
    path = newest(project, before)
    revision = revision_of(path)
    nothing = {"revision": None, "path": None, "commit": None}
    assert result.json == {
        "version": 1,
        "steps": [
            {**nothing, "action": "upgrade", "revision": revision},
            {**nothing, "action": "commit", "path": "app/models.py"},
            {**nothing, "action": "commit", "path": path},
        ],
        "warnings": [],
        "database": {"heads": [revision]},
        "commit": project.git("rev-parse", "HEAD"),
        "revision": revision,
        "path": path,
    }


def test_other_staged_work_is_staged_afterwards_byte_for_byte(tmp_path: Path) -> None:
    project = begun(tmp_path)
    project.write("note.txt", "staged\r\n")
    project.git("add", "note.txt")
    project.git("rm", "-q", "--cached", ".gitignore")
    project.write("note.txt", "staged\r\nand more\n")
    project.append("app/models.py", USERNAME)
    staged = project.git("diff", "--cached", "--raw", "--no-abbrev")
    project.gitmig("revise", "-m", "Add username", check=0)
    assert "app/models.py" in committed(project)
    assert len(committed(project)) == 2
    assert project.git("diff", "--cached", "--raw", "--no-abbrev") == staged
    assert project.read("note.txt") == "staged\r\nand more\n"


def test_the_setting_commit_message(tmp_path: Path) -> None:
    project = Project.create(tmp_path, settings=SETTINGS + 'commit_message = "db: {message} (models)"\n')
    project.gitmig("revise", "-m", "First revision", check=0)
    assert project.git("log", "-1", "--format=%s") == "db: First revision (models)"


def test_no_difference(tmp_path: Path) -> None:
    project = begun(tmp_path)
    before = project.snapshot()
    result = project.gitmig("revise", "-m", "Nothing", check=1)
    assert result.stderr == (
        "Error: the models say what the head revision was made for: there is nothing to revise "
        "(gitmig revise --empty, for a data migration)\n"
        "Hint: gitmig status\n"
    )
    assert project.snapshot() == before


def test_a_cosmetic_edit_is_no_difference(tmp_path: Path) -> None:
    project = begun(tmp_path)
    project.append("app/models.py", "    # nothing of the schema\n")
    error = project.gitmig("revise", "-m", "Nothing", "--json", check=1).json["error"]
    assert error["code"] == "no-difference"


def test_a_message_is_needed(tmp_path: Path) -> None:
    project = begun(tmp_path)
    project.append("app/models.py", USERNAME)
    result = project.gitmig("revise", "-m", "  ", check=2)
    assert result.stderr == 'Error: a message is missing\nHint: gitmig revise -m "What changes"\n'


def test_before_the_first_commit(database_url: str, tmp_path: Path) -> None:
    project = Project.create(tmp_path, database_url)
    project.git("update-ref", "-d", "HEAD")
    project.git("rm", "-r", "-q", "--cached", ".")
    project.gitmig("revise", "-m", "First revision", check=0)
    (path,) = scripts(project)
    assert project.git("rev-list", "--count", "HEAD") == "1"
    assert {path, "app/models.py", "app/database.py", "alembic/env.py", "alembic.ini"} <= set(
        committed(project)
    )
    assert project.heads() == (revision_of(path),)
    assert project.gitmig("check", "HEAD").exit_code == 0


def test_new_and_removed_models_files_are_committed_along(tmp_path: Path) -> None:
    project = begun(tmp_path)
    project.write("pyproject.toml", '[tool.gitmig]\nmodels = ["app/models"]\n')
    project.path("app/models.py").unlink()
    project.write("app/models/__init__.py", "from app.models.user import User\n")
    project.write("app/models/user.py", MODELS + USERNAME)
    before = scripts(project)
    project.gitmig("revise", "-m", "Add username", check=0)
    assert committed(project) == (
        newest(project, before),
        "app/models.py",
        "app/models/__init__.py",
        "app/models/user.py",
    ), "the module that the package replaces goes with it"
    assert project.git("status", "--porcelain") == " M pyproject.toml"


def test_a_changed_mixin_elsewhere_comes_along(tmp_path: Path) -> None:
    project = begun(tmp_path)
    project.write(
        "app/mixins.py",
        "from sqlalchemy.orm import Mapped, mapped_column\n\n\n"
        "class Named:\n    name: Mapped[str | None] = mapped_column()\n",
    )
    text = MODELS.replace("class User(Base)", "class User(Named, Base)")
    text = text.replace("import Base\n", "import Base\nfrom app.mixins import Named\n")
    project.write("app/models.py", text)
    project.write("app/other.py", "# not of the models\n")
    before = scripts(project)
    project.gitmig("revise", "-m", "Name the user", check=0)
    assert committed(project) == (newest(project, before), "app/mixins.py", "app/models.py")
    assert project.gitmig("check", "HEAD").exit_code == 0


def test_ignored_files_are_not_committed(tmp_path: Path) -> None:
    project = begun(tmp_path)
    project.append(".gitignore", "/app/local.py\n")
    project.write("app/local.py", "LOCAL = True\n")
    project.append("app/models.py", USERNAME + "\n\nfrom app.local import LOCAL  # noqa\n")
    before = scripts(project)
    project.gitmig("revise", "-m", "Add username", check=0)
    assert committed(project) == (newest(project, before), "app/models.py")


def test_a_dot_file_that_the_import_reads_is_not_committed(tmp_path: Path) -> None:
    project = begun(tmp_path)
    project.write(".env.local", "SECRET=1\n")
    project.append("app/models.py", USERNAME + "\n\nopen('.env.local').read()\n")
    before = scripts(project)
    project.gitmig("revise", "-m", "Add username", check=0)
    assert committed(project) == (newest(project, before), "app/models.py")


def test_a_database_that_is_behind_is_upgraded_first(database_url: str, tmp_path: Path) -> None:
    project = begun_on(tmp_path, database_url)
    (first,) = scripts(project)
    project.gitmig("rollback", "base", check=0)
    project.append("app/models.py", USERNAME)
    result = project.gitmig("revise", "-m", "Add username", "--json", check=0).json
    upgraded = [step["revision"] for step in result["steps"] if step["action"] == "upgrade"]
    assert upgraded == [revision_of(first), result["revision"]]
    assert project.columns("user") == ("id", "username")


def test_the_drift_of_a_database_stays_out(database_url: str, tmp_path: Path) -> None:
    project = begun_on(tmp_path, database_url)
    for number in range(300):
        database.execute(database_url, f"create table foreign_{number} (id integer primary key)")
    database.execute(database_url, 'alter table "user" add column legacy integer')
    project.append("app/models.py", USERNAME)
    before = scripts(project)
    project.gitmig("revise", "-m", "Add username", check=0)
    text = project.read(newest(project, before))
    assert "foreign_" not in text
    assert "legacy" not in text
    assert "username" in text
    assert len(database.tables(database_url)) == 302
    assert project.columns("user") == ("id", "legacy", "username")


def test_models_committed_ahead_of_their_revision(tmp_path: Path) -> None:
    project = begun(tmp_path)
    project.append("app/models.py", USERNAME)
    project.commit("Ahead of the revision")
    before = scripts(project)
    project.gitmig("revise", "-m", "Add username", check=0)
    assert committed(project) == (newest(project, before),)
    assert project.columns("user") == ("id", "username")


def test_a_dry_run_changes_nothing_and_shows_the_whole_plan(database_url: str, tmp_path: Path) -> None:
    project = begun_on(tmp_path, database_url)
    (first,) = scripts(project)
    project.gitmig("rollback", "base", check=0)
    project.append("app/models.py", USERNAME)
    before = project.snapshot()
    result = project.gitmig("revise", "-m", "Add username", "--dry-run", "--json", check=0).json
    assert [step["action"] for step in result["steps"]] == ["upgrade", "upgrade", "commit", "commit"]
    assert result["steps"][0]["revision"] == revision_of(first)
    assert result["database"] == {"heads": []}
    assert "commit" not in result
    assert project.snapshot() == before


def test_a_dry_run_makes_no_sqlite_file(project: Project) -> None:
    before = project.snapshot()
    result = project.gitmig("revise", "-m", "First revision", "--dry-run", check=0)
    assert "would write alembic/versions/" in result.stdout
    assert "op.create_table('user'" in result.stdout
    assert project.snapshot() == before


def test_a_file_name_that_is_taken_is_not_overwritten(tmp_path: Path) -> None:
    project = begun(tmp_path)
    ini = project.read("alembic.ini").replace("[alembic]\n", "[alembic]\nfile_template = %%(slug)s\n", 1)
    project.write("alembic.ini", ini)
    project.write("alembic/versions/add_name.py", "# mine\n")
    project.append("app/models.py", NAME)
    before = project.snapshot()
    result = project.gitmig("revise", "-m", "Add name", check=1)
    assert result.stderr == (
        "Error: alembic/versions/add_name.py is there already: the file name of a revision is taken\n"
        "Hint: give another message, or a file_template with the revision's id (%%(rev)s)\n"
    )
    assert project.snapshot() == before


def test_a_head_that_is_not_committed_yet(tmp_path: Path) -> None:
    project = begun(tmp_path)
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username", "--draft", check=0)
    path = newest(project, before)
    result = project.gitmig("revise", "-m", "Again", check=1)
    assert result.stderr == (
        f"Error: the revision {revision_of(path)} is not committed yet "
        f"({path}; gitmig revise --amend drafts it again)\n"
        "Hint: gitmig upgrade --commit\n"
    )


def test_models_that_a_rollback_put_there_are_no_change(tmp_path: Path) -> None:
    project = begun(tmp_path)
    (first,) = scripts(project)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username", check=0)
    project.gitmig("rollback", check=0)
    before = project.snapshot()
    result = project.gitmig("revise", "-m", "Undo", check=1)
    first = revision_of(first)
    assert result.stderr == (
        f"Error: the models in the work tree are those of {first}, as a rollback put them there\n"
        "Hint: gitmig upgrade\n"
    )
    assert project.snapshot() == before


def test_the_models_of_the_head_do_not_import_any_more(project: Project) -> None:
    project.append(".gitignore", "/app/local.py\n")
    project.write("app/local.py", "")
    project.append("app/models.py", "\n\nimport app.local  # noqa\n")
    project.gitmig("revise", "-m", "First revision", check=0)
    (first,) = scripts(project)
    project.path("app/local.py").unlink()
    shutil.rmtree(project.path(".git/gitmig/cache"))
    project.write("app/models.py", MODELS + USERNAME)
    result = project.gitmig("revise", "-m", "Add username", check=1)
    draft = newest(project, (first,))
    why = (
        f"the models of {revision_of(first)} do not import "
        "(ModuleNotFoundError: No module named 'app.local'): drafted against the database alone"
    )
    assert result.stderr == (
        f"Error: the draft holds every difference of the database: {why}; nothing was applied\n"
        f"Hint: review {Path(draft).name}, then: gitmig upgrade --commit\n"
    )
    assert header(project, draft) == ()
    assert project.heads() == (revision_of(first),)
