"""A tree as a folder: what a checkout of it would be, and nothing else."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitmig.errors import GitError
from gitmig.git.flat_trees import IndexTree
from gitmig.git.layout import Layout, Layouts
from gitmig.git.repository import Repository
from gitmig.git.trees import CommitTree
from gitmig.wire.values import CommitId
from tests.gitroom.conftest import Builder

pytestmark = pytest.mark.usefixtures("size")

Lay = Callable[..., Layout]


@pytest.fixture
def lay(build: Builder, opened: Callable[[Path], Repository]) -> Iterator[Lay]:
    """Lays out a commit, or the index, as a command would; released at the end."""
    made: list[Layout] = []

    def lay_out(commit: CommitId | None = None, *, top: Path | None = None, release: bool = True) -> Layout:
        repository = opened(top or build.top)
        tree = IndexTree(repository) if commit is None else CommitTree(repository, commit)
        layout = Layouts(repository=repository).lay_out(tree)
        if release:
            layout.release()
        else:
            made.append(layout)
        return layout

    yield lay_out
    for layout in made:
        layout.release()


def files(layout: Layout) -> dict[str, str]:
    """The files in a layout, links as ``-> target``, without git's."""
    found = {}
    for folder, folders, names in os.walk(layout.top):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in (*names, *links):
            place = Path(folder, name)
            text = f"-> {os.readlink(place)}" if place.is_symlink() else place.read_text()
            found[place.relative_to(layout.top).as_posix()] = text
    found.pop(".git", None)
    return found


def inside(layout: Layout, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=layout.top, check=True, capture_output=True, text=True).stdout


def test_it_holds_the_files_of_a_commit_and_then_those_of_another(build: Builder, lay: Lay) -> None:
    one = build.commit({"app/models.py": "1", "app/old/x.py": "x", "run": "r", "be\nside ü": "b"})
    (build.top / "run").chmod(0o755)
    (build.top / "link").symlink_to("app/models.py")
    build.remove("app/old/x.py")
    (build.top / "app/old").rmdir()
    two = build.commit({"app/models.py": "2", "app/old": "a file now"})
    build.write("app/models.py", "edited, not staged")

    first = lay(one)
    assert files(first) == {"app/models.py": "1", "app/old/x.py": "x", "run": "r", "be\nside ü": "b"}
    second = lay(two)
    assert second.top == first.top
    assert files(second) == {
        "app/models.py": "2",
        "app/old": "a file now",
        "run": "r",
        "be\nside ü": "b",
        "link": "-> app/models.py",
    }
    assert os.access(second.top / "run", os.X_OK)
    assert files(lay(one)) == {"app/models.py": "1", "app/old/x.py": "x", "run": "r", "be\nside ü": "b"}


def test_the_index_is_what_is_staged(build: Builder, lay: Lay) -> None:
    build.commit({"models.py": "1", "gone.py": "g"})
    build.write("models.py", "2")
    build.write("new.py", "n")
    build.git("add", "models.py", "new.py")
    build.git("rm", "-q", "gone.py")
    build.write("models.py", "3, not staged")
    build.write("untracked.py", "u")
    build.write("intended.py", "i")
    build.git("add", "--intent-to-add", "intended.py")
    before = (build.top / ".git" / "index").read_bytes()
    assert files(lay()) == {"models.py": "2", "new.py": "n"}
    assert (build.top / ".git" / "index").read_bytes() == before


def test_another_index_than_the_usual_one(build: Builder, repository: Repository) -> None:
    build.commit({"models.py": "1"})
    env = {"GIT_INDEX_FILE": ".git/other"}
    build.write("models.py", "2")
    build.git("add", "models.py", env=env)
    layout = Layouts(repository=repository).lay_out(IndexTree(repository, ".git/other"))
    assert files(layout) == {"models.py": "2"}
    layout.release()


