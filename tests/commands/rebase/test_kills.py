"""A killed ``rebase`` is settled: before it or after it, the database with the files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import database
from tests.branching import Branches, branches, parents
from tests.support.lanes import by_day
from tests.test_recover import killed, recovered

POINTS = {
    "journal-written": "before",
    "database-prepared": "before",
    "files-written": "before",
    "database-committed": "applied",
    "commit-begun": "applied",
    "index-locked": "applied",
    "index-replaced": "applied",
    "staged": "applied",
    "committed": "after",
    "journal-removed": "settled",
}
"""Where a killed ``rebase`` is settled: "applied" is everything but the commit."""
SOME = ("database-prepared", "files-written", "database-committed", "committed")


@pytest.mark.parametrize("point", by_day(POINTS, number=0, of=3))
def test_a_killed_rebase(tmp_path: Path, point: str) -> None:
    _killed(branches(tmp_path), point)


@pytest.mark.parametrize("point", by_day(SOME, number=2, of=4))
def test_a_killed_rebase_on_postgresql(tmp_path: Path, postgres_url: str, point: str) -> None:
    _killed(branches(tmp_path, postgres_url), point)


def _killed(found: Branches, point: str) -> None:
    project, side = found.project, POINTS[point]
    database.execute(project.url, "insert into \"user\" (username, email) values ('ada', 'ada@x')")
    project.git("merge", "--quiet", "--no-edit", "main")
    before = project.snapshot()
    killed(project, point, "rebase", "--yes")
    complete = "git commit" if side == "applied" else None
    if side != "settled":
        recovered(project, "before" if side == "before" else "after", complete)
    assert not project.path(".git/index.lock").exists()
    assert database.query(project.url, 'select email from "user"') == (("ada@x",),)
    if side == "before":
        now = project.snapshot()
        assert (now.files, now.index, now.head, now.database) == (
            before.files,
            before.index,
            before.head,
            before.database,
        )
        return
    assert parents(project)[found.ours] == (found.theirs,)
    assert "order" in database.tables(project.url)
    if side == "applied":
        assert project.git("status", "--porcelain") == f"M  {found.path(found.ours)}"
        project.git("commit", "--quiet", "-m", "Settled")
    assert project.git("status", "--porcelain") == ""
    assert project.gitmig("status", "--json", check=0).json["in_step"]


def test_a_kill_between_two_files(tmp_path: Path) -> None:
    """Without the database the files are written one by one, and the same command goes on."""
    found = branches(tmp_path)
    project = found.project
    project.git("merge", "--quiet", "--no-edit", "main")
    killed(project, "file-half-written", "rebase", "--files-only", "--yes")
    assert project.gitmig("recover", check=0).stdout == "nothing to recover\n"
    project.gitmig("rebase", "--yes", check=0)
    assert parents(project)[found.ours] == (found.theirs,)
    assert project.gitmig("status", "--json", check=0).json["in_step"]


@pytest.mark.parametrize("point", ["files-written", "database-committed"])
def test_a_kill_without_records(tmp_path: Path, point: str) -> None:
    """The version table says the same before and after; what theirs makes tells."""
    found = branches(tmp_path)
    project = found.project
    project.git("merge", "--quiet", "--no-edit", "main")
    for revision in (found.ours, found.theirs):
        path = found.path(revision)
        lines = project.read(path).splitlines(True)
        project.write(path, "".join(line for line in lines if not line.startswith(("Models:", "Schema:"))))
    project.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    killed(project, point, "rebase", "--yes")
    side = "before" if point == "files-written" else "after"
    recovered(project, side, "git commit" if side == "after" else None)
    assert ("order" in database.tables(project.url)) is (side == "after")
