"""A switch that git cannot finish: files, branch, index and database are as they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.articles import article
from tests.story import Project


def two_branches(tmp_path: Path) -> Project:
    """At the first of two revisions, on a branch; main has more files, of which one is filtered."""
    told = article(tmp_path)
    project = told.project
    project.gitmig("upgrade", check=0)
    project.git("branch", "old", "HEAD~1")
    project.write("a first", "1\n")
    project.write("data.bin", "payload\n")
    project.write("z last", "1\n")
    project.write(".gitattributes", "data.bin filter=vault\n")
    project.commit("Add files")
    project.gitmig("switch", "old", check=0)
    return project


@pytest.mark.parametrize("smudge", ["exit 1", "kill -9 $$", "kill -9 $PPID"])
def test_a_required_filter_that_fails(smudge: str, tmp_path: Path) -> None:
    project = two_branches(tmp_path)
    project.git("config", "filter.vault.smudge", f"sh -c '{smudge}'")
    project.git("config", "filter.vault.clean", "cat")
    project.git("config", "filter.vault.required", "true")
    before = project.snapshot()
    failed = project.gitmig("switch", "main", check=1)
    assert "Error: " in failed.stderr
    assert project.snapshot() == before
    assert not project.path(".git/gitmig/journal.json").exists()
    assert project.git("symbolic-ref", "--short", "HEAD").strip() == "old"


def test_a_filter_that_fails_when_the_database_is_prepared(tmp_path: Path) -> None:
    """The check beforehand went well, as on a disk that fills up in between."""
    project = two_branches(tmp_path)
    count = project.top.parent / "count"
    script = f"n=$(cat {count} 2>/dev/null || echo 0); echo $((n+1)) >{count}; [ $n -lt 1 ] && cat"
    project.git("config", "filter.vault.smudge", f"sh -c '{script}'")
    project.git("config", "filter.vault.clean", "cat")
    project.git("config", "filter.vault.required", "true")
    before = project.snapshot()
    failed = project.gitmig("switch", "main", check=1)
    assert failed.stderr.count("Error: ") == 1, failed.stderr
    assert project.snapshot() == before
    assert not project.path(".git/gitmig/journal.json").exists()
