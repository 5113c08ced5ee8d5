"""Models whose tables come from elsewhere than their modules: the hook sees it, or says that it cannot."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests import database
from tests.articles import EMAIL, article
from tests.story import MODELS, Project

TABLE = "tables/name.txt"
HARMLESS = "notes.yaml"


def named_by(folder: Path, code: str) -> Project:
    """A project at its first revision whose table's name is what ``code`` makes of a data file."""
    project = Project.create(folder)
    project.write(TABLE, "user")
    head = f"import os\nimport subprocess\nimport sys\nfrom pathlib import Path\n{code}"
    project.write("app/models.py", head + MODELS.replace('__tablename__ = "user"', "__tablename__ = name"))
    project.commit("From data")
    project.gitmig("revise", "-m", "First", check=0)
    project.hook()
    return project


def stopped(project: Project) -> str:
    """What the hook says of a commit, which it stops."""
    project.git("add", "--all")
    said = project.try_git("commit", "--quiet", "-m", "Another table")
    assert said.exit_code == 1
    return said.stderr


@pytest.mark.parametrize(
    "code",
    [
        "name = subprocess.check_output(['cat', 'tables/name.txt'], text=True)\n",
        "name = subprocess.check_output(['git', 'show', ':tables/name.txt'], text=True)\n",
    ],
)
def test_data_that_another_process_reads(tmp_path: Path, code: str) -> None:
    project = named_by(tmp_path, code)
    project.write(HARMLESS, "a: 1\n")
    project.commit("Passes")
    project.write(TABLE, "person")
    assert "+ table person" in stopped(project)
    project.write(TABLE, "user")
    assert project.gitmig("check", "--staged", "--json", check=1).json["findings"][0]["code"] == "GM001"


def test_data_that_models_read_which_nobody_looked_at(tmp_path: Path) -> None:
    """A colleague's commit, pulled: what was known of the models before says nothing of these."""
    project = Project.create(tmp_path)
    project.gitmig("revise", "-m", "First", check=0)
    project.hook()
    project.append("app/models.py", "    # looked at\n")
    project.commit("A comment")
    name = "__import__('pathlib').Path('tables/name.txt').read_text()"
    project.write("app/models.py", MODELS.replace('__tablename__ = "user"', f"__tablename__ = {name}"))
    project.write(TABLE, "user")
    project.git("add", "--all")
    project.git("commit", "--quiet", "--no-verify", "-m", "From data")
    project.write(TABLE, "person")
    assert "+ table person" in stopped(project)


def test_data_with_a_name_that_mostly_says_nothing(tmp_path: Path) -> None:
    """Known as soon as anything was looked at."""
    project = Project.create(tmp_path)
    project.write("tables.html", "user")
    name = "__import__('pathlib').Path('tables.html').read_text()"
    project.write("app/models.py", MODELS.replace('__tablename__ = "user"', f"__tablename__ = {name}"))
    project.gitmig("revise", "-m", "First", check=0)
    project.hook()
    if project.git("status", "--porcelain"):
        project.commit("The data")
    project.write(HARMLESS, "a: 1\n")
    project.commit("Looked at")
    project.write("tables.html", "person")
    assert "+ table person" in stopped(project)


def test_data_read_by_its_whole_path(tmp_path: Path) -> None:
    """Where the work tree has what is judged, it is judged; where not, nothing is compared with itself."""
    place = tmp_path / "project" / TABLE
    project = named_by(tmp_path, f"name = Path({str(place)!r}).read_text()\n")
    project.write(TABLE, "person")
    assert "+ table person" in stopped(project)
    # That much is known now, whatever the work tree has.
    project.write(TABLE, "user")
    assert "+ table person" in project.gitmig("check", "--staged", check=1).stderr
    project.write(TABLE, "somebody")
    project.git("add", "--all")
    project.write(TABLE, "user")
    why = (
        f"Error: {TABLE} is read from the work tree, which has another one than what is judged\n"
        "Hint: have the code find it beside itself (__file__), or from the current folder\n"
    )
    said = project.gitmig("check", "--staged", check=2)
    assert said.stderr == why
    # Of HEAD nothing is known any more, and it may be just what the commit changes.
    shutil.rmtree(project.path(".git/gitmig/cache"))
    project.write(TABLE, "somebody")
    assert project.gitmig("check", "--staged", check=2).stderr == why
    assert project.gitmig("check", "HEAD", check=2).stderr == why


