"""The projects of tests/projects, which readers may copy: env.py and models of every kind."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests import database
from tests.story import Project
from tests.support.lanes import by_day

PROJECTS = Path(__file__).parent / "projects"
NAMES = sorted(path.name for path in PROJECTS.iterdir() if path.is_dir())
COLUMN = "    email: Mapped[str | None]\n"
# Where the class User stands last, if not in shop/models.py.
MODELS = {
    "under_src": "src/shop/models.py",
    "prepend_sys_path": "backend/shop/models.py",
    "from_data": "shop/tables.json",
    **dict.fromkeys(("circular", "star_imports", "imports_all", "discovers"), "shop/models/user.py"),
    **dict.fromkeys(("editable_by_path", "editable_by_finder"), "lib/shop/models.py"),
}
COMMON = '''"""What every model derives from."""

from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """What every model derives from."""
'''
FINDER = """\
import sys
from importlib.util import spec_from_file_location


class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return spec_from_file_location(name, {init!r}) if name == "shop" else None


sys.meta_path.append(Finder)
"""


def committed(folder: Path, name: str) -> Project:
    """A repository that holds the project, in one commit."""
    url = "sqlite:///shop.db" if name == "needs_database_url" else None
    project = Project(folder / name, url)
    shutil.copytree(PROJECTS / name, project.top, ignore=shutil.ignore_patterns("__pycache__", "*.db"))
    project.git("init", "--quiet")
    set_up(project, folder)
    project.commit("Start")
    return project


def set_up(project: Project, folder: Path) -> None:
    """What is not in the repository, and what a clone is given by hand."""
    match project.top.name:
        case "generated":
            project.write("shop/generated/__init__.py", 'PREFIX = ""\n')
        case "dotenv":
            project.write(".env", "URL=sqlite:///shop.db\nTABLE=user\n")
        case "filtered":
            for way in ("clean", "smudge"):
                project.git("config", f"filter.turned.{way}", "tr a-zA-Z n-za-mN-ZA-M")
            project.git("config", "filter.turned.required", "true")
        case "with_submodule":
            common = Project(folder / "common")
            common.write("base.py", COMMON)
            common.write("__init__.py", "")
            common.git("init", "--quiet")
            common.commit("Start")
            allowed = ("-c", "protocol.file.allow=always")
            project.git(*allowed, "submodule", "--quiet", "add", str(common.top), "shop/common")
        case "editable_by_path":
            use_python(project, folder, str(project.path("lib")))
        case "editable_by_finder":
            site = folder / "site"
            site.mkdir()
            init = str(project.path("lib/shop/__init__.py"))
            (site / "sitecustomize.py").write_text(FINDER.format(init=init))
            use_python(project, folder, str(site))


def use_python(project: Project, folder: Path, path: str) -> None:
    """Give the project an interpreter with a path of its own."""
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{path}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    project.git("config", "gitmig.python", str(python))


def first(project: Project) -> None:
    """Make and apply the first revision."""
    project.gitmig("revise", "-m", "First", check=0)


def models_of(project: Project) -> str:
    """The file that says which columns a user has."""
    return MODELS.get(project.top.name, "shop/models.py")


def reword(project: Project) -> None:
    """A change that is none."""
    project.append(models_of(project), "\n" if project.top.name == "from_data" else "    # a comment\n")


def add_column(project: Project) -> None:
    """A change of the schema."""
    models = models_of(project)
    if project.top.name == "from_data":
        project.write(models, project.read(models).replace('"integer"', '"integer", "email": "string"'))
    else:
        project.append(models, COLUMN)


def changes(project: Project, check: int, *words: str, **env: str | None) -> list[str]:
    """What the hook would say of what is staged, or of ``words``: the facets, each with its sign."""
    answer = project.gitmig("check", *(words or ("--staged",)), "--json", env=env, check=check).json
    return [line for finding in answer["findings"] for line in finding.get("details", ())]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_checked_revised_and_rolled_back(tmp_path: Path, name: str) -> None:
    project = committed(tmp_path, name)
    models = models_of(project)
    first(project)
    # A graphical client starts the hook without the variables of a shell.
    bare = {"DATABASE_URL": None}

    reword(project)
    project.git("add", "--all")
    assert changes(project, 0, **bare) == []
    text = project.read(models)
    add_column(project)
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


@pytest.mark.parametrize("name", by_day(NAMES, number=0, of=3))
def test_each_state_is_judged_as_what_it_is(tmp_path: Path, name: str) -> None:
    """What is staged while the work tree holds something else; a commit while another is checked out."""
    project = committed(tmp_path, name)
    models = models_of(project)
    first(project)
    before = project.read(models)
    add_column(project)
    project.git("add", "--all")
    after = project.read(models)
    project.write(models, before)
    assert changes(project, 1) == ["+ user.email VARCHAR"]
    project.git("commit", "--quiet", "--no-verify", "-m", "Without a revision")
    project.git("add", models)
    project.write(models, after)
    # What is staged takes it out again, and is then what the revisions make.
    assert changes(project, 0) == []
    project.git("reset", "--quiet", "--hard")
    assert changes(project, 1, "HEAD") == ["+ user.email VARCHAR"]
    assert changes(project, 0, "HEAD~1") == []
    project.git("checkout", "--quiet", "HEAD~1")
    assert changes(project, 1, "HEAD@{1}") == ["+ user.email VARCHAR"]


@pytest.mark.parametrize("name", by_day(NAMES, number=1, of=3))
def test_it_is_switched_with_its_database(tmp_path: Path, name: str) -> None:
    project = committed(tmp_path, name)
    first(project)
    url = f"sqlite:///{project.path('shop.db')}"
    branch = project.git("branch", "--show-current").strip()
    project.git("switch", "--quiet", "--create", "feature")
    add_column(project)
    project.gitmig("revise", "-y", "-m", "E-mail", check=0)
    project.gitmig("switch", "-y", branch, check=0)
    assert "email" not in database.columns(url, "user")
    assert project.git("status", "--porcelain") == ""
    project.gitmig("switch", "-y", "feature", check=0)
    assert "email" in database.columns(url, "user")
    assert project.gitmig("status", check=0).stdout.endswith("in step\n")


@pytest.mark.parametrize("name", ["editable_by_finder", "editable_by_path"])
def test_a_linked_work_tree_is_not_the_one_that_is_installed(tmp_path: Path, name: str) -> None:
    """The environment that both use has the package of the main work tree."""
    project = committed(tmp_path, name)
    first(project)
    project.git("worktree", "add", "--quiet", "-b", "side", "../side")
    side = project.beside(tmp_path / "side")
    side.gitmig("upgrade", "-y", check=0)
    models = models_of(project)
    side.append(models, COLUMN)
    side.git("add", "--all")
    assert changes(side, 1) == ["+ user.email VARCHAR"]
    assert changes(side, 1, "--name", "alembic") == ["+ user.email VARCHAR"]
    assert changes(side, 0, "HEAD") == []
    side.gitmig("revise", "-y", "-m", "E-mail", check=0)
    assert changes(project, 0, "side") == []
    assert side.git("status", "--porcelain") == ""


def test_without_its_settings_a_missing_database_url_is_told(tmp_path: Path) -> None:
    project = committed(tmp_path, "needs_database_url")
    project.write("pyproject.toml", '[tool.gitmig]\nmodels = ["shop/models.py"]\n')
    project.append("shop/models.py", COLUMN)
    project.git("add", "--all")
    said = project.gitmig("check", "--staged", env={"DATABASE_URL": None}, check=2).stderr
    assert said.startswith("Error: KeyError: 'DATABASE_URL'\n")
    assert '\n      URL = os.environ["DATABASE_URL"]\n' in said
    assert "\nHint: set DATABASE_URL; or set metadata = " in said


def test_a_setting_that_nothing_gives_is_told(tmp_path: Path) -> None:
    """pydantic says so of a field without a value; real, as settings classes have it."""
    project = Project.create(tmp_path)
    models = project.read("app/models.py")
    settings = "from pydantic import BaseModel\n\n\nclass Settings(BaseModel):\n    database_url: str\n"
    project.write("app/settings.py", f"{settings}\n\nSettings()\n")
    project.write("app/models.py", f"import app.settings\n{models}")
    said = project.gitmig("check", check=2).stderr
    assert "1 validation error for Settings; database_url: Field required\n" in said
    assert "\nHint: give database_url a value, in the environment or the project's .env; or set " in said


def test_each_is_described() -> None:
    table = (PROJECTS / "README.md").read_text()
    names = {path.name for path in PROJECTS.iterdir() if path.is_dir()}
    assert set(re.findall(r"^\| \[(\w+)\]\((\w+)\) \|", table, re.MULTILINE)) == {(n, n) for n in names}


def test_another_commit_of_a_submodule_is_judged(tmp_path: Path) -> None:
    """Nothing else is staged than which commit of it is meant."""
    project = committed(tmp_path, "with_submodule")
    first(project)
    project.hook()
    project.write("notes.yaml", "a: 1\n")
    project.commit("Something else")
    common = project.beside(project.path("shop/common"))
    common.append("__init__.py", "# nothing\n")
    common.commit("Nothing")
    project.commit("Nothing")
    column = "    email: Mapped[str | None]\n"
    common.write("base.py", COMMON.replace("orm import", "orm import Mapped,") + column)
    common.commit("A column for all")
    project.git("add", "shop/common")
    assert changes(project, 1) == ["+ user.email VARCHAR"]
    shutil.rmtree(project.path(".git/gitmig/cache"))
    assert project.try_git("commit", "--quiet", "-m", "A column for all").exit_code == 1
    common.git("checkout", "--quiet", "HEAD~1")
    assert changes(project, 1) == ["+ user.email VARCHAR"]
