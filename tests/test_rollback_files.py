"""``gitmig rollback`` and the files: what git does not hold stays, and what goes can come back."""

from __future__ import annotations

import atexit
import functools
import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.story import Project

MODELS = "app/models"
USER = f"{MODELS}/user.py"
ODD = (f"{MODELS}/glo*b[a]?.txt", f"{MODELS}/sp ace ü.txt", f"{MODELS}/new\nline.txt", f"{MODELS}/-n")
"""File names that are patterns, options, or several lines."""

_MODEL = """\
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class {name}(Base):
    __tablename__ = "{table}"

    id: Mapped[int] = mapped_column(primary_key=True)
"""
_COLUMN = "    username: Mapped[str | None] = mapped_column(index=True)\n"
_IMPORTS = "from app.models import user\nfrom app.models.{folder} import group\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A package of models at its second revision; the rollback changes, adds, removes and renames files."""
    top = tmp_path / "project"
    shutil.copytree(_template(), top, symlinks=True)
    copy = Project(top)
    copy.git("update-index", "-q", "--refresh")
    return copy


@functools.cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="gitmig-files-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    project = Project.create(folder, settings='[tool.gitmig]\nmodels = ["app/models"]\n')
    project.path("app/models.py").unlink()
    project.write(".gitattributes", "*.crlf text eol=crlf\n")
    project.write(f"{MODELS}/__init__.py", _IMPORTS.format(folder="old"))
    project.write(USER, _MODEL.format(name="User", table="user"))
    project.write(f"{MODELS}/old/group.py", _MODEL.format(name="Group", table="group"))
    project.write(f"{MODELS}/plan.txt", "gone later\n")
    project.write(f"{MODELS}/lines.crlf", "one\r\n")
    project.write(f"{MODELS}/run.sh", "true\n")
    for path in ODD:
        project.write(path, "one\n")
    project.commit("The package")
    project.gitmig("revise", "-m", "First revision", check=0)
    project.append(USER, _COLUMN)
    project.git("mv", f"{MODELS}/old", f"{MODELS}/new")
    project.git("rm", "--quiet", f"{MODELS}/plan.txt")
    project.write(f"{MODELS}/__init__.py", _IMPORTS.format(folder="new"))
    project.write(f"{MODELS}/added.txt", "new\n")
    project.write(f"{MODELS}/lines.crlf", "two\r\n")
    project.path(f"{MODELS}/run.sh").chmod(0o755)
    for path in ODD:
        project.write(path, "two\n")
    project.git("add", "--all")
    project.git("commit", "--quiet", "-m", "The package as it will be")
    project.gitmig("revise", "-m", "Add username for user", check=0)
    return project.top


def models(project: Project) -> dict[str, tuple[int, bytes]]:
    """The files below the models folder, bytecode aside: permissions and bytes."""
    files = project.snapshot().files
    return {path: (mode & 0o777, data) for path, (mode, data) in files.items() if path.startswith(MODELS)}


