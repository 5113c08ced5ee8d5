"""The hook's quick answer: it passes what has nothing to do with the models, and never more than that."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gitmig.hooks import relevance
from tests.articles import EMAIL, Article, article
from tests.story import Project

OTHER = "app/other.py"
ASKING = """

import os
import pathlib

_TOP = os.path.dirname(os.path.dirname(__file__))
_HERE = pathlib.Path(__file__).parent
_FLAGS = [os.path.exists(os.path.join(_TOP, "flags", "email.on")), (_HERE / "a" / "b.on").is_file()]
_FLAGS.append(not os.path.isdir("docs"))
if any(_FLAGS) or os.path.isdir(os.path.join(_TOP, "app/features")):
    User.email = mapped_column("email", String)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The article's project with a module that is nobody's model, and its folder the current one."""
    told: Article = article(tmp_path)
    told.project.write(OTHER, "ONE = 1\n")
    told.project.commit("Something else")
    monkeypatch.chdir(told.project.top)
    return told.project


@pytest.fixture
def known(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The same after a closer look found everything in step."""
    for name, value in project.environment().items():
        if name == "DATABASE_URL":
            monkeypatch.setenv(name, value)
    stage(project, OTHER, "ONE = 1  # at first\n")
    project.gitmig("check", "--staged", check=0)
    project.git("commit", "--quiet", "-m", "Another comment")
    return project


def stage(project: Project, path: str, text: str) -> None:
    project.write(path, text)
    project.git("add", "--all", "--", path)


