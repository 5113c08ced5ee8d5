"""``gitmig revise --amend``: the unpublished head revision is redone under its id."""

from __future__ import annotations

from pathlib import Path

from tests import database
from tests.revising import (
    NAME,
    begun,
    begun_on,
    committed,
    editor,
    header,
    hook,
    newest,
    revision_of,
    scripts,
)
from tests.story import MODELS, USERNAME, Project


def revised(tmp_path: Path) -> tuple[Project, str]:
    """A project with a second revision that adds the username, applied and committed."""
    project = begun(tmp_path)
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username", check=0)
    return project, newest(project, before)


def test_a_committed_head(database_url: str, tmp_path: Path) -> None:
    project = begun_on(tmp_path, database_url)
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username", check=0)
    path, parent = newest(project, before), project.git("rev-parse", "HEAD~")
    project.append("app/models.py", NAME)
    database.execute(database_url, "insert into \"user\" (id, username) values (1, 'ada')")
    result = project.gitmig("revise", "--amend", "-y", check=0)
    assert result.stderr.startswith(f"▼ downgrade {revision_of(path)}\n▲ upgrade {revision_of(path)}\n")
    # The form that is undone drops the column; its values come back with the other.
    assert database.query(database_url, 'select id, username from "user"') == ((1, "ada"),)
    assert scripts(project) == tuple(sorted((*before, path)))
    assert project.columns("user") == ("id", "username", "name")
    assert project.heads() == (revision_of(path),)
    assert project.git("rev-parse", "HEAD~") == parent
    assert committed(project) == (path, "app/models.py")
    assert project.git("status", "--porcelain") == ""
    project.gitmig("rollback", "-y", check=0)
    assert project.columns("user") == ("id",)


def test_a_checkout_of_what_was_amended_is_out_of_step(tmp_path: Path) -> None:
    """The version table says the same: the script that was applied, and its record, do not."""
    project, path = revised(tmp_path)
    project.append("app/models.py", NAME)
    project.gitmig("revise", "--amend", check=0)
    project.git("switch", "--quiet", "--detach", "@{1}")
    status = project.gitmig("status", "--json", check=1).json
    assert (status["in_step"], status["hint"]) == (False, "gitmig sync")
    (finding,) = status["findings"]
    assert (finding["code"], finding["severity"], finding["message"]) == (
        "GM019",
        "error",
        f"the database has {revision_of(path)} as it was applied, which makes another schema",
    )
    project.gitmig("sync", check=0)
    assert project.columns("user") == ("id", "username")
    project.gitmig("status", check=0)


def test_the_commit_keeps_its_message(tmp_path: Path) -> None:
    project, path = revised(tmp_path)
    trailer = f"Migration-Revision: {revision_of(path)}"
    said = f"Add username\n\nFor signing in.\n\n{trailer}\nReviewed-by: Grace"
    project.git("commit", "-q", "--amend", "-m", said)
    project.append("app/models.py", NAME)
    project.gitmig("revise", "--amend", check=0)
    assert project.git("log", "-1", "--format=%B").strip() == said


def test_another_message(tmp_path: Path) -> None:
    project, path = revised(tmp_path)
    project.append("app/models.py", NAME)
    project.gitmig("revise", "--amend", "-m", "Add names", check=0)
    assert project.read(path).startswith('"""Add names\n')
    body = project.git("log", "-1", "--format=%B").strip()
    assert body == f"Add names\n\nMigration-Revision: {revision_of(path)}"


def test_the_record_is_that_of_the_new_models(tmp_path: Path) -> None:
    project, path = revised(tmp_path)
    old = header(project, path)
    project.append("app/models.py", NAME)
    project.gitmig("revise", "--amend", check=0)
    assert header(project, path) != old
    assert project.gitmig("log", "--json").json["revisions"][0]["tie"] == "verified"


