from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from gitmig.git import changes
from gitmig.git.contents import content_digest
from gitmig.git.flat_trees import IndexTree, WorkTree
from gitmig.git.folder_tree import FolderTree
from gitmig.git.repository import Repository
from gitmig.git.trees import CommitTree, Tree
from tests.gitroom.conftest import Builder

pytestmark = pytest.mark.usefixtures("size")

FILES: dict[str, str | bytes | None] = {
    "app/models.py": "class A: ...\n",
    "app/models2.py": "class B: ...\n",
    "app/sub/deep.py": "",
    "setup.py": "s",
    "odd/sp ace\nund ü*.py": "o",
}
Make = Callable[[Repository], Tree]


def commit_tree(repository: Repository) -> Tree:
    return CommitTree(repository, repository.resolve("HEAD"))


def folder_tree(repository: Repository) -> Tree:
    return FolderTree(repository.top)


@pytest.fixture(params=[commit_tree, IndexTree, WorkTree, folder_tree])
def tree(request: pytest.FixtureRequest, build: Builder, repository: Repository) -> Tree:
    build.commit(FILES)
    made: Tree = request.param(repository)
    return made


def test_ids_are_those_that_git_has(tree: Tree, build: Builder) -> None:
    assert tree.ids() == {path: build.blob(f"HEAD:{path}") for path in FILES}


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("app", {"app/models.py", "app/models2.py", "app/sub/deep.py"}),
        ("app/models.py", {"app/models.py"}),
        ("app/models", set()),
        ("nowhere", set()),
        ("setup.py/x", set()),
    ],
)
def test_a_prefix_is_a_file_or_a_folder(tree: Tree, prefix: str, names: set[str]) -> None:
    assert set(tree.ids(prefix)) == names


def test_some_endings_alone(tree: Tree, build: Builder) -> None:
    expected = {path: build.blob(f"HEAD:{path}") for path in FILES if path.endswith(("s2.py", "deep.py"))}
    assert tree.ids_ending(("s2.py", "deep.py")) == expected
    assert tree.ids_ending((".sql",)) == {}


def test_one_folder_and_then_the_rest(tree: Tree) -> None:
    """Among many files one folder is looked at alone, and what is asked of it is answered from there."""
    assert set(tree.ids("app/sub")) == {"app/sub/deep.py"}
    assert tree.exists("app/sub")
    assert not tree.exists("app/sub/none")
    assert tree.blob("app/sub/deep.py") is not None
    assert tree.blob("app/sub") is None
    assert tree.blob("setup.py") is not None
    assert set(tree.ids("app/sub")) == {"app/sub/deep.py"}
    assert set(tree.ids()) == set(FILES)


def test_reads_files_and_nothing_else(tree: Tree) -> None:
    assert tree.read("app/models.py") == b"class A: ...\n"
    assert tree.read("odd/sp ace\nund ü*.py") == b"o"
    assert tree.read("app") is None
    assert tree.read("app/nothing.py") is None
    assert tree.read_all(["setup.py", "none", "app/sub/deep.py"]) == {
        "setup.py": b"s",
        "app/sub/deep.py": b"",
    }


def test_lists_files_and_folders_apart(tree: Tree) -> None:
    assert tree.listing("") == (("setup.py",), ("app", "odd"))
    assert tree.listing("app") == (("models.py", "models2.py"), ("sub",))
    assert tree.listing("app/models.py") == ((), ())


def test_exists_for_files_and_folders(tree: Tree) -> None:
    assert [tree.exists(path) for path in ("", "app", "app/sub/deep.py", "app/none")] == [
        True,
        True,
        True,
        False,
    ]


def test_the_content_digest_is_the_same_in_every_tree(tree: Tree) -> None:
    assert content_digest(tree, ["app/models.py", "app/sub"]) == "1f80010bd9d80c76"
    assert content_digest(tree, ["app/none.py"]) is None


@pytest.fixture(params=[commit_tree, IndexTree, WorkTree])
def linked(request: pytest.FixtureRequest, build: Builder, repository: Repository) -> Tree:
    build.write("real/models.py", "m")
    for name, target in {
        "link.py": "real/models.py",
        "folder": "real",
        "real/up": "..",
        "out": "../outside",
        "loop": "loop",
        "top": ".",
    }.items():
        os.symlink(target, build.top / name)
    build.commit()
    made: Tree = request.param(repository)
    return made


@pytest.mark.parametrize("path", ["link.py", "folder/models.py", "real/up/folder/models.py", "top/link.py"])
def test_links_within_the_tree_are_followed(linked: Tree, path: str) -> None:
    assert linked.read(path) == b"m"
    assert linked.exists(path)


@pytest.mark.parametrize("path", ["out", "out/x", "loop", "loop/x"])
def test_links_that_lead_nowhere_hold_nothing(linked: Tree, path: str) -> None:
    assert linked.read(path) is None


def test_a_linked_folder_is_listed_as_a_folder(linked: Tree) -> None:
    assert linked.listing("") == (("link.py",), ("folder", "real", "top"))
    assert linked.listing("folder") == (("models.py",), ("up",))


def test_submodules_are_left_out(build: Builder, repository: Repository) -> None:
    build.commit({"a": "x"})
    build.git("clone", "--quiet", str(build.top), "sub")
    build.git("-c", "advice.addEmbeddedRepo=false", "add", "sub")
    build.git("commit", "--quiet", "-m", "sub")
    for tree in (commit_tree(repository), IndexTree(repository), WorkTree(repository)):
        assert set(tree.ids()) == {"a"}
        assert tree.listing("") == (("a",), ())


