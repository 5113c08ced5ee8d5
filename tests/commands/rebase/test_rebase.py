"""``rebase``: this branch's revisions on top of what the other side added."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import database
from tests.articles import Article, article, findings, plain
from tests.branching import MODELS, Branches, branches, order, parents, revised
from tests.story import USERNAME, Project

ROWS = 'select username, email from "user" order by username'


def with_rows(found: Branches) -> Branches:
    """Two users, one of whom has an e-mail address."""
    url = found.project.url
    database.execute(url, "insert into \"user\" (username, email) values ('ada', 'ada@x'), ('grace', null)")
    return found


def one_line(found: Branches, *, ours: tuple[str, ...] = ()) -> None:
    """The files, the database and the records say that ours follow theirs."""
    project, last = found.project, (ours or (found.ours,))[-1]
    assert parents(project)[(ours or (found.ours,))[0]] == (found.theirs,)
    assert project.heads() == (last,)
    assert "order" in database.tables(project.url)
    assert project.gitmig("status", "--json", check=0).json["in_step"]
    assert project.gitmig("check", check=0).stderr == ""
    ties = {one["revision"]: one["tie"] for one in project.gitmig("log", "--json").json["revisions"]}
    assert ties[last] == "verified"


def test_after_a_merge(tmp_path: Path, database_url: str) -> None:
    """The database undoes ours, does theirs, does ours again, and keeps the rows."""
    found = with_rows(branches(tmp_path, database_url))
    project, path = found.project, found.path(found.ours)
    project.git("merge", "--quiet", "--no-edit", "main")
    project.hook()
    before = project.read(path)
    result = project.gitmig("rebase", "--yes", check=0)
    commit = project.git("rev-parse", "--short=8", "HEAD")
    assert result.stdout == (
        f"database  at {found.ours}  Add an e-mail address\n"
        "rows      parked 2 rows of user.email\n"
        "rows      2 rows of user.email are back\n"
        f"rewrote   {path}\n"
        f"commit    {commit}\n"
    )
    assert result.stderr.splitlines()[:3] == [
        f"▼ downgrade {found.ours}",
        f"▲ upgrade {found.theirs}",
        f"▲ upgrade {found.ours}",
    ]
    one_line(found)
    assert sorted(database.query(project.url, ROWS), key=str) == [("ada", "ada@x"), ("grace", None)]
    # Nothing but the parent and the record is another.
    changed = set(project.read(path).splitlines()) ^ set(before.splitlines())
    assert {line.split()[0].rstrip(":") for line in changed} == {
        "Revises",
        "Models",
        "Schema",
        "down_revision",
    }
    assert project.git("log", "-1", "--format=%B") == (
        f"Put {found.ours} on top of {found.theirs}\n\nMigration-Rebased: {found.ours}\n"
    )
    assert project.git("status", "--porcelain") == ""
    again = project.gitmig("rebase", check=0)
    assert (again.stdout, again.stderr) == (f"nothing to rebase: {found.ours} is the one head\n", "")
    # Each of them goes down and up again.
    project.gitmig("rollback", found.fork, "--database-only", "--yes", check=0)
    project.gitmig("upgrade", "--yes", check=0)
    assert sorted(database.query(project.url, ROWS), key=str) == [("ada", "ada@x"), ("grace", None)]


def test_after_a_rebase_of_git(tmp_path: Path) -> None:
    found = with_rows(branches(tmp_path))
    found.project.git("rebase", "--quiet", "main")
    found.project.gitmig("rebase", "--yes", check=0)
    one_line(found)


def test_theirs_stay_on_the_branch_that_others_build_on(tmp_path: Path) -> None:
    """On main, what a merge brought goes on top; so it does if only the other side is published."""
    found = branches(tmp_path)
    project = found.project
    project.gitmig("switch", "main", "--yes", check=0)
    project.git("merge", "--quiet", "--no-ff", "--no-edit", "topic")
    project.gitmig("rebase", "--yes", check=0)
    one_line(found)
    project.git("reset", "--quiet", "--hard", "HEAD~1")
    project.gitmig("sync", "--yes")
    project.git("switch", "--quiet", "-c", "other")
    project.git("tag", "v1", "main^2")
    project.gitmig("rebase", "--yes", check=0)
    assert parents(project)[found.theirs] == (found.ours,)


def test_what_is_said_by_name(tmp_path: Path) -> None:
    found = branches(tmp_path)
    project = found.project
    project.git("merge", "--quiet", "--no-edit", "main")
    project.gitmig("rebase", found.theirs[:6], "--yes", check=0)
    assert parents(project)[found.theirs] == (found.ours,)
    assert project.heads() == (found.theirs,)
    project.git("reset", "--quiet", "--hard", "HEAD~1")
    project.gitmig("rebase", "--onto", "main", "--yes", check=0)
    one_line(found)


def test_a_chain(tmp_path: Path) -> None:
    """Each record says what its revision leads to now; only the last has models in a commit."""
    found = with_rows(branches(tmp_path))
    project = found.project
    text = project.read(MODELS)
    project.write(MODELS, text + "    phone: Mapped[str | None] = mapped_column(String)\n")
    second = revised(project, "Add a phone number")
    project.git("merge", "--quiet", "--no-edit", "main")
    project.gitmig("rebase", "--yes", check=0)
    one_line(found, ours=(found.ours, second))
    assert parents(project)[second] == (found.ours,)
    record = [line for line in project.read(found.path(found.ours)).splitlines() if "Models:" in line]
    assert record == []
    project.gitmig("rollback", "--database-only", "--yes", check=0)
    project.gitmig("upgrade", "--yes", check=0)


def test_without_records(tmp_path: Path) -> None:
    """Revisions of plain Alembic: proven on a scratch database, and recorded."""
    project = Project.create(tmp_path)
    user = "op.create_table('user', sa.Column('id', sa.Integer, primary_key=True))"
    plain(project, "a1a1", None, up=user, down="op.drop_table('user')", message="First")
    project.commit("First")
    project.git("switch", "--quiet", "-c", "topic")
    project.append(MODELS, "    username: Mapped[str | None] = mapped_column(String)\n")
    up, down = "op.add_column('user', sa.Column('username', sa.String))", "op.drop_column('user', 'username')"
    plain(project, "b2b2", "a1a1", up=up, down=down, message="Ours")
    project.commit("Ours")
    project.alembic("upgrade", "head")
    project.git("switch", "--quiet", "main")
    order(project)
    up = "op.create_table('order', sa.Column('id', sa.Integer, primary_key=True))"
    plain(project, "c3c3", "a1a1", up=up, down="op.drop_table('order')", message="Theirs")
    project.commit("Theirs")
    project.git("switch", "--quiet", "topic")
    project.git("merge", "--quiet", "--no-edit", "main")
    project.gitmig("rebase", "--yes", check=0)
    assert parents(project)["b2b2"] == ("c3c3",)
    assert project.heads() == ("b2b2",)
    assert "Schema: sqlite" in project.read("alembic/versions/b2b2_plain.py")
    assert project.gitmig("check", check=0).stderr == ""


def test_both_change_the_same(tmp_path: Path) -> None:
    """GM009, until the script says what is to be done on top of theirs and somebody names it."""
    found = branches(tmp_path)
    project = found.project
    project.git("switch", "--quiet", "main")
    project.append(MODELS, "    email: Mapped[str | None] = mapped_column(String(80))\n")
    project.gitmig("sync", "--yes", check=0)
    theirs = revised(project, "Add e-mail")
    project.gitmig("switch", "topic", "--yes", check=0)
    assert project.try_git("merge", "main").exit_code == 1
    ours_wins = project.git("show", "topic:" + MODELS)
    project.write(MODELS, ours_wins)
    order(project)
    project.git("commit", "--quiet", "--all", "--no-edit")
    before = project.snapshot()
    result = project.gitmig("rebase", "--yes", check=1)
    path = found.path(found.ours)
    assert result.stderr == (
        f"Error: GM009: {found.ours} and {found.theirs}, {theirs} do not commute\n"
        "  ours:   + user.email VARCHAR\n"
        "  theirs: + user.email VARCHAR(80)\n"
        f"Hint: write {path} for what {theirs} leaves, then: gitmig rebase {found.ours}\n"
    )
    assert project.snapshot() == before
    # As it is, it fails on top of theirs.
    named = project.gitmig("rebase", found.ours, "--yes", check=1)
    assert "duplicate column name: email" in named.stderr
    assert project.heads() == (found.ours,)
    text = project.read(path)
    adds, drops = "add_column(sa.Column('email', sa.String(), nullable=True))", "drop_column('email')"
    assert adds in text
    assert drops in text
    alters = "alter_column('email', type_=sa.String({}))"
    text = text.replace(adds, alters.format("")).replace(drops, alters.format("80"))
    project.write(path, text)
    done = project.gitmig("rebase", found.ours, "--yes", check=0)
    assert f"! GM009: {found.ours} and {found.theirs}, {theirs} do not commute\n" in done.stderr
    assert parents(project)[found.ours] == (theirs,)
    assert project.gitmig("status", "--json", check=0).json["in_step"]


def test_models_that_were_merged_wrongly(tmp_path: Path) -> None:
    found = branches(tmp_path)
    project = found.project
    project.git("merge", "--quiet", "--no-edit", "main")
    project.write(
        MODELS, project.read(MODELS).replace("class Order", "class Orders").replace('"order"', '"orders"')
    )
    project.git("commit", "--quiet", "--all", "--amend", "--no-edit", "--no-verify")
    before = project.snapshot()
    result = project.gitmig("rebase", "--yes", check=1)
    assert result.stderr.startswith(
        f"Error: {found.ours} on top of {found.theirs} does not lead to the models of both sides\n"
    )
    assert "+ table orders" in result.stderr
    assert project.snapshot() == before


def test_published_on_both_sides(tmp_path: Path) -> None:
    found = branches(tmp_path)
    project = found.project
    project.git("tag", "v1", "main")
    project.git("tag", "v2", "topic")
    project.git("merge", "--quiet", "--no-edit", "main")
    result = project.gitmig("rebase", check=1)
    assert result.stderr == "Error: the revisions of both sides are published\nHint: gitmig merge\n"
    result = project.gitmig("rebase", found.ours, check=1)
    assert result.stderr == (
        f"Error: the revision {found.ours} is published: others may have applied it as it is\n"
        "Hint: gitmig merge\n"
    )


def test_a_dry_run(tmp_path: Path) -> None:
    found = branches(tmp_path)
    project, path = found.project, found.path(found.ours)
    project.git("merge", "--quiet", "--no-edit", "main")
    before = project.snapshot()
    answer = project.gitmig("rebase", "--dry-run", "--json", check=0).json
    assert [(step["action"], step["revision"], step["path"]) for step in answer["steps"]] == [
        ("downgrade", found.ours, None),
        ("upgrade", found.theirs, None),
        ("upgrade", found.ours, None),
        ("rewrite", found.ours, path),
        ("commit", None, path),
    ]
    assert answer["database"] == {"heads": [found.ours]}
    assert "commit" not in answer
    assert project.gitmig("rebase", "--dry-run", check=0).stdout.splitlines() == [
        f"▼ downgrade {found.ours}",
        f"▲ upgrade {found.theirs}",
        f"▲ upgrade {found.ours}",
        f"  rewrite {path}",
        f"  commit {path}",
    ]
    assert project.snapshot() == before


def test_staged(tmp_path: Path) -> None:
    found = branches(tmp_path)
    project, path = found.project, found.path(found.ours)
    project.git("merge", "--quiet", "--no-edit", "main")
    result = project.gitmig("rebase", "--no-commit", "--yes", check=0)
    assert result.stderr.endswith("Hint: git commit\n")
    assert project.git("status", "--porcelain") == f"M  {path}"
    project.hook()
    project.git("commit", "--quiet", "-m", "Our own words")
    one_line(found)


def test_half_and_half(tmp_path: Path) -> None:
    found = with_rows(branches(tmp_path))
    project, path = found.project, found.path(found.ours)
    project.git("merge", "--quiet", "--no-edit", "main")
    result = project.gitmig("rebase", "--files-only", "--yes", check=0)
    assert result.stdout == (f"rewrote   {path}\ncommit    {project.git('rev-parse', '--short=8', 'HEAD')}\n")
    answer = project.gitmig("status", "--json", check=1).json
    assert findings(answer) == ["GM019"]
    assert answer["hint"] == "gitmig sync"
    assert project.gitmig("rebase", "--database-only", "--yes", check=0).stdout.startswith(
        f"database  at {found.ours}"
    )
    one_line(found)
    assert sorted(database.query(project.url, ROWS), key=str) == [("ada", "ada@x"), ("grace", None)]


def test_a_bot(tmp_path: Path) -> None:
    """On a checkout of the merge, without a database: one commit, and one head."""
    found = branches(tmp_path)
    project = found.project
    project.git("switch", "--quiet", "--detach", "main")
    project.git("update-ref", "refs/remotes/origin/HEAD", "main")
    project.git("merge", "--quiet", "--no-edit", "topic")
    project.path("app.db").unlink()
    project.gitmig("rebase", "--fix", check=0)
    assert parents(project)[found.ours] == (found.theirs,)
    assert project.gitmig("check", "--base", "main", check=0).stderr == ""
    assert not project.path("app.db").exists()
    assert project.gitmig("rebase", "--fix", check=0).stdout.startswith("nothing to rebase")


def test_arguments_that_exclude_each_other(tmp_path: Path) -> None:
    project = article(tmp_path).project
    for options, said in (
        (("--database-only", "--files-only"), "--database-only and --files-only"),
        (("--database-only", "--fix"), "--database-only and --fix"),
        (("--fix", "--no-commit"), "--fix and --no-commit"),
    ):
        result = project.gitmig("rebase", *options, check=2)
        assert result.stderr == f"Error: {said} exclude each other\nHint: gitmig rebase --help\n"
    assert project.gitmig("rebase", "nope", check=2).stderr.startswith("Error: no file has a revision 'nope'")


@pytest.mark.parametrize("name", ["{number}_{word}.py", "{word}.py"])
def test_numbered_revisions(tmp_path: Path, name: str) -> None:
    """The numbers count on, in the id, in the file's name and in what follows."""
    project = Project.create(tmp_path)
    user = "op.create_table('user', sa.Column('id', sa.Integer, primary_key=True))"

    def numbered(number: str, parent: str | None, word: str, up: str, down: str) -> None:
        path = plain(project, number, parent, up=up, down=down, message=word)
        project.git("add", path)
        project.git("mv", path, f"alembic/versions/{name.format(number=number, word=word)}")

    numbered("0001", None, "first", user, "op.drop_table('user')")
    project.commit("First")
    project.git("switch", "--quiet", "-c", "topic")
    project.append(MODELS, USERNAME.replace(", index=True", ""))
    add, drop = "op.add_column('user', sa.Column('{0}', sa.String))", "op.drop_column('user', '{0}')"
    numbered("0002", "0001", "ours", add.format("username"), drop.format("username"))
    project.append(MODELS, "    phone: Mapped[str | None] = mapped_column(String)\n")
    numbered("0003", "0002", "more", add.format("phone"), drop.format("phone"))
    project.commit("Ours")
    project.alembic("upgrade", "head")
    project.git("switch", "--quiet", "main")
    order(project)
    up = "op.create_table('order', sa.Column('id', sa.Integer, primary_key=True))"
    numbered("0004", "0001", "theirs", up, "op.drop_table('order')")
    project.commit("Theirs")
    project.git("switch", "--quiet", "topic")
    project.git("merge", "--quiet", "--no-edit", "main")
    project.gitmig("rebase", "--yes", check=0)
    assert parents(project) == {"0006": ("0005",), "0005": ("0004",), "0004": ("0001",), "0001": ()}
    names = sorted(path.name for path in project.path("alembic/versions").glob("*.py"))
    numbers = {"first": "0001", "theirs": "0004", "ours": "0005", "more": "0006"}
    assert names == sorted(name.format(number=number, word=word) for word, number in numbers.items())
    assert project.heads() == ("0006",)
    assert project.git("status", "--porcelain") == ""