def test_before_the_first_commit(build: Builder, lay: Lay) -> None:
    assert files(lay()) == {}
    build.write("models.py", "1")
    build.git("add", "models.py")
    assert files(lay()) == {"models.py": "1"}


def test_unmerged_files_are_left_out_as_no_commit_would_hold_them(build: Builder, lay: Lay) -> None:
    build.commit({"models.py": "0", "other.py": "o"})
    build.git("switch", "-qc", "side")
    build.commit({"models.py": "1"})
    build.git("switch", "-q", "main")
    build.commit({"models.py": "2"})
    subprocess.run(["git", "merge", "-q", "side"], cwd=build.top, capture_output=True, check=False)
    assert files(lay()) == {"other.py": "o"}


def test_what_git_ignores_is_linked_and_what_is_untracked_is_not_there(build: Builder, lay: Lay) -> None:
    one = build.commit({".gitignore": ".env\n/generated/\n*.log\n/big/\n__pycache__/\n", "app/a.py": "a"})
    build.write(".env", "POOL=5")
    build.write("app/x.log", "l")
    build.write("generated/deep/m.py", "m")
    build.write("generated/__pycache__/m.cpython-311.pyc", "bytecode")
    build.write("app/__pycache__/a.cpython-311.pyc", "bytecode")
    build.write("untracked.py", "u")
    for number in range(501):
        build.write(f"big/{number}", "")
    layout = lay(one)
    found = files(layout)
    assert found.pop(".gitignore")
    assert found.keys() == {"app/a.py", ".env", "app/x.log", "generated/deep/m.py", "big"}
    assert (layout.top / ".env").read_text() == "POOL=5"
    assert (layout.top / "generated/deep/m.py").read_text() == "m"
    # A folder of its own, as in the work tree: what walks through folders does not follow links.
    assert not (layout.top / "generated").is_symlink()
    assert (layout.top / "big").resolve() == build.top / "big"

    (build.top / ".env").unlink()
    build.write("new.log", "n")
    found = files(lay(one))
    assert ".env" not in found
    assert "new.log" in found


def test_the_tree_comes_before_what_is_ignored(build: Builder, lay: Lay) -> None:
    one = build.commit({"settings.py": "tracked", "data/x": "x"})
    build.git("rm", "-q", "--cached", "settings.py", "data/x")
    build.commit({".gitignore": "settings.py\n/data/\n"})
    build.write("settings.py", "mine")
    build.write("data/y", "y")
    build.write("data/x", "edited")
    found = files(lay(one))
    assert found == {"settings.py": "tracked", "data/x": "x", "data/y": found["data/y"]}
    assert found["data/y"].startswith("-> ")


def test_what_code_left_there_is_gone_the_next_time(build: Builder, lay: Lay) -> None:
    one = build.commit({"models.py": "1", "app/gone.py": "g"})
    two = build.commit({"app/gone.py": None})
    layout = lay(one)
    (layout.top / "models.py").write_text("spoiled")
    (layout.top / "app/written.txt").write_text("w")
    (layout.top / "made/deep").mkdir(parents=True)
    (layout.top / "made/deep/x").write_text("x")
    assert files(lay(one)) == {"models.py": "1", "app/gone.py": "g"}
    (layout.top / "app/__pycache__").mkdir()
    (layout.top / "app/__pycache__/gone.cpython-311.pyc").write_bytes(b"b")
    assert files(lay(two)) == {"models.py": "1"}
    # As a folder it could still be imported.
    assert not (layout.top / "app").exists()


def test_bytecode_is_kept_for_what_stays_and_goes_with_what_changes(build: Builder, lay: Lay) -> None:
    one = build.commit({"app/a.py": "X = 1", "app/b.py": "X = 1"})
    two = build.commit({"app/a.py": "X = 2"})
    layout = lay(one)
    compiled = [layout.top / f"app/__pycache__/{name}.cpython-311.pyc" for name in "ab"]
    compiled[0].parent.mkdir()
    for path in compiled:
        path.write_bytes(b"b")
    lay(two)
    assert [path.exists() for path in compiled] == [False, True]


