"""Pins: what was applied can be read again, whatever became of the branch, and nothing piles up."""

from __future__ import annotations

from pathlib import Path

from gitmig.git.repository import Repository
from gitmig.git.trees import CommitTree
from gitmig.state.pins import Pin, change_pins, files_tree, pin_key, read_pins
from gitmig.wire.values import BlobId, CommitId, RevisionId
from tests.articles import article
from tests.story import Project

ONE, ODD = RevisionId("aaaa"), RevisionId("a/b c..lock")


def _repository(project: Project) -> Repository:
    found = Repository.discover(project.top)
    assert found is not None
    return found


def test_a_pin_outlives_its_files_and_goes_with_its_revision(project: Project) -> None:
    project.write("alembic/versions/one.py", "# one\n")
    project.write("alembic/versions/one.sql", "select 1;\n")
    project.append("alembic/env.py", "# edited\n")
    index = project.git("ls-files", "--stage")
    repository = _repository(project)
    tree = files_tree(repository, ["alembic", "alembic/versions"])
    blob = BlobId(project.git("hash-object", "alembic/versions/one.py"))
    change_pins(repository, "key", [(ONE, Pin(script=blob, files=tree)), (ODD, Pin(script=blob, files=tree))])
    assert project.git("ls-files", "--stage") == index
    for path in ("alembic/versions/one.py", "alembic/versions/one.sql"):
        project.path(path).unlink()
    project.git("reset", "--quiet", "--hard")
    project.git("gc", "--quiet", "--prune=now")
    project.git("fsck", "--strict")

    repository = _repository(project)
    assert set(read_pins(repository, "key")) == {ONE, ODD}
    pinned = CommitTree(repository, CommitId(read_pins(repository, "key")[ONE].files))
    assert pinned.read("alembic/versions/one.sql") == b"select 1;\n"
    assert (pinned.read("alembic/env.py") or b"").endswith(b"# edited\n")
    # A script may read and import whatever there is.
    assert pinned.read("app/models.py") == project.read("app/models.py").encode()
    assert read_pins(repository, "other") == {}

    change_pins(repository, "key", [(ONE, None)])
    assert set(read_pins(repository, "key")) == {ODD}
    change_pins(repository, "key", [(ODD, None)])
    assert read_pins(repository, "key") == {}
    assert project.git("for-each-ref", "refs/gitmig/") == ""


def test_a_script_that_git_ignores_is_not_pinned(project: Project) -> None:
    repository = _repository(project)
    tree = files_tree(repository, ["alembic"])
    change_pins(repository, "key", [(ONE, Pin(script=BlobId("1" * 40), files=tree))])
    assert read_pins(repository, "key") == {}


def test_the_files_of_a_commit(project: Project) -> None:
    head = CommitId(project.git("rev-parse", "HEAD"))
    project.append("alembic/env.py", "# edited\n")
    tree = files_tree(_repository(project), ["alembic"], head)
    assert tree != files_tree(_repository(project), ["alembic"])
    assert project.git("rev-parse", f"{tree}:alembic") == project.git("rev-parse", "HEAD:alembic")


def test_a_file_in_the_work_tree_is_that_trees_own(project: Project) -> None:
    project.git("worktree", "add", "--quiet", "../other")
    one, two = _repository(project), _repository(project.beside(project.top.parent / "other"))

    def same(url: str) -> bool:
        return pin_key(one, "e", url, one.top) == pin_key(two, "e", url, two.top)

    assert not same("sqlite:///app.db")
    assert same("sqlite:////app.db")
    assert same("postgresql://h/d")
    assert pin_key(one, "e", "postgresql://h/d", one.top) != pin_key(one, "f", "postgresql://h/d", one.top)


def test_what_moves_a_database_keeps_its_pins_in_step(tmp_path: Path) -> None:
    told = article(tmp_path)
    project, repository = told.project, _repository(told.project)

    def pinned() -> list[str]:
        names = project.git("for-each-ref", "--format=%(refname)", "refs/gitmig/applied/").splitlines()
        return [rev for name in names for rev in read_pins(repository, name.rpartition("/")[2])]

    assert sorted(pinned()) == sorted([told.first, told.second])
    project.gitmig("rollback", check=0)
    assert pinned() == [told.first]
    project.gitmig("upgrade", check=0)
    assert sorted(pinned()) == sorted([told.first, told.second])
    project.gitmig("rollback", "base", check=0)
    assert pinned() == []