class TestMoved:
    """What a rollback does move, it moves whole."""

    def test_a_package_there_and_back_and_in_a_linked_work_tree(
        self, project: Project, tmp_path: Path
    ) -> None:
        new = models(project)
        project.write(f"{MODELS}/new/__pycache__/group.cpython-311.pyc", "left-over bytecode")
        project.gitmig("rollback", check=0)
        old = models(project)
        renamed = {f"{MODELS}/new/group.py", f"{MODELS}/added.txt"}
        assert set(old) == set(new) - renamed | {f"{MODELS}/old/group.py", f"{MODELS}/plan.txt"}
        assert {old[path][1] for path in ODD} == {b"one\n"}
        assert old[f"{MODELS}/lines.crlf"][1] == b"one\r\n"
        assert (old[f"{MODELS}/run.sh"][0] & 0o111, new[f"{MODELS}/run.sh"][0] & 0o111) == (0, 0o111)
        assert not project.path(f"{MODELS}/new").exists()
        assert project.git("diff", "--cached", "--name-only") == ""

        project.gitmig("upgrade", check=0)
        assert models(project) == new
        assert project.git("status", "--porcelain") == ""

        before = project.snapshot()
        project.git("worktree", "add", "--quiet", "-b", "linked", str(tmp_path / "linked"))
        linked = Project(tmp_path / "linked", f"sqlite:///{project.path('app.db')}")
        linked.gitmig("rollback", check=0)
        assert models(linked) == old
        assert (project.snapshot().files, project.snapshot().index) == (before.files, before.index)
        assert project.columns("user") == ("id",)

    def test_what_was_replaced_can_be_had_again_for_ninety_days(self, project: Project) -> None:
        day, now, head = 24 * 3600, int(time.time()), project.git("rev-parse", "HEAD")
        names = {days: f"refs/gitmig/backup/{now - days * day}-0000000{days % 10}" for days in (89, 91, 400)}
        kept = {names[89], "refs/gitmig/backup/by-hand"}
        for name in (*names.values(), *kept):
            project.git("update-ref", name, head)
        new = models(project)
        said = project.gitmig("rollback", check=0).stderr
        (note,) = (line for line in said.splitlines() if line.startswith("Note: the previous "))
        command = shlex.split(note.partition(" saved: ")[2])
        assert command[:2] == ["git", "show"]
        backup, _, path = command[2].partition(":")
        assert project.git("show", command[2]) + "\n" == new[path][1].decode()
        assert project.git("show", f"{backup}:{USER}") + "\n" == new[USER][1].decode()
        assert project.git("show", f"{backup}:{MODELS}/added.txt") == "new"
        assert project.git("show", f"{backup}:{ODD[2]}") == "two"
        refs = project.git("for-each-ref", "--format=%(refname)", "refs/gitmig/backup/").splitlines()
        assert set(refs) == {backup, *kept}

    def test_a_tracked_link_to_the_models_folder(self, project: Project) -> None:
        """Its files are named where they lie."""
        os.rename(project.path(MODELS), project.path("shared"))
        os.symlink("../shared", project.path(MODELS))
        project.write("pyproject.toml", '[tool.gitmig]\nmodels = ["shared"]\n')
        project.commit("Share the models")
        project.append("shared/user.py", "    zip: Mapped[str | None]\n")
        project.gitmig("revise", "-m", "Add zip", check=0)
        project.gitmig("rollback", check=0)
        assert "zip" not in project.read("shared/user.py")
        assert os.readlink(project.path(MODELS)) == "../shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Something in the way of a rollback."""

    make: Callable[[Project], object]
    error: str
    hint: str


def lost(path: str) -> str:
    return f"{path} would be lost: git does not hold what is in it now"


def stashed(path: str, option: str = "") -> str:
    return f"git stash push {option}-- {path}, or commit first"


def edited(project: Project) -> None:
    project.append(USER, "# mine\n")


def oddly_edited(project: Project) -> None:
    for path in ODD[:3]:
        project.append(path, "mine")


def staged(project: Project) -> None:
    edited(project)
    project.git("add", USER)


def further_edited(project: Project) -> None:
    staged(project)
    project.append(USER, "# and more\n")


def excluded(project: Project, pattern: str, path: str) -> None:
    project.write(".git/info/exclude", f"{pattern}\n")
    project.write(path, "mine")


def hidden(project: Project, flag: str) -> None:
    project.git("update-index", flag, USER)
    edited(project)


def unmerged(project: Project) -> None:
    project.git("checkout", "--quiet", "-b", "side")
    project.write(USER, "side")
    project.git("commit", "--quiet", "-a", "-m", "Side")
    project.git("checkout", "--quiet", "-")
    project.append(USER, "# mine\n")
    project.git("stash", "--quiet")
    project.git("reset", "--quiet", "--hard", "side")
    assert project.try_git("stash", "pop").exit_code != 0


def linked(project: Project, where: str) -> None:
    os.rename(project.path(where), project.path("elsewhere"))
    os.symlink(os.path.relpath("elsewhere", os.path.dirname(where)), project.path(where))


def filtered(project: Project) -> None:
    for key, value in (("smudge", "false"), ("clean", "cat"), ("required", "true")):
        project.git("config", f"filter.broken.{key}", value)
    project.write(".git/info/attributes", "plan.txt filter=broken\n")


def submodule(project: Project) -> None:
    project.git("init", "--quiet", f"{MODELS}/vendor")
    project.git("-C", f"{MODELS}/vendor", "commit", "--quiet", "--allow-empty", "-m", "vendor")
    project.git("-c", "advice.addEmbeddedRepo=false", "add", f"{MODELS}/vendor")
    project.git("commit", "--quiet", "-m", "vendor")