def test_content_is_that_of_a_checkout(build: Builder, lay: Lay) -> None:
    build.git("config", "filter.upper.smudge", "tr a-z A-Z")
    build.git("config", "filter.upper.clean", "tr A-Z a-z")
    build.write(".gitattributes", "*.up filter=upper\n*.crlf text eol=crlf\n*.id ident\n")
    one = build.commit({"a.up": "UP", "b.crlf": "x\r\n", "c.id": "$Id$", "d.txt": "d"})
    assert build.git("show", f"{one}:a.up") == "up"
    layout = lay(one)
    assert (layout.top / "a.up").read_bytes() == b"UP"
    assert (layout.top / "b.crlf").read_bytes() == b"x\r\n"
    assert (layout.top / "c.id").read_text() == f"$Id: {build.blob('HEAD:c.id')} $"

    two = build.commit({".gitattributes": "*.txt filter=upper\n"})
    layout = lay(two)
    # Also of files that stay as they are in git.
    assert (layout.top / "a.up").read_text() == build.git("show", f"{two}:a.up")
    assert (layout.top / "d.txt").read_bytes() == b"D"
    build.git("config", "filter.upper.smudge", "sed s/^/filtered-/")
    assert (lay(two).top / "d.txt").read_bytes() == b"filtered-d"


def test_a_filter_that_fails_is_an_error_and_leaves_no_half_tree(build: Builder, lay: Lay) -> None:
    one = build.commit({"a": "a", "b.bad": "b"})
    build.git("config", "filter.bad.clean", "cat")
    build.git("config", "filter.bad.smudge", "false")
    build.git("config", "filter.bad.required", "true")
    two = build.commit({".gitattributes": "*.bad filter=bad\n"})
    with pytest.raises(
        GitError, match=f"^the files of commit {two} cannot be laid out for its code to run: "
    ):
        lay(two)
    assert files(lay(one)) == {"a": "a", "b.bad": "b"}


def test_git_in_the_folder_sees_that_commit_and_is_clean(build: Builder, lay: Lay) -> None:
    one = build.commit({"a": "1"})
    build.git("tag", "v1")
    two = build.commit({"a": "2", "b": "b"})
    layout = lay(one)
    assert inside(layout, "rev-parse", "HEAD").strip() == one
    assert inside(layout, "describe", "--tags").strip() == "v1"
    assert inside(layout, "rev-parse", "--show-toplevel").strip() == str(layout.top)
    assert inside(layout, "status", "--porcelain") == ""
    assert inside(layout, "log", "--format=%H", "--all").split() == [two, one]

    build.write("a", "3")
    build.git("add", "a")
    layout = lay()
    assert inside(layout, "rev-parse", "HEAD", "--abbrev-ref", "HEAD").split() == [two, "main"]
    assert inside(layout, "diff", "--cached", "--name-only").split() == ["a"]
    assert build.git("status", "--porcelain") == "M  a"
    assert build.git("worktree", "list", "--porcelain").count("worktree ") == 1


def test_two_at_once_have_a_folder_each_and_two_stay(build: Builder, lay: Lay) -> None:
    one, two, three = (build.commit({"a": str(number)}) for number in (1, 2, 3))
    first, second = lay(one, release=False), lay(two, release=False)
    third = lay(three)
    assert [files(layout)["a"] for layout in (first, second)] == ["1", "2"]
    folder = build.top / ".git/gitmig/trees"
    assert not third.top.exists()
    assert sorted(path.name for path in folder.iterdir()) == ["0", "1"]
    first.release()
    second.release()
    assert lay(two).top == second.top
    assert lay(one).top == first.top
    # What is longest unused is taken to another tree.
    assert lay(three).top == second.top