def test_both_took_one_number(tmp_path: Path) -> None:
    """GM004 as git leaves it: ours gets the next number, and the database goes along."""
    project = Project.create(tmp_path)
    user = "op.create_table('user', sa.Column('id', sa.Integer, primary_key=True))"
    first = plain(project, "001", None, up=user, down="op.drop_table('user')", message="First")
    project.git("add", first)
    project.git("mv", first, "alembic/versions/001_first.py")
    project.commit("First")
    project.git("switch", "--quiet", "-c", "topic")
    project.append(MODELS, USERNAME.replace(", index=True", ""))
    add, drop = (
        "op.add_column('user', sa.Column('username', sa.String))",
        "op.drop_column('user', 'username')",
    )
    path = plain(project, "002", "001", up=add, down=drop, message="Ours")
    project.git("add", path)
    project.git("mv", path, "alembic/versions/002_ours.py")
    project.commit("Ours")
    project.gitmig("upgrade", "--yes", check=0)
    project.git("switch", "--quiet", "main")
    order(project)
    up = "op.create_table('order', sa.Column('id', sa.Integer, primary_key=True))"
    path = plain(project, "002", "001", up=up, down="op.drop_table('order')", message="Theirs")
    project.git("add", path)
    project.git("mv", path, "alembic/versions/002_theirs.py")
    project.commit("Theirs")
    project.git("switch", "--quiet", "topic")
    project.git("merge", "--quiet", "--no-edit", "main")
    database.execute(project.url, "insert into \"user\" (username) values ('ada')")
    said = project.gitmig("rebase", "--yes", check=0).stdout
    # What was parked when 002 was undone is of 003 now, and none of their 002's business.
    assert "rows      1 row of user.username is back\n" in said
    assert "stay parked" not in said
    assert database.query(project.url, 'select username from "user"') == (("ada",),)
    assert parents(project) == {"003": ("002",), "002": ("001",), "001": ()}
    assert sorted(path.name for path in project.path("alembic/versions").glob("*.py")) == [
        "001_first.py",
        "002_theirs.py",
        "003_ours.py",
    ]
    assert project.heads() == ("003",)
    assert project.columns("user") == ("id", "username")
    assert project.gitmig("status", "--json", check=0).json["in_step"]


