"""The line of advice after a checkout or a merge."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from gitmig.hooks.advice import glance
from tests import database
from tests.articles import Article, article, article_on, plain, third
from tests.story import Project


@pytest.fixture
def advised(tmp_path: Path) -> Article:
    """The article's project with a third revision on a branch, where the database is; hooks installed."""
    told = article(tmp_path)
    told.project.git("switch", "--quiet", "--create", "feature")
    third(told)
    told.project.gitmig("hook", "install", check=0)
    return told


def said(project: Project, *args: str) -> str:
    """What git and its hooks say to stderr; git has to succeed."""
    result = project.try_git(*args)
    assert result.exit_code == 0, result.stderr
    return result.stderr


def line(project: Project, branch: str = "feature") -> str:
    (head,) = project.heads()
    moment = time.strftime("%H:%M", time.localtime(json.loads(project.read(SEEN))["alembic"]["time"]))
    where = f'{head} "Add an e-mail address" of {branch}'
    return f"database last seen ({moment}) at {where}; run gitmig sync\n"


SEEN = ".git/gitmig/seen.json"


def test_where_something_moved_and_nowhere_else(advised: Article) -> None:
    project = advised.project
    advice = line(project)
    assert said(project, "switch", "--quiet", "main") == advice
    for quiet in (
        ("switch", "--quiet", "--create", "here"),
        ("checkout", "--quiet", "HEAD~1", "--", "app/models.py"),
        ("checkout", "--quiet", "HEAD", "--", "app/models.py"),
        ("worktree", "add", "--quiet", "--detach", "../other", "main"),
        ("switch", "--quiet", "feature"),
    ):
        assert said(project, *quiet) == "", quiet
    # What a rebase and a bisect check out is not where they end.
    project.git("switch", "--quiet", "main")
    project.append(".gitignore", "/more\n")
    project.git("commit", "--quiet", "--all", "-m", "More")
    for way in ("--merge", "--apply"):
        project.git("branch", f"topic{way}", "feature")
        assert said(project, "rebase", "--quiet", way, "main", f"topic{way}") == "", way
    project.git("bisect", "start", "main", advised.first_commit)
    assert "last seen" not in said(project, "checkout", "--quiet", "main")
    project.git("bisect", "reset")
    # A merge brings the revision along; another one brings one more.
    assert said(project, "merge", "--quiet", "feature") == ""
    project.git("switch", "--quiet", "--create", "more", "feature")
    plain(project, "d4d4", project.heads()[0], up="pass", down="pass", message="More")
    project.commit("One more revision")
    project.git("switch", "--quiet", "here")
    assert said(project, "merge", "--quiet", "more") == advice
    # `status` sees the same heads from elsewhere: they are still of that branch.
    project.git("switch", "--quiet", "--detach", "main~1")
    project.gitmig("status", check=1)
    assert said(project, "switch", "--quiet", "--detach", "main~2") == line(project)


def test_two_heads_call_for_a_rebase_and_permanent_branches_do_not(advised: Article) -> None:
    project = advised.project
    (ours,) = project.heads()
    project.git("switch", "--quiet", "main")

    def parallel(branch: str, revision: str, parent: str | None, extra: str = "") -> str:
        project.git("switch", "--quiet", "--create", branch, "main")
        path = plain(project, revision, parent, up="pass", down="pass", message="More")
        project.append(path, extra)
        project.commit("A parallel revision")
        project.git("switch", "--quiet", "--force-create", f"with-{branch}", "feature")
        return said(project, "merge", "--no-edit", branch)

    advice = line(project)
    assert parallel("other", "d4d4", advised.second) == advice.replace(
        "run gitmig sync", "2 heads: run gitmig rebase"
    )
    # So it is after what git rebased, and until the files have one head.
    assert said(project, "rebase", "--quiet", "other").endswith("; 2 heads: run gitmig rebase\n")
    assert parallel("base", "e5e5", None) == advice
    assert parallel("labelled", "f6f6", advised.second, "\nbranch_labels = 'reports'\n") == advice
    assert ours in project.heads()


