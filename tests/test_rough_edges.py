"""What made new users stop: each is said where it is seen, with the command that mends it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.articles import article
from tests.story import MODELS, USERNAME, Project
from tests.support.sessions import article as by_hand


def test_models_follow_a_plain_downgrade(tmp_path: Path) -> None:
    told = article(tmp_path)
    project = told.project
    project.alembic("downgrade", "-1")
    said = project.gitmig("status", check=1)
    assert "gitmig rollback --files-only puts its models into the work tree\n" in said.stderr
    heads = project.heads()
    result = project.gitmig("rollback", "--files-only", check=0)
    assert project.read("app/models.py") == MODELS
    assert project.heads() == heads
    assert "downgrade" not in result.stdout + result.stderr
    assert project.gitmig("status", "--json").json["models"]["revision"] == told.first
    project.gitmig("upgrade", check=0)
    assert project.read("app/models.py") == MODELS + USERNAME


def test_files_only_shows_its_plan_and_takes_no_target(tmp_path: Path) -> None:
    project = article(tmp_path).project
    project.alembic("downgrade", "-1")
    before = project.snapshot()
    plan = project.gitmig("rollback", "--files-only", "--dry-run", "--json", check=0).json
    assert [step["action"] for step in plan["steps"]] == ["restore"]
    assert project.snapshot() == before
    said = project.gitmig("rollback", "base", "--files-only", check=2).stderr
    assert said.startswith("Error: --files-only goes to where the database is, and takes no TARGET\n")
    project.gitmig("rollback", "--files-only", "--database-only", check=2)


def test_files_only_never_overwrites_what_git_does_not_hold(tmp_path: Path) -> None:
    project = article(tmp_path).project
    project.alembic("downgrade", "-1")
    project.append("app/models.py", "# mine\n")
    before = project.snapshot()
    project.gitmig("rollback", "--files-only", check=1)
    assert project.snapshot() == before


def test_a_clone_without_its_hook(tmp_path: Path) -> None:
    project = article(tmp_path).project
    note = "Note: this clone has no hook that checks its commits: gitmig hook install\n"
    assert note not in project.gitmig("status").stderr
    project.git("clone", "--quiet", str(project.top), str(tmp_path / "clone"))
    clone = project.beside(tmp_path / "clone")
    assert note in clone.gitmig("status").stderr
    clone.hook()
    assert note not in clone.gitmig("status").stderr


def test_a_database_that_git_does_not_ignore(tmp_path: Path) -> None:
    project = article(tmp_path).project
    note = "git does not ignore the database app.db: add the line /app.db* to .gitignore\n"
    assert note not in project.gitmig("status").stderr
    project.write(".gitignore", "__pycache__/\n")
    assert f"Note: {note}" in project.gitmig("status").stderr
    assert "GM" not in project.gitmig("status").stderr
    project.write(".gitignore", "__pycache__/\n/app.db*\n")
    assert note not in project.gitmig("status").stderr


def test_init_names_that_database_too(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    ini = project.read("alembic.ini")
    project.write(
        "alembic.ini", ini.replace("[alembic]\n", "[alembic]\nsqlalchemy.url = sqlite:///app.db\n", 1)
    )
    warning = "Warning: git does not ignore the database app.db: add the line /app.db* to .gitignore\n"
    assert warning not in project.gitmig("init", check=0).stderr
    project.write(".gitignore", "__pycache__/\n")
    assert warning in project.gitmig("init", check=0).stderr


def test_the_first_revision_says_what_it_commits(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    for path in ("alembic.ini", "alembic", "pyproject.toml"):
        project.git("rm", "-r", "--quiet", path)
    project.commit("Models alone")
    project.gitmig("init", check=0)
    said = project.gitmig("revise", "-y", "-m", "First", check=0).stdout.splitlines()
    assert said[-2].startswith("commit    ")
    assert said[-1].startswith("          with alembic.ini, alembic/env.py, ")
    assert project.git("show", "--format=", "--name-only", "HEAD").count("\n") == said[-1].count(",") + 1


@pytest.mark.parametrize("name", ["psycopg", "psycopg2", "MySQLdb"])
def test_a_driver_that_is_not_there(tmp_path: Path, name: str) -> None:
    project = article(tmp_path).project
    env = project.read("alembic/env.py")
    project.write("alembic/env.py", f"raise ModuleNotFoundError(\"No module named '{name}'\")\n{env}")
    said = project.gitmig("status", check=2).stderr
    assert f"Error: ModuleNotFoundError: No module named '{name}'\n" in said
    assert "\nHint: pip install " in said
    assert "have the URL name the driver that is there: " in said


@pytest.mark.parametrize(
    ("dialect", "hint"),
    [
        ("driver", "give sqlalchemy.url the database's URL; for the models alone, set dialect = "),
        ("db3000", "pip install what has the dialect db3000, or correct the URL"),
    ],
)
def test_a_dialect_that_is_not_there(tmp_path: Path, dialect: str, hint: str) -> None:
    project = article(tmp_path).project
    said = project.gitmig(
        "status", check=2, env={"DATABASE_URL": f"{dialect}://user:pass@localhost/dbname"}
    ).stderr
    assert f"Error: NoSuchModuleError: Can't load plugin: sqlalchemy.dialects:{dialect}\n" in said
    assert f"\nHint: {hint}" in said


def pasted(project: Project, hint: str, folder: Path) -> None:
    """Run a hint in a shell."""
    subprocess.run(hint, shell=True, check=True, cwd=folder, env=project.environment(), capture_output=True)


def hint_of(said: str) -> str:
    """The one hint of an output."""
    (hint,) = re.findall(r"^\s*Hint: (.*)$", said, re.MULTILINE)
    return str(hint)


def test_init_says_what_to_commit(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    for path in ("alembic.ini", "alembic", "pyproject.toml"):
        project.git("rm", "-r", "--quiet", path)
    project.commit("Models alone")
    hint = hint_of(project.gitmig("init", check=0).stderr)
    assert hint.startswith("git add alembic.ini ")
    assert "Hint" not in project.gitmig("init", check=0).stderr
    project.git("add", "pyproject.toml")
    said = project.gitmig("check", "--staged", check=2).stderr
    assert said.endswith("alembic.ini is not there\nHint: git add alembic.ini\n")
    pasted(project, hint, project.top)
    assert project.git("status", "--porcelain") == ""


def test_a_tie_says_how_to_commit_it_from_any_folder(tmp_path: Path) -> None:
    project = by_hand(tmp_path)
    folder = project.path("app")
    hint = hint_of(project.gitmig("tie", "head", cwd=folder, check=0).stderr)
    assert hint == "git -C .. commit -m 'Record the models of c3c3' -- alembic/versions/c3c3_plain.py"
    # Only the docstring is another: what is applied is what the commit has.
    assert "GM018" not in project.gitmig("status", check=0).stderr
    pasted(project, hint, folder)
    assert project.git("status", "--porcelain") == ""


def test_a_hint_of_alembic_leads_to_its_folder(tmp_path: Path) -> None:
    project = article(tmp_path).project
    project.alembic("stamp", "base")
    said = project.gitmig("drift", cwd=project.path("app"), check=1).stderr
    hint = hint_of(said)
    assert hint.startswith("cd .. && alembic stamp ")
