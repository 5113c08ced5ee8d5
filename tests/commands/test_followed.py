"""Ledger, pins, parked rows and other clones follow what rebase, merge, squash and backport make."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import database
from tests.articles import findings
from tests.branching import branches, parents
from tests.commands.backport.test_backport import copied, lines, with_models
from tests.commands.squash.test_squash import chain
from tests.story import Project


def ledger(project: Project) -> list[tuple[str, str]]:
    """What the ledger says was done, oldest first."""
    rows = project.gitmig("ledger", "show", "--json", check=0).json["rows"]
    return [(row["direction"], row["revision"]) for row in reversed(rows)]


def test_the_ledger_of_a_rebase_and_a_squash(tmp_path: Path, database_url: str) -> None:
    found = branches(tmp_path, database_url)
    project = found.project
    project.gitmig("ledger", "enable", "--yes", check=0)
    project.git("merge", "--quiet", "--no-edit", "main")
    project.gitmig("rebase", "--yes", check=0)
    moved = [("downgrade", found.ours), ("upgrade", found.theirs), ("upgrade", found.ours)]
    assert ledger(project) == moved
    # The database has it already: nothing is applied, and nothing is said to be.
    project.gitmig("squash", f"{found.fork}..head", "--yes", check=0)
    assert ledger(project) == moved
    project.gitmig("rollback", "--yes", "--database-only", check=0)
    assert ledger(project) == [*moved, ("downgrade", found.ours)]
    assert project.heads() == (found.fork,)


def test_what_somebody_else_applied_is_not_undone_by_a_rebase(tmp_path: Path) -> None:
    found = branches(tmp_path)
    project = found.project
    project.gitmig("rollback", "--database-only", "--yes", check=0)
    project.gitmig("ledger", "enable", "--yes", check=0)
    grace = {"GIT_COMMITTER_NAME": "Grace", "GIT_COMMITTER_EMAIL": "grace@example.org"}
    project.gitmig("upgrade", "--yes", env=grace, check=0)
    project.git("merge", "--quiet", "--no-edit", "main")
    before = project.snapshot()
    said = project.gitmig("rebase", "--yes", check=1).stderr
    assert "Grace <grace@example.org>" in said
    assert project.snapshot() == before
    project.gitmig("rebase", "--yes", "--including", "Grace", check=0)
    assert project.gitmig("status", "--json", check=0).json["in_step"]


def test_the_ledger_of_a_backport(tmp_path: Path, database_url: str) -> None:
    found = with_models(lines(tmp_path, database_url))
    project = found.project
    project.gitmig("ledger", "enable", "--yes", check=0)
    copy = copied(found)
    project.gitmig("switch", "main", "--yes", check=0)
    there = [("downgrade", copy), ("upgrade", found.orders), ("upgrade", found.email)]
    assert ledger(project) == [("upgrade", copy), *there]
    project.gitmig("switch", "release/1.4", "--yes", check=0)
    assert (
        ledger(project)[4:]
        == [(("upgrade" if one == "downgrade" else "downgrade"), r) for one, r in there][::-1]
    )


@pytest.mark.parametrize("how", ["merge", "rebase"])
def test_a_pull_and_a_push_by_force(tmp_path: Path, how: str) -> None:
    """Another clone has the old form, which no branch has any more: a pin undoes it, and rows come back."""
    found = branches(tmp_path)
    project = found.project
    grace = found.other_clone(tmp_path / "grace")
    project.git("pull", "--quiet", "--no-edit", f"--rebase={str(how == 'rebase').lower()}", "origin", "main")
    project.gitmig("rebase", "--yes", check=0)
    assert parents(project)[found.ours] == (found.theirs,)
    assert project.gitmig("status", "--json", check=0).json["in_step"]
    project.git("push", "--quiet", "--force", "origin", "topic")
    grace.git("fetch", "--quiet", "origin")
    grace.git("reset", "--quiet", "--hard", "origin/topic")
    grace.git("reflog", "expire", "--expire=now", "--all")
    grace.git("gc", "--quiet", "--prune=now")
    answer = grace.gitmig("status", "--json", check=1).json
    assert (findings(answer)[0], answer["hint"]) == ("GM019", "gitmig sync")
    grace.gitmig("sync", "--yes", check=0)
    assert database.query(grace.url, 'select username, email from "user"') == (("grace", "grace@x"),)
    assert grace.gitmig("status", "--json", check=0).json["in_step"]


@pytest.mark.parametrize(
    ("place", "kept"),
    [("base", "git"), ("first", "file"), ("second", "git"), ("email", "file"), ("fill", "git")],
)
def test_every_old_id_of_a_squash_is_upgraded_from(
    tmp_path: Path, database_url: str, place: str, kept: str
) -> None:
    found, email, fill = chain(tmp_path, database_url)
    project = found.project
    ids = {"base": "base", "first": found.first, "second": found.second, "email": email, "fill": fill}
    project.gitmig("rollback", ids[place], "--database-only", "--yes", check=0)
    project.gitmig("squash", f"..{fill}", "--files-only", "--yes", check=0)
    if kept == "git":
        project.git("rm", "--quiet", "alembic/versions/*.squashed.json")
        project.git("commit", "--quiet", "-m", "Without the old scripts")
    project.gitmig("upgrade", "--yes", check=0)
    assert project.heads() == (fill,)
    assert project.columns("user") == ("id", "username", "email")
    answer = project.gitmig("status", "--json", check=0).json
    assert (answer["in_step"], answer["findings"]) == (True, [])
    project.gitmig("drift", check=0)


def test_the_ledger_and_the_rows_of_a_merge(tmp_path: Path, database_url: str) -> None:
    """What one side's column held is back after the join went down and up; another clone gets the join."""
    found = branches(tmp_path, database_url)
    project = found.project
    grace = found.other_clone(tmp_path / "grace") if database_url.startswith("sqlite") else None
    database.execute(project.url, "insert into \"user\" (username, email) values ('ada', 'ada@x')")
    project.gitmig("ledger", "enable", "--yes", check=0)
    project.git("tag", "v1", "main")
    project.git("tag", "v2", "topic")
    project.git("merge", "--quiet", "--no-edit", "main")
    answer = project.gitmig("merge", "--yes", "--json", check=0).json
    joined = [("upgrade", found.theirs), ("upgrade", answer["revision"])]
    assert ledger(project) == joined
    project.gitmig("rollback", found.fork, "--database-only", "--yes", check=0)
    assert project.columns("user") == ("id", "username")
    assert {r for way, r in ledger(project)[2:] if way == "downgrade"} == {
        found.ours, found.theirs, answer["revision"],
    }  # fmt: skip
    project.gitmig("upgrade", "--yes", check=0)
    assert project.heads() == (answer["revision"],)
    assert database.query(project.url, 'select email from "user"') == (("ada@x",),)
    if grace is not None:
        project.git("push", "--quiet", "origin", "topic")
        grace.git("pull", "--quiet", "--ff-only", "origin", "topic")
        grace.gitmig("sync", "--yes", check=0)
        assert grace.heads() == (answer["revision"],)
        assert database.query(grace.url, 'select email from "user"') == (("grace@x",),)
        assert grace.gitmig("status", "--json", check=0).json["in_step"]
