"""``sync``: the database follows the checkout, also where git alone still knows the way back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests import database
from tests.articles import EMAIL, Article, article, article_on, plain, third
from tests.bad import refuses
from tests.story import MODELS, USERNAME, Project

NICKNAME = EMAIL.replace("email", "nickname")


@pytest.fixture
def told(tmp_path: Path) -> Article:
    return article(tmp_path)


def on_a_branch(told: Article, name: str = "feature") -> str:
    """A third revision on a branch of its own, and applied; the checkout is main again."""
    told.project.git("switch", "--quiet", "--create", name)
    revision = third(told)
    told.project.git("switch", "--quiet", "main")
    return revision


def forget(project: Project, branch: str) -> None:
    """Delete a branch with everything that still leads to it."""
    project.git("branch", "--quiet", "-D", branch)
    project.git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
    project.git("gc", "--quiet", "--prune=now")


def unpin(project: Project) -> None:
    """As if the revisions had been applied by plain Alembic."""
    for ref in project.git("for-each-ref", "--format=%(refname)", "refs/gitmig/").splitlines():
        project.git("update-ref", "-d", ref)
    shutil.rmtree(project.path(".git/gitmig"))


def steps(project: Project, *args: str) -> list[tuple[str, str]]:
    answer = project.gitmig("sync", *args, "--json", check=0).json
    return [(step["action"], step["revision"] or step["path"]) for step in answer["steps"]]


def test_a_branch_that_is_deleted_and_collected_is_undone_by_its_pin(told: Article) -> None:
    project = told.project
    revision = on_a_branch(told)
    commit = project.git("rev-parse", "feature")
    forget(project, "feature")
    assert project.try_git("cat-file", "-e", commit).exit_code != 0
    status = project.gitmig("status", "--json", check=1).json
    assert status["hint"] == "gitmig sync"
    before = project.snapshot()
    assert steps(project, "--dry-run") == [("downgrade", revision)]
    assert project.snapshot() == before
    assert steps(project) == [("downgrade", revision)]
    assert project.heads() == (told.second,)
    assert project.columns("user") == ("id", "username")
    assert project.gitmig("status", "--json", check=0).json["in_step"] is True
    assert steps(project) == []
    assert not list(project.path(".git/gitmig").glob("gitmig-tmp-*"))


def test_a_revision_on_each_side(tmp_path: Path, postgres_url: str) -> None:
    told = article_on(tmp_path, postgres_url)
    project = told.project
    theirs = on_a_branch(told)
    project.gitmig("sync", check=0)
    project.append("app/models.py", NICKNAME)
    ours = project.gitmig("revise", "-m", "Add a nickname", "--json", check=0).json["revision"]
    project.git("switch", "--quiet", "feature")
    assert steps(project) == [("downgrade", ours), ("upgrade", theirs)]
    assert (project.heads(), project.columns("user")) == ((theirs,), ("id", "username", "email"))
    project.git("switch", "--quiet", "main")
    project.gitmig("sync", check=0)
    assert (project.heads(), project.columns("user")) == ((ours,), ("id", "username", "nickname"))


def test_without_a_pin_a_branch_or_the_reflog_has_the_script(told: Article) -> None:
    project = told.project
    revision = on_a_branch(told)
    unpin(project)
    assert project.gitmig("status", "--json").json["hint"] == "gitmig sync"
    assert steps(project) == [("downgrade", revision)]
    project.git("switch", "--quiet", "feature")
    project.gitmig("upgrade", check=0)
    project.git("reset", "--quiet", "--hard", "main")
    unpin(project)
    assert steps(project) == [("downgrade", revision)]
    assert project.heads() == (told.second,)


def test_what_was_merely_fetched_is_shown_and_confirmed(told: Article) -> None:
    project = told.project
    revision = on_a_branch(told)
    commit = project.git("rev-parse", "feature")
    project.git("update-ref", "refs/remotes/origin/feature", commit)
    project.git("branch", "--quiet", "-D", "feature")
    # The remote-tracking branch keeps a reflog of its own, and nobody here went there.
    project.git("reflog", "expire", "--expire=now", "HEAD")
    assert project.git("reflog", "show", "refs/remotes/origin/feature")
    unpin(project)
    path = project.git("diff", "--name-only", "main", commit, "--", "alembic")
    refuses(
        project,
        "sync",
        "--yes",
        error=f"the script of {revision} was only fetched: it is not run without a question",
        hint=f"git show {commit[:8]}:{path}; then answer on a terminal, without --yes",
        code="refused",
        exit_code=1,
    )
    screen = project.on_terminal("sync", answers=[("Go on?", "y")], check=0).stdout
    assert "drop_column" in screen
    assert project.heads() == (told.second,)


def test_a_script_that_is_nowhere_is_told_with_what_is_known(told: Article) -> None:
    project = told.project
    revision = on_a_branch(told)
    refs = project.git("for-each-ref", "--format=%(refname)", "refs/gitmig/applied/")
    project.git("update-ref", "-d", refs)
    forget(project, "feature")
    row = json.loads(project.read(".git/gitmig/record.jsonl").splitlines()[-1])
    assert row["revision"] == revision
    before = project.snapshot()
    error = project.gitmig("sync", "--json", check=1).json["error"]
    assert error["message"].startswith(f"the database sqlite:///app.db holds {revision}, applied 20")
    assert error["message"].endswith(
        f" by Ada Lovelace <ada@example.org> from commit {told.second_commit[:8]} of feature,"
        " and no script of it is here"
    )
    assert error["hint"] == f"bring the file of {revision} back, then: gitmig sync"
    project.git("remote", "add", "origin", str(project.top))
    hint = project.gitmig("sync", "--json", check=1).json["error"]["hint"]
    assert hint == "git fetch origin feature, or git fetch --all; then: gitmig sync"
    assert project.gitmig("status", "--json").json["hint"] != "gitmig sync"
    project.git("remote", "remove", "origin")
    assert project.snapshot() == before


def test_the_files_beside_a_script_come_with_it(told: Article) -> None:
    project = told.project
    project.git("switch", "--quiet", "--create", "feature")
    project.write("alembic/versions/up.sql", "alter table user add column nick text")
    project.write("alembic/versions/down.sql", "alter table user drop column nick")
    read = "op.execute((__import__('pathlib').Path(__file__).parent / '{}.sql').read_text())"
    plain(project, "c3c3", told.second, up=read.format("up"), down=read.format("down"), message="Nick")
    project.commit("Nick")
    project.gitmig("upgrade", check=0)
    project.git("switch", "--quiet", "main")
    forget(project, "feature")
    assert steps(project) == [("downgrade", "c3c3")]
    assert project.columns("user") == ("id", "username")


def test_an_edited_revision_is_undone_with_what_was_applied(told: Article) -> None:
    project = told.project
    path = plain(
        project,
        "c3c3",
        told.second,
        up="op.add_column('user', sa.Column('one', sa.String))",
        down="op.drop_column('user', 'one')",
        message="One",
    )
    project.commit("One")
    project.gitmig("upgrade", check=0)
    project.write(path, project.read(path).replace("op.add_column", "op.add_column  "))
    assert steps(project) == []
    project.write(path, project.read(path).replace("'one'", "'two'"))
    assert steps(project) == [("downgrade", "c3c3"), ("upgrade", "c3c3")]
    assert project.columns("user") == ("id", "username", "two")
    # A downgrade that was corrected is no other revision, and is the one that is used.
    project.write(path, project.read(path).replace("op.drop_column('user', 'two')", "raise OSError"))
    assert steps(project) == []
    refuses(
        project,
        "sync",
        told.second_commit,
        error="c3c3 cannot be undone: its downgrade() raises an error",
        hint="stay on a side that has it, or move the database by hand",
        code="refused",
        exit_code=1,
    )
    plain(project, "d4d4", "c3c3", up="pass", down="pass", message="Four")
    project.gitmig("upgrade", check=0)
    stay = "stay on a side that has it, or move the database by hand"
    way_down = "gitmig rollback c3c3 --database-only"
    for words, hint in (
        (("rollback", told.second, "--database-only"), way_down),
        (("sync", told.first_commit), stay),
    ):
        error = project.gitmig(*words, "--json", check=1).json["error"]
        assert error["message"] == "c3c3 cannot be undone: its downgrade() raises an error"
        assert error["hint"] == hint
    answer = project.gitmig(*way_down.split()[1:], "--json", check=0).json
    assert [step["revision"] for step in answer["steps"]] == ["d4d4"]
    assert project.heads() == ("c3c3",)


def test_a_rebased_branch(told: Article) -> None:
    """One id under another parent: undone and redone on top of it."""
    project = told.project
    add, drop = "op.add_column('user', sa.Column('{0}', sa.String))", "op.drop_column('user', '{0}')"
    project.git("switch", "--quiet", "--create", "feature")
    path = plain(project, "c3c3", told.second, up=add.format("c"), down=drop.format("c"), message="C")
    project.commit("C")
    project.gitmig("upgrade", check=0)
    project.git("switch", "--quiet", "main")
    plain(project, "d4d4", told.second, up=add.format("d"), down=drop.format("d"), message="D")
    project.commit("D")
    project.git("rebase", "--quiet", "main", "feature")
    project.write(path, project.read(path).replace(told.second, "d4d4"))
    project.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    assert steps(project) == [("downgrade", "c3c3"), ("upgrade", "d4d4"), ("upgrade", "c3c3")]
    assert project.columns("user") == ("id", "username", "d", "c")


def test_the_revision_of_a_release_from_any_checkout(told: Article) -> None:
    project = told.project
    project.git("tag", "v1", told.first_commit)
    newest = third(told)
    project.git("tag", "v2")
    project.write("notes.txt", "mine")
    before = project.snapshot()
    assert steps(project, "v1") == [("downgrade", newest), ("downgrade", told.second)]
    older = project.snapshot()
    assert (older.files, older.index, older.head) == (before.files, before.index, before.head)
    project.git("switch", "--quiet", "--detach", "v1")
    assert steps(project, "v2") == [("upgrade", told.second), ("upgrade", newest)]
    assert project.heads() == (newest,)
    project.git("switch", "--quiet", "--orphan", "bare")
    project.git("commit", "--quiet", "--allow-empty", "-m", "Nothing")
    project.git("switch", "--quiet", "main")
    refuses(
        project,
        "sync",
        "bare",
        error="bare has no Alembic configuration alembic.ini",
        hint="git switch bare  (the database stays as it is)",
        code="refused",
        exit_code=1,
    )


def test_where_the_configuration_has_another_place(told: Article) -> None:
    """A branch from before alembic.ini moved is moved to and from: its revisions say which it is."""
    project = told.project
    project.git("branch", "--quiet", "old", told.first_commit)
    ini = project.read("alembic.ini").replace("%(here)s/alembic", "alembic")
    project.git("rm", "--quiet", "alembic.ini")
    project.write("conf/alembic.ini", ini)
    project.commit("In a folder of its own")
    assert project.gitmig("status", "--json", check=0).json["in_step"]
    project.gitmig("switch", "old", "--yes", check=0)
    assert project.heads() == (told.first,)
    assert project.gitmig("status", "--json", check=0).json["in_step"]
    project.gitmig("switch", "main", "--yes", check=0)
    assert project.heads() == (told.second,)
    assert project.gitmig("status", "--json", check=0).json["in_step"]


def test_models_that_a_rollback_left_behind_go_back(told: Article) -> None:
    project = told.project
    project.gitmig("rollback", check=0)
    assert project.read("app/models.py") == MODELS
    for point in ("journal-written", "database-prepared", "files-written"):
        project.gitmig("sync", env={"GITMIG_TEST_KILL_AT": point})
        assert project.gitmig("recover", "--json", check=0).json["recovered"]["side"] == "before"
        assert (project.heads(), project.read("app/models.py")) == ((told.first,), MODELS)
    assert steps(project) == [("upgrade", told.second), ("restore", "app/models.py")]
    assert project.read("app/models.py") == MODELS + USERNAME
    assert project.git("status", "--porcelain") == ""


def test_a_downgrade_that_does_nothing_is_asked_about(told: Article) -> None:
    project = told.project
    plain(project, "c3c3", told.second, up="op.execute('select 1')", down="pass", message="Data")
    project.commit("Data")
    project.gitmig("upgrade", check=0)
    refuses(
        project,
        "sync",
        told.second_commit,
        error="c3c3 is undone by a downgrade() that does nothing",
        hint="look at the plan with --dry-run, then give --yes",
        code="refused",
        exit_code=1,
    )
    project.gitmig("sync", told.second_commit, "--yes", check=0)
    assert project.heads() == (told.second,)


def test_a_failing_upgrade_leaves_the_database_as_it_was(told: Article) -> None:
    project = told.project
    revision = on_a_branch(told)
    plain(project, "d4d4", told.second, up="raise OSError('no')", down="pass", message="Bad")
    before = project.snapshot()
    assert project.gitmig("sync", "--json", check=1).json["error"]["code"] == "migration-failed"
    assert project.snapshot() == before
    project.path("alembic/versions/d4d4_plain.py").unlink()
    assert steps(project) == [("downgrade", revision)]


def test_two_heads(told: Article) -> None:
    """Both of them, as `alembic upgrade heads` has it; a merge on another branch is undone before."""
    project = told.project
    for revision in ("c3c3", "d4d4"):
        plain(project, revision, told.second, up="pass", down="pass", message=revision)
    project.commit("Two heads")
    project.gitmig("sync", check=0)
    assert database.heads(project.url) == ("c3c3", "d4d4")
    path = plain(project, "e5e5", "@", up="pass", down="pass", message="Merge")
    project.write(path, project.read(path).replace("'@'", "('c3c3', 'd4d4')"))
    assert steps(project) == [("upgrade", "e5e5")]
    project.path(path).unlink()
    assert steps(project) == [("downgrade", "e5e5")]
    assert database.heads(project.url) == ("c3c3", "d4d4")


@pytest.mark.parametrize("ledger", [True, False])
def test_a_killed_sync_of_an_edited_revision(told: Article, ledger: bool) -> None:
    """The version table says the same before and after: the ledger knows, or it is said that nothing does."""
    project = told.project
    if ledger:
        project.gitmig("ledger", "enable", "--yes", check=0)
    up, down = "op.add_column('user', sa.Column('one', sa.String))", "op.drop_column('user', 'one')"
    path = plain(project, "c3c3", told.second, up=up, down=down, message="One")
    project.commit("One")
    project.gitmig("upgrade", check=0)
    project.write(path, project.read(path).replace("'one'", "'two'"))
    project.gitmig("sync", env={"GITMIG_TEST_KILL_AT": "database-prepared"})
    project.gitmig("recover", check=0)
    assert project.columns("user")[-1] == "one"
    assert steps(project) == [("downgrade", "c3c3"), ("upgrade", "c3c3")]
    assert project.columns("user")[-1] == "two"
    if ledger:
        project.write(path, project.read(path).replace("'two'", "'three'"))
        project.gitmig("sync", env={"GITMIG_TEST_KILL_AT": "database-committed"})
        assert project.gitmig("recover", "--json", check=0).json["recovered"]["side"] == "after"
        assert steps(project) == []


def test_a_revision_on_top_of_another_one_now_is_out_of_step(told: Article) -> None:
    """After a rebase, say: the version table holds the same id, and the database lacks what is below it."""
    project = told.project
    revision = third(told)
    (path,) = project.top.glob(f"alembic/versions/{revision}_*.py")
    plain(project, "c3c3", told.second, up="op.execute('create view v as select 1 as one')",
          down="op.execute('drop view v')", message="Between")  # fmt: skip
    path.write_text(path.read_text().replace(told.second, "c3c3"))
    project.commit("Rebase by hand")
    status = project.gitmig("status", check=1)
    message = f"GM019 the database has {revision} as it was applied, on top of {told.second}"
    assert message in status.stderr
    assert status.stdout.endswith("→ gitmig sync\n")
    project.gitmig("sync", check=0)
    assert project.gitmig("status", "--json", check=0).json["in_step"] is True
    assert database.columns(project.url, "v") == ("one",)
