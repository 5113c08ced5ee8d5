"""``git config gitmig.rebase auto``: a merge that leaves two heads is put in one line by its hook."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.articles import findings
from tests.branching import MODELS, Branches, branches, parents, revised
from tests.story import Project


def hooked(tmp_path: Path) -> Branches:
    found = branches(tmp_path)
    found.project.hook()
    found.project.git("config", "gitmig.rebase", "auto")
    return found


def merge(project: Project, *arguments: str) -> str:
    return project.try_git("merge", "--no-edit", *arguments, "main").stderr


def test_two_heads_become_one_line(tmp_path: Path) -> None:
    found = hooked(tmp_path)
    project = found.project
    said = merge(project)
    assert f"rewrote   {found.path(found.ours)}" in said
    assert project.git("log", "-1", "--format=%s").strip() == f"Put {found.ours} on top of {found.theirs}"
    assert parents(project)[found.ours] == (found.theirs,)
    assert project.git("status", "--porcelain") == ""
    project.gitmig("check", "HEAD", check=0)


def test_nothing_is_done_unless_it_is_wanted(tmp_path: Path) -> None:
    found = hooked(tmp_path)
    found.project.git("config", "--unset", "gitmig.rebase")
    assert "rewrote" not in merge(found.project)
    assert parents(found.project)[found.ours] == (found.fork,)


def test_a_squash_is_no_merge_yet(tmp_path: Path) -> None:
    found = hooked(tmp_path)
    head = found.project.git("rev-parse", "HEAD")
    assert "rewrote" not in merge(found.project, "--squash")
    assert found.project.git("rev-parse", "HEAD") == head


def test_what_does_not_commute_is_left_to_a_person(tmp_path: Path) -> None:
    found = hooked(tmp_path)
    project = found.project
    project.gitmig("switch", "main", "--yes", check=0)
    project.append(MODELS, "    email: Mapped[str | None] = mapped_column(String(80))\n")
    theirs = revised(project, "Add e-mail")
    project.gitmig("switch", "topic", "--yes", check=0)
    said = merge(project, "-X", "ours")
    names = f"{found.ours} and {found.theirs}, {theirs}"
    assert f"not rebased: GM009: {names} do not commute; run gitmig rebase\n" in said
    assert parents(project)[found.ours] == (found.fork,)
    assert project.git("status", "--porcelain") == ""


def test_what_a_rebase_of_git_leaves(tmp_path: Path) -> None:
    """git runs the hook before it has tidied up its rebase; the commit is one of its own all the same."""
    for way in ("--merge", "--apply"):
        (tmp_path / way).mkdir()
        found = hooked(tmp_path / way)
        project = found.project
        project.write("notes.txt", "not committed\n")
        project.git("add", "notes.txt")
        said = project.try_git("rebase", way, "--autostash", "main").stderr
        assert f"rewrote   {found.path(found.ours)}" in said, said
        assert re.search(r"database last seen .*; run gitmig sync\n", said)
        assert project.git("log", "-2", "--format=%s").splitlines() == [
            f"Put {found.ours} on top of {found.theirs}",
            "Add an e-mail address",
        ]
        assert parents(project)[found.ours] == (found.theirs,)
        assert project.git("symbolic-ref", "HEAD").strip() == "refs/heads/topic"
        assert not any(project.path(f".git/rebase-{name}").exists() for name in ("merge", "apply"))
        assert project.git("status", "--porcelain").split() == ["A", "notes.txt"]
        assert findings(project.gitmig("status", "--json", check=1).json) == ["GM019"]
        project.gitmig("sync", "--yes", check=0)
        assert project.gitmig("status", "--json", check=0).json["in_step"]


def test_what_an_amended_commit_leaves(tmp_path: Path) -> None:
    """Two heads that a merge left before anybody wanted the hook; nothing is done inside of a rebase."""
    found = hooked(tmp_path)
    project = found.project
    project.git("-c", "gitmig.rebase=", "merge", "--quiet", "--no-edit", "main")
    assert parents(project)[found.ours] == (found.fork,)
    assert "rewrote" in project.try_git("commit", "--amend", "--no-edit").stderr
    assert project.git("log", "-1", "--format=%s").strip() == f"Put {found.ours} on top of {found.theirs}"
    assert project.git("rev-list", "--parents", "-1", "HEAD~1").count(" ") == 2


@pytest.mark.parametrize("way", [("merge", "--no-edit"), ("rebase", "--merge"), ("rebase", "--apply")])
def test_the_database_follows_if_that_is_automatic_too(tmp_path: Path, way: tuple[str, ...]) -> None:
    found = hooked(tmp_path)
    project = found.project
    project.git("config", "gitmig.sync", "auto")
    said = project.try_git(*way, "main").stderr
    assert f"database  at {found.ours}" in said, said
    assert project.gitmig("status", "--json", check=0).json["in_step"]


def test_git_is_not_asked_unless_there_are_two_heads(tmp_path: Path) -> None:
    """A fast-forward, an amended commit and a merge of other files start no git."""
    found = hooked(tmp_path)
    project = found.project
    project.git("config", "gitmig.rebase", "never")
    trace = tmp_path / "trace"

    def asked(*arguments: str) -> int:
        trace.unlink(missing_ok=True)
        result = project.try_git(*arguments, env={"GIT_TRACE": str(trace)})
        assert result.exit_code == 0, result.stderr
        return trace.read_text().count("git config --get gitmig.rebase")

    project.git("switch", "--quiet", "-c", "other")
    assert asked("commit", "--amend", "--no-edit") == 0
    project.git("switch", "--quiet", "-c", "files", "HEAD~1")
    project.write("notes.txt", "a file\n")
    project.commit("A file")
    assert asked("merge", "--no-edit", "other") == 0
    project.git("switch", "--quiet", "other")
    assert asked("merge", "--ff-only", "files") == 0
    assert asked("merge", "--no-edit", "main") == 1


def test_the_advice_is_not_lost_with_a_project_that_cannot_be_opened(tmp_path: Path) -> None:
    found = hooked(tmp_path)
    project = found.project
    project.git("switch", "--quiet", "main")
    project.write("pyproject.toml", "[tool.gitmig]\nmodles = []\n")
    project.git("commit", "--quiet", "--no-verify", "--all", "-m", "Broken settings")
    project.git("switch", "--quiet", "topic")
    said = merge(project)
    assert "not rebased: unknown setting 'modles' in [tool.gitmig] of pyproject.toml" in said
    assert "; run gitmig rebase\n" in said
    assert "database last seen" in said


def test_the_framework_runs_it_without_arguments(tmp_path: Path) -> None:
    found = hooked(tmp_path)
    project = found.project
    for name in ("post-merge", "post-rewrite"):
        project.path(f".git/hooks/{name}").unlink()
    merge(project)
    said = project.gitmig("hook", "advise", env={"PRE_COMMIT_REWRITE_COMMAND": "amend"}, check=0).stderr
    assert f"rewrote   {found.path(found.ours)}" in said