def test_a_switch_by_gitmig_gives_no_advice_and_the_other_work_tree_hears_of_it(
    tmp_path: Path, postgres_url: str
) -> None:
    told = article_on(tmp_path, postgres_url)
    project = told.project
    project.git("branch", "below", told.first_commit)
    project.gitmig("hook", "install", check=0)
    assert "last seen" not in project.gitmig("switch", "below", check=0).stderr
    other = project.beside(tmp_path / "other")
    project.git("worktree", "add", "--quiet", "-b", "topic", str(other.top), "main")
    other.gitmig("sync", check=0)
    assert said(project, "checkout", "--quiet", "--detach", "main") == ""
    assert f"at {told.second}" in said(project, "checkout", "--quiet", "below")
    # `status` tells who moved it, and what to do.
    told_here = project.gitmig("status", check=1).stdout
    assert f" from the work tree {other.top} (topic)\n" in told_here
    assert told_here.endswith("→ gitmig sync\n")
    answer = project.gitmig("status", "--json", check=1).json["recorded"]
    assert (answer["gap"], answer["moved"]["tree"], answer["moved"]["branch"]) == (
        False,
        str(other.top),
        "topic",
    )
    project.gitmig("sync", check=0)
    assert project.gitmig("status", "--json", check=0).json["recorded"]["moved"] is None


def test_what_is_broken_is_passed_over(advised: Article) -> None:
    project = advised.project
    hook = project.path(".git/hooks/post-checkout")
    for path, text in (
        ("alembic.ini", "[broken"),
        (SEEN, '{"alembic": {"config": "alembic.ini"}}'),
        (SEEN, "["),
    ):
        before = project.read(path)
        project.write(path, text)
        assert said(project, "checkout", "--quiet", "--detach", "HEAD~1") == ""
        project.write(path, before)
        project.git("checkout", "--quiet", "feature")
    hook.write_text(hook.read_text().replace("/bin/python", "/bin/nowhere"))
    assert project.try_git("switch", "-q", "main", env={"PATH": "/usr/bin:/bin"}).stderr == ""


def test_the_hook_that_was_there_runs_first_and_keeps_its_exit_code(advised: Article) -> None:
    project = advised.project
    hook = project.path(".git/hooks/post-checkout")
    old, new = project.git("rev-parse", "feature", "main").split()
    for shebang, ending, code in (
        ("#!/bin/sh -eu", "exit 3", 1),
        ("#!/usr/bin/env bash", "exec sh -c 'exit 3'", 1),
        ("#!/bin/sh", "exit 0", 0),
    ):
        project.gitmig("hook", "uninstall", check=0)
        project.git("switch", "--quiet", "feature")
        text = f'{shebang}\necho "theirs $1 $2 $3"\n{ending}\n'
        hook.write_text(text)
        hook.chmod(0o755)
        project.gitmig("hook", "install", check=0)
        result = project.try_git("switch", "--quiet", "main")
        assert (result.exit_code, result.stderr) == (code, f"theirs {old} {new} 1\n{line(project)}")
        project.gitmig("hook", "uninstall", check=0)
        assert hook.read_text() == text
        hook.unlink()


def test_a_hook_in_another_language_is_left_alone_and_told(advised: Article) -> None:
    project = advised.project
    project.gitmig("hook", "uninstall", check=0)
    hook = project.path(".git/hooks/post-merge")
    hook.write_text("#!/usr/bin/env python3\n")
    result = project.gitmig("hook", "install", check=0)
    assert result.stdout.splitlines()[1:] == [
        "advice is installed (post-checkout and post-rewrite)",
        'gitmig hook advise post-merge "$@" || :',
    ]
    assert result.stderr == f"{hook} is there and is not a shell script; for advice, add this to it:\n"
    assert hook.read_text() == "#!/usr/bin/env python3\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("revision = 'b'\ndown_revision = 'a'\n", ("b", ("a",))),
        ('revision: str = "b"  # us\ndown_revision: Union[str, None] = None\n', ("b", ())),
        ("revision = 'b'\r\ndown_revision = ('a',\r\n    'c')\r\n", ("b", ("a", "c"))),
        ("revision = 'b'\ndown_revision = ['a']\ndepends_on = None\n", ("b", ("a",))),
        ("revision = 'b'\ndown_revision = None\ndepends_on = 'x'\n", None),
        ("revision = 'b'\nrevision = 'c'\ndown_revision = None\n", None),
        ("revision, down_revision = 'b', 'a'\n", None),
        ("revision = down_revision = None\n", None),
        ("revision = 'b' + 'c'\n", None),
        ("revision = f'b'\n", None),
        ("revision = 'b'\ndown_revision = a\n", None),
        ("revision = 'b'\ndown_revision = ('a', x)\n", None),
        ("x = 1\n", None),
    ],
)
def test_what_a_glance_at_a_script_tells(text: str, expected: object) -> None:
    assert glance(text.encode()) == expected


def _without_time(text: str) -> str:
    """A minute may pass between two of them."""
    return re.sub(r"\(\d\d:\d\d\)", "(then)", text)