def test_before_the_merge(tmp_path: Path) -> None:
    """It begins the merge; git's own commit concludes it."""
    found = with_rows(branches(tmp_path))
    project, path = found.project, found.path(found.ours)
    before = project.snapshot()
    plan = project.gitmig("rebase", "--onto", "main", "--dry-run", check=0).stdout.splitlines()
    assert plan[:4] == [
        f"▼ downgrade {found.ours}",
        f"▲ upgrade {found.theirs}",
        f"▲ upgrade {found.ours}",
        f"  rewrite {path}",
    ]
    assert project.snapshot() == before
    # What fails takes the merge back.
    theirs = project.git("show", f"main:{MODELS}")
    assert "order" in theirs
    project.gitmig(
        "rebase", "--onto", "main", "--yes", env={"DATABASE_URL": "sqlite:///nowhere/app.db"}, check=2
    )
    assert project.snapshot() == before
    result = project.gitmig("rebase", "--onto", "main", "--yes", check=0)
    assert result.stderr.endswith("Hint: git merge --continue\n")
    project.hook()
    project.git("commit", "--quiet", "--no-edit")
    one_line(found)


def test_before_a_merge_that_conflicts(tmp_path: Path) -> None:
    found = conflicting(tmp_path)
    project, before = found.project, found.project.snapshot()
    assert project.gitmig("rebase", "--onto", "main", "--yes", check=1).stderr == (
        f"Error: merging main conflicts in {MODELS}\n"
        "Hint: git merge main, then in the middle of it: gitmig rebase\n"
    )
    assert project.snapshot() == before


