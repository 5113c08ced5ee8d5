"""``gitmig upgrade``: the database up, and what waits for a commit into one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import database
from tests.revising import NAME, begun, begun_on, committed, header, hook, newest, revision_of, scripts
from tests.story import MODELS, USERNAME, Project

_QUESTION = " is not committed yet. Commit it with its models? [y/N/?] "


def drafted(tmp_path: Path) -> tuple[Project, str]:
    """A project with a draft that adds the username."""
    project = begun(tmp_path)
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username", "--draft", check=0)
    return project, newest(project, before)


def test_up_to_the_head(database_url: str, tmp_path: Path) -> None:
    project = begun_on(tmp_path, database_url)
    (first,) = scripts(project)
    revision = revision_of(first)
    project.gitmig("rollback", "base", check=0)
    result = project.gitmig("upgrade", check=0)
    assert result.stdout == f"database  at {revision}  First revision\n"
    assert result.stderr == f"▲ upgrade {revision}\n"
    assert project.heads() == (revision,)


def test_already_there(tmp_path: Path) -> None:
    project = begun(tmp_path)
    (first,) = scripts(project)
    before = project.snapshot()
    result = project.gitmig("upgrade", check=0)
    assert result.stdout == f"database  already at {revision_of(first)}  First revision\n"
    assert result.stderr == ""
    assert project.snapshot() == before


def test_already_there_as_json(tmp_path: Path) -> None:
    project = begun(tmp_path)
    (first,) = scripts(project)
    assert project.gitmig("upgrade", "--json", check=0).json == {
        "version": 1,
        "steps": [],
        "warnings": [],
        "database": {"heads": [revision_of(first)]},
        "commit": None,
    }


def test_already_there_with_commit(tmp_path: Path) -> None:
    project = begun(tmp_path)
    before = project.snapshot()
    project.gitmig("upgrade", "--commit", check=0)
    assert project.snapshot() == before


def test_one_step(tmp_path: Path) -> None:
    project = begun(tmp_path)
    (first,) = scripts(project)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username", check=0)
    project.gitmig("rollback", "base", check=0)
    project.gitmig("upgrade", "+1", check=0)
    assert project.heads() == (revision_of(first),)


def test_models_that_a_rollback_took_back_go_forward(database_url: str, tmp_path: Path) -> None:
    project = begun_on(tmp_path, database_url)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username", check=0)
    project.gitmig("rollback", check=0)
    assert project.read("app/models.py") == MODELS
    project.write("note.txt", "untouched\n")
    result = project.gitmig("upgrade", check=0)
    commit = project.git("rev-parse", "HEAD")
    assert f"models    app/models.py as of {commit[:8]}\n" in result.stdout
    assert project.read("app/models.py") == MODELS + USERNAME
    assert project.columns("user") == ("id", "username")
    assert project.git("status", "--porcelain") == "?? note.txt"


def test_models_that_were_edited_since_the_rollback_stay(tmp_path: Path) -> None:
    project = begun(tmp_path)
    project.append("app/models.py", USERNAME)
    second = project.gitmig("revise", "-m", "Add username", "--json", check=0).json["revision"]
    project.gitmig("rollback", check=0)
    project.append("app/models.py", "# mine\n")
    result = project.gitmig("upgrade", check=0)
    stay = f"the models stay as they are: they were edited since the rollback of {second}"
    assert f"! {stay}\n" in result.stderr
    assert project.read("app/models.py").endswith("# mine\n")


def test_a_dry_run(database_url: str, tmp_path: Path) -> None:
    project = begun_on(tmp_path, database_url)
    (first,) = scripts(project)
    project.gitmig("rollback", "base", check=0)
    before = project.snapshot()
    plan = project.gitmig("upgrade", "--dry-run", "--json", check=0).json
    assert [step["revision"] for step in plan["steps"]] == [revision_of(first)]
    assert "commit" not in plan
    assert project.snapshot() == before


def test_a_dry_run_makes_no_sqlite_file(tmp_path: Path) -> None:
    project = begun(tmp_path)
    project.path("app.db").unlink()
    project.gitmig("upgrade", "--dry-run", check=0)
    assert not project.path("app.db").exists()


def test_what_is_refused_makes_no_sqlite_file(tmp_path: Path) -> None:
    project = begun(tmp_path)
    (first,) = scripts(project)
    project.path("app.db").unlink()
    whole = project.read(first)
    for line, error in (
        ("import nowhere_to_be_found", "Error: ModuleNotFoundError: No module named 'nowhere_to_be_found'\n"),
        ("# gitmig: write by hand: something", "Error: "),
    ):
        project.write(
            first, whole.replace("def upgrade() -> None:\n", f"def upgrade() -> None:\n    {line}\n")
        )
        if line.startswith("import"):
            project.write(first, f"{whole}\n{line}\n")
        assert error in project.gitmig("upgrade", check=1).stderr
        assert not list(project.top.glob("app.db*"))
    project.write(first, whole)
    project.gitmig("upgrade", check=0)
    assert [path.name for path in project.top.glob("app.db*")] == ["app.db"]


def test_a_dry_run_with_commit_names_the_paths(tmp_path: Path) -> None:
    project, path = drafted(tmp_path)
    before = project.snapshot()
    plan = project.gitmig("upgrade", "--commit", "--dry-run", "--json", check=0).json
    assert [(step["action"], step["revision"] or step["path"]) for step in plan["steps"]] == [
        ("upgrade", revision_of(path)),
        ("commit", "app/models.py"),
        ("commit", path),
    ]
    assert project.snapshot() == before


def test_a_draft_is_applied_and_committed(database_url: str, tmp_path: Path) -> None:
    project = begun_on(tmp_path, database_url)
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username", "--draft", check=0)
    path = newest(project, before)
    revision = revision_of(path)
    project.gitmig("upgrade", "--commit", check=0)
    assert project.heads() == (revision,)
    assert committed(project) == (path, "app/models.py")
    assert project.git("log", "-1", "--format=%B").strip() == (
        f"Add username\n\nMigration-Revision: {revision}"
    )
    assert project.gitmig("status", "--json", check=0).json["in_step"] is True


def test_the_reviewed_script_is_what_is_applied_and_committed(tmp_path: Path) -> None:
    project, path = drafted(tmp_path)
    project.write(path, project.read(path).replace("sa.String()", "sa.Text()"))
    edited = project.read(path)
    project.gitmig("upgrade", "--commit", check=0)
    assert "username TEXT" in str(project.snapshot().database)
    assert project.git("show", f"HEAD:{path}") == edited.removesuffix("\n")


def test_on_a_terminal_it_asks(tmp_path: Path) -> None:
    project, path = drafted(tmp_path)
    result = project.on_terminal("upgrade", answers=["y"], check=0)
    assert revision_of(path) + _QUESTION in result.stdout
    assert committed(project) == (path, "app/models.py")


def test_on_a_terminal_no_leaves_it_applied(tmp_path: Path) -> None:
    project, path = drafted(tmp_path)
    head = project.git("rev-parse", "HEAD")
    result = project.on_terminal("upgrade", answers=["n"], check=0)
    assert "Hint: gitmig upgrade --commit\n" in result.stdout
    assert project.heads() == (revision_of(path),)
    assert project.git("rev-parse", "HEAD") == head


@pytest.mark.parametrize("way", [(), ("-y",)])
def test_without_anybody_it_is_applied_and_the_hint_says_how_to_go_on(
    tmp_path: Path, way: tuple[str, ...]
) -> None:
    project, path = drafted(tmp_path)
    head = project.git("rev-parse", "HEAD")
    result = project.gitmig("upgrade", *way, check=0)
    assert result.stderr == f"▲ upgrade {revision_of(path)}\nHint: gitmig upgrade --commit\n"
    assert project.git("rev-parse", "HEAD") == head
    project.gitmig("upgrade", "--commit", check=0)
    assert committed(project) == (path, "app/models.py")


def test_the_hint_as_json(tmp_path: Path) -> None:
    project, _ = drafted(tmp_path)
    assert project.gitmig("upgrade", "--json", check=0).json["hint"] == "gitmig upgrade --commit"


def test_other_staged_work_stays_staged(tmp_path: Path) -> None:
    project, path = drafted(tmp_path)
    project.write("note.txt", "staged\n")
    project.git("add", "note.txt")
    project.gitmig("upgrade", "--commit", check=0)
    assert committed(project) == (path, "app/models.py")
    assert project.git("status", "--porcelain") == "A  note.txt"


def test_models_that_changed_since_the_draft_are_refused(tmp_path: Path) -> None:
    project, path = drafted(tmp_path)
    project.append("app/models.py", NAME)
    before = project.snapshot()
    result = project.gitmig("upgrade", "--commit", check=1)
    assert result.stderr == (
        f"Error: the models have changed since {revision_of(path)} was drafted\n"
        "  + user.name VARCHAR\n"
        "Hint: gitmig revise --amend\n"
    )
    assert project.snapshot() == before


def test_models_that_changed_since_are_said_on_a_terminal(tmp_path: Path) -> None:
    project, path = drafted(tmp_path)
    project.append("app/models.py", NAME)
    result = project.on_terminal("upgrade", check=0)
    revision = revision_of(path)
    assert f"Note: not committed: the models have changed since {revision} was drafted\n" in result.stdout
    assert "Hint: gitmig revise --amend\n" in result.stdout


def test_a_cosmetic_edit_since_is_recorded_and_committed(tmp_path: Path) -> None:
    project, path = drafted(tmp_path)
    old = header(project, path)
    project.append("app/models.py", "    # how they sign in\n")
    project.gitmig("upgrade", "--commit", check=0)
    assert header(project, path)[0] != old[0]
    assert header(project, path)[1] == old[1]
    assert project.gitmig("log", "--json").json["revisions"][0]["tie"] == "verified"


def test_an_emptied_upgrade_is_refused(tmp_path: Path) -> None:
    project, path = drafted(tmp_path)
    text = project.read(path)
    start, end = text.index("def upgrade"), text.index("def downgrade")
    project.write(path, text[:start] + "def upgrade():\n    pass\n\n\n" + text[end:])
    before = project.snapshot()
    result = project.gitmig("upgrade", "--commit", check=1)
    assert result.stderr == (
        f"Error: upgrade() of {path} does nothing, and its models change\n"
        "Hint: write it, or draft it again: gitmig revise --amend\n"
    )
    assert project.snapshot() == before


def test_a_revision_of_plain_alembic_is_committed_with_its_models(tmp_path: Path) -> None:
    project = begun(tmp_path)
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    project.alembic("revision", "--autogenerate", "-m", "Add username")
    path, models = newest(project, before), project.read("app/models.py")
    project.append("app/models.py", "    email: Mapped[str | None] = mapped_column(String)\n")
    state = project.snapshot()
    refused = project.gitmig("upgrade", "--commit", check=1)
    assert refused.stderr == (
        f"Error: the revision {revision_of(path)} does not take the database to its models\n"
        "  + user.email VARCHAR\n"
        f"Hint: correct {path}, or draft it again: gitmig revise --amend\n"
    )
    assert project.snapshot() == state
    project.write("app/models.py", models)
    project.gitmig("upgrade", "--commit", check=0)
    assert committed(project) == (path, "app/models.py")
    assert len(header(project, path)) == 2
    assert project.gitmig("log", "--json").json["revisions"][0]["tie"] == "verified"


def test_what_nothing_can_prove_is_committed_and_said(tmp_path: Path) -> None:
    project = begun(tmp_path)
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    project.alembic("revision", "--autogenerate", "-m", "Add username")
    path = newest(project, before)
    head, upgrade, body = project.read(path).partition("def upgrade()")
    signature, _, lines = body.partition("\n")
    where = "op.get_bind().exec_driver_sql('pragma database_list').first()[2]"
    project.write(path, f"{head}{upgrade}{signature}\n    assert 'app.db' in {where}\n{lines}")
    (note,) = project.gitmig("upgrade", "--commit", "--json", check=0).json["notes"]
    assert note.startswith(f"nothing proves that {revision_of(path)} takes the database to its models: ")
    assert (committed(project), header(project, path)) == ((path, "app/models.py"), ())


def test_a_failing_hook(tmp_path: Path) -> None:
    project, path = drafted(tmp_path)
    hook(project, "exit 1")
    result = project.gitmig("upgrade", "--commit", check=1)
    assert "the revision is applied, not committed" in result.stderr
    assert project.heads() == (revision_of(path),)
    hook(project, "exit 0")
    project.gitmig("upgrade", "--commit", check=0)
    assert committed(project) == (path, "app/models.py")


def test_no_author(tmp_path: Path) -> None:
    project, _ = drafted(tmp_path)
    project.git("config", "user.useConfigOnly", "true")
    before = project.snapshot()
    result = project.gitmig("upgrade", "--commit", env={"GIT_CONFIG_GLOBAL": "/dev/null"}, check=1)
    assert result.stderr.startswith("Error: git does not know who you are, so it could not commit\n")
    assert project.snapshot() == before


def test_a_failing_migration_leaves_everything(database_url: str, tmp_path: Path) -> None:
    project = begun_on(tmp_path, database_url)
    database.execute(database_url, 'insert into "user" (id) values (1), (2)')
    project.append("app/models.py", "    name: Mapped[str] = mapped_column(String(20), unique=True)\n")
    project.gitmig("revise", "-m", "Add name", "--draft", "--fill", "user.name='x'", check=0)
    before = project.snapshot()
    result = project.gitmig("upgrade", "--commit", check=1)
    assert result.stderr.splitlines()[-1].startswith("Hint: correct ")
    assert project.snapshot() == before


def test_before_the_first_commit(project: Project) -> None:
    project.git("update-ref", "-d", "HEAD")
    project.gitmig("revise", "-m", "First revision", "--draft", check=0)
    (path,) = scripts(project)
    project.gitmig("upgrade", "--commit", check=0)
    assert {path, "app/models.py"} <= set(committed(project))
    assert project.git("rev-list", "--count", "HEAD") == "1"
