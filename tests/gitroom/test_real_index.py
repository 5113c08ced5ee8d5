from __future__ import annotations

from pathlib import Path

import pytest

from gitmig.errors import GitError
from gitmig.git import commits
from gitmig.git.locks import real_index, remove_stale_lock
from gitmig.git.repository import Repository
from tests.gitroom.conftest import Builder

pytestmark = pytest.mark.usefixtures("size")


def test_a_change_takes_the_place_of_the_index(build: Builder, repository: Repository) -> None:
    build.commit({"a": "1"})
    build.write("a", "2")
    with real_index(repository) as env:
        assert (build.top / ".git/index.lock").exists()
        repository.git("add", "a", env=env)
        assert build.git("diff", "--cached", "--name-only") == ""
    assert build.git("diff", "--cached", "--name-only") == "a"
    assert not (build.top / ".git/index.lock").exists()


def test_a_failure_leaves_the_index(build: Builder, repository: Repository) -> None:
    build.commit({"a": "1"})
    before = (build.top / ".git/index").read_bytes()
    build.write("a", "2")
    with pytest.raises(GitError), real_index(repository) as env:
        repository.git("add", "a", "no such file", env=env)
    assert (build.top / ".git/index").read_bytes() == before
    assert not (build.top / ".git/index.lock").exists()


@pytest.mark.parametrize("content", [b"", b"DIRC", b"gitmig holds this lock\nor does it"])
def test_the_lock_of_somebody_else_stays(build: Builder, repository: Repository, content: bytes) -> None:
    build.commit({"a": "1"})
    lock = build.top / ".git/index.lock"
    lock.write_bytes(content)
    with pytest.raises(GitError, match="another git command is at work here"), real_index(repository):
        raise AssertionError("the lock was taken twice")
    assert not remove_stale_lock(repository)
    assert lock.read_bytes() == content


def test_a_lock_that_was_left_behind_is_known_again(build: Builder, repository: Repository) -> None:
    build.commit({"a": "1"})
    lock = build.top / ".git/index.lock"
    with real_index(repository):
        left = lock.read_bytes()
    lock.write_bytes(left)
    assert remove_stale_lock(repository)
    assert not lock.exists()
    assert not remove_stale_lock(repository)


def test_an_index_behind_a_link_and_a_split_one(
    build: Builder, repository: Repository, tmp_path: Path
) -> None:
    build.commit({"a": "1", "b": "1"})
    build.git("update-index", "--split-index")
    moved = tmp_path / "index"
    index = build.top / ".git/index"
    index.rename(moved)
    index.symlink_to(moved)
    build.write("a", "2")
    commits.stage(repository, ["a"])
    assert index.is_symlink()
    assert build.git("diff", "--cached", "--name-only") == "a"
    assert build.git("fsck", "--no-progress") == ""


def test_what_hooks_stage_on_the_way_is_staged_after(build: Builder, repository: Repository) -> None:
    build.commit({"a": "1\n", "other": "1\n"})
    build.write("a", "2\n")
    build.write("new", "2\n")
    build.write("other", "2\n")
    build.git("add", "other")
    hook = build.write(
        ".git/hooks/pre-commit", "#!/bin/sh\nfor f in a new; do echo 3 > $f; git add $f; done\n"
    )
    hook.chmod(0o755)
    commits.commit(repository, "Change", ["a", "new"])
    assert build.git("show", "HEAD:a") == build.git("show", "HEAD:new") == "3"
    assert build.git("status", "--porcelain") == "M  other"