def test_the_hook_follows_by_itself_where_nothing_is_lost(advised: Article) -> None:
    project = advised.project
    project.git("config", "gitmig.sync", "auto")
    (newest,) = project.heads()
    below = f"database  at {advised.second}  Add username for user\n"
    assert said(project, "switch", "--quiet", "main") == below
    assert project.heads() == (advised.second,)
    assert said(project, "merge", "--quiet", "feature") == f"database  at {newest}  Add an e-mail address\n"
    # Otherwise the advice has the reason.
    advice, parked = line(project, "main").rstrip(), "parked until the revision is applied again"
    database.execute(project.url, "insert into user (email) values ('ada@example.org')")
    for reason, prepare in (
        (f"GM020: the column user.email is dropped, and holds values in rows; {parked}", ()),
        ("sqlite:///app.db is protected", ("config", "gitmig.protected", "app.db")),
    ):
        if prepare:
            project.git(*prepare)
        told = _without_time(said(project, "checkout", "--quiet", "HEAD~1"))
        assert told == f"{_without_time(advice)}  (not synced: {reason})\n"
        assert said(project, "checkout", "--quiet", "main") == ""
    assert project.heads() == (newest,)
    assert project.columns("user") == ("id", "username", "email")
    # Nor is a protected database moved up, but by a person.
    project.gitmig("rollback", "--database-only", "--yes", "--database", "app.db", check=0)
    assert said(project, "checkout", "--quiet", "HEAD~1") == ""
    protected = "  (not synced: sqlite:///app.db is protected)\n"
    assert said(project, "checkout", "--quiet", "main").endswith(protected)
    assert project.heads() == (advised.second,)
    # None of the project's code is run to find that out.
    env = project.read("alembic/env.py")
    project.write("alembic/env.py", "raise SystemExit(env.py)\n")
    assert said(project, "checkout", "--quiet", "HEAD~1") == ""
    assert said(project, "checkout", "--quiet", "main").endswith(protected)
    project.write("alembic/env.py", env)
    project.gitmig("upgrade", check=0)
    # Another database than the one that was seen is none of the hook's business.
    project.git("config", "--unset", "gitmig.protected")
    elsewhere = {"DATABASE_URL": "sqlite:///other.db"}
    result = project.try_git("checkout", "--quiet", "main~1", env=elsewhere)
    reason = "the database is sqlite:///other.db, and not sqlite:///app.db"
    said_now = _without_time(result.stderr)
    assert (result.exit_code, said_now) == (0, f"{_without_time(advice)}  (not synced: {reason})\n")
    assert not project.path("other.db").exists()


def test_the_hook_leaves_models_of_a_rollback(advised: Article) -> None:
    """It moves a database, and no files."""
    project = advised.project
    project.git("config", "gitmig.sync", "auto")
    project.gitmig("rollback", check=0)
    rolled_back = project.read("app/models.py")
    before = project.heads()
    project.append(".gitignore", "/more\n")
    project.git("commit", "--quiet", "-m", "More", ".gitignore")
    told = said(project, "checkout", "--quiet", "HEAD~1")
    assert told == "" or told.endswith("  (not synced: a rollback left the models as they are)\n")
    assert (project.read("app/models.py"), project.heads()) == (rolled_back, before)


def test_a_configuration_that_changed_since_is_read_again(advised: Article) -> None:
    """What was noted of it holds only while its files do."""
    project = advised.project
    project.git("switch", "--quiet", "main")
    project.git("mv", "alembic", "migrations")
    project.write("alembic.ini", project.read("alembic.ini").replace("/alembic", "/migrations"))
    project.commit("Move")
    assert said(project, "checkout", "--quiet", "feature") == ""
    assert said(project, "checkout", "--quiet", "main") == line(project)
    project.git("branch", "--quiet", "--force", "feature", "main")
    project.gitmig("sync", "--yes", check=0)
    assert said(project, "checkout", "--quiet", "main~1") == ""


def test_a_switch_to_where_the_revisions_lie_elsewhere(tmp_path: Path) -> None:
    """What it notes is of the files that it leaves, not of those that it began with."""
    project = article(tmp_path).project
    project.gitmig("hook", "install", check=0)
    project.git("switch", "--quiet", "--create", "moved")
    project.git("mv", "alembic", "migrations")
    ini = project.read("alembic.ini").replace("script_location = alembic", "script_location = migrations")
    ini = ini.replace("%(here)s/alembic", "%(here)s/migrations")
    project.write("alembic.ini", ini)
    project.git("commit", "--quiet", "--all", "--no-verify", "-m", "Migrations")
    project.git("switch", "--quiet", "main")
    project.gitmig("status", check=0)
    assert "run gitmig sync" not in project.gitmig("switch", "moved", check=0).stderr
    assert said(project, "switch", "--quiet", "main") == ""
    assert said(project, "switch", "--quiet", "moved") == ""
