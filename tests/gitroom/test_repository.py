from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gitmig.errors import GitError, NoRepository, Refused, UnknownRef
from gitmig.git import changes, commits, publication
from gitmig.git.repository import Repository
from tests.gitroom.conftest import MOMENT, Builder
from tests.gitroom.test_trees import conflict

Open = Callable[[Path], Repository]


def test_found_from_a_subfolder(build: Builder, opened: Open) -> None:
    (build.top / "a/b").mkdir(parents=True)
    repository = opened(build.top / "a/b")
    assert (repository.top, repository.git_dir, repository.common_dir) == (
        build.top,
        build.top / ".git",
        build.top / ".git",
    )


def test_a_linked_work_tree_has_its_own_git_directory(build: Builder, opened: Open, tmp_path: Path) -> None:
    build.commit({"a": "x"})
    build.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    repository = opened(tmp_path / "linked")
    assert repository.top == tmp_path / "linked"
    assert repository.private() == build.top / ".git/worktrees/linked/gitmig"
    assert repository.shared() == build.top / ".git/gitmig"
    assert repository.branch() == "linked"


def test_none_outside_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert Repository.discover(tmp_path) is None


def test_without_git_a_repository_cannot_be_opened(build: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NoRepository, match=r"git was not found on PATH"):
        Repository.discover(build.top)


def test_gits_refusal_is_passed_on(build: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(GitError) as caught:
        Repository.discover(build.top)
    assert caught.value.message == f"detected dubious ownership in repository at '{build.top}'"
    assert "safe.directory" in (caught.value.detail or "")


def test_safe_directory_of_the_environment_is_kept(
    build: Builder, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "safe.directory")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "*")
    assert opened(build.top).head() is None