def test_models_go_forward_again_if_nobody_knows_whose_they_are(tmp_path: Path) -> None:
    """A rollback that put a later, reworded form back; then what was known of schemas is lost."""
    project = Project.create(tmp_path)
    project.gitmig("revise", "-m", "First", check=0)
    project.append("app/models.py", "    # reworded\n")
    project.commit("A comment")
    project.append("app/models.py", EMAIL)
    project.gitmig("revise", "-m", "E-mail", check=0)
    committed = project.read("app/models.py")
    project.gitmig("rollback", "--yes", check=0)
    shutil.rmtree(project.path(".git/gitmig/cache"))
    assert "put there by a rollback" in project.gitmig("status", check=1).stderr
    project.gitmig("upgrade", "--yes", check=0)
    assert project.read("app/models.py") == committed


def test_a_partial_clone_without_its_remote(tmp_path: Path) -> None:
    project = article(tmp_path).project
    project.write("docs/read-by-nobody.txt", "one")
    commit = project.commit("One")
    project.write("docs/read-by-nobody.txt", "two")
    project.commit("Two")
    project.git("config", "uploadpack.allowFilter", "true")
    top = tmp_path / "clone"
    url = f"file://{project.top}"
    subprocess.run(["git", "clone", "--quiet", "--filter=blob:none", url, str(top)], check=True)
    clone = project.beside(top)
    project.top.rename(tmp_path / "away")
    assert clone.gitmig("check", commit, check=0).stdout == ""
    clone.gitmig("upgrade", "--yes", check=0)
    first = clone.git("log", "--format=%H", "--grep=First revision")
    said = clone.gitmig("check", first, check=2).stderr
    assert f"  this clone does not have app/models.py of commit {first}\n" in said
    assert said.endswith(
        "Hint: get it (git fetch, git submodule update --init), then run the command again\n"
    )
    before = clone.snapshot()
    said = clone.gitmig("rollback", "--yes", check=1).stderr
    assert said.startswith("Error: this partial clone lacks content, and its remote does not give it: ")
    assert said.endswith("Hint: run the command again when the remote can be reached\n")
    assert clone.snapshot() == before


def test_a_partial_clone_fetches_once(tmp_path: Path) -> None:
    project = article(tmp_path).project
    for number in range(5):
        project.write(f"docs/{number}.txt", "one")
    commit = project.commit("One")
    for number in range(5):
        project.write(f"docs/{number}.txt", f"two {number}")
    project.commit("Two")
    project.git("config", "uploadpack.allowFilter", "true")
    project.git("config", "uploadpack.allowAnySHA1InWant", "true")
    top, trace = tmp_path / "clone", tmp_path / "trace"
    url = f"file://{project.top}"
    subprocess.run(["git", "clone", "--quiet", "--filter=blob:none", url, str(top)], check=True)
    project.beside(top).gitmig("check", commit, env={"GIT_TRACE": str(trace)}, check=0)
    assert trace.read_text().count("built-in: git fetch ") <= 1


BESIDE = '''
def text(name):
    """What lies beside, by every way to find it; and the script directory is that of this tree."""
    from shop import words

    script = op.get_context().script
    assert script.get_revision(revision).path == __file__
    return (Path("sql") / name).read_text() + words.AFTER


def upgrade() -> None:
    op.execute(text("up.sql"))


def downgrade() -> None:
    op.execute(text("down.sql"))
'''


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_script_of_another_side_has_all_of_its_tree(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if kind == "postgres" else None
    project = Project.create(tmp_path, url)
    project.gitmig("revise", "-m", "First", check=0)
    project.git("switch", "--quiet", "--create", "feature")
    project.gitmig("revise", "--empty", "--draft", "-m", "View", "-y", check=0)
    (path,) = project.top.glob("alembic/versions/*view.py")
    head, _, _ = path.read_text().partition("\n\ndef upgrade")
    path.write_text(f"{head}\nfrom pathlib import Path\n{BESIDE}")
    project.write("sql/up.sql", "create view ids as select id from ")
    project.write("sql/down.sql", "drop view ids -- ")
    project.write("shop/__init__.py", "")
    project.write("shop/words.py", "AFTER = '\"user\"'\n")
    project.commit("What it needs")
    project.gitmig("upgrade", "-y", "--commit", check=0)
    project.gitmig("switch", "-y", "main", check=0)
    assert not project.path("sql").exists()
    assert database.columns(project.url, "ids") == ()
    project.gitmig("switch", "-y", "feature", check=0)
    assert database.columns(project.url, "ids") == ("id",)
    project.git("switch", "--quiet", "main")
    project.gitmig("sync", "-y", check=0)
    assert database.columns(project.url, "ids") == ()
