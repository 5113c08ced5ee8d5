"""Merges: a state of the database is a set of heads, and has the models of the commits that are at it."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.story import USERNAME, Project

TWO = '''\
"""The models."""

from sqlalchemy import Column, Integer, String

from app.database import Base


class User(Base):
    __tablename__ = "user"

    id = Column(Integer, primary_key=True)
    # end of User


class Item(Base):
    __tablename__ = "item"

    id = Column(Integer, primary_key=True)
    # end of Item
'''

IMPORT_ALL = """\
import importlib, pkgutil
import app
for found in pkgutil.walk_packages(app.__path__, "app."):
    importlib.import_module(found.name)
"""


def column(project: Project, table: str, line: str, path: str = "app/models.py") -> None:
    """Add a column to a table of the models."""
    mark = f"    # end of {table}"
    project.write(path, project.read(path).replace(mark, f"    {line}\n{mark}"))


def files(project: Project, pattern: str) -> list[str]:
    """The files on disk whose path is like this."""
    return sorted(path for path in project.snapshot().files if fnmatch(path, pattern))


def revise(project: Project, message: str) -> str:
    answer = project.gitmig("revise", "-m", message, "--json", check=0).json
    revision: str = answer["revision"]
    return revision


def ties(project: Project) -> dict[str, tuple[str, str | None]]:
    lines = project.gitmig("log", "--json", check=0).json["revisions"]
    return {line["revision"]: (line["tie"], line["models_commit"]) for line in lines}


class Branches:
    """One revision, then two branches with one each, merged by git: the database has all of it."""

    def __init__(self, folder: Path) -> None:
        self.project = project = Project.create(folder)
        project.write("app/models.py", TWO)
        project.commit("Two tables")
        self.first = revise(project, "First")
        project.git("switch", "--quiet", "-c", "prices")
        column(project, "Item", "price = Column(Integer)")
        self.price = revise(project, "Add price")
        self.price_commit = project.git("rev-parse", "HEAD")
        project.gitmig("switch", "main", "-y", check=0)
        column(project, "User", "email = Column(String)")
        self.email = revise(project, "Add email")
        self.email_commit = project.git("rev-parse", "HEAD")
        project.git("merge", "--quiet", "-m", "Merge prices", "prices")
        self.merge_commit = project.git("rev-parse", "HEAD")

    @property
    def both(self) -> tuple[str, ...]:
        return tuple(sorted((self.price, self.email)))


@pytest.fixture
def merged(tmp_path: Path) -> Branches:
    """With Alembic's merge revision on top, committed and applied."""
    branches = Branches(tmp_path)
    branches.project.alembic("merge", "-m", "Both", "heads")
    branches.project.commit("Both")
    branches.project.gitmig("upgrade", check=0)
    return branches


