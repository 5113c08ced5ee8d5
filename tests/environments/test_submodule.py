"""Models in a submodule, which several services share: a bump of it is a change of the models."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.environments.projects import COLUMN, models, repository, scripts
from tests.story import Project

ALLOWED = ("-c", "protocol.file.allow=always")


class Shared:
    """A service with its revisions, beside a submodule ``shared`` with the models."""

    def __init__(self, folder: Path) -> None:
        self.library = repository(folder / "library")
        models(self.library)
        self.library.commit("Models")
        self.project = project = repository(folder / "service")
        project.git(*ALLOWED, "submodule", "--quiet", "add", str(self.library.top), "shared")
        scripts(project, "alembic")
        project.write(
            "alembic.ini",
            "[alembic]\nscript_location = alembic\nprepend_sys_path = .:shared\npath_separator = :\n",
        )
        project.commit("Start")

    def bump(self, text: str = COLUMN) -> str:
        """A commit of the submodule with more models, made and checked out there."""
        inside = Project(self.project.path("shared"))
        inside.append("app/models.py", text)
        return inside.commit("More")


@pytest.fixture
def shared(tmp_path: Path) -> Shared:
    return Shared(tmp_path)


@pytest.fixture
def first(shared: Shared) -> Shared:
    """With its first revision, and the hook."""
    shared.project.gitmig("init", check=0)
    shared.project.commit("Set up gitmig")
    shared.project.gitmig("revise", "-m", "First", check=0)
    return shared


def test_init_says_what_cannot_be_committed(shared: Shared) -> None:
    said = shared.project.gitmig("init", check=0)
    assert said.stderr == (
        "Warning: the models are in the submodule shared: commit them there first; here its bump is "
        "committed with the revision, and a rollback leaves it where it is\n"
        'Hint: git add pyproject.toml && git commit -m "Set up gitmig"\n'
    )
    assert shared.project.read("pyproject.toml") == '[tool.gitmig]\nmodels = ["shared/app/models.py"]\n'


def test_a_bump_is_blocked_until_it_has_a_revision(first: Shared) -> None:
    project = first.project
    first.bump("# nothing of the schema\n")
    project.git("commit", "--quiet", "-am", "A comment there")
    first.bump()
    project.git("add", "shared")
    blocked = project.try_git("commit", "-m", "Bump")
    assert (blocked.exit_code, "+ user.email VARCHAR" in blocked.stderr) == (1, True)
    assert project.gitmig("check", check=1).stderr.startswith("GM001")
    assert "shared" in project.gitmig("status", "--json", check=1).json["models"]["modified"]
    answer = project.gitmig("revise", "-m", "Email", "--json", check=0).json
    changed = project.git("show", "--name-only", "--format=", "HEAD").splitlines()
    assert changed == [answer["path"], "shared"]
    assert project.git("status", "--porcelain") == ""
    assert project.gitmig("status", check=0).stdout.endswith("in step\n")
    assert project.gitmig("check", "--base", "HEAD~1", check=0).stderr == ""
    listed = project.gitmig("log", "--json", check=0).json["revisions"]
    assert [one["tie"] for one in listed] == ["verified", "verified"]
    assert listed[0]["models_commit"] == project.git("rev-parse", "HEAD")


def test_a_bump_past_the_hook_is_found(first: Shared) -> None:
    first.bump()
    first.project.git("commit", "--quiet", "--no-verify", "-am", "Bump")
    for args in ((), ("HEAD",), ("--base", "HEAD~1")):
        assert first.project.gitmig("check", *args, check=1).stderr.startswith("GM001")
    assert "GM001" in first.project.gitmig("status", check=1).stderr
    assert first.project.gitmig("check", "HEAD~1", check=0).stderr == ""


def test_a_rollback_names_the_commit_of_the_submodule(first: Shared) -> None:
    project = first.project
    old = project.git("rev-parse", "HEAD:shared")
    new = first.bump()
    project.gitmig("revise", "-m", "Email", check=0)
    before = project.snapshot()
    refused = project.gitmig("rollback", check=1)
    assert refused.stderr == (
        f"Error: the submodule shared had {old[:12]} then, and gitmig does not move submodules\n"
        f"Hint: git -C shared checkout {old[:12]}, then run the command again (or with --database-only)\n"
    )
    assert project.snapshot() == before
    project.git("-C", "shared", "checkout", "--quiet", old)
    project.gitmig("rollback", check=0)
    assert project.gitmig("status", "--json", check=1).json["models"]["modified"] == ["shared"]
    refused = project.gitmig("upgrade", check=1)
    assert f"git -C shared checkout {new[:12]}" in refused.stderr
    project.git("-C", "shared", "checkout", "--quiet", new)
    project.gitmig("upgrade", check=0)
    assert project.gitmig("status", check=0).stdout.endswith("in step\n")


def test_a_clone_without_the_submodule(first: Shared, tmp_path: Path) -> None:
    clone = Project(tmp_path / "clone")
    first.project.git("clone", "--quiet", ".", str(clone.top))
    hint = "Hint: git submodule update --init -- shared\n"
    for command in ("status", "check", "upgrade"):
        assert clone.gitmig(command, check=2).stderr.endswith(hint)
    assert len(clone.gitmig("log", "--json", check=0).json["revisions"]) == 1
    clone.git(*ALLOWED, "submodule", "--quiet", "update", "--init", "--", "shared")
    clone.gitmig("upgrade", check=0)
    assert clone.gitmig("status", check=0).stdout.endswith("in step\n")
    clone.git("rm", "--quiet", "--force", "shared")
    assert clone.gitmig("status", "--json").json["models"]["modified"] == ["shared"]


def test_what_the_submodule_has_not_committed(first: Shared) -> None:
    project = first.project
    project.append("shared/app/models.py", COLUMN)
    before = project.snapshot()
    refused = project.gitmig("revise", "-m", "Email", check=1)
    assert refused.stderr == (
        "Error: the submodule shared has changes that none of its commits has\n"
        "Hint: git -C shared commit --all, then run the command again\n"
    )
    assert project.snapshot() == before


MIXIN = """\
from sqlalchemy.orm import Mapped, mapped_column