def test_submodules_come_from_their_own_repository(build: Builder, lay: Lay, tmp_path: Path) -> None:
    library = Builder(tmp_path / "library")
    library.top.mkdir()
    library.git("init", "-q", "-b", "main")
    library.commit({"models.py": "L1", ".gitignore": "secret"})
    build.git("-c", "protocol.file.allow=always", "submodule", "-q", "add", str(library.top), "lib/shared")
    one = build.commit({"a": "a"})
    library.commit({"models.py": "L2"})
    build.git("-C", "lib/shared", "pull", "-q")
    build.write("lib/shared/secret", "s")
    two = build.commit()
    assert [files(lay(commit))["lib/shared/models.py"] for commit in (one, two, one)] == ["L1", "L2", "L1"]
    layout = lay(two)
    assert (layout.top / "lib/shared/secret").read_text() == "s"
    assert inside(layout, "-C", "lib/shared", "rev-parse", "HEAD") == inside(
        layout, "rev-parse", "HEAD:lib/shared"
    )
    assert inside(layout, "status", "--porcelain") == ""
    assert layout.absent == ()

    other = "1" * 40
    build.git("update-index", "--cacheinfo", f"160000,{other},lib/shared")
    layout = lay()
    assert layout.absent == ("lib/shared",)
    assert not (layout.top / "lib/shared/models.py").exists()


def test_a_submodule_that_is_not_checked_out_any_more(build: Builder, lay: Lay, tmp_path: Path) -> None:
    library = Builder(tmp_path / "library")
    library.top.mkdir()
    library.git("init", "-q", "-b", "main")
    library.commit({"models.py": "L1"})
    build.commit({"a": "a"})
    build.git("-c", "protocol.file.allow=always", "submodule", "-q", "add", str(library.top), "shared")
    one = build.commit()
    build.git("rm", "-q", "shared")
    two = build.commit()
    assert files(lay(one))["shared/models.py"] == "L1"
    assert files(lay(two)) == {"a": "a", ".gitmodules": ""}
    assert not (lay(two).top / "shared").exists()


def test_a_sparse_checkout_stays_sparse(build: Builder, lay: Lay) -> None:
    one = build.commit({"app/a.py": "a", "vast/b": "b", "top": "t"})
    build.git("sparse-checkout", "set", "app")
    assert files(lay(one)) == {"app/a.py": "a", "top": "t"}
    build.git("sparse-checkout", "disable")
    assert files(lay(one)) == {"app/a.py": "a", "vast/b": "b", "top": "t"}


def test_what_takes_long_is_said(
    build: Builder, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    build.commit({"a": "a"})
    monkeypatch.setattr("gitmig.git.checkout._SECONDS", 0.0)
    said: list[str] = []
    Layouts(repository=repository, tell=said.append).lay_out(IndexTree(repository)).release()
    name = build.top.name
    assert said == [f"laying out the files of {name}, which takes so long the first time only …"]


def test_a_full_disk(build: Builder, lay: Lay) -> None:
    one = build.commit({"a": "1"})
    two = build.commit({"big": "x" * 3_000_000, "b": "b"})
    trees = build.top / ".git/gitmig/trees"
    trees.mkdir(parents=True)
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(trees)], capture_output=True
    ).returncode:
        pytest.skip("not run: no right to mount a file system")
    try:
        with pytest.raises(GitError, match="cannot be laid out for its code to run: ") as caught:
            lay(two)
        assert caught.value.hint == f"make room on the disk of {trees}"
        assert files(lay(one)) == {"a": "1"}
    finally:
        subprocess.run(["umount", str(trees)], check=True)
    assert len(files(lay(two))) == 3


