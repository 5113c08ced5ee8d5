"""``squash``: one revision for many, and databases at any of the old ones."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests import database
from tests.articles import Article, article, article_on, findings, plain, third
from tests.branching import COLUMN, branches, parents, revised
from tests.support.lanes import by_day
from tests.test_recover import killed, recovered

FILL = 'op.execute("UPDATE \\"user\\" SET email = \'none of \' || id")'
ROWS = 'select username, email from "user" order by username'


def chain(folder: Path, url: str | None = None) -> tuple[Article, str, str]:
    """The article, then an e-mail address, then values for it: the two revisions."""
    found = article(folder) if url is None or url.startswith("sqlite") else article_on(folder, url)
    email = third(found)
    plain(found.project, "d4d4", email, up=FILL, down="pass", message="Fill it")
    found.project.gitmig("upgrade", "--commit", "--yes", check=0)
    return found, email, "d4d4"


def test_one_for_many(tmp_path: Path, database_url: str) -> None:
    found, email, fill = chain(tmp_path, database_url)
    project = found.project
    database.execute(project.url, "insert into \"user\" (username, email) values ('ada', 'ada@x')")
    project.hook()
    names = [path.name for path in project.path("alembic/versions").glob("*.py")]
    assert len(names) == 4
    answer = project.gitmig("squash", f"{found.first}..head", "--yes", "--json", check=0).json
    path = answer["path"]
    assert answer["revision"] == fill
    assert [step["action"] for step in answer["steps"]] == ["rewrite", "remove", "remove", *["commit"] * 4]
    assert parents(project) == {fill: (found.first,), found.first: ()}
    assert f"Squashes: {found.second} {email} {fill}\n" in project.read(path)
    assert project.git("status", "--porcelain") == ""
    assert project.git("log", "-1", "--format=%(trailers)") == (
        f"Migration-Squashed: {found.second} {email} {fill}\n"
    )
    # The database that has all of them has the squash.
    assert project.heads() == (fill,)
    answer = project.gitmig("status", "--json", check=0).json
    assert (answer["in_step"], answer["findings"]) == (True, [])
    assert project.gitmig("check", check=0).stderr == ""
    assert project.gitmig("sync", check=0).stdout.startswith(f"database  already at {fill}")
    # The new script goes down and up.
    project.gitmig("rollback", "--database-only", "--yes", check=0)
    assert project.columns("user") == ("id",)
    project.gitmig("upgrade", "--yes", check=0)
    assert project.columns("user") == ("id", "username", "email")


@pytest.mark.parametrize("command", [("upgrade",), ("sync",)])
def test_a_database_at_an_old_revision(tmp_path: Path, command: tuple[str, ...]) -> None:
    """It gets what is left of the old ones, in their own form, and keeps its rows."""
    found, email, fill = chain(tmp_path)
    project = found.project
    project.gitmig("rollback", email, "--database-only", "--yes", check=0)
    project.gitmig("rollback", found.second, "--database-only", "--yes", check=0)
    database.execute(project.url, "insert into \"user\" (username) values ('ada')")
    project.gitmig("squash", f"{found.first}..head", "--files-only", "--yes", check=0)
    answer = project.gitmig("status", "--json", check=1).json
    assert (findings(answer), answer["hint"]) == (["GM011"], "gitmig upgrade")
    assert "2 revisions behind" in answer["findings"][0]["message"]
    result = project.gitmig(*command, "--yes", check=0)
    assert result.stderr.splitlines()[:2] == [f"▲ upgrade {email}", f"▲ upgrade {fill}"]
    assert project.heads() == (fill,)
    assert database.query(project.url, ROWS) == (("ada", "none of 1"),)
    answer = project.gitmig("status", "--json", check=0).json
    assert (answer["in_step"], answer["findings"]) == (True, [])


def test_a_squash_that_goes_on_top_of_others(tmp_path: Path) -> None:
    """A database with the old revisions gets the squash in its new place, one in their middle the rest."""
    found = branches(tmp_path)
    project = found.project
    project.append("app/models.py", COLUMN.format("fax"))
    fax = revised(project, "Add a fax number")
    project.git("clone", "--quiet", ".", "../other")
    other = project.beside(tmp_path / "other")
    other.gitmig("upgrade", found.ours, "--yes", check=0)
    assert other.heads() == (found.ours,)
    for one in (project, other):
        database.execute(one.url, "insert into \"user\" (username, email) values ('ada', 'ada@x')")
    project.gitmig("squash", f"{found.fork}..head", "-m", "Both", "--yes", check=0)
    project.git("merge", "--quiet", "--no-edit", "main")
    project.gitmig("rebase", "--yes", check=0)
    assert parents(project)[fax] == (found.theirs,)
    assert "order" in database.tables(project.url)
    other.git("pull", "--quiet")
    assert f"database  {found.ours} (squashed into {fax})  [" in other.gitmig("status", check=1).stdout
    other.gitmig("sync", "--yes", check=0)
    for one in (project, other):
        assert one.heads() == (fax,)
        assert database.query(one.url, ROWS) == (("ada", "ada@x"),)
        assert one.gitmig("status", "--json", check=0).json["in_step"]


def test_without_git(tmp_path: Path) -> None:
    """The old scripts lie in a file beside the squash, which an image has too."""
    found, _, fill = chain(tmp_path)
    project = found.project
    project.gitmig("rollback", found.second, "--database-only", "--yes", check=0)
    project.gitmig("squash", f"{found.first}..head", "--files-only", "--yes", check=0)
    shutil.rmtree(project.path(".git"))
    project.gitmig("upgrade", "--yes", check=0)
    assert project.heads() == (fill,)
    assert project.gitmig("status", "--json", check=0).json["in_step"]


def test_without_the_file_git_has_them(tmp_path: Path) -> None:
    found, _, fill = chain(tmp_path)
    project = found.project
    project.gitmig("rollback", found.second, "--database-only", "--yes", check=0)
    project.gitmig("squash", f"{found.first}..head", "--files-only", "--yes", check=0)
    (kept,) = project.path("alembic/versions").glob("*.squashed.json")
    kept.unlink()
    project.commit("Without the old scripts")
    project.gitmig("upgrade", "--yes", check=0)
    assert project.heads() == (fill,)


def test_from_the_first_on_with_plain_alembic(tmp_path: Path) -> None:
    """A new database needs no gitmig; a squash can be squashed again."""
    found, email, fill = chain(tmp_path)
    project = found.project
    said = project.gitmig("squash", f"{found.first}..{email}", "-m", "Middle", "--yes", check=0).stdout
    assert re.search(r"^removed   alembic/versions/\S+\.py$", said, re.MULTILINE)
    assert "models " not in said
    project.gitmig("squash", f"..{fill}", "-m", "All of it", "--yes", check=0)
    assert parents(project) == {fill: ()}
    (path,) = project.path("alembic/versions").glob("*.py")
    assert f"Squashes: {found.first} {found.second} {email} {fill}\n" in path.read_text()
    project.path("app.db").unlink()
    project.alembic("upgrade", "head")
    assert project.columns("user") == ("id", "username", "email")
    assert project.gitmig("check", check=0).stderr == ""
    # A database at the very first one.
    project.alembic("downgrade", "base")
    project.git("stash", "--quiet", "--include-untracked")
    project.git("switch", "--quiet", "--detach", "HEAD~2")
    project.alembic("upgrade", found.first)
    project.git("switch", "--quiet", "main")
    project.gitmig("upgrade", "--yes", check=0)
    assert project.heads() == (fill,)
    assert project.columns("user") == ("id", "username", "email")


def test_a_plan(tmp_path: Path) -> None:
    found, email, fill = chain(tmp_path)
    project, before = found.project, found.project.snapshot()
    plan = project.gitmig("squash", f"{found.first}..head", "--dry-run", check=0).stdout.splitlines()
    assert plan[0] == "  rewrite alembic/versions/d4d4_plain.py"
    assert sorted(line.split()[0] for line in plan[1:]) == ["commit"] * 4 + ["remove"] * 2
    assert project.snapshot() == before
    assert {found.second, email, fill} < set(parents(project))


def test_the_models_difference(tmp_path: Path) -> None:
    """Revisions that change the schema alone become what the models' difference makes of them."""
    found = article(tmp_path)
    project = found.project
    email = third(found)
    project.append("app/models.py", "    phone: Mapped[str | None] = mapped_column(String)\n")
    phone = project.gitmig("revise", "-m", "Add a phone", "--yes", "--json", check=0).json["revision"]
    project.write("app/models.py", project.read("app/models.py").replace("    email", "    mail", 1))
    project.gitmig("revise", "-m", "Mail", "--draft", check=0)
    project.gitmig("upgrade", "--commit", "--yes", check=0)
    project.gitmig("squash", f"{found.first}..head", "-m", "All", "--yes", check=0)
    (path,) = [p for p in project.path("alembic/versions").glob("*.py") if found.first not in p.name]
    text = path.read_text()
    assert text.count("def ") == 2
    # What came and went again is not there any more.
    assert ("mail" in text, "'email'" in text) == (True, False)
    assert {email, phone} < set(text.partition("Squashes: ")[2].partition("\n")[0].split())
    project.path("app.db").unlink()
    project.gitmig("upgrade", "--yes", check=0)
    assert set(project.columns("user")) == {"id", "username", "phone", "mail"}
    assert project.gitmig("check", check=0).stderr == ""


