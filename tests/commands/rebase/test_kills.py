"""A killed ``rebase`` is settled: before it or after it, the database with the files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import database
from tests.branching import Branches, branches, parents
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


def test_a_killed_rebase(tmp_path: Path, database_url: str) -> None:
    found = branches(tmp_path, database_url)
    project = found.project
    database.execute(project.url, "insert into \"user\" (username, email) values ('ada', 'ada@x')")
    project.git("merge", "--quiet", "--no-edit", "main")
    merged = project.git("rev-parse", "HEAD")
    points = {point: POINTS[point] for point in (SOME if database_url.startswith("postgresql") else POINTS)}
    for point, side in points.items():
        before = project.snapshot()
        killed(project, point, "rebase", "--yes")
        complete = "git commit" if side == "applied" else None
        if side != "settled":
            recovered(project, "before" if side == "before" else "after", complete)
        assert not project.path(".git/index.lock").exists()
        emails = database.query(project.url, 'select email from "user"')
        assert emails == (("ada@x",),), point
        if side == "before":
            now = project.snapshot()
            assert (now.files, now.index, now.head, now.database) == (
                before.files,
                before.index,
                before.head,
                before.database,
            ), point
            continue
        _is_after(found, side, point)
        # Back to where it began.
        project.git("reset", "--quiet", "--hard", merged)
        project.gitmig("sync", "--yes")
        _back(found)


def _is_after(found: Branches, side: str, point: str) -> None:
    project = found.project
    assert parents(project)[found.ours] == (found.theirs,), point
    assert "order" in database.tables(project.url), point
    if side == "applied":
        assert project.git("status", "--porcelain") == f"M  {found.path(found.ours)}", point
        project.git("commit", "--quiet", "-m", "Settled")
    assert project.git("status", "--porcelain") == "", point
    assert project.gitmig("status", "--json", check=0).json["in_step"], point


def _back(found: Branches) -> None:
    """The database as it was before: at ours, without theirs."""
    project = found.project
    project.git("stash", "--quiet", "--include-untracked") if project.git("status", "--porcelain") else None
    project.git("switch", "--quiet", "--detach", "topic^1")
    project.gitmig("sync", "--yes", check=0)
    project.git("switch", "--quiet", "topic")
    assert "order" not in database.tables(project.url)


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