CASES = {
    "an unstaged edit": Case(make=edited, error=lost(USER), hint=stashed(USER)),
    "a staged edit": Case(make=staged, error=lost(USER), hint=stashed(USER)),
    "staged and further edited": Case(make=further_edited, error=lost(USER), hint=stashed(USER)),
    "an edit of odd names": Case(
        make=oddly_edited,
        error=f"'{ODD[0]}', \"{MODELS}/new\\nline.txt\", '{ODD[1]}' would be lost: "
        "git does not hold what is in them now",
        hint=stashed(f"'{ODD[0]}' \"{MODELS}/new\\nline.txt\" '{ODD[1]}'"),
    ),
    "an untracked file": Case(
        make=lambda project: project.write(f"{MODELS}/old/group.py", "mine"),
        error=lost(f"{MODELS}/old/group.py"),
        hint=stashed(f"{MODELS}/old/group.py", "--include-untracked "),
    ),
    "an ignored file": Case(
        make=lambda project: excluded(project, "old/", f"{MODELS}/old/group.py"),
        error=lost(f"{MODELS}/old/group.py"),
        hint=f"move it away: mv {MODELS}/old/group.py {MODELS}/old/group.py.mine",
    ),
    "a folder where a file goes": Case(
        make=lambda project: project.write(f"{MODELS}/plan.txt/mine", "mine"),
        error=lost(f"{MODELS}/plan.txt/mine"),
        hint=stashed(f"{MODELS}/plan.txt/mine", "--include-untracked "),
    ),
    "an ignored folder where a file goes": Case(
        make=lambda project: excluded(project, "plan.txt/", f"{MODELS}/plan.txt/mine"),
        error=f"{MODELS}/plan.txt/mine is in the way: {MODELS}/plan.txt is to be a file",
        hint=f"move it away: mv {MODELS}/plan.txt/mine {MODELS}/plan.txt/mine.mine",
    ),
    "an edit that is skip-worktree": Case(
        make=lambda project: hidden(project, "--skip-worktree"),
        error=lost(USER),
        hint=f"git update-index --no-skip-worktree -- {USER}, then git stash push -- {USER}, or commit first",
    ),
    "an edit that is assume-unchanged": Case(
        make=lambda project: hidden(project, "--assume-unchanged"),
        error=lost(USER),
        hint="git update-index --no-assume-unchanged -- "
        f"{USER}, then git stash push -- {USER}, or commit first",
    ),
    "unmerged files": Case(
        make=unmerged, error=f"unmerged files: {USER}", hint="resolve them, then git add them"
    ),
    "a models folder that is a link": Case(
        make=lambda project: linked(project, MODELS),
        error=f"{MODELS} is a symbolic link, so {ODD[3]} lies elsewhere",
        hint="replace the link by a folder, or name the real place in `models` in [tool.gitmig]",
    ),
    "a folder above the models that is a link": Case(
        make=lambda project: linked(project, "app"),
        error=f"app is a symbolic link, so {ODD[3]} lies elsewhere",
        hint="replace the link by a folder, or name the real place in `models` in [tool.gitmig]",
    ),
    "a required filter that fails": Case(
        make=filtered,
        error=f"{MODELS}/plan.txt cannot be written: its filter failed",
        hint=f"git check-attr filter -- {MODELS}/plan.txt",
    ),
    "an index that is locked": Case(
        make=lambda project: project.write(".git/index.lock", ""),
        error="another git command is at work here: {top}/.git/index.lock exists",
        hint="wait for it; if there is none, it crashed, and the file can be removed",
    ),
    "a sparse checkout": Case(
        make=lambda project: project.git("sparse-checkout", "set", "--no-cone", "/*", f"!/{MODELS}/old/"),
        error=f"{MODELS}/old/group.py is outside of the sparse checkout",
        hint=f"git sparse-checkout add {MODELS}/old",
    ),
    "a submodule": Case(
        make=submodule,
        error=f"the submodule {MODELS}/vendor had no commit then, and gitmig does not move submodules",
        hint=f"git submodule deinit {MODELS}/vendor, then run the command again (or with --database-only)",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_refused(project: Project, name: str) -> None:
    """The file and the way out are named, and nothing has moved."""
    case = CASES[name]
    case.make(project)
    before = project.snapshot()
    said = project.gitmig("rollback", "--yes", check=1).stderr.splitlines()
    assert said[0] == f"Error: {case.error.format(top=project.top)}"
    assert said[-1] == f"Hint: {case.hint}"
    assert project.snapshot() == before
