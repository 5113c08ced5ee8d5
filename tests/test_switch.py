"""``switch``: git and the database arrive together, or both stay where they were."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import database
from tests.articles import EMAIL, article, article_on, plain
from tests.bad import refuses
from tests.killing import KILL_PARENT
from tests.story import MODELS, USERNAME, Project, Snapshot

NICKNAME = EMAIL.replace("email", "nickname")
POINTS = (
    "journal-written",
    "database-prepared",
    "models-restored",
    "switched",
    "index-replaced",
    "files-written",
    "database-committed",
    "journal-removed",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Branches:
    """The article's project with a third revision on two branches each; main is checked out and applied."""

    project: Project
    below: str
    main: str
    feature: str


def branches_of(project: Project, below: str) -> Branches:
    project.git("switch", "--quiet", "--create", "feature")
    project.append("app/models.py", EMAIL)
    feature = project.gitmig("revise", "-m", "Add an e-mail address", "--json", check=0).json["revision"]
    project.gitmig("switch", "main", check=0)
    project.append("app/models.py", NICKNAME)
    main = project.gitmig("revise", "-m", "Add a nickname", "--json", check=0).json["revision"]
    return Branches(project=project, below=below, main=main, feature=feature)


@functools.cache
def _template() -> Branches:
    folder = Path(tempfile.mkdtemp(prefix="gitmig-switch-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    told = article(folder)
    return branches_of(told.project, told.second)


@pytest.fixture
def branches(tmp_path: Path) -> Branches:
    made = _template()
    top = tmp_path / "project"
    shutil.copytree(made.project.top, top, symlinks=True)
    project = Project(top)
    project.git("update-index", "-q", "--refresh")
    return Branches(project=project, below=made.below, main=made.main, feature=made.feature)


def told(project: Project, *args: str) -> list[tuple[str, str | None]]:
    answer = project.gitmig("switch", *args, "--json", check=0).json
    return [(step["action"], step["revision"] or step["path"] or step["commit"]) for step in answer["steps"]]


def place(project: Project) -> tuple[object, ...]:
    """Everything but what gitmig keeps for itself."""
    seen: Snapshot = project.snapshot()
    refs = [line for line in seen.refs.splitlines() if not line.startswith("refs/gitmig/")]
    return seen.files, seen.index, seen.head, refs, seen.database


def test_there_and_back(tmp_path: Path, database_url: str) -> None:
    made = article_on(tmp_path, database_url)
    branches = branches_of(made.project, made.second)
    project = branches.project
    commit = project.git("rev-parse", "feature")
    steps = [("downgrade", branches.main), ("switch", commit), ("upgrade", branches.feature)]
    before = project.snapshot()
    assert told(project, "feature", "--dry-run") == steps
    assert project.snapshot() == before
    assert told(project, "feature") == steps
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/feature"
    assert (project.heads(), project.columns("user")) == ((branches.feature,), ("id", "username", "email"))
    assert project.git("status", "--porcelain") == ""
    assert project.gitmig("status", "--json", check=0).json["in_step"] is True
    result = project.gitmig("switch", "-", check=0)
    assert result.stdout == f"database  at {branches.main}  Add a nickname\ncheckout  main\n"
    assert project.columns("user") == ("id", "username", "nickname")
    assert place(project)[:3] == (before.files, before.index, before.head)
    # Rows go along, and a switch that is killed parks none.
    database.execute(project.url, "insert into \"user\" values (1, '', 'ada')")
    before = project.snapshot()
    assert "GM020: the column user.nickname is dropped" in project.gitmig("switch", "feature", check=1).stderr
    yes = ("switch", "feature", "--yes")
    project.gitmig(*yes, env={"GITMIG_TEST_KILL_AT": "files-written"})
    project.gitmig("recover", check=0)
    assert project.gitmig("park", "list", "--json", check=0).json["parked"] == []
    assert "rows      parked 1 row of user.nickname\n" in project.gitmig(*yes, check=0).stdout
    assert "rows      1 row of user.nickname is back\n" in project.gitmig("switch", "-", check=0).stdout
    assert place(project)[-1] == before.database
    database.execute(project.url, 'delete from "user"')
    # SQLite's kills have a test of their own, below.
    for point in (
        ("database-prepared", "switched", "database-committed") if "postgres" in database_url else ()
    ):
        project.gitmig("switch", "feature", env={"GITMIG_TEST_KILL_AT": point})
        after = point == "database-committed"
        assert project.gitmig("recover", "--json", check=0).json["recovered"]["side"] == (
            "after" if after else "before"
        )
        assert project.heads() == (branches.feature if after else branches.main,)
        assert project.git("symbolic-ref", "HEAD") == f"refs/heads/{'feature' if after else 'main'}"
        assert project.git("status", "--porcelain") == ""


def test_tags_commits_and_new_branches(branches: Branches) -> None:
    project = branches.project
    project.git("tag", "v1", "main~1")
    target = project.git("rev-parse", "v1")
    assert told(project, "v1") == [("downgrade", branches.main), ("switch", target)]
    assert (project.try_git("symbolic-ref", "-q", "HEAD").exit_code, project.heads()) == (
        1,
        (branches.below,),
    )
    assert told(project, "-") == [("switch", project.git("rev-parse", "main")), ("upgrade", branches.main)]
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/main"
    told(project, "--detach", "feature")
    assert (project.git("rev-parse", "--abbrev-ref", "HEAD"), project.heads()) == (
        "HEAD",
        (branches.feature,),
    )
    told(project, "-c", "topic", "main")
    assert (project.git("symbolic-ref", "HEAD"), project.heads()) == ("refs/heads/topic", (branches.main,))
    # A new branch here is git's business alone, whatever is being edited.
    project.append("app/models.py", "# edited\n")
    assert told(project, "-c", "more") == [("switch", project.git("rev-parse", "main"))]
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/more"
    project.git("checkout", "--quiet", "--", ".")
    project.git("update-ref", "refs/remotes/origin/theirs", "feature")
    project.git("config", "remote.origin.url", str(project.top))
    project.git("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    told(project, "theirs")
    assert project.git("rev-parse", "--abbrev-ref", "theirs@{upstream}") == "origin/theirs"
    assert project.heads() == (branches.feature,)


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("app/models.py", "git stash --include-untracked"),
        ("new.txt", "move it away: mv new.txt new.txt.mine"),
        ("ignored.log", "move it away: mv ignored.log ignored.log.mine"),
        ("deep", "move it away: mv deep deep.mine"),
    ],
)
def test_what_git_would_refuse_is_found_before_anything_moves(
    branches: Branches, path: str, hint: str
) -> None:
    project = branches.project
    project.git("switch", "--quiet", "feature")
    project.write("new.txt", "theirs")
    project.write("ignored.log", "theirs")
    project.write("deep/in", "theirs")
    project.git("add", "--force", "new.txt", "ignored.log", "deep/in")
    project.git("commit", "--quiet", "-m", "More files")
    project.git("switch", "--quiet", "main")
    project.write(".git/info/exclude", "*.log\n/deep\n")
    project.write(path, "mine")
    why = {
        "app/models.py": "Entry 'app/models.py' not uptodate. Cannot merge",
        "deep": "deep is a file where a folder goes",
    }.get(path)
    refuses(
        project,
        "switch",
        "feature",
        error=f"git would not switch to feature: {why or f'{path} is in the way'}",
        hint=hint,
        code="refused",
        exit_code=1,
    )


def test_folders_that_become_files_and_empty_ones_are_no_obstacle(branches: Branches) -> None:
    project = branches.project
    project.write("shape/x", "ours")
    project.git("add", "shape/x")
    project.git("commit", "--quiet", "-m", "A folder")
    project.git("switch", "--quiet", "feature")
    project.write("shape", "theirs")
    project.write("place", "theirs")
    project.git("add", "shape", "place")
    project.git("commit", "--quiet", "-m", "Files")
    project.git("switch", "--quiet", "main")
    project.path("place").mkdir()
    project.gitmig("switch", "feature", check=0)
    assert (project.read("shape"), project.read("place")) == ("theirs", "theirs")
    assert project.heads() == (branches.feature,)


def test_models_that_a_rollback_put_there_and_that_are_staged(branches: Branches) -> None:
    """They would end up as an edit of the other branch."""
    project = branches.project
    project.gitmig("rollback", check=0)
    project.git("add", "app/models.py")
    refuses(
        project,
        "switch",
        "feature",
        error="git would not switch to feature: app/models.py is staged",
        hint="git restore --staged app/models.py",
        code="refused",
        exit_code=1,
    )
    project.git("restore", "--staged", "app/models.py")
    project.gitmig("switch", "feature", check=0)
    assert project.git("status", "--porcelain") == ""


def test_a_start_that_git_would_not_take(branches: Branches) -> None:
    """A tag and a branch of one name: git writes the files before it says so."""
    project = branches.project
    project.git("tag", "both", "main")
    project.git("branch", "both", "feature")
    refuses(
        project,
        *("switch", "-c", "topic", "both"),
        error="both is ambiguous: refs/tags/both, refs/heads/both",
        hint="gitmig switch -c topic refs/heads/both",
        code="refused",
        exit_code=1,
    )
    project.gitmig("switch", "-c", "topic", "refs/heads/both", check=0)
    assert (project.git("branch", "--show-current"), project.heads()) == ("topic", (branches.feature,))


def test_models_that_a_rollback_put_there_are_no_obstacle(branches: Branches) -> None:
    project = branches.project
    project.gitmig("rollback", check=0)
    assert project.read("app/models.py") == MODELS + USERNAME
    target = project.git("rev-parse", "feature")
    assert told(project, "feature") == [
        ("restore", "app/models.py"),
        ("switch", target),
        ("upgrade", branches.feature),
    ]
    assert project.git("status", "--porcelain") == ""
    assert project.read("app/models.py") == MODELS + USERNAME + EMAIL
    told(project, "main")
    assert project.heads() == (branches.main,)


def test_a_failing_upgrade_leaves_database_and_branch(branches: Branches) -> None:
    project = branches.project
    project.git("switch", "--quiet", "feature")
    plain(project, "bad1", branches.feature, up="raise OSError('no')", down="pass", message="Bad")
    project.commit("Bad")
    project.git("switch", "--quiet", "main")
    before = place(project)
    assert project.gitmig("switch", "feature", "--json", check=1).json["error"]["code"] == "migration-failed"
    assert place(project) == before
    assert project.gitmig("recover", check=0).stdout == "nothing to recover\n"


def test_a_failure_between_two_commits_is_brought_back_by_sync(branches: Branches) -> None:
    """With a transaction per migration the database can be left between the two sides; git goes back."""
    project = branches.project
    for branch in ("feature", "main"):
        project.git("switch", "--quiet", branch)
        if branch == "feature":
            plain(project, "bad1", branches.feature, up="raise OSError('no')", down="pass", message="Bad")
        online = "            # SQLite cannot"
        env = project.read("alembic/env.py")
        project.write(
            "alembic/env.py", env.replace(online, f"            transaction_per_migration=True,\n{online}")
        )
        project.commit("A transaction per migration")
    before = place(project)
    error = project.gitmig("switch", "feature", "--json", check=1).json["error"]
    assert error["message"].startswith("2 of 3 applied, then: ")
    assert project.heads() == (branches.feature,)
    after = place(project)
    assert after[:4] == before[:4]
    project.gitmig("sync", check=0)
    assert project.heads() == (branches.main,)
    assert project.columns("user") == ("id", "username", "nickname")


def test_a_switch_that_git_gives_up_tells_what_the_database_has_kept(branches: Branches) -> None:
    project = branches.project
    for branch in ("feature", "main"):
        project.git("switch", "--quiet", branch)
        online = "            # SQLite cannot"
        env = project.read("alembic/env.py")
        asked = env.replace(online, f"            transaction_per_migration=True,\n{online}")
        project.write("alembic/env.py", asked)
        project.commit("A transaction per migration")
    project.write(".git/HEAD.lock", "")
    result = project.gitmig("switch", "feature", check=1)
    assert result.stderr.endswith(
        "Error: 1 of 2 applied, then: git did not switch: its output above says why\nHint: gitmig sync\n"
    )
    project.path(".git/HEAD.lock").unlink()
    assert project.heads() == (branches.below,)
    status = project.gitmig("status", "--json", check=1).json
    assert (status["recorded"]["gap"], status["hint"]) == (False, "gitmig upgrade")
    project.gitmig("sync", check=0)
    assert project.heads() == (branches.main,)


def test_a_switch_that_git_gives_up_half_way_leaves_database_and_files(branches: Branches) -> None:
    """The lock is met after git has written the files and the index."""
    project = branches.project
    before = place(project)
    project.write(".git/HEAD.lock", "")
    result = project.gitmig("switch", "feature", check=1)
    assert result.stderr.endswith("Error: git did not switch: its output above says why\nHint: git status\n")
    project.path(".git/HEAD.lock").unlink()
    assert place(project) == before
    project.gitmig("switch", "feature", check=0)


def test_an_applied_revision_that_is_not_committed_is_not_left_behind(branches: Branches) -> None:
    project = branches.project
    plain(project, "c3c3", branches.main, up="pass", down="pass", message="Draft")
    project.gitmig("upgrade", check=0)
    refuses(
        project,
        "switch",
        "feature",
        error="c3c3 is applied and not committed: its file would stay behind",
        hint="gitmig upgrade --commit, or gitmig rollback and remove the file",
        code="refused",
        exit_code=1,
    )


def test_what_cannot_be_switched_to(branches: Branches) -> None:
    project = branches.project
    project.git("worktree", "add", "--quiet", str(project.top.parent / "other"), "feature")
    for args, error, hint, code, exit_code in (
        (
            ("feature",),
            "feature is checked out in another work tree",
            "gitmig switch --detach feature",
            "refused",
            1,
        ),
        (("-c", "feature"), "there is a branch feature", "gitmig switch feature", "refused", 1),
        (
            ("nowhere",),
            "there is no commit 'nowhere'",
            "git branch --all; git log --oneline",
            "unknown-ref",
            2,
        ),
        ((), "there is no ref to switch to", "gitmig switch BRANCH", "usage", 2),
    ):
        refuses(project, "switch", *args, error=error, hint=hint, code=code, exit_code=exit_code)


def test_the_hook_runs_once_at_the_end_with_its_arguments(branches: Branches) -> None:
    project = branches.project
    hook = project.path(".git/hooks/post-checkout")
    hook.parent.mkdir(exist_ok=True)
    # What the database has by then, and not what the files say.
    asked = "sqlite3.connect('app.db').execute('select version_num from alembic_version').fetchone()[0]"
    look = f'{sys.executable} -c "import sqlite3; print({asked})"'
    hook.write_text(f'#!/bin/sh\necho "$@" >> hooked\n{look} >> hooked 2>&1\nexit 3\n')
    hook.chmod(0o755)
    old, new = project.git("rev-parse", "main", "feature").split()
    answer = project.gitmig("switch", "feature", "--json", check=0).json
    assert answer["notes"][-1] == "the post-checkout hook ended with exit code 3"
    first, second = project.read("hooked").splitlines()
    assert first == f"{old} {new} 1"
    assert second == branches.feature


@pytest.mark.parametrize(
    ("point", "rolled_back"),
    [
        *(
            pytest.param(point, False, marks=() if number % 3 == 0 else pytest.mark.nightly)
            for number, point in enumerate(POINTS)
        ),
        pytest.param("models-restored", True, marks=pytest.mark.nightly),
        ("files-written", True),
    ],
)
def test_a_killed_switch_is_settled_on_one_side(branches: Branches, point: str, rolled_back: bool) -> None:
    project = branches.project
    if rolled_back:
        project.gitmig("rollback", check=0)
    before = place(project)
    killed = project.gitmig("switch", "feature", env={"GITMIG_TEST_KILL_AT": point})
    assert killed.exit_code == -signal.SIGKILL, killed.stderr
    project.gitmig("recover", check=0)
    committed = point in POINTS[6:]
    if point != "journal-removed":
        # What the hook's advice goes by.
        seen = json.loads(project.read(".git/gitmig/seen.json"))["alembic"]["heads"]
        assert seen == list(project.heads())
    if not committed:
        assert place(project) == before
        project.gitmig("switch", "feature", check=0)
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/feature"
    assert project.git("status", "--porcelain") == ""
    assert project.heads() == (branches.feature,)
    if not committed:
        return
    # The pins are in step too: also a branch that is gone can be left.
    project.git("switch", "--quiet", "main")
    project.git("branch", "--quiet", "-D", "feature")
    project.git("reflog", "expire", "--expire=now", "--all")
    project.gitmig("sync", check=0)
    assert project.heads() == (branches.main,)


def test_a_switch_that_git_left_half_done_is_taken_back(branches: Branches) -> None:
    """As a power cut in the middle of git's own work: some files, the index, or all but HEAD."""
    project = branches.project
    before = place(project)
    killed = project.gitmig("switch", "feature", env={"GITMIG_TEST_KILL_AT": "models-restored"})
    assert killed.exit_code == -signal.SIGKILL
    project.git("read-tree", "-m", "-u", "main", "feature")
    project.path("app/models.py").unlink()
    assert place(project) != before
    project.gitmig("recover", check=0)
    assert place(project) == before


def test_a_killed_switch_to_a_new_branch(branches: Branches) -> None:
    project = branches.project
    before = place(project)
    project.gitmig("switch", "-c", "topic", "feature", env={"GITMIG_TEST_KILL_AT": "files-written"})
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/topic"
    # A git that is killed may leave the lock of a ref behind: gitmig's own go, those of others do not.
    locks = [project.path(f".git/refs/{ref}.lock") for ref in ("gitmig/applied/0123", "heads/other")]
    for lock in locks:
        lock.touch()
    project.gitmig("recover", check=0)
    assert [lock.exists() for lock in locks] == [False, True]
    assert place(project) == before


def test_a_git_that_outlives_its_switch_is_waited_for(branches: Branches, tmp_path: Path) -> None:
    project, before = branches.project, place(branches.project)
    smudge, begun, go = (tmp_path / name for name in ("smudge", "begun", "go"))
    wait = f"touch {begun}; {KILL_PARENT}; while [ ! -e {go} ]; do sleep 0.05; done"
    smudge.write_text(f"#!/bin/sh\ncat\n[ $PWD != {project.top} ] || [ -e {begun} ] || {{ {wait}; }}\n")
    smudge.chmod(0o755)
    project.path(".git/info").mkdir(exist_ok=True)
    project.write(".git/info/attributes", "app/models.py filter=slow\n")
    project.git("config", "filter.slow.smudge", str(smudge))
    assert project.gitmig("switch", "feature").exit_code == -signal.SIGKILL
    refused = project.gitmig("recover", "--wait", "0.2", check=1)
    assert "a git that was started by a killed gitmig command is still at work" in refused.stderr
    go.touch()
    project.gitmig("recover", check=0)
    assert place(project) == before


def test_a_third_step_on_top_of_a_branch(branches: Branches) -> None:
    """Several revisions on one side, and none on the other."""
    project = branches.project
    project.git("branch", "--quiet", "base", "main~1")
    project.append("app/models.py", EMAIL)
    top = project.gitmig("revise", "-m", "Add an e-mail address", "--json", check=0).json["revision"]
    target = project.git("rev-parse", "base")
    assert told(project, "base") == [("downgrade", top), ("downgrade", branches.main), ("switch", target)]
    told(project, "main")
    assert project.heads() == (top,)