class TestMergeRevision:
    """``alembic merge heads`` makes a revision that does nothing."""

    def test_ties_survive_a_merge(self, merged: Branches) -> None:
        merged.project.gitmig("check", check=0)
        found = ties(merged.project)
        (merge,) = merged.project.heads()
        assert found[merged.first][0] == "verified"
        assert found[merged.price] == ("verified", merged.price_commit)
        assert found[merged.email] == ("verified", merged.email_commit)
        assert found[merge] == ("verified", merged.merge_commit)

    def test_it_is_undone_and_the_models_stay(self, merged: Branches) -> None:
        project = merged.project
        before = project.read("app/models.py")
        (merge,) = project.heads()
        result = project.gitmig("rollback", "--json", check=0).json
        assert [(step["action"], step["revision"]) for step in result["steps"]] == [("downgrade", merge)]
        assert project.heads() == merged.both
        assert project.read("app/models.py") == before
        status = project.gitmig("status", "--json", check=1).json
        assert (sorted(status["database"]["heads"]), status["hint"]) == ([*merged.both], "gitmig upgrade")
        assert [finding["code"] for finding in status["findings"]] == ["GM011"]
        project.gitmig("upgrade", check=0)
        assert project.heads() == (merge,)
        assert project.gitmig("status", check=0).stdout.endswith("in step\n")

    def test_further_down_it_is_asked_which_parent(self, merged: Branches) -> None:
        project = merged.project
        project.gitmig("rollback", check=0)
        before = project.snapshot()
        refused = project.gitmig("rollback", check=2)
        one, other = project.gitmig("status", "--json").json["database"]["heads"]
        assert refused.stderr == (
            f"Error: -1 could start from each of {one}, {other}, where the database is\n"
            f"Hint: name the one to undo: {one}@-1\n"
        )
        assert project.snapshot() == before

    def test_further_down_on_one_side_the_models_are_those_of_the_other(self, merged: Branches) -> None:
        project = merged.project
        whole = project.read("app/models.py")
        project.gitmig("rollback", check=0)
        project.gitmig("rollback", f"{merged.price}@-1", check=0)
        assert project.heads() == (merged.email,)
        assert (
            project.read("app/models.py")
            == project.git("show", f"{merged.email_commit}:app/models.py") + "\n"
        )
        place = project.gitmig("status", "--json", check=1).json["models"]
        assert place["revision"] == merged.email
        project.gitmig("upgrade", merged.price, check=0)
        assert (project.heads(), project.read("app/models.py")) == (merged.both, whole)
        project.gitmig("rollback", merged.first, check=0)
        assert "price" not in project.read("app/models.py")
        assert "email" not in project.read("app/models.py")
        project.gitmig("upgrade", check=0)
        assert project.read("app/models.py") == whole

    def test_down_to_one_parent_is_down_to_both(self, merged: Branches) -> None:
        project = merged.project
        before = project.read("app/models.py")
        project.gitmig("rollback", merged.email, check=0)
        assert (project.heads(), project.read("app/models.py")) == (merged.both, before)


def test_a_merge_that_lost_the_models_of_a_side_is_never_verified(tmp_path: Path) -> None:
    branches = Branches(tmp_path)
    project = branches.project
    project.git("reset", "--quiet", "--hard", branches.email_commit)
    project.git("merge", "--quiet", "--no-commit", "prices")
    project.git("checkout", "--quiet", "prices", "--", "app/models.py")
    project.git("commit", "--quiet", "-m", "Merge prices, and lose the e-mail")
    project.alembic("merge", "-m", "Both", "heads")
    project.commit("Both")
    project.gitmig("upgrade", "-y", check=0)
    (finding,) = project.gitmig("check", "--json", check=1).json["findings"]
    assert (finding["code"], finding["details"]) == ("GM001", ["- user.email VARCHAR"])
    (merge,) = project.heads()
    assert ties(project)[merge][0] == "approximate"
    assert ties(project)[branches.price][0] == "verified"


class TestPutOnAnotherParent:
    """Somebody edits ``down_revision`` in the merge: the record is of other models than the merge's."""

    @pytest.fixture
    def put(self, tmp_path: Path) -> Branches:
        branches = Branches(tmp_path)
        project = branches.project
        project.git("reset", "--quiet", "--hard", branches.email_commit)
        project.git("merge", "--quiet", "--no-commit", "prices")
        script = next(path for path in files(project, "alembic/versions/*") if branches.price in path)
        project.write(script, project.read(script).replace(branches.first, branches.email))
        project.git("add", "--all")
        project.git("commit", "--quiet", "-m", "Merge prices")
        project.gitmig("upgrade", check=0)
        return branches

    def test_it_is_tied_by_what_it_changes(self, put: Branches) -> None:
        project = put.project
        project.gitmig("check", check=0)
        assert ties(project)[put.price] == ("verified", project.git("rev-parse", "HEAD"))

    def test_the_next_one_is_drafted_from_the_models_of_the_merge(self, put: Branches) -> None:
        project = put.project
        merged = project.read("app/models.py")
        column(project, "Item", "total = Column(Integer)")
        preview = project.gitmig("revise", "-m", "Total", "--dry-run", check=0)
        assert "total" in preview.stdout
        assert "email" not in preview.stdout
        revise(project, "Total")
        project.gitmig("rollback", check=0)
        assert project.read("app/models.py") == merged

    def test_below_it_are_the_models_of_the_other_branch(self, put: Branches) -> None:
        put.project.gitmig("rollback", check=0)
        assert put.project.heads() == (put.email,)
        expected = put.project.git("show", f"{put.email_commit}:app/models.py")
        assert put.project.read("app/models.py") == expected + "\n"