def test_the_middle_of_a_merge(tmp_path: Path) -> None:
    """While models.py conflicts the files are rewritten and staged; the database follows."""
    found = with_rows(conflicting(tmp_path))
    project, path = found.project, found.path(found.ours)
    assert project.try_git("merge", "main").exit_code == 1
    result = project.gitmig("rebase", "--yes", check=0)
    assert result.stdout == f"rewrote   {path}\n"
    assert result.stderr == "Hint: git merge --continue, then: gitmig sync\n"
    assert parents(project)[found.ours] == (found.theirs,)
    project.hook()
    project.write(MODELS, resolved(project.read(MODELS)))
    project.git("add", MODELS)
    project.git("commit", "--quiet", "--no-edit")
    project.gitmig("sync", "--yes", check=0)
    assert parents(project)[found.ours] == (found.theirs,)
    assert project.gitmig("status", "--json", check=0).json["in_step"]
    assert database.query(project.url, "select email from \"user\" where username = 'ada'") == (("ada@x",),)


def test_the_middle_of_a_merge_without_conflicts(tmp_path: Path) -> None:
    """Then the database goes along."""
    found = with_rows(branches(tmp_path))
    project = found.project
    project.git("merge", "--quiet", "--no-commit", "--no-ff", "main")
    result = project.gitmig("rebase", "--yes", check=0)
    assert result.stderr.endswith("Hint: git merge --continue\n")
    project.hook()
    project.git("commit", "--quiet", "--no-edit")
    one_line(found)
    assert project.git("rev-list", "--parents", "-1", "HEAD").count(" ") == 2


