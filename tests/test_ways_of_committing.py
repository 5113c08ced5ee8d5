"""Each way of committing, through the native hook: what is being committed is judged, and nothing else.

Work tree and index disagree in both directions each time. Either the index lacks a change of the models that
the work tree has, and the commit is not to be blamed for it; or the commit has one that the work tree lacks
(or that the index lacked until now), and it is to be seen.
"""

from __future__ import annotations

import atexit
import functools
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.articles import EMAIL, write_article
from tests.readonly import held_to_modes, made_read_only
from tests.story import Project, Result

MODELS = "app/models.py"
# Whatever it says, the models depend on this file: the commit has to be looked at.
OTHER = "app/database.py"
COMMENT = "# A comment.\n"
OPTIONAL = """
try:
    from app import local
except ImportError:
    pass
else:
    local.Local  # an empty file would be an error
"""
LOCAL = """\
from sqlalchemy.orm import Mapped, mapped_column
from app.database import Base

class Local(Base):
    __tablename__ = "local"
    id: Mapped[int] = mapped_column(primary_key=True)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The article's project with its hook; its models take in ``app/local.py`` where there is one."""
    made = _made()
    # A home of its own would be another circumstance: nothing of what is known would hold.
    monkeypatch.setenv("HOME", str(made.parent))
    top = tmp_path / "project"
    shutil.copytree(made, top, symlinks=True)
    project = Project(top)
    project.git("update-index", "-q", "--refresh")
    return project


@functools.cache
def _made() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="gitmig-ways-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    project = Project.create(folder)
    project.append(OTHER, OPTIONAL)
    project.write("notes.txt", "one\n")
    project.commit("An optional module")
    write_article(project)
    project.hook()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        project.gitmig("check", check=0)
    return project.top


def comment(project: Project) -> None:
    """Stage what has to be looked at and changes nothing."""
    project.append(OTHER, COMMENT)
    project.git("add", OTHER)


def disagree(project: Project, *, staged: bool) -> None:
    """One of index and work tree has the e-mail address, and a comment is staged."""
    text = project.read(MODELS)
    project.append(MODELS, EMAIL)
    if staged:
        project.git("add", MODELS)
        project.write(MODELS, text)
    comment(project)


def plain(project: Project, seen: bool) -> Result:
    disagree(project, staged=seen)
    return commit(project)


def all_tracked(project: Project, seen: bool) -> Result:
    """`-a` takes the work tree, whatever the index had; what is untracked does not come along."""
    disagree(project, staged=not seen)
    project.write("app/local.py", LOCAL)
    return commit(project, "-a")


def by_hunks(project: Project, seen: bool) -> Result:
    """Of two hunks the first is taken; the second is the address, which stays where it is."""
    disagree(project, staged=seen)
    project.write(MODELS, COMMENT + project.read(MODELS))
    return commit(project, "-p", MODELS, typed="y\nn\n")


def amending_the_models(project: Project, seen: bool) -> Result:
    disagree(project, staged=seen)
    return commit(project, "--amend")


def amending_the_revision_away(project: Project, seen: bool) -> Result:
    (path,) = project.git("diff", "--name-only", "--diff-filter=A", "HEAD~1").split()
    comment(project)
    if seen:
        project.git("rm", "--quiet", "--cached", path)
    else:
        project.path(path).unlink()
    return commit(project, "--amend")


def a_path(project: Project, seen: bool) -> Result:
    """Everything else that is staged stays out of it."""
    disagree(project, staged=False)
    if not seen:
        project.git("add", MODELS)
        project.append(OTHER, COMMENT)
    return commit(project, "--", MODELS if seen else OTHER)


def in_a_linked_work_tree(project: Project, seen: bool) -> Result:
    project.git("worktree", "add", "--quiet", "-b", "other", "../other")
    other = project.beside(project.top.parent / "other")
    # The main work tree is the other way round.
    disagree(project, staged=not seen)
    disagree(other, staged=seen)
    return commit(other)


def in_a_submodule(project: Project, seen: bool) -> Result:
    above = project.beside(project.top.parent / "above")
    above.top.mkdir()
    above.git("init", "--quiet")
    above.git("submodule", "--quiet", "add", "../project", "sub")
    below = project.beside(above.path("sub"))
    below.hook()
    disagree(below, staged=seen)
    return commit(below)


def the_first(project: Project, seen: bool) -> Result:
    project.git("update-ref", "-d", "HEAD")
    disagree(project, staged=seen)
    return commit(project)