class TestCold:
    """Nothing is known yet."""

    def test_a_file_that_no_import_reads_passes(self, project: Project) -> None:
        stage(project, "README.md", "# Notes\n")
        assert relevance.passes()

    @pytest.mark.parametrize("path", [OTHER, "pyproject.toml", "alembic.ini", "lib/new.py"])
    def test_what_may_matter_is_looked_at(self, project: Project, path: str) -> None:
        stage(project, path, "# nothing\n")
        assert not relevance.passes()

    def test_data_that_the_models_read_is_judged(self, tmp_path: Path) -> None:
        """A new clone knows nothing of what they read, and the file lies apart from them."""
        project = Project.create(tmp_path)
        models = project.read("app/models.py")
        project.write("tables/user.txt", "user")
        name = "__import__('pathlib').Path('tables/user.txt').read_text()"
        project.write("app/models.py", models.replace('__tablename__ = "user"', f"__tablename__ = {name}"))
        project.gitmig("revise", "-m", "First", check=0)
        top = tmp_path / "clone"
        project.git("clone", "--quiet", str(project.top), str(top))
        clone = project.beside(top)
        clone.hook()
        clone.write("docs/some.txt", "words")
        clone.commit("Words")
        clone.write("tables/user.txt", "person")
        clone.git("add", "--all")
        assert clone.try_git("commit", "-m", "Another table").exit_code == 1

    def test_a_deleted_module_is_looked_at(self, project: Project) -> None:
        project.git("rm", "--quiet", OTHER)
        assert not relevance.passes()

    def test_nothing_staged(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        assert relevance.passes()
        # `pre-commit run --all-files` asks about HEAD.
        monkeypatch.setenv("PRE_COMMIT", "1")
        assert not relevance.passes()

    def test_a_range_of_the_framework(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PRE_COMMIT_FROM_REF", "HEAD~1")
        assert not relevance.passes()

    def test_before_the_first_commit(self, project: Project) -> None:
        project.git("switch", "--quiet", "--orphan", "new")
        assert not relevance.passes()

    def test_outside_of_the_top(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        stage(project, "README.md", "# Notes\n")
        monkeypatch.chdir("app")
        assert not relevance.passes()
        monkeypatch.chdir("/")
        assert not relevance.passes()


class TestWithoutRecords:
    """Revisions that plain Alembic wrote: the commit of the head says which models are in step."""

    @pytest.fixture
    def plain(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
        """A project whose revisions have no record, after a commit that changed a module of no model."""
        project = Project.create(tmp_path)
        project.gitmig("revise", "-m", "First", check=0)
        path = next(iter(project.path("alembic/versions").glob("*.py"))).relative_to(project.top).as_posix()
        lines = [
            line
            for line in project.read(path).splitlines(True)
            if not line.startswith(("Models:", "Schema:"))
        ]
        project.write(path, "".join(lines))
        project.write(OTHER, "ONE = 1\n")
        project.git("add", "--all")
        project.git("commit", "--quiet", "--amend", "-m", "First")
        monkeypatch.chdir(project.top)
        for name, value in project.environment().items():
            if name == "DATABASE_URL":
                monkeypatch.setenv(name, value)
        stage(project, OTHER, "ONE = 2\n")
        project.gitmig("check", "--staged", check=0)
        return project

    def test_another_module_passes(self, plain: Project) -> None:
        stage(plain, OTHER, "ONE = 3\n")
        assert relevance.passes()

    def test_models_are_looked_at(self, plain: Project) -> None:
        stage(plain, "app/models.py", plain.read("app/models.py") + "# more\n")
        assert not relevance.passes()

    def test_models_that_are_not_those_of_the_head(self, plain: Project) -> None:
        """A change that went past the hook is in no step, and so nothing on top of it passes unseen."""
        plain.write("app/models.py", plain.read("app/models.py") + EMAIL)
        plain.git("commit", "--quiet", "--no-verify", "--all", "-m", "Past the hook")
        stage(plain, OTHER, "ONE = 4\n")
        assert plain.gitmig("check", "--staged").exit_code == 0
        stage(plain, OTHER, "ONE = 5\n")
        assert not relevance.passes()


class TestKnown:
    """A closer look found everything in step before."""

    @pytest.mark.parametrize("path", [OTHER, "lib/new.py", "app/sub/new.py", "setup.py"])
    def test_other_modules_pass(self, known: Project, path: str) -> None:
        stage(known, path, "TWO = 2\n")
        assert relevance.passes()

    def test_a_deleted_module_passes(self, known: Project) -> None:
        known.git("rm", "--quiet", OTHER)
        assert relevance.passes()

    @pytest.mark.parametrize(
        "path",
        [
            "app/models.py",
            "app/database.py",
            "app/__init__.py",
            "app/models/__init__.py",
            "alembic/env.py",
            "alembic/versions/new.py",
            "alembic/versions/notes.txt",
            "alembic.ini",
            "pyproject.toml",
            "app.py",
            "app/database/__init__.py",
        ],
    )
    def test_what_the_models_or_their_revisions_depend_on(self, known: Project, path: str) -> None:
        if path == "app/models/__init__.py":
            known.git("rm", "--quiet", "--cached", "app/models.py")
            known.path("app/models.py").unlink()
        before = known.read(path) if known.path(path).exists() else ""
        stage(known, path, before + "\n# one line more\n")
        assert not relevance.passes()

    def test_what_is_staged_counts(self, known: Project) -> None:
        before = known.read("app/models.py")
        stage(known, "app/models.py", before + EMAIL)
        known.write("app/models.py", before)
        assert not relevance.passes()
        stage(known, "app/models.py", before)
        stage(known, OTHER, "TWO = 2\n")
        known.write("app/models.py", before + EMAIL)
        assert relevance.passes()

    def test_another_index(self, known: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        """As for `git commit PATH`: the index of the commit is not the one that stays."""
        known.append("app/models.py", EMAIL)
        monkeypatch.setenv("GIT_INDEX_FILE", ".git/next-index-1.lock")
        known.git("read-tree", "HEAD")
        known.git("add", "app/models.py")
        assert not relevance.passes()
        monkeypatch.delenv("GIT_INDEX_FILE")
        assert relevance.passes()

    @pytest.mark.parametrize(
        "change",
        [
            lambda project, patch: patch.setenv("DATABASE_URL", "postgresql+psycopg2:///other"),
            lambda project, patch: patch.setenv("VIRTUAL_ENV", str(project.top / "somewhere")),
            lambda project, patch: project.git("config", "gitmig.python", "python3"),
            lambda project, patch: os.makedirs(project.top / ".venv/lib/python3.11/site-packages"),
        ],
        ids=["environment", "virtual environment", "git config", "installed"],
    )
    def test_other_circumstances(
        self,
        known: Project,
        monkeypatch: pytest.MonkeyPatch,
        change: Callable[[Project, pytest.MonkeyPatch], object],
    ) -> None:
        stage(known, OTHER, "TWO = 2\n")
        assert relevance.passes()
        change(known, monkeypatch)
        assert not relevance.passes()

    def test_a_head_that_nobody_looked_at(self, known: Project) -> None:
        known.append("app/models.py", EMAIL)
        known.commit("Past every hook")
        stage(known, OTHER, "TWO = 2\n")
        assert not relevance.passes()

    def test_an_unresolved_merge(self, known: Project) -> None:
        known.git("switch", "--quiet", "-c", "one")
        stage(known, OTHER, "ONE = 11\n")
        known.git("commit", "--quiet", "-m", "One")
        known.git("switch", "--quiet", "main")
        stage(known, OTHER, "ONE = 12\n")
        known.git("commit", "--quiet", "-m", "Two")
        assert known.try_git("merge", "one").exit_code != 0
        assert not relevance.passes()

    def test_a_link_among_what_it_depends_on(self, known: Project) -> None:
        known.path("app/models.py").rename(known.path("real.py"))
        known.path("app/models.py").symlink_to("../real.py")
        known.git("add", "--all")
        known.gitmig("check", "--staged", check=0)
        known.git("commit", "--quiet", "-m", "A link")
        stage(known, "real.py", known.read("real.py") + EMAIL)
        assert not relevance.passes()

    def test_a_damaged_note(self, known: Project) -> None:
        stage(known, OTHER, "TWO = 2\n")
        assert relevance.passes()
        (note,) = known.path(".git/gitmig").rglob("passed.json")
        for text in ("", "[]", '{"gitmig": "0"}', note.read_text()[:-9]):
            note.write_text(text)
            assert not relevance.passes()

    def test_a_linked_work_tree_knows_it_too(self, known: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        known.git("worktree", "add", "--quiet", "-b", "side", "../side")
        side = known.beside(known.top.parent / "side")
        monkeypatch.chdir(side.top)
        stage(side, "README.md", "# Notes\n")
        assert relevance.passes()
        stage(side, "app/models.py", side.read("app/models.py") + EMAIL)
        assert not relevance.passes()


class TestAskedFor:
    """What the models' code only asks for is neither opened nor listed."""

    @pytest.fixture
    def asking(self, tmp_path: Path) -> Project:
        """A project whose models have a column while a path is there; in step, with its hook."""
        project = Project.create(tmp_path)
        project.gitmig("revise", "-m", "First", check=0)
        project.append("app/models.py", ASKING)
        project.write("flags/other.on", "")
        project.write("flags/none.txt", "")
        project.write("docs/page.md", "")
        project.write("docs/other.md", "")
        project.commit("Ask for flags")
        project.hook()
        project.write(OTHER, "ONE = 1\n")
        project.commit("Something else")
        project.write(OTHER, "ONE = 2\n")
        project.commit("Known from here on")
        return project

    @pytest.mark.parametrize("path", ["flags/email.on", "app/features/readme.txt", "app/a/b.on"])
    def test_a_new_one_blocks_until_it_is_revised(self, asking: Project, path: str) -> None:
        stage(asking, path, "")
        result = asking.try_git("commit", "-m", "A flag")
        assert result.exit_code == 1
        assert "+ user.email VARCHAR" in result.stderr
        asking.gitmig("revise", "-m", "Email", check=0)
        assert asking.git("status", "--porcelain") == ""
        assert path in asking.git("show", "--name-only", "--format=", "HEAD").splitlines()
        asking.gitmig("check", "HEAD", check=0)

    def test_one_that_goes_blocks_too(self, asking: Project) -> None:
        stage(asking, "flags/email.on", "")
        asking.gitmig("revise", "-m", "Email", check=0)
        asking.write(OTHER, "ONE = 3\n")
        asking.commit("Known with it")
        asking.git("rm", "--quiet", "flags/email.on")
        result = asking.try_git("commit", "-m", "No flag")
        assert result.exit_code == 1
        assert "- user.email VARCHAR" in result.stderr

    def test_one_that_is_there_untracked_counts_when_it_is_staged(self, asking: Project) -> None:
        asking.write("flags/email.on", "")
        stage(asking, OTHER, "ONE = 4\n")
        asking.git("commit", "--quiet", "-m", "Without it")
        stage(asking, "flags/email.on", "")
        assert asking.try_git("commit", "-m", "With it").exit_code == 1

    def test_others_pass_unseen(self, asking: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(asking.top)
        for name, value in asking.environment().items():
            if name == "DATABASE_URL":
                monkeypatch.setenv(name, value)
        stage(asking, "flags/none.txt", "words")
        asking.git("rm", "--quiet", "flags/other.on")
        assert relevance.passes()
        asking.git("commit", "--quiet", "-m", "Others")
        asking.git("rm", "--quiet", "docs/page.md")
        assert relevance.passes()
        asking.git("rm", "--quiet", "docs/other.md")
        assert not relevance.passes()
        asking.git("reset", "--quiet", "--hard")
        stage(asking, "flags/email.on", "")
        assert not relevance.passes()


@pytest.mark.parametrize(("path", "calls"), [("README.md", 1), (OTHER, 3)])
def test_what_it_takes(known: Project, tmp_path: Path, path: str, calls: int) -> None:
    """A few calls of git, and nothing of what is installed or takes long to import."""
    stage(known, path, "TWO = 2\n")
    trace = tmp_path / "git.txt"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-P", "-m", "gitmig", "check", "--staged"],
        cwd=known.top,
        env=known.environment({"GIT_TRACE": str(trace)}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(re.findall("built-in: git", trace.read_text())) == calls
    _, _, imports = done.stderr.partition("| site\n")
    names = {line.rpartition("|")[2].strip() for line in imports.splitlines()}
    assert {name for name in names if name.startswith("gitmig")} == {
        *("gitmig", "gitmig.cli", "gitmig.cli.main", "gitmig.git", "gitmig.git.asking"),
        *("gitmig.hooks", "gitmig.hooks.relevance", "gitmig.hooks.folders"),
        *(("gitmig.facts", "gitmig.facts.manifest", "gitmig.facts.circumstances") if calls > 1 else ()),
        *(("gitmig.git.index_lines",) if calls > 1 else ()),
    }
    assert names.isdisjoint({"subprocess", "typing"})
    others = {name.partition(".")[0].lstrip("_") for name in names} - {"gitmig"}
    assert others <= {name.lstrip("_") for name in sys.stdlib_module_names}


def test_a_difference_from_before_is_said_each_time(project: Project) -> None:
    project.append("app/models.py", EMAIL)
    origin = project.commit("Past every hook")
    for text in ("TWO = 2\n", "THREE = 3\n"):
        stage(project, OTHER, text)
        result = project.gitmig("check", "--staged", check=0)
        since = f"since {origin[:8]} Past every hook"
        assert f"GM001 warning: the models differ from their revisions, {since}\n" in result.stderr
        assert "+ user.email VARCHAR\n" in result.stderr
        project.git("commit", "--quiet", "-m", "Something else")
    project.append("pyproject.toml", '[tool.gitmig.severity]\nGM001 = "error"\n')
    stage(project, "pyproject.toml", project.read("pyproject.toml"))
    project.gitmig("check", "--staged", check=0)
    project.write("app/models.py", project.read("app/models.py").replace(EMAIL, ""))
    project.git("add", "--all")
    assert project.gitmig("check", "--staged", "--json", check=0).json["findings"] == []