def test_the_middle_of_a_rebase(tmp_path: Path) -> None:
    found = with_rows(conflicting(tmp_path))
    project = found.project
    assert project.try_git("rebase", "main").exit_code == 1
    result = project.gitmig("rebase", "--yes", check=0)
    assert result.stderr == "Hint: git rebase --continue, then: gitmig sync\n"
    project.write(MODELS, resolved(project.read(MODELS)))
    project.git("add", MODELS)
    project.git("-c", "core.editor=true", "rebase", "--continue")
    project.gitmig("sync", "--yes", check=0)
    assert parents(project)[found.ours] == (found.theirs,)
    assert project.git("log", "--format=%s", "-2").splitlines() == ["Add an e-mail address", "Add a phone"]
    assert project.gitmig("status", "--json", check=0).json["in_step"]


def conflicting(folder: Path) -> Branches:
    """Both sides add a column at the end of the models: they commute, and the text conflicts."""
    found = article(folder)
    project = found.project
    project.git("switch", "--quiet", "-c", "topic")
    project.append(MODELS, "    email: Mapped[str | None] = mapped_column(String)\n")
    ours = revised(project, "Add an e-mail address")
    project.gitmig("switch", "main", "--yes", check=0)
    project.append(MODELS, "    phone: Mapped[str | None] = mapped_column(String)\n")
    theirs = revised(project, "Add a phone")
    project.gitmig("switch", "topic", "--yes", check=0)
    return Branches(project=project, fork=found.second, theirs=theirs, ours=ours)