def test_an_uncommitted_head(tmp_path: Path) -> None:
    project = begun(tmp_path)
    hook(project, "exit 1")
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username", check=1)
    hook(project, "exit 0")
    path, head = newest(project, before), project.git("rev-parse", "HEAD")
    project.append("app/models.py", NAME)
    project.gitmig("revise", "--amend", check=0)
    assert project.git("rev-parse", "HEAD~") == head
    assert committed(project) == (path, "app/models.py")
    assert project.columns("user") == ("id", "username", "name")


def test_a_head_that_the_database_does_not_have(tmp_path: Path) -> None:
    project = begun(tmp_path)
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username", "--draft", check=0)
    path = newest(project, before)
    project.append("app/models.py", NAME)
    result = project.gitmig("revise", "--amend", check=0)
    assert result.stderr.splitlines()[0] == f"▲ upgrade {revision_of(path)}"
    assert committed(project) == (path, "app/models.py")
    assert project.columns("user") == ("id", "username", "name")


def test_an_edited_draft_that_is_redone_is_kept(tmp_path: Path) -> None:
    project = begun(tmp_path)
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username", "--draft", check=0)
    path = newest(project, before)
    project.append(path, "# mine\n")
    edited = project.read(path)
    result = project.gitmig("revise", "--amend", check=0)
    kept = project.path(f".git/gitmig/drafts/{Path(path).name}")
    assert f"The script as it was is kept: {kept}" in result.stderr.replace("\n", "")
    assert kept.read_text() == edited
    assert "# mine" not in project.read(path)


def test_a_published_head_is_refused(tmp_path: Path) -> None:
    project, path = revised(tmp_path)
    project.git("tag", "v1")
    project.append("app/models.py", NAME)
    before = project.snapshot()
    result = project.gitmig("revise", "--amend", check=1)
    assert result.stderr == (
        f"Error: the revision {revision_of(path)} is published: others may have applied it\n"
        'Hint: make a new one: gitmig revise -m "…"\n'
    )
    assert project.snapshot() == before


def test_a_head_below_the_last_commit_is_refused(tmp_path: Path) -> None:
    project, path = revised(tmp_path)
    project.write("note.txt", "")
    project.commit("Note")
    project.append("app/models.py", NAME)
    result = project.gitmig("revise", "--amend", check=1)
    assert result.stderr == (
        f"Error: the revision {revision_of(path)} is not of the last commit, which --amend would change\n"
        'Hint: make a new one: gitmig revise -m "…"\n'
    )


def test_nothing_to_amend(project: Project) -> None:
    result = project.gitmig("revise", "--amend", check=1)
    assert result.stderr == 'Error: there is no revision to amend\nHint: gitmig revise -m "…"\n'


def test_a_new_draft_that_fails_leaves_the_old_state(database_url: str, tmp_path: Path) -> None:
    project = begun_on(tmp_path, database_url)
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username", check=0)
    path = newest(project, before)
    database.execute(database_url, "insert into \"user\" (id, username) values (1, 'ada')")
    project.append("app/models.py", "    name: Mapped[str] = mapped_column(String(20))\n")
    state = project.snapshot()
    result = project.gitmig("revise", "--amend", "-y", "--fill", "user.name=NULL", check=1)
    assert project.snapshot() == state
    kept = project.path(f".git/gitmig/drafts/{Path(path).name}")
    assert f"The draft was put aside: {kept}" in result.stderr.replace("\n", "")
    assert "name" in kept.read_text()


def test_quit_leaves_the_old_state(tmp_path: Path) -> None:
    project, _ = revised(tmp_path)
    project.append("app/models.py", NAME)
    before = project.snapshot()
    project.on_terminal("revise", "--amend", answers=["q"], check=1)
    assert project.snapshot() == before


def test_control_c_leaves_the_old_state(tmp_path: Path) -> None:
    project, _ = revised(tmp_path)
    project.append("app/models.py", NAME)
    before = project.snapshot()
    project.on_terminal("revise", "--amend", answers=["\x03"], check=130)
    assert project.snapshot() == before