def test_what_is_published(tmp_path: Path) -> None:
    found, email, fill = chain(tmp_path)
    project = found.project
    project.git("tag", "v1", "HEAD~1")
    before = project.snapshot()
    result = project.gitmig("squash", f"{found.first}..head", "--yes", check=1)
    assert result.stderr == (
        f"Error: {found.second}, {email} are published: others may have applied them\n"
        "Hint: gitmig squash FROM..TO --published, if that is meant\n"
    )
    assert project.snapshot() == before
    result = project.gitmig("squash", f"{found.first}..head", "--published", "--yes", check=0)
    assert (
        f"! {found.second}, {email} are published: "
        "plain `alembic upgrade` stops in a database at one of the squashed revisions\n"
    ) in result.stderr
    assert f"Gitmig-allow: GM003 squashed into {fill}" in project.git("log", "-1", "--format=%B")
    project.git("branch", "--quiet", "before", "HEAD~1")
    assert project.gitmig("check", "--base", "before").exit_code == 0


def test_what_cannot_be_squashed(tmp_path: Path) -> None:
    found, email, fill = chain(tmp_path)
    project = found.project
    for span, said in (
        (f"{email}..head", f"there is one revision from {email} to {fill}: nothing to squash"),
        (f"head..{email}", f"{email} does not follow {fill}"),
    ):
        assert project.gitmig("squash", span, check=1).stderr.startswith(f"Error: {said}\n"), span
    assert project.gitmig("squash", "head", check=2).stderr == (
        "Error: head is no range of revisions\nHint: gitmig squash FROM..TO\n"
    )
    assert project.gitmig("squash", "nope..head", check=2).stderr.startswith("Error: no file has")


