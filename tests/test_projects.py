"""The projects of tests/projects, which readers may copy: env.py and models of every kind."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests import database
from tests.story import Project

PROJECTS = Path(__file__).parent / "projects"
COLUMN = "    email: Mapped[str | None]\n"
# Where the class User stands last, if not in shop/models.py.
MODELS = {
    "under_src": "src/shop/models.py",
    "prepend_sys_path": "backend/shop/models.py",
    **dict.fromkeys(("circular", "star_imports", "imports_all", "discovers"), "shop/models/user.py"),
}


def committed(folder: Path, name: str) -> Project:
    """A repository that holds the project, in one commit."""
    url = "sqlite:///shop.db" if name == "needs_database_url" else None
    project = Project(folder / name, url)
    shutil.copytree(PROJECTS / name, project.top, ignore=shutil.ignore_patterns("__pycache__", "*.db"))
    project.git("init", "--quiet")
    project.commit("Start")
    return project


def first(project: Project) -> None:
    """Make and apply the first revision."""
    several = project.top.name == "several_databases"
    project.gitmig("revise", "-m", "First", check=1 if several else 0)
    if several:
        # What the second database needs is written by hand.
        (script,) = project.path("migrations/versions").glob("*.py")
        text = re.sub(r" *# gitmig: write by hand: .*\n", "", script.read_text())
        table = 'op.create_table("old", sa.Column("id", sa.Integer, primary_key=True))'
        script.write_text(re.sub(r"(def upgrade_archive.*\n.*\n    )pass", rf"\1{table}", text))
        project.gitmig("upgrade", "--commit", check=0)


def changes(project: Project, check: int, **env: str | None) -> list[str]:
    """What the hook would say of what is staged: the facets, each with its sign."""
    answer = project.gitmig("check", "--staged", "--json", env=env, check=check).json
    return [line for finding in answer["findings"] for line in finding["details"]]


@pytest.mark.parametrize("name", sorted(path.name for path in PROJECTS.iterdir() if path.is_dir()))
def test_it_is_checked_revised_and_rolled_back(tmp_path: Path, name: str) -> None:
    project = committed(tmp_path, name)
    models = MODELS.get(name, "shop/models.py")
    first(project)
    # A graphical client starts the hook without the variables of a shell.
    bare = {"DATABASE_URL": None}

    project.append(models, "    # a comment\n")
    project.git("add", "--all")
    assert changes(project, 0, **bare) == []
    text = project.read(models)
    project.append(models, COLUMN)
    project.git("add", "--all")
    assert changes(project, 1, **bare) == ["+ user.email VARCHAR"]

    url = f"sqlite:///{project.path('shop.db')}"
    project.gitmig("revise", "-m", "E-mail", check=0)
    assert "email" in database.columns(url, "user")
    assert project.git("status", "--porcelain") == ""
    project.gitmig("rollback", "-y", check=0)
    assert "email" not in database.columns(url, "user")
    assert "email" not in project.read(models)
    assert text.startswith(project.read(models))


def test_without_its_settings_a_missing_database_url_is_told(tmp_path: Path) -> None:
    project = committed(tmp_path, "needs_database_url")
    project.write("pyproject.toml", '[tool.gitmig]\nmodels = ["shop/models.py"]\n')
    project.append("shop/models.py", COLUMN)
    project.git("add", "--all")
    said = project.gitmig("check", "--staged", env={"DATABASE_URL": None}, check=2).stderr
    assert said.startswith("Error: KeyError: 'DATABASE_URL'\n")
    assert '\n      URL = os.environ["DATABASE_URL"]\n' in said


def test_each_is_described() -> None:
    table = (PROJECTS / "README.md").read_text()
    names = {path.name for path in PROJECTS.iterdir() if path.is_dir()}
    assert set(re.findall(r"^\| \[(\w+)\]\((\w+)\) \|", table, re.MULTILINE)) == {(n, n) for n in names}
