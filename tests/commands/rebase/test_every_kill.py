"""``rebase`` and ``squash`` killed at every named point of the source: settled before or after, with rows."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

import gitmig
from tests import database
from tests.branching import COLUMN, MODELS, Branches, branches, parents, revised
from tests.story import Project

_SOURCE = Path(gitmig.__file__).parent
POINTS = sorted(
    {
        name
        for path in _SOURCE.rglob("*.py")
        for name in re.findall(r'failpoint\("([\w-]+)"\)', path.read_text())
    }
)
ROWS = 'select email, fax from "user"'
REBASE = {
    "commit-begun", "committed", "database-committed", "database-prepared", "files-written",
    "index-locked", "index-replaced", "journal-removed", "journal-written", "staged",
    "tree-being-laid-out", "tree-laid-out",
}  # fmt: skip
"""The points that a rebase passes."""


def started(folder: Path, url: str | None) -> Branches:
    found = branches(folder, url)
    project = found.project
    project.append(MODELS, COLUMN.format("fax"))
    revised(project, "Add a fax number")
    database.execute(project.url, "insert into \"user\" (username, email, fax) values ('ada', 'ada@x', '1')")
    return found


def killed_everywhere(project: Project, *command: str) -> set[str]:
    """The points at which it died. After each it is settled, done, and taken back."""
    begun, passed = project.git("rev-parse", "HEAD"), set()
    for point in POINTS:
        before, old = project.snapshot(), parents(project)
        result = project.gitmig(*command, "--yes", env={"GITMIG_TEST_KILL_AT": point})
        if result.exit_code == -signal.SIGKILL:
            passed.add(point)
            project.gitmig("recover", check=0)
            assert not project.path(".git/index.lock").exists()
            assert database.query(project.url, ROWS) == (("ada@x", "1"),), point
            now = project.snapshot()
            if parents(project) == old:
                assert (now.files, now.index, now.head, now.database) == (
                    before.files, before.index, before.head, before.database,
                ), point  # fmt: skip
                project.gitmig(*command, "--yes", check=0)
        else:
            assert result.exit_code == 0, (point, result)
        if project.git("diff", "--cached", "--name-only"):
            project.git("commit", "--quiet", "-m", "Settled")
        assert parents(project) != old, point
        assert project.git("status", "--porcelain") == "", point
        assert project.gitmig("status", "--json", check=0).json["in_step"], point
        assert database.query(project.url, ROWS) == (("ada@x", "1"),), point
        project.git("reset", "--quiet", "--hard", begun)
        project.gitmig("sync", "--yes", check=0)
    return passed


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_a_rebase(tmp_path: Path, database_url: str) -> None:
    project = started(tmp_path, database_url).project
    project.git("merge", "--quiet", "--no-edit", "main")
    project.git("switch", "--quiet", "--create", "merged")
    assert killed_everywhere(project, "rebase") == REBASE


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_a_squash(tmp_path: Path, database_url: str) -> None:
    found = started(tmp_path, database_url)
    passed = killed_everywhere(found.project, "squash", f"{found.fork}..head")
    assert passed >= {"journal-written", "files-written", "commit-begun", "staged", "committed"}