def test_a_draft_of_an_applied_revision_is_put_aside(tmp_path: Path) -> None:
    project, path = revised(tmp_path)
    project.append("app/models.py", NAME)
    before = project.snapshot()
    result = project.on_terminal("revise", "--amend", answers=["d"], check=0)
    kept = project.path(f".git/gitmig/drafts/{Path(path).name}")
    assert f"Note: the draft was put aside: {kept}" in result.stdout.replace("\n", "")
    assert "name" in kept.read_text()
    assert project.snapshot() == before


def test_what_drops_is_decided_on_a_terminal(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    project.write("app/models.py", MODELS + NAME)
    project.gitmig("revise", "-m", "First revision", check=0)
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username", check=0)
    name = Path(newest(project, before)).name
    project.write("app/models.py", MODELS + "    age: Mapped[int | None]\n")
    state = project.snapshot()
    result = project.gitmig("revise", "--amend", check=1)
    assert result.stderr.endswith(
        f"Error: the draft {name} drops column user.name; nothing was applied\n"
        "Hint: answer on a terminal: gitmig revise --amend\n"
    )
    assert project.snapshot() == state


def test_a_script_edited_by_hand_is_taken_down_as_it_was_committed(tmp_path: Path) -> None:
    project, path = revised(tmp_path)
    project.write(path, project.read(path).replace("def downgrade", "raise SystemExit\n\n\ndef downgrade"))
    edited = project.read(path)
    project.append("app/models.py", NAME)
    result = project.gitmig("revise", "--amend", check=0)
    assert project.columns("user") == ("id", "username", "name")
    kept = project.path(f".git/gitmig/drafts/{Path(path).name}")
    assert "The script as it was is kept" in result.stderr
    assert kept.read_text() == edited


def test_a_failing_hook_is_completed_by_amending(tmp_path: Path) -> None:
    project, path = revised(tmp_path)
    hook(project, "exit 1")
    project.append("app/models.py", NAME)
    result = project.gitmig("revise", "--amend", check=1)
    assert result.stderr.endswith("Hint: correct that, then: git commit --amend\n")
    hook(project, "exit 0")
    project.git("commit", "-q", "--amend", "--no-edit")
    assert committed(project) == (path, "app/models.py")
    assert project.gitmig("status", "--json", check=0).json["in_step"] is True


def test_models_from_before_the_revision(tmp_path: Path) -> None:
    project, path = revised(tmp_path)
    project.write("app/models.py", MODELS)
    result = project.gitmig("revise", "--amend", check=1)
    revision = revision_of(path)
    assert result.stderr == (
        f"Error: the models are those from before {revision}: nothing is left of it to revise\n"
        "Hint: gitmig rollback --commit\n"
    )


def test_the_plan_of_a_dry_run(tmp_path: Path) -> None:
    project, path = revised(tmp_path)
    project.append("app/models.py", NAME)
    before = project.snapshot()
    plan = project.gitmig("revise", "--amend", "--dry-run", "--json", check=0).json
    assert [(step["action"], step["revision"] or step["path"]) for step in plan["steps"]] == [
        ("downgrade", revision_of(path)),
        ("upgrade", revision_of(path)),
        ("commit", "app/models.py"),
        ("commit", path),
    ]
    assert project.snapshot() == before


def test_an_edited_draft_is_put_aside_when_it_is_not_applied(tmp_path: Path) -> None:
    project, path = revised(tmp_path)
    project.append("app/models.py", NAME)
    before = project.snapshot()
    env = editor(project, """echo "# mine" >> "$1" """)
    project.on_terminal("revise", "--amend", answers=["e", "q"], env=env, check=1)
    assert project.snapshot() == before
    assert project.path(f".git/gitmig/drafts/{Path(path).name}").read_text().endswith("# mine\n")
