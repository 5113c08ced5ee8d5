"""``git config gitmig.rebase auto``: a merge that leaves two heads is put in one line by its hook."""

from __future__ import annotations

from pathlib import Path

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