class TestSquashMerge:
    """Several revisions in one commit."""

    @pytest.fixture
    def squashed(self, tmp_path: Path) -> Project:
        project = Project.create(tmp_path)
        project.write("app/models.py", TWO)
        project.commit("Two tables")
        revise(project, "First")
        project.git("switch", "--quiet", "-c", "topic")
        column(project, "Item", "price = Column(Integer)")
        revise(project, "Add price")
        column(project, "Item", "total = Column(Integer)")
        revise(project, "Add total")
        project.git("switch", "--quiet", "main")
        project.git("merge", "--quiet", "--squash", "topic")
        project.git("commit", "--quiet", "-m", "Squashed")
        return project

    def test_log_shows_the_commit_as_what_it_is(self, squashed: Project) -> None:
        commit = squashed.git("rev-parse", "HEAD")
        total, price, _ = squashed.gitmig("log", "--json", check=0).json["revisions"]
        assert (total["tie"], total["models_commit"], total["introduced"]) == ("verified", commit, commit)
        assert (price["tie"], price["models_commit"], price["introduced"]) == ("untied", None, commit)

    def test_between_them_the_branch_is_offered_while_git_has_it(self, squashed: Project) -> None:
        commit = squashed.git("rev-parse", "topic~1")
        price = squashed.gitmig("log", "--json").json["revisions"][1]["revision"]
        squashed.git("branch", "--quiet", "-D", "topic")
        refused = squashed.gitmig("rollback", check=1)
        assert refused.stderr.startswith(
            f"Error: not sure which commit has the models of {price}; best guess: {commit[:8]}\n"
        )
        squashed.gitmig("rollback", "-y", check=0)
        assert squashed.read("app/models.py") == squashed.git("show", f"{commit}:app/models.py") + "\n"
        # They were put there by a rollback, though no commit of the line has them.
        status = squashed.gitmig("status", "--json", check=1).json
        assert [finding["code"] for finding in status["findings"]] == ["GM011", "GM013"]
        squashed.gitmig("upgrade", "-y", check=0)
        assert squashed.git("status", "--porcelain") == ""

    def test_between_them_nothing_is_offered_that_git_does_not_have(self, squashed: Project) -> None:
        price = squashed.gitmig("log", "--json").json["revisions"][1]["revision"]
        squashed.git("branch", "--quiet", "-D", "topic")
        squashed.git("reflog", "expire", "--expire=now", "--all")
        refused = squashed.gitmig("rollback", "-y", check=1)
        assert refused.stderr == (
            f"Error: the models of {price} cannot be put back: the revision has no commit of its own models\n"
            "Hint: gitmig rollback -1 --database-only\n"
        )