def test_what_a_hook_inherits_does_not_lead_elsewhere(
    build: Builder, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build.git("init", "--quiet", str(tmp_path / "other"))
    head = build.commit({"a": "x"})
    for name, value in {
        "GIT_DIR": str(tmp_path / "other/.git"),
        "GIT_WORK_TREE": str(tmp_path / "other"),
        "GIT_INDEX_FILE": ".git/next-index-1.lock",
        "GIT_PREFIX": "sub/",
        "GIT_COMMON_DIR": str(tmp_path / "other/.git"),
        "GIT_OBJECT_DIRECTORY": str(tmp_path / "other/.git/objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(tmp_path / "other"),
        "GIT_GLOB_PATHSPECS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    repository = opened(build.top)
    assert repository.top == build.top
    assert repository.head() == head
    assert repository.git("ls-files") == b"a\n"
    build.write("a", "y")
    assert [state.path for state in changes.changed(repository, ["a"])] == ["a"]
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_INDEX_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    new = commits.commit(repository, "Through all that", ["a"])
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name)
    assert build.head() == new


def test_a_signal_while_a_git_is_started_prints_nothing(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitPython's wrapper is half made then, and looks its own process up for ever."""
    unraised: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unraised.append)
    half_made = repository.runner._runner().AutoInterrupt
    half_made.__new__(half_made)
    assert unraised == []


def test_before_the_first_commit(repository: Repository) -> None:
    assert repository.head() is None
    assert repository.branch() == "main"
    assert changes.changed(repository, [""]) == ()


def test_a_detached_head_has_no_branch(build: Builder, repository: Repository) -> None:
    head = build.commit()
    build.git("checkout", "--quiet", "--detach")
    assert repository.branch() is None
    assert repository.head() == head


@pytest.mark.parametrize("ref", ["nope", "--upload-pack=x", "-", "", "HEAD\nHEAD", "HEAD\0", "HEAD:a"])
def test_an_unknown_ref(build: Builder, repository: Repository, ref: str) -> None:
    build.commit({"a": "x"})
    with pytest.raises(UnknownRef) as caught:
        repository.resolve(ref)
    assert caught.value.message == f"there is no commit {ref!r}"


def test_refs_lead_to_commits(build: Builder, repository: Repository) -> None:
    first = build.commit()
    second = build.commit()
    build.git("tag", "-a", "-m", "release", "v1", first)
    assert [repository.resolve(ref) for ref in ("v1", "HEAD~1", "main", second[:8])] == [
        first,
        first,
        second,
        second,
    ]


def test_what_git_is_in_the_middle_of(build: Builder, repository: Repository) -> None:
    build.commit({"a": "1"})
    build.git("checkout", "--quiet", "-b", "side")
    side = build.commit({"a": "2"})
    build.git("checkout", "--quiet", "main")
    build.commit({"a": "3"})
    assert (repository.operation(), repository.merge_heads(), repository.unmerged()) == (None, (), ())
    with pytest.raises(AssertionError):
        build.git("merge", "side")
    assert (repository.operation(), repository.merge_heads(), repository.unmerged()) == (
        "merge",
        (side,),
        ("a",),
    )
    build.git("merge", "--abort")
    for command, name in (("cherry-pick", "cherry-pick"), ("rebase", "rebase")):
        with pytest.raises(AssertionError):
            build.git(command, "side")
        assert repository.operation() == name
        build.git(command, "--abort")
    with pytest.raises(AssertionError):
        build.git("revert", "side")
    assert repository.operation() == "revert"


def test_configuration_with_any_case_and_several_values(build: Builder, repository: Repository) -> None:
    build.git("config", "gitmig.scratchUrl", "one\ntwo")
    build.git("config", "--add", "branch.Some.Thing.remote", "a")
    build.git("config", "--add", "branch.Some.Thing.remote", "b")
    with (build.top / ".git/config").open("a") as file:
        file.write("[gitmig]\n\tsync\n")
    assert repository.config("gitmig.scratchurl") == "one\ntwo"
    assert repository.config_all("Branch.Some.Thing.Remote") == ("a", "b")
    assert repository.config("branch.some.thing.remote") is None
    assert repository.config("gitmig.sync") == "true"
    assert repository.config("gitmig.python") is None


def test_the_hooks_folder_follows_the_configuration(
    build: Builder, repository: Repository, sealed: Path
) -> None:
    assert repository.hooks_folder() == build.top / ".git/hooks"
    build.git("config", "core.hooksPath", "~/hooks")
    assert repository.hooks_folder() == sealed / "hooks"
    build.git("config", "core.hooksPath", ".husky")
    assert repository.hooks_folder() == build.top / ".husky"


def test_a_shallow_clone_says_so(
    build: Builder, repository: Repository, opened: Open, tmp_path: Path
) -> None:
    build.commit()
    head = build.commit()
    build.git("clone", "--quiet", "--depth=1", f"file://{build.top}", str(tmp_path / "clone"))
    clone = opened(tmp_path / "clone")
    assert (repository.is_shallow(), clone.is_shallow(), clone.shallow()) == (False, True, frozenset({head}))


def test_no_author(build: Builder, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.require_author()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    build.git("config", "user.useConfigOnly", "true")
    with pytest.raises(Refused) as caught:
        repository.require_author()
    assert caught.value.message == "git does not know who you are, so it could not commit"
    assert caught.value.hint == 'git config user.email "you@example.com" && git config user.name "Your Name"'


def test_ignored_files(build: Builder, repository: Repository) -> None:
    build.commit({".gitignore": "*.log\n/dir/\n", "kept.log.py": ""})
    names = ["a.log", "dir/x", ":b.log", "new\nline.log", "kept.log.py", "[a].txt"]
    assert changes.ignored(repository, names) == set(names[:4])
    assert changes.ignored(repository, ["a.log"])
    assert not changes.ignored(repository, ["a.py"])
    assert changes.ignored(repository, []) == set()


def test_each_place_of_each_file(build: Builder, repository: Repository) -> None:
    build.commit(
        {"app/same.py": "1", "app/staged.py": "1", "app/both.py": "1", "app/gone.py": "1", "other": "1"}
    )
    build.write("app/staged.py", "2")
    build.write("app/both.py", "2")
    build.git("add", "app")
    build.write("app/both.py", "3")
    build.write("app/new.py", "1")
    build.remove("app/gone.py")
    build.write("other", "2")
    states = {state.path: state for state in changes.changed(repository, ["app"])}
    assert {path: (state.staged, state.unstaged, state.untracked) for path, state in states.items()} == {
        "app/both.py": (True, True, False),
        "app/gone.py": (False, True, False),
        "app/new.py": (False, False, True),
        "app/staged.py": (True, False, False),
    }
    assert states["app/gone.py"].worktree is None
    both = states["app/both.py"]
    assert both.head is not None
    assert both.index is not None
    assert both.worktree is not None
    assert (both.head.blob, both.index.blob) == (build.blob("HEAD:app/both.py"), build.blob(":app/both.py"))
    assert both.worktree.blob == repository.hash_worktree(["app/both.py"])["app/both.py"]


def test_conflicts_are_changes(build: Builder, repository: Repository) -> None:
    conflict(build)
    [state] = changes.changed(repository, ["a"])
    assert (state.unmerged, state.index, state.staged) == (True, None, False)


def test_a_mode_is_a_change(build: Builder, repository: Repository) -> None:
    build.commit({"a": "1"})
    (build.top / "a").chmod(0o755)
    [state] = changes.changed(repository, ["a"])
    assert state.worktree is not None
    assert state.worktree.mode == "100755"
    build.git("config", "core.fileMode", "false")
    assert changes.changed(repository, ["a"]) == ()


def test_hashing_many_odd_names(build: Builder, repository: Repository) -> None:
    names = [f"dir {number}\n*/é" for number in range(400)]
    for name in names:
        build.write(name, name)
    assert len(repository.hash_worktree([*names, "missing", "dir 1\n*"])) == 400
    assert repository.git("count-objects").startswith(b"0 objects")


def test_hashed_content_is_kept_when_asked(build: Builder, repository: Repository) -> None:
    build.write("a", "x")
    [blob] = repository.hash_worktree(["a"], write=True).values()
    assert repository.objects.read(blob) == b"x"
    repository.close()
    assert not repository.private().exists()


def test_a_read_only_place_is_said(build: Builder, repository: Repository) -> None:
    build.write("a", "x")
    build.write(".git/gitmig", "in the way")
    with pytest.raises(GitError) as caught:
        repository.hash_worktree(["a"], write=True)
    assert caught.value.message == f"{repository.private()} cannot be written: File exists"


def forget(build: Builder) -> None:
    """Leave nothing but what the branch itself reaches."""
    build.git("branch", "-D", "side")
    build.git("reflog", "expire", "--expire=now", "--all")


class TestHeld:
    """Whether git holds some content at a path."""

    def test_in_an_old_commit(self, build: Builder, repository: Repository) -> None:
        build.commit({"a": "old"})
        build.commit({"a": "new"})
        build.commit({"b": "here"})
        assert changes.held(repository, "a", build.blob("HEAD~2:a"))
        assert changes.held(repository, "a", build.blob("HEAD:a"))
        assert not changes.held(repository, "b", build.blob("HEAD:a"))

    def test_nowhere(self, build: Builder, repository: Repository) -> None:
        build.commit({"a": "x"})
        build.write("a", "staged")
        build.git("add", "a")
        assert not changes.held(repository, "a", build.blob(":a"))
        build.write("a", "edited")
        assert not changes.held(repository, "a", repository.hash_worktree(["a"])["a"])

    def test_only_on_a_side_that_lost(self, build: Builder, repository: Repository) -> None:
        build.commit({"a": "base"})
        build.git("checkout", "--quiet", "-b", "side")
        build.commit({"a": "lost"})
        build.git("checkout", "--quiet", "main")
        build.commit({"b": "x"})
        build.git("merge", "--quiet", "-s", "ours", "-m", "merge", "side")
        forget(build)
        assert changes.held(repository, "a", repository.objects.find("HEAD^2:a").id)  # type: ignore[union-attr, arg-type]

    def test_only_in_a_merge(self, build: Builder, repository: Repository) -> None:
        build.commit({"a": "base"})
        build.git("checkout", "--quiet", "-b", "side")
        build.commit({"b": "x"})
        build.git("checkout", "--quiet", "main")
        build.commit({"c": "x"})
        build.git("merge", "--quiet", "--no-commit", "side")
        build.write("a", "by hand")
        build.git("add", "a")
        build.git("commit", "--quiet", "-m", "merge")
        blob = build.blob("HEAD:a")
        forget(build)
        assert changes.held(repository, "a", blob)

    def test_only_in_the_reflog(self, build: Builder, repository: Repository) -> None:
        build.commit({"a": "x"})
        build.commit({"a": "dropped"})
        blob = build.blob("HEAD:a")
        build.git("reset", "--quiet", "--hard", "HEAD~1")
        assert changes.held(repository, "a", blob)

    def test_in_the_root_commit_of_a_user_who_hides_it(self, build: Builder, repository: Repository) -> None:
        build.git("config", "log.showRoot", "false")
        build.commit({"a*": "x"})
        assert changes.held(repository, "a*", build.blob("HEAD:a*"))


class TestPublished:
    """What others have."""

    def clone(self, build: Builder, opened: Open, tmp_path: Path) -> tuple[Builder, Repository]:
        build.commit()
        build.git("clone", "--quiet", str(build.top), str(tmp_path / "clone"))
        return Builder(tmp_path / "clone"), opened(tmp_path / "clone")

    def test_the_default_branch_of_the_upstream(self, build: Builder, opened: Open, tmp_path: Path) -> None:
        clone, repository = self.clone(build, opened, tmp_path)
        ours = clone.commit()
        clone.git("push", "--quiet", "origin", "HEAD:refs/heads/feature")
        assert publication.is_published(repository, repository.resolve("HEAD~1"))
        assert not publication.is_published(repository, ours)
        clone.git("remote", "set-head", "origin", "--delete")
        assert publication.tips(repository) == (repository.resolve("origin/main"),)

    def test_tags_that_lead_to_commits(self, build: Builder, repository: Repository) -> None:
        first = build.commit({"a": "x"})
        second = build.commit()
        assert publication.tips(repository) == ()
        assert not publication.is_published(repository, first)
        build.git("tag", "-a", "-m", "release", "v1", first)
        build.git("tag", "tree", "HEAD^{tree}")
        assert publication.tips(repository) == (first,)
        assert (
            publication.is_published(repository, first),
            publication.is_published(repository, second),
        ) == (True, False)

    def test_patterns(self, build: Builder, repository: Repository) -> None:
        first = build.commit()
        build.git("branch", "release/1")
        build.commit()
        for pattern in ("release/*", "refs/heads/release/1"):
            assert publication.tips(repository, [pattern]) == (first,)


def test_commits_between(build: Builder, repository: Repository) -> None:
    first = build.commit({"a": "1"}, "First")
    second = build.commit({"a": "2"}, "Second ü")
    build.commit({"b": "1"})
    third = build.commit({"a": "3"}, "Third\n\nbody")
    between = commits.between(repository, first, third, ["a"])
    assert [(commit.id, commit.subject) for commit in between] == [(third, "Third"), (second, "Second ü")]
    assert len(commits.between(repository, None, third)) == 4
    info = commits.info(repository, [second, first])
    assert [info[second].parents, info[first].parents, info[first].subject] == [(first,), (), "First"]
    assert MOMENT < info[first].time < info[second].time
    assert commits.info(repository, []) == {}


def test_gits_first_words_are_the_message(repository: Repository) -> None:
    with pytest.raises(GitError) as caught:
        repository.git("read-tree", "nope")
    assert caught.value.message == "Not a valid object name nope"


def test_a_command_that_hangs_is_ended(repository: Repository) -> None:
    with pytest.raises(GitError, match=r"^git x did not answer within 0\.2 seconds$"):
        repository.git("-c", "alias.x=!sleep 5", "x", timeout=0.2)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_plumbing_runs_no_hooks(build: Builder, repository: Repository) -> None:
    hook = build.write(".git/hooks/post-index-change", "#!/bin/sh\ntouch ran\n")
    hook.chmod(0o755)
    build.write("a", "x")
    commits.stage(repository, ["a"])
    assert not os.path.lexists(build.top / "ran")


def test_the_independent_of_some_commits(build: Builder, repository: Repository) -> None:
    first = repository.resolve(build.commit({"a": "1"}))
    second = repository.resolve(build.commit({"a": "2"}))
    assert repository.independent([first, second]) == (second,)
    assert repository.independent([first]) == (first,)
    assert repository.independent([]) == ()


def test_what_a_merge_would_conflict_in(build: Builder, repository: Repository) -> None:
    build.commit({"a": "1", "b": "1"})
    build.git("switch", "--quiet", "-c", "other")
    other = repository.resolve(build.commit({"a": "2"}))
    build.git("switch", "--quiet", "-c", "third", "HEAD~1")
    third = repository.resolve(build.commit({"a": "3", "b": "2"}))
    assert repository.merge_conflicts(third, other) == ("a",)
    build.git("switch", "--quiet", "-c", "fourth", "HEAD~1")
    fourth = repository.resolve(build.commit({"b": "3"}))
    assert repository.merge_conflicts(fourth, other) == ()
    repository.begin_merge(other)
    assert repository.operation() == "merge"
    assert (build.top / "a").read_text() == "2"
    repository.abort_merge()
    assert (repository.operation(), (build.top / "a").read_text()) == (None, "1")