def test_the_index_has_what_is_staged(build: Builder, repository: Repository) -> None:
    build.commit({"a": "1", "b": "1", "empty": ""})
    build.write("a", "2")
    build.write("new", "n")
    build.write("meant", "m")
    build.write("empty2", "")
    build.git("add", "a", "new", "empty2")
    build.git("add", "--intent-to-add", "meant")
    build.write("a", "3")
    tree = IndexTree(repository)
    assert set(tree.ids()) == {"a", "b", "empty", "empty2", "new"}
    assert tree.read("a") == b"2"


def test_another_index_is_read_where_a_hook_names_one(build: Builder, repository: Repository) -> None:
    build.commit({"a": "1"})
    build.write("a", "2")
    build.git("add", "a", env={"GIT_INDEX_FILE": ".git/next"})
    assert IndexTree(repository, ".git/next").read("a") == b"2"
    assert set(IndexTree(repository).ids()) == {"a"}
    assert IndexTree(repository).read("a") == b"1"


def test_unmerged_files_are_not_in_the_index_but_on_disk(build: Builder, repository: Repository) -> None:
    conflict(build)
    assert "a" not in IndexTree(repository).ids()
    assert WorkTree(repository).ids()["a"] == repository.hash_worktree(["a"])["a"]


def conflict(build: Builder) -> None:
    build.commit({"a": "1"})
    build.git("checkout", "--quiet", "-b", "side")
    build.commit({"a": "2"})
    build.git("checkout", "--quiet", "main")
    build.commit({"a": "3"})
    build.git("merge-base", "main", "side")
    build.git("read-tree", "-m", "main~1", "main", "side")


def test_the_work_tree_has_what_is_on_disk(build: Builder, repository: Repository) -> None:
    build.commit({"a": "1", "b": "1", "c": "1", ".gitignore": "*.log\n"})
    build.write("a", "2")
    build.write("new", "n")
    build.write("x.log", "l")
    build.remove("b")
    build.git("add", "--intent-to-add", "new")
    tree = WorkTree(repository)
    assert set(tree.ids()) == {"a", "c", "new", ".gitignore"}
    assert tree.ids()["a"] == build.git("hash-object", "a")
    assert tree.read("a") == b"2"


@pytest.mark.parametrize("flag", ["--skip-worktree", "--assume-unchanged"])
def test_edits_hidden_from_git_are_seen(build: Builder, repository: Repository, flag: str) -> None:
    build.commit({"a": "1"})
    build.git("update-index", flag, "a")
    build.write("a", "2")
    assert WorkTree(repository).ids()["a"] == build.git("hash-object", "a")


def test_line_endings_are_hashed_as_git_records_them(build: Builder, repository: Repository) -> None:
    build.commit({".gitattributes": "*.py text eol=crlf\n", "a.py": "1\r\n", "b.py": "1\r\n"})
    build.write("a.py", "2\r\n")
    build.git("update-index", "--assume-unchanged", "b.py")
    tree = WorkTree(repository)
    assert tree.ids()["b.py"] == build.blob("HEAD:b.py")
    assert tree.ids()["a.py"] == build.git("hash-object", "--stdin", input=b"2\n")


def test_carriage_returns_that_are_committed_stay(build: Builder, repository: Repository) -> None:
    build.commit({"a.py": "1\r\n"})
    build.git("config", "core.autocrlf", "true")
    build.git("update-index", "--assume-unchanged", "a.py")
    assert WorkTree(repository).ids()["a.py"] == build.blob("HEAD:a.py")


def test_a_tracked_folder_replaced_by_a_link_is_gone(build: Builder, repository: Repository) -> None:
    build.commit({"app/models.py": "m"})
    os.rename(build.top / "app", build.top / "elsewhere")
    os.symlink("elsewhere", build.top / "app")
    assert set(WorkTree(repository).ids()) == {"app", "elsewhere/models.py"}


def test_looking_writes_nothing(build: Builder, repository: Repository) -> None:
    build.commit({"a": "1"})
    build.write("a", "2")
    before = sorted(str(path) for path in (build.top / ".git").rglob("*"))
    index = (build.top / ".git/index").read_bytes()
    WorkTree(repository).ids()
    changes.changed(repository, ["a"])
    repository.close()
    assert sorted(str(path) for path in (build.top / ".git").rglob("*")) == before
    assert (build.top / ".git/index").read_bytes() == index


def test_a_folder_without_git_leaves_environments_out(build: Builder, repository: Repository) -> None:
    build.commit(FILES)
    build.write(".venv/pyvenv.cfg", "")
    build.write(".venv/lib/x.py", "")
    build.write("app/__pycache__/models.cpython-311.pyc", "")
    os.symlink("nowhere", build.top / "dangling")
    tree = FolderTree(build.top)
    assert set(tree.ids()) == set(FILES)
    assert tree.listing("") == (("setup.py",), ("app", "odd"))


def test_a_virtual_environment_that_git_does_not_ignore(build: Builder, repository: Repository) -> None:
    build.commit({"a.py": "a", "kept/pyvenv.cfg": "", "kept/b.py": "b"})
    for path in ("env/pyvenv.cfg", "env/lib/c.py", "env/bin/python", "environment.py", "kept/new.py"):
        build.write(path, "x")
    assert set(WorkTree(repository).ids()) == {
        "a.py",
        "kept/pyvenv.cfg",
        "kept/b.py",
        "kept/new.py",
        "environment.py",
    }
