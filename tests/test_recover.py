"""A command that is killed at any of its points is settled by the next one: before it or after it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests import database
from tests.articles import Article, article, article_on
from tests.killing import KILL_PARENT
from tests.revising import committed, hook, scripts
from tests.story import MODELS, Project

MOVING = ("journal-written", "database-prepared", "files-written")
"""The points before the database commits."""
MOVED = ("database-committed", "journal-removed")
_MODELS = "app/models.py"


def killed(project: Project, point: str, *command: str) -> None:
    """Run a command that dies at a point."""
    result = project.gitmig(*command, env={"GITMIG_TEST_KILL_AT": point})
    assert result.exit_code == -signal.SIGKILL, (point, result)


def recovered(project: Project, side: str, complete: str | None = None) -> Mapping[str, object]:
    """Recover and see that it says what it came to."""
    answer: Mapping[str, object] = project.gitmig("recover", "--json", check=0).json["recovered"]
    assert (answer["side"], answer["complete"]) == (side, complete)
    assert answer["left"] == []
    return answer


def at_two_revisions(folder: Path, url: str) -> Article:
    return article(folder) if url.startswith("sqlite") else article_on(folder, url)


def column(project: Project, name: str) -> None:
    """One more column in the models."""
    project.append(_MODELS, f"    {name}: Mapped[str | None] = mapped_column(String)\n")


def test_a_killed_rollback_and_a_killed_upgrade(tmp_path: Path, database_url: str) -> None:
    found = at_two_revisions(tmp_path, database_url)
    project, second = found.project, found.project.snapshot()
    for point in MOVING:
        killed(project, point, "rollback")
        recovered(project, "before")
        # But for the backup, which holds what was going to be replaced.
        assert _without_backups(project) == (second.files, second.index, second.head, second.database), point
    for point in MOVED:
        killed(project, point, "rollback")
        if point != "journal-removed":
            recovered(project, "after")
        assert (project.heads(), project.read(_MODELS)) == ((found.first,), MODELS), point
        first = _without_backups(project)
        for moving in MOVING if point == MOVED[0] else ():
            killed(project, moving, "upgrade")
            recovered(project, "before")
            assert _without_backups(project) == first, moving
        killed(project, point, "upgrade")
        project.gitmig("recover", check=0)
        # SQLite writes the table anew in other words.
        assert _without_backups(project)[:3] == (second.files, second.index, second.head), point
        assert project.heads() == (found.second,), point
    project.gitmig("status", check=0)


def _without_backups(project: Project) -> tuple[object, ...]:
    now = project.snapshot()
    return now.files, now.index, now.head, now.database


_REVISE = {
    "draft-begun": "before",
    "file-half-written": "before",
    "draft-written": "before",
    "draft-formatted": "before",
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
"""Where a killed ``revise`` is settled: "applied" is everything but the commit."""
_DATABASE_POINTS = ("draft-written", "database-prepared", "files-written", "database-committed", "committed")


def test_a_killed_revise(tmp_path: Path, database_url: str) -> None:
    project = at_two_revisions(tmp_path, database_url).project
    project.write("notes", "staged by somebody")
    project.git("add", "notes")
    some = database_url.startswith("postgresql")
    points = {point: _REVISE[point] for point in (_DATABASE_POINTS if some else _REVISE)}
    pending = False
    for number, (point, side) in enumerate(points.items()):
        if not pending:
            column(project, f"c{number}")
        before, pending = project.snapshot(), side == "before"
        killed(project, point, "revise", "-m", f"Add c{number}")
        complete = "git commit  (or: gitmig upgrade --commit)" if side == "applied" else None
        if side != "settled":
            recovered(project, "before" if pending else "after", complete)
        now = project.snapshot()
        assert not project.path(".git/index.lock").exists()
        if pending:
            assert now == before, point
            continue
        assert {path: now.files[path] for path in before.files} == before.files, point
        (script,) = set(now.files) - set(before.files)
        assert project.heads() == (Path(script).name.partition("_")[0],), point
        if side == "applied":
            assert now.head == before.head, point
            assert project.git("status", "--porcelain").splitlines() == [
                f"A  {script}",
                f"M  {_MODELS}",
                "A  notes",
            ], point
            _made_by(project, point)
        assert committed(project) == (script, _MODELS), point
        assert project.git("status", "--porcelain") == "A  notes", point
    project.gitmig("status", check=0)


def _made_by(project: Project, point: str) -> None:
    """Both ways to make the commit that is missing; ``status`` says so."""
    if point == "index-locked":
        status = project.gitmig("status", "--json")
        assert [finding["code"] for finding in status.json["findings"]] == ["GM018"]
    if point in ("index-locked", "database-committed"):
        project.gitmig("upgrade", "--commit", check=0)
    else:
        project.git("commit", "-q", "-m", "By hand", "--", _MODELS, *scripts(project))


_AMEND = {
    "draft-written": "before",
    "journal-written": "before",
    "files-written": "before",
    "database-committed": "applied",
    "staged": "applied",
    "committed": "after",
}


def test_a_killed_amend_loses_no_byte_of_the_script(tmp_path: Path, database_url: str) -> None:
    found = at_two_revisions(tmp_path, database_url)
    project, script = found.project, next(path for path in scripts(found.project) if found.second in path)
    some = database_url.startswith("postgresql")
    for number, point in enumerate(("files-written", "database-committed") if some else _AMEND):
        side = _AMEND[point]
        column(project, f"c{number}")
        project.append(script, f"# precious {number}\n")
        before, old = project.snapshot(), project.read(script)
        killed(project, point, "revise", "--amend")
        answer = project.gitmig("recover", "--json", check=0).json["recovered"]
        if side == "before":
            assert (project.snapshot(), answer["left"]) == (before, []), point
            continue
        (kept,) = answer["left"]
        assert project.read(kept) == old, point
        assert project.columns("user")[-1] == f"c{number}", point
        if side == "applied":
            assert answer["complete"] == "git commit --amend", point
            status = project.gitmig("status", "--json").json
            assert ([f["code"] for f in status["findings"]], status["hint"]) == (
                ["GM018"],
                "git commit --amend",
            )
            project.git("commit", "-q", "--amend", "--no-edit")
        assert project.git("status", "--porcelain") == "", point
    project.gitmig("status", check=0)


def test_a_killed_rollback_that_commits(tmp_path: Path) -> None:
    found = article(tmp_path)
    project, top = found.project, found.project.git("rev-parse", "HEAD")
    for point in ("database-committed", "script-removed", "index-locked", "staged", "committed"):
        killed(project, point, "rollback", "--commit")
        done = point == "committed"
        recovered(project, "after", None if done else "git commit")
        assert (project.heads(), project.read(_MODELS)) == ((found.first,), MODELS), point
        (script,) = scripts(project)
        assert found.first in script, point
        if not done:
            status = project.git("status", "--porcelain")
            assert [line[:3] for line in status.splitlines()] == ["D  ", "M  "], point
            project.git("commit", "-q", "-m", "Roll back")
        assert project.git("status", "--porcelain") == "", point
        project.gitmig("status", check=0)
        project.git("reset", "-q", "--hard", top)
        project.gitmig("upgrade", check=0)


def test_a_draft_that_a_person_edited_stays(tmp_path: Path) -> None:
    project = article(tmp_path).project
    column(project, "c0")
    known = scripts(project)
    killed(project, "draft-formatted", "revise", "-m", "Add c0")
    (script,) = set(scripts(project)) - set(known)
    project.append(script, "# precious\n")
    answer = project.gitmig("recover", "--json", check=0).json["recovered"]
    assert (answer["side"], answer["left"]) == ("before", [script])
    assert project.read(script).endswith("# precious\n")


def test_an_upgrade_that_commits_writes_the_record_first(tmp_path: Path) -> None:
    project = article(tmp_path).project
    column(project, "c0")
    project.gitmig("revise", "--no-commit", "-m", "Add c0", check=0)
    project.append(_MODELS, "\n# said later\n")
    project.git("add", _MODELS)
    for point in ("commit-begun", "file-half-written", "index-locked"):
        killed(project, point, "upgrade", "--commit")
        recovered(project, "after", "git commit  (or: gitmig upgrade --commit)")
        assert ".gitmig" not in project.git("status", "--porcelain")
    project.gitmig("upgrade", "--commit", check=0)
    assert project.git("status", "--porcelain") == ""
    assert project.gitmig("log", "--json").json["revisions"][0]["tie"] == "verified"


def test_a_lock_of_the_index_that_is_not_ours_stays(tmp_path: Path) -> None:
    project = article(tmp_path).project
    column(project, "c0")
    killed(project, "commit-begun", "revise", "-m", "Add c0")
    lock = project.path(".git/index.lock")
    lock.write_bytes(b"")
    result = project.gitmig("recover")
    assert (result.exit_code, result.stderr) == (
        1,
        f"Error: another git command is at work here: {lock} exists\n"
        "Hint: wait for it; if there is none, it crashed, and the file can be removed\n",
    )
    assert lock.exists()
    lock.unlink()
    # Recovery may die too.
    killed(project, "index-locked", "recover")
    assert lock.exists()
    recovered(project, "after", "git commit  (or: gitmig upgrade --commit)")


def test_a_git_that_outlives_its_command_is_waited_for(tmp_path: Path) -> None:
    project = article(tmp_path).project
    column(project, "c0")
    begun = tmp_path / "begun"
    hook(project, KILL_PARENT, f"echo > {begun}", f"while [ -e {begun} ]; do sleep 0.1; done")
    assert project.gitmig("revise", "-m", "Add c0").exit_code == -signal.SIGKILL
    refused = project.gitmig("recover", "--wait", "0.2")
    assert (refused.exit_code, refused.stderr) == (
        1,
        "Error: a git that was started by a killed gitmig command is still at work in this work tree\n"
        "Hint: wait for it and its hooks, or give it longer with --wait SECONDS\n",
    )
    begun.unlink()
    recovered(project, "after")
    assert project.git("log", "-1", "--format=%s") == "Add c0"
    assert project.git("status", "--porcelain") == ""


def test_a_commit_that_dies_in_its_hooks(tmp_path: Path) -> None:
    project = article(tmp_path).project
    column(project, "c0")
    hook(project, KILL_PARENT, "kill -9 $PPID")
    assert project.gitmig("revise", "-m", "Add c0").exit_code == -signal.SIGKILL
    hook(project)
    recovered(project, "after", "git commit  (or: gitmig upgrade --commit)")
    project.git("commit", "-q", "-m", "Add c0")
    assert project.git("status", "--porcelain") == ""


def test_the_next_changing_command_settles_it_and_does_nothing_else(tmp_path: Path) -> None:
    found = article(tmp_path)
    project = found.project
    killed(project, "database-committed", "rollback")
    status = project.gitmig("status", "--json")
    assert (status.exit_code, status.json["hint"]) == (1, "gitmig recover")
    assert "GM014" in [finding["code"] for finding in status.json["findings"]]
    result = project.gitmig("upgrade")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: an interrupted `gitmig rollback` was settled first: everything is as after it\n"
        "Hint: look at it with gitmig status, then run the command again\n"
    )
    assert project.heads() == (found.first,)
    project.gitmig("upgrade", check=0)
    column(project, "c0")
    killed(project, "commit-begun", "revise", "-m", "Add c0")
    result = project.gitmig("rollback")
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: an interrupted `gitmig revise` was settled first: all of it is done but for the commit\n"
        "Hint: git commit  (or: gitmig upgrade --commit)\n",
    )


def test_a_half_written_file_is_made_whole(tmp_path: Path) -> None:
    project = article(tmp_path).project
    whole = project.read(_MODELS)
    killed(project, "database-prepared", "rollback")
    # What a killed `git read-tree -u` leaves: nothing, or a beginning of the new file.
    project.write(_MODELS, MODELS[:40])
    recovered(project, "before")
    assert project.read(_MODELS) == whole


def test_what_was_written_since_is_left_alone(tmp_path: Path) -> None:
    project = article(tmp_path).project
    killed(project, "files-written", "rollback")
    project.write(_MODELS, "# precious\n")
    answer = project.gitmig("recover", "--json", check=0).json
    assert answer["recovered"]["left"] == [_MODELS]
    assert project.read(_MODELS) == "# precious\n"


def test_nothing_to_recover(project: Project) -> None:
    result = project.gitmig("recover", check=0)
    assert (result.stdout, result.stderr) == ("nothing to recover\n", "")


def test_a_damaged_journal_is_reported_and_kept(project: Project) -> None:
    journal = project.path(".git/gitmig/journal.json")
    journal.parent.mkdir(exist_ok=True)
    journal.write_text("{")
    result = project.gitmig("upgrade", "--json")
    assert result.exit_code == 1
    assert "journal" in result.json["error"]["message"]
    assert journal.read_text() == "{"


def test_what_a_rollback_replaced_can_be_had_again(tmp_path: Path) -> None:
    project = article(tmp_path).project
    whole = project.read(_MODELS)
    notes = json.loads(project.gitmig("rollback", "--json", check=0).stdout)["notes"]
    ref = project.git("for-each-ref", "--format=%(refname)", "refs/gitmig/backup/")
    assert notes == [f"the previous {_MODELS} is saved: git show {ref}:{_MODELS}"]
    assert project.git("show", f"{ref}:{_MODELS}") + "\n" == whole


def test_a_dry_run_names_the_command_and_settles_nothing(tmp_path: Path) -> None:
    project = article(tmp_path).project
    killed(project, "journal-written", "rollback")
    before = project.snapshot()
    assert project.gitmig("recover", "--dry-run", check=0).stdout == (
        "would settle an interrupted `gitmig rollback`\n"
    )
    assert project.gitmig("recover", "--dry-run", "--json", check=0).json == {
        "version": 1,
        "recovered": None,
        "interrupted": ["rollback"],
    }
    assert project.snapshot() == before
    project.gitmig("recover", "--yes", check=0)
    assert project.gitmig("recover", "--dry-run", check=0).stdout == "nothing to recover\n"


_CUT_OFF = """
import os, signal, sqlite3, sys
own = sqlite3.connect(sys.argv[1])
own.executescript("create table kept (x); pragma cache_size = 1; begin")
own.executemany("insert into kept values (?)", [("x" * 1000,)] * 1000)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_being_parked_is_taken_back(tmp_path: Path) -> None:
    """SQLite's journal of a killed worker does not stay beside the parked rows."""
    project = article(tmp_path).project
    file = project.path(".git/gitmig/parked/app.db-0123")
    file.parent.mkdir()
    subprocess.run([sys.executable, "-c", _CUT_OFF, str(file)], check=False)
    journal = file.with_name(f"{file.name}-journal")
    assert journal.exists()
    assert project.gitmig("recover", check=0).stdout == "nothing to recover\n"
    assert not journal.exists()
    assert database.query(f"sqlite:///{file}", "select count(*) from kept") == ((0,),)
