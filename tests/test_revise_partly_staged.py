"""``gitmig revise`` where a models file is staged in part: it is asked which version is meant."""

from __future__ import annotations

from pathlib import Path

from tests.revising import NAME, begun, committed, hook, newest, revision_of, scripts
from tests.story import MODELS, USERNAME, Project

STAGED = MODELS + USERNAME
WHOLE = MODELS + USERNAME + "    # a note\r\n" + NAME
ASKED = "app/models.py is staged in part. Make the revision for [s/w/q/?] "


def partly(tmp_path: Path) -> Project:
    """A project whose user gains a username in the index, and a name too on disk."""
    project = begun(tmp_path)
    project.write("app/models.py", STAGED)
    project.git("add", "app/models.py")
    project.write("app/models.py", WHOLE)
    return project


def test_the_staged_part(tmp_path: Path) -> None:
    project = partly(tmp_path)
    project.write("note.txt", "staged\n")
    project.git("add", "note.txt")
    before = scripts(project)
    result = project.on_terminal("revise", "-m", "Add username", answers=["s", "a"], check=0)
    path = newest(project, before)
    assert ASKED in result.stdout
    assert project.columns("user") == ("id", "username")
    assert committed(project) == (path, "app/models.py")
    assert project.git("show", "HEAD:app/models.py") == STAGED.removesuffix("\n")
    assert project.read("app/models.py") == WHOLE
    assert (
        project.git("status", "--porcelain") == " M app/models.py\nA  note.txt"
        or project.git("status", "--porcelain") == "A  note.txt\n M app/models.py"
    )


def test_the_whole_file(tmp_path: Path) -> None:
    project = partly(tmp_path)
    before = scripts(project)
    project.on_terminal("revise", "-m", "Add both", answers=["w", "a"], check=0)
    assert project.columns("user") == ("id", "username", "name")
    assert committed(project) == (newest(project, before), "app/models.py")
    assert project.git("status", "--porcelain") == ""


def test_quit(tmp_path: Path) -> None:
    project = partly(tmp_path)
    before = project.snapshot()
    project.on_terminal("revise", "-m", "Add username", answers=["q"], check=1)
    assert project.snapshot() == before


def test_nobody_to_ask(tmp_path: Path) -> None:
    project = partly(tmp_path)
    before = project.snapshot()
    result = project.gitmig("revise", "-m", "Add username", check=1)
    assert result.stderr == (
        "Error: app/models.py is staged in part: which version is meant?\n"
        "Hint: git add app/models.py  (all of it), or git restore --staged app/models.py\n"
    )
    assert project.snapshot() == before


def test_a_file_of_the_import_beside_the_models_counts_too(tmp_path: Path) -> None:
    project = begun(tmp_path)
    mixin = "from sqlalchemy.orm import Mapped, mapped_column\n\n\nclass Named:\n    a: Mapped[int | None]\n"
    project.write("app/mixins.py", mixin)
    text = MODELS.replace("class User(Base)", "class User(Named, Base)")
    text = text.replace("import Base\n", "import Base\nfrom app.mixins import Named\n")
    project.write("app/models.py", text)
    project.git("add", "app")
    project.write("app/mixins.py", mixin + "    b: Mapped[int | None]\n")
    result = project.on_terminal("revise", "-m", "Name", answers=["s", "a"], check=0)
    assert "app/mixins.py is staged in part. Make the revision for [s/w/q/?] " in result.stdout
    assert project.columns("user") == ("id", "a")
    assert project.git("show", "HEAD:app/mixins.py") == mixin.removesuffix("\n")
    assert project.git("status", "--porcelain") == " M app/mixins.py"


def test_no_commit_stages_the_revision_and_leaves_the_rest(tmp_path: Path) -> None:
    project = partly(tmp_path)
    before = scripts(project)
    project.on_terminal("revise", "-m", "Add username", "--no-commit", answers=["s", "a"], check=0)
    path = newest(project, before)
    assert project.git("diff", "--cached", "--name-only").split() == [path, "app/models.py"]
    assert project.git("show", ":app/models.py") == STAGED.removesuffix("\n")
    assert project.read("app/models.py") == WHOLE


def test_a_failing_hook_then_upgrade_commits_the_staged_part(tmp_path: Path) -> None:
    project = partly(tmp_path)
    hook(project, "exit 1")
    before = scripts(project)
    project.on_terminal("revise", "-m", "Add username", answers=["s", "a"], check=1)
    path = newest(project, before)
    hook(project, "exit 0")
    project.gitmig("upgrade", "--commit", check=0)
    assert project.heads() == (revision_of(path),)
    assert committed(project) == (path, "app/models.py")
    assert project.git("show", "HEAD:app/models.py") == STAGED.removesuffix("\n")
    assert project.read("app/models.py") == WHOLE


def test_what_is_staged_whole_is_not_asked_about(tmp_path: Path) -> None:
    project = begun(tmp_path)
    project.append("app/models.py", USERNAME)
    project.git("add", "app/models.py")
    project.gitmig("revise", "-m", "Add username", check=0)
    assert project.git("status", "--porcelain") == ""