class Dated:
    id: Mapped[int] = mapped_column(primary_key=True)
"""
DERIVED = """\
from sqlalchemy.orm import DeclarativeBase

from common.mixins import Dated


class Base(DeclarativeBase):
    pass


class User(Dated, Base):
    __tablename__ = "user"
"""


def test_a_bump_of_what_models_derive_from(tmp_path: Path) -> None:
    """One that nothing reads passes without a look, also where nothing could run it."""
    project = repository(tmp_path / "service")
    for name in ("common", "theme"):
        library = repository(tmp_path / name)
        library.write("mixins.py", MIXIN)
        library.commit("Start")
        project.git(*ALLOWED, "submodule", "--quiet", "add", str(library.top), name)
    project.write("app/__init__.py", "")
    project.write("app/models.py", DERIVED)
    scripts(project, "alembic")
    project.write("alembic.ini", "[alembic]\nscript_location = alembic\nprepend_sys_path = .\n")
    project.commit("Start")
    project.gitmig("init", check=0)
    project.commit("Set up gitmig")
    project.gitmig("revise", "-m", "First", check=0)
    for name in ("common", "theme"):
        inside = Project(project.path(name))
        inside.append("mixins.py", COLUMN)
        inside.commit("More")
    project.git("config", "gitmig.python", "/nowhere")
    project.git("commit", "--quiet", "-m", "Theme", "theme")
    assert project.try_git("commit", "-m", "Common", "common").exit_code == 1
    project.git("config", "--unset", "gitmig.python")
    blocked = project.try_git("commit", "-m", "Common", "common")
    assert (blocked.exit_code, "+ user.email VARCHAR" in blocked.stderr) == (1, True)
    project.gitmig("revise", "-m", "Email", check=0)
    assert "common" in project.git("show", "--name-only", "--format=", "HEAD").splitlines()
    project.gitmig("check", "--base", "HEAD~1", check=0)