@pytest.mark.parametrize("moment", ["tree-being-laid-out", "tree-laid-out"])
def test_a_kill_leaves_no_half_tree(
    build: Builder, lay: Lay, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    one = build.commit({"a": "1", "one": "1"})
    two = build.commit({"a": "2", "one": None, "two": "2"})
    three = build.commit({"a": "3", "two": None})
    lay(one)
    pid = os.fork()
    if pid == 0:
        os.environ["GITMIG_TEST_KILL_AT"] = moment
        lay(two)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    assert files(lay(three)) == {"a": "3"}
    assert inside(lay(three), "status", "--porcelain") == ""


def test_git_itself_is_killed_half_way(build: Builder, lay: Lay) -> None:
    many = {f"d{number % 9}/f{number}": "x" * 1000 for number in range(1500)}
    one = build.commit({"a": "1"})
    two = build.commit(many)
    three = build.commit({name: None for name in list(many)[:700]})
    layout = lay(one)
    slot = layout.top.parent
    (slot / "state").unlink()
    writing = subprocess.Popen(["git", "read-tree", "--reset", "-u", two], cwd=layout.top)
    while not (layout.top / "d5").exists() and writing.poll() is None:
        pass
    writing.kill()
    writing.wait()
    assert sorted(files(lay(three))) == sorted(["a", *list(many)[700:]])


def test_another_command_at_the_same_folder_is_not_disturbed(build: Builder, lay: Lay) -> None:
    one, two = build.commit({"a": "1"}), build.commit({"a": "2"})
    layout = lay(one)
    with open(layout.top.parent / "lock", "rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert lay(two).top != layout.top
    assert files(layout) == {"a": "1"}


def test_a_repository_that_cannot_be_written_to(build: Builder) -> None:
    build.commit({"a": "1", ".gitignore": ".env\n"})
    build.write("a", "2")
    build.write(".env", "e")
    build.git("add", "a")
    program = """\
import os, pathlib
from gitmig.git.repository import Repository
from gitmig.git.flat_trees import IndexTree
from gitmig.git.layout import Layouts
repository = Repository.discover(pathlib.Path.cwd())
layout = Layouts(repository=repository).lay_out(IndexTree(repository))
print((layout.top / "a").read_text(), (layout.top / ".env").read_text())
layout.release()
print(layout.top.exists(), layout.top.parent.parent.name.startswith("gitmig-tree-"))
"""
    from tests.readonly import HELD_TO_MODES

    for path in (build.top, *build.top.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        done = subprocess.run(
            [sys.executable, "-c", HELD_TO_MODES, sys.executable, "-c", program],
            cwd=build.top,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        for path in (build.top, *build.top.rglob("*")):
            path.chmod(path.stat().st_mode | 0o200)
    assert (done.stdout, done.stderr) == ("2 e\nFalse True\n", "")


def test_a_linked_work_tree_and_the_environment_of_a_hook(
    build: Builder, lay: Lay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build.commit({"a": "1"})
    linked = tmp_path / "linked"
    build.git("worktree", "add", "-q", str(linked))
    two = Builder(linked)
    commit = two.commit({"a": "2"})
    git_dir = build.top / ".git/worktrees/linked"
    monkeypatch.setenv("GIT_DIR", str(git_dir))
    monkeypatch.setenv("GIT_INDEX_FILE", str(git_dir / "index"))
    monkeypatch.setenv("GIT_PREFIX", "")
    layout = lay(commit, top=linked)
    assert files(layout) == {"a": "2"}
    assert layout.top.is_relative_to(git_dir / "gitmig")
    two_status = subprocess.run(["git", "status", "--porcelain"], cwd=linked, capture_output=True, text=True)
    assert two_status.stdout == ""


def test_a_tree_that_was_collected_is_no_reason_to_fail(build: Builder, lay: Lay) -> None:
    one = build.commit({"a": "1", "b": "b"})
    build.write("a", "staged and dropped")
    build.git("add", "a")
    lay()
    build.git("reset", "-q", "--hard")
    build.git("prune", "--expire=now")
    assert files(lay(one)) == {"a": "1", "b": "b"}