class TestModelsThatLayElsewhere:
    """A rollback puts back the old path and takes the new one away."""

    def test_a_module_that_became_a_package(self, tmp_path: Path) -> None:
        project = Project.create(tmp_path)
        project.write("app/models.py", TWO)
        project.commit("Two tables")
        revise(project, "First")
        old = project.read("app/models.py")
        column(project, "Item", "price = Column(Integer)")
        revise(project, "Add price")
        project.path("app/models").mkdir()
        project.git("mv", "app/models.py", "app/models/__init__.py")
        project.commit("A package")
        assert project.gitmig("status", check=0).stdout.endswith("in step\n")
        new = project.read("app/models/__init__.py")
        project.gitmig("rollback", check=0)
        assert files(project, "app/models*") == ["app/models.py"]
        assert project.read("app/models.py") == old
        status = project.gitmig("status", "--json", check=1).json
        assert (status["hint"], status["models"]["modified"]) == (
            "gitmig upgrade",
            ["app/models.py", "app/models/__init__.py"],
        )
        project.gitmig("upgrade", check=0)
        assert files(project, "app/models*") == ["app/models/__init__.py"]
        assert project.read("app/models/__init__.py") == new

    def test_a_module_that_env_py_imports_by_another_name_since(self, tmp_path: Path) -> None:
        """What is put back does not import then; the way forward and status do not need it."""
        project = Project.create(tmp_path)
        revise(project, "First")
        project.append("app/models.py", USERNAME)
        revise(project, "Username")
        project.git("mv", "app/models.py", "app/tables.py")
        for path in ("alembic/env.py", "pyproject.toml"):
            project.write(
                path, project.read(path).replace("models", "tables").replace("tables = ", "models = ")
            )
        project.commit("Another name")
        project.gitmig("rollback", check=0)
        assert files(project, "app/*s.py") == ["app/models.py"]
        assert project.gitmig("status", "--json", check=1).json["hint"] == "gitmig upgrade"
        project.gitmig("upgrade", check=0)
        assert project.git("status", "--porcelain") == ""

    def test_a_folder_that_was_renamed(self, tmp_path: Path) -> None:
        project = Project.create(tmp_path, settings='[tool.gitmig]\nmodels = ["app/shop"]\n')
        project.write(
            "alembic/env.py", project.read("alembic/env.py").replace("import app.models", IMPORT_ALL)
        )
        project.git("rm", "--quiet", "--force", "app/models.py")
        project.write("app/shop/__init__.py", "")
        project.write("app/shop/tables.py", TWO)
        project.commit("Two tables")
        revise(project, "First")
        first = project.read("app/shop/tables.py")
        column(project, "Item", "price = Column(Integer)", "app/shop/tables.py")
        price = revise(project, "Add price")
        at = project.git("rev-parse", "HEAD")
        project.git("mv", "app/shop", "app/store")
        project.write("pyproject.toml", '[tool.gitmig]\nmodels = ["app/store"]\n')
        project.commit("Another name")
        assert ties(project)[price] == ("verified", at)
        new = project.snapshot().files
        project.gitmig("rollback", check=0)
        assert files(project, "app/st*") == []
        assert project.read("app/shop/tables.py") == first
        project.gitmig("upgrade", check=0)
        assert project.snapshot().files == new

    def test_a_module_that_was_split_into_a_package_of_another_name(self, tmp_path: Path) -> None:
        """No file of now is like the one of then: the settings of then name it."""
        project = Project.create(tmp_path)
        project.write("app/models.py", TWO)
        project.commit("Two tables")
        revise(project, "First")
        old = project.read("app/models.py")
        column(project, "Item", "price = Column(Integer)")
        revise(project, "Add price")
        head, user, item = project.read("app/models.py").partition("class User")[0], *_classes(project)
        project.git("rm", "--quiet", "app/models.py")
        project.write("app/store/__init__.py", "from . import item, user\n")
        project.write("app/store/user.py", f"{head}{user}")
        project.write("app/store/item.py", f"{head}{item}")
        project.write(
            "alembic/env.py", project.read("alembic/env.py").replace("import app.models", "import app.store")
        )
        project.write("pyproject.toml", '[tool.gitmig]\nmodels = ["app/store"]\n')
        project.commit("A package of small files")
        project.gitmig("rollback", check=0)
        assert project.read("app/models.py") == old
        assert files(project, "app/store*") == []
        project.gitmig("upgrade", check=0)
        assert project.git("status", "--porcelain") == ""


def _classes(project: Project) -> tuple[str, str]:
    """Each table's part of the models."""
    text = project.read("app/models.py")
    start, end = text.index("class User"), text.index("class Item")
    return text[start:end], text[end:]