def resolved(text: str) -> str:
    """Both sides of a conflict."""
    return "".join(
        line for line in text.splitlines(True) if line[:7] not in ("<<<<<<<", "=======", ">>>>>>>")
    )


def test_another_clone_follows(tmp_path: Path) -> None:
    """Who has applied ours as it was undoes it and does it again, and keeps the rows."""
    found = branches(tmp_path)
    project = found.project
    grace = found.other_clone(tmp_path / "grace")
    project.git("merge", "--quiet", "--no-edit", "main")
    said = project.gitmig("rebase", "--yes", check=0).stderr
    assert (
        f"! origin/topic has {found.ours}: databases elsewhere that have it follow with gitmig sync\n" in said
    )
    project.git("push", "--quiet", "origin", "topic")
    grace.git("pull", "--quiet")
    answer = grace.gitmig("status", "--json", check=1).json
    assert (findings(answer)[0], answer["hint"]) == ("GM019", "gitmig sync")
    grace.gitmig("sync", "--yes", check=0)
    assert grace.heads() == (found.ours,)
    assert database.query(grace.url, ROWS) == (("grace", "grace@x"),)
    assert grace.gitmig("status", "--json", check=0).json["in_step"]


def test_nothing_at_all(tmp_path: Path) -> None:
    project: Project = Project.create(tmp_path)
    assert project.gitmig("rebase", check=0).stdout == "nothing to rebase: there are no revisions\n"
    told: Article = article(tmp_path)
    assert told.project.gitmig("rebase", "--json", check=0).json["steps"] == []
