from __future__ import annotations

import pytest

from gitmig.errors import GitError
from gitmig.git.objects import Entry
from gitmig.git.repository import Repository
from tests.gitroom.conftest import Builder


def test_reads_bytes_and_none_for_what_is_missing(build: Builder, repository: Repository) -> None:
    build.commit({"a": b"one\ntwo\0"})
    assert repository.objects.read_all(["HEAD:a", "HEAD:b", "HEAD:a"]) == [b"one\ntwo\0", None, b"one\ntwo\0"]


def test_a_name_with_a_newline_is_one_question(build: Builder, repository: Repository) -> None:
    build.commit({"a": "x"})
    found = repository.objects.find_all(["HEAD:a\nHEAD:a", "HEAD:a", "--upload-pack=x", ""])
    assert [one and one.type for one in found] == [None, "blob", None, None]


def test_more_questions_than_a_pipe_holds(build: Builder, repository: Repository) -> None:
    build.commit({"a": "x" * 100_000, "b": ""})
    answers = repository.objects.read_all(["HEAD:a", "HEAD:b"] * 3000)
    assert [len(data or b"") for data in answers] == [100_000, 0] * 3000
    assert None not in repository.objects.find_all(["HEAD:a"] * 30_000)


def test_an_ambiguous_name_is_no_object(build: Builder, repository: Repository) -> None:
    for number in range(1000):
        build.write(f"f{number}", f"{number}")
    build.commit()
    ids = build.git("ls-tree", "-r", "--format=%(objectname)", "HEAD").split()
    prefixes = [id[:4] for id in ids]
    double = next((one for one in prefixes if prefixes.count(one) > 1), None)
    assert double is not None
    assert repository.objects.find(double) is None


def test_tree_of_a_sha256_repository(build: Builder, repository: Repository) -> None:
    build.git("init", "--quiet", "--object-format=sha256", "other")
    other = Builder(build.top / "other")
    other.commit({"dir/a b\n": "x"})
    second = Repository.discover(other.top)
    assert second is not None
    root = second.objects.find("HEAD^{tree}")
    assert root is not None
    assert second.objects.tree(root.id)["dir"].is_folder
    assert second.objects.tree(second.objects.tree(root.id)["dir"].blob) == {
        "a b\n": Entry("100644", other.blob("HEAD:dir/a b\n"))
    }
    second.close()


def test_a_missing_tree_is_an_error(build: Builder, repository: Repository) -> None:
    build.commit({"a": "x"})
    with pytest.raises(GitError, match=r"git does not have the tree 0{40}"):
        repository.objects.tree("0" * 40)


def test_works_again_after_close(build: Builder, repository: Repository) -> None:
    build.commit({"a": "x"})
    assert repository.objects.read("HEAD:a") == b"x"
    repository.close()
    assert repository.objects.read("HEAD:a") == b"x"


def test_sees_objects_made_after_it_started(build: Builder, repository: Repository) -> None:
    build.commit({"a": "x"})
    assert repository.objects.read("HEAD:a") == b"x"
    build.commit({"a": "y"})
    build.git("gc", "--quiet")
    assert repository.objects.read("HEAD:a") == b"y"


def test_a_killed_child_is_started_again(build: Builder, repository: Repository) -> None:
    build.commit({"a": "x"})
    objects = repository.objects
    for _ in range(2):
        assert (objects.read("HEAD:a"), objects.find("HEAD:b")) == (b"x", None)
        for process in objects._processes.values():
            process.kill()
            process.wait()