POINTS = {
    "journal-written": "applied",
    "files-written": "applied",
    "commit-begun": "applied",
    "index-replaced": "applied",
    "committed": "after",
    "journal-removed": "settled",
}


@pytest.mark.parametrize("point", by_day(POINTS, number=1, of=3))
def test_a_kill(tmp_path: Path, point: str) -> None:
    """The database has nothing to do: from the journal on the files go forward."""
    found, _, fill = chain(tmp_path)
    project, side = found.project, POINTS[point]
    killed(project, point, "squash", f"{found.first}..head", "--yes")
    if side != "settled":
        recovered(project, "after", "git commit" if side == "applied" else None)
    if side == "applied":
        project.git("commit", "--quiet", "-m", "Settled")
    assert parents(project) == {fill: (found.first,), found.first: ()}
    assert project.git("status", "--porcelain") == ""


def test_a_kill_where_the_database_moves(tmp_path: Path) -> None:
    found, _, fill = chain(tmp_path)
    project = found.project
    for point, side in (("database-prepared", "before"), ("database-committed", "after")):
        project.gitmig("rollback", found.second, "--database-only", "--yes", check=0)
        killed(project, point, "squash", f"{found.first}..head", "--yes")
        recovered(project, side, "git commit" if side == "after" else None)
        assert project.heads() == ((found.second,) if side == "before" else (fill,))
        project.gitmig("upgrade", "--yes")