def intended_to_be_added(project: Project, seen: bool) -> Result:
    comment(project)
    project.write("app/local.py", LOCAL)
    if seen:
        project.git("add", "app/local.py")
        project.path("app/local.py").unlink()
    else:
        project.git("add", "--intent-to-add", "app/local.py")
    return commit(project)


def partially_staged(project: Project, seen: bool) -> Result:
    """One change of the models is staged, and another is not."""
    text = project.read(MODELS)
    project.append(MODELS, EMAIL if seen else COMMENT)
    project.git("add", MODELS)
    project.write(MODELS, text + (COMMENT if seen else COMMENT + EMAIL))
    return commit(project)


def two_sides(project: Project) -> None:
    """Branches ``main`` and ``side``, which do not agree about a note."""
    project.git("switch", "--quiet", "-c", "side")
    project.write("notes.txt", "two\n")
    project.commit("Two")
    project.git("switch", "--quiet", "main")
    project.write("notes.txt", "three\n")
    project.commit("Three")


def merging(project: Project, seen: bool) -> Result:
    two_sides(project)
    assert project.try_git("merge", "side").exit_code == 1
    project.write("notes.txt", "two and three\n")
    project.git("add", "notes.txt")
    disagree(project, staged=seen)
    return commit(project)


def rebasing(project: Project, seen: bool) -> Result:
    """Git asks no hook at `rebase --continue`; `check --staged` before it says the same."""
    two_sides(project)
    assert project.try_git("rebase", "side").exit_code == 1
    project.write("notes.txt", "two and three\n")
    project.git("add", "notes.txt")
    disagree(project, staged=seen)
    said = project.gitmig("check", "--staged")
    done = commit(project)
    assert (said.exit_code, said.stderr) == (done.exit_code, done.stderr)
    if not seen:
        project.git("restore", MODELS)
        project.git("-c", "core.editor=true", "rebase", "--continue")
    return done


def while_the_index_is_locked(project: Project, seen: bool) -> Result:
    disagree(project, staged=seen)
    lock = project.path(".git/index.lock")
    lock.write_text("")
    said = project.gitmig("check", "--staged")
    assert lock.read_text() == ""
    return said


def in_a_read_only_repository(project: Project, seen: bool) -> Result:
    disagree(project, staged=seen)
    with made_read_only(project):
        return held_to_modes(project, "check", "--staged")


Way = Callable[[Project, bool], Result]
WAYS: tuple[Way, ...] = (
    plain,
    all_tracked,
    by_hunks,
    amending_the_models,
    amending_the_revision_away,
    a_path,
    in_a_linked_work_tree,
    in_a_submodule,
    the_first,
    intended_to_be_added,
    partially_staged,
    merging,
    rebasing,
    while_the_index_is_locked,
    in_a_read_only_repository,
)
ADDED: dict[Way, str] = {
    amending_the_revision_away: "+ user.username VARCHAR",
    intended_to_be_added: "+ table local",
}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.replace("_", "-"))
def test_a_change_that_is_not_being_committed_is_not_blamed(project: Project, way: Way) -> None:
    result = way(project, False)
    # What an amended commit leaves behind in the database is said after it.
    said = re.sub(r"^database last seen .*; run gitmig sync\n", "", result.stderr)
    assert (result.exit_code, said) == (0, "")


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.replace("_", "-"))
def test_a_change_that_is_being_committed_is_seen(project: Project, way: Way) -> None:
    before = project.git("for-each-ref")
    result = way(project, True)
    assert result.exit_code == 1
    assert result.stderr.startswith("GM001 the models change without a revision")
    assert ADDED.get(way, "+ user.email VARCHAR") in result.stderr
    if way in (plain, all_tracked, by_hunks, a_path):
        assert project.git("for-each-ref") == before


def test_a_revision_that_is_staged_and_not_committed_along_is_named(project: Project) -> None:
    project.append(MODELS, EMAIL)
    path = project.gitmig("revise", "-m", "E-mail", "--no-commit", "--json", check=0).json["path"]
    project.git("add", "--all")
    result = commit(project, MODELS)
    assert result.exit_code == 1
    assert result.stderr.endswith(f"\n  Hint: git commit without paths: {path} is staged too\n")
    assert commit(project, MODELS, path).exit_code == 0


def commit(project: Project, *args: str, typed: str = "") -> Result:
    """Commit with the hook; ``typed`` answers what git asks."""
    message = ["--no-edit"] if "--amend" in args else ["-m", "A commit"]
    done = subprocess.run(
        ["git", "commit", "--quiet", *message, *args],
        cwd=project.top,
        env=project.environment(),
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Result(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr)
