"""Repositories that cannot be written to, or are in the middle of something."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bad import MOVING, SECOND, findings, refuses, script, with_two_revisions
from tests.readonly import HELD_TO_MODES, held_to_modes, made_read_only
from tests.story import USERNAME, Project


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Project]:
    """A project that nobody may write to, its folders and its .git included."""
    with made_read_only(with_two_revisions(tmp_path)) as project:
        yield project


def test_the_read_only_repository_is_one(read_only: Project) -> None:
    program = "open('new', 'w')"
    command = [sys.executable, "-c", HELD_TO_MODES, sys.executable, "-c", program]
    done = subprocess.run(command, cwd=read_only.top, capture_output=True, text=True, check=False)
    assert "Permission denied: 'new'" in done.stderr


@pytest.mark.parametrize(
    "command", [("upgrade",), ("rollback", "--commit"), ("revise", "-m", "Change")], ids=" ".join
)
def test_a_read_only_repository_stops_what_moves(read_only: Project, command: tuple[str, ...]) -> None:
    before = read_only.snapshot()
    error = "the repository cannot be written to: Permission denied"
    hint = f"make {read_only.path('.git')} writable"
    text = held_to_modes(read_only, *command)
    assert text.stderr == f"Error: {error}\nHint: {hint}\n"
    assert (text.stdout, text.exit_code) == ("", 1)
    answer = held_to_modes(read_only, *command, "--json")
    assert answer.json == {"version": 1, "error": {"code": "refused", "message": error, "hint": hint}}
    assert (answer.stderr, answer.exit_code) == ("", 1)
    assert read_only.snapshot() == before


@pytest.mark.parametrize("command", [("status",), ("log",), ("check",), ("check", "--staged")], ids=" ".join)
def test_a_read_only_repository_can_be_looked_at(read_only: Project, command: tuple[str, ...]) -> None:
    before = read_only.snapshot()
    said = held_to_modes(read_only, *command)
    assert "Error" not in said.stderr
    assert said.exit_code == 0
    assert read_only.snapshot() == before


def test_no_hook_is_installed_in_a_read_only_repository(read_only: Project) -> None:
    path = read_only.path(".git/hooks")
    said = held_to_modes(read_only, "hook", "install")
    error, hint = said.stderr.splitlines()
    assert error == f"Error: {path}/pre-commit cannot be written: Permission denied"
    assert hint == "Hint: make it writable"
    assert said.exit_code == 1


@pytest.mark.parametrize(
    "command",
    [("revise", "-m", "Change"), ("upgrade", "--commit"), ("rollback", "--commit")],
    ids=lambda command: command[0],
)
def test_no_author_configured(tmp_path: Path, command: tuple[str, ...]) -> None:
    project = with_two_revisions(tmp_path)
    project.append("app/models.py", USERNAME.replace("username", "nickname"))
    for key in ("user.name", "user.email"):
        project.git("config", "--global", "--unset-all", key)
    project.git("config", "--global", "user.useConfigOnly", "true")
    before = project.snapshot()
    text = project.gitmig(*command, check=1)
    lines = text.stderr.splitlines()
    assert lines[0] == "Error: git does not know who you are, so it could not commit"
    assert lines[-1] == ('Hint: git config user.email "you@example.com" && git config user.name "Your Name"')
    assert not [line for line in lines[1:-1] if line.startswith(("Error:", "Hint:"))]
    assert text.stdout == ""
    answer = project.gitmig(*command, "--json", check=1)
    assert answer.stderr == ""
    error = answer.json["error"]
    assert (error["code"], error["message"]) == ("refused", lines[0].removeprefix("Error: "))
    assert error["hint"] == lines[-1].removeprefix("Hint: ")
    assert project.snapshot() == before


def test_without_an_author_the_database_moves(tmp_path: Path) -> None:
    project = with_two_revisions(tmp_path)
    project.git("config", "--global", "--unset-all", "user.email")
    project.git("config", "--global", "user.useConfigOnly", "true")
    project.gitmig("rollback", "--database-only", check=0)
    project.gitmig("upgrade", check=0)


@pytest.fixture
def two_heads(tmp_path: Path) -> Project:
    """A second revision beside the second one, not applied."""
    project = with_two_revisions(tmp_path)
    other = project.read(script(project, SECOND)).replace(SECOND, "cccc")
    project.write("alembic/versions/cccc_other.py", other)
    return project


HEADS = f"2 heads: {SECOND}, cccc"


@pytest.mark.parametrize("command", MOVING, ids=" ".join)
def test_more_than_one_head_stops_what_moves(two_heads: Project, command: tuple[str, ...]) -> None:
    refuses(
        two_heads,
        *command,
        error=f"GM002: {HEADS}",
        hint="gitmig rebase",
        code="refused",
        exit_code=1,
    )


@pytest.mark.parametrize("command", [("log",), ("check",)], ids=" ".join)
def test_more_than_one_head_is_found(two_heads: Project, command: tuple[str, ...]) -> None:
    assert findings(two_heads, *command) == [("GM002", "error", HEADS, "gitmig rebase")]


def test_more_than_one_head_comes_first_in_status(two_heads: Project) -> None:
    assert findings(two_heads, "status") == [
        ("GM002", "error", HEADS, "gitmig rebase"),
        ("GM011", "error", "the database is 1 revision behind the checkout", "gitmig sync"),
    ]
    answer = two_heads.gitmig("status", "--json", check=1).json
    assert (answer["in_step"], answer["hint"]) == (False, "gitmig rebase")
    assert answer["checkout"]["heads"] == [SECOND, "cccc"]


def test_more_than_one_head_is_found_when_it_is_staged(two_heads: Project) -> None:
    assert findings(two_heads, "check", "--staged") == []
    two_heads.git("add", "--all")
    assert findings(two_heads, "check", "--staged") == [("GM002", "error", HEADS, "gitmig rebase")]


def in_the_middle_of(project: Project, operation: str) -> None:
    """Have git stop at a conflict in a file that has nothing to do with models."""
    project.git("switch", "--quiet", "--create", "side")
    project.write("notes.txt", "theirs\n")
    project.commit("Their notes")
    project.git("switch", "--quiet", "main")
    project.write("notes.txt", "ours\n")
    project.commit("Our notes")
    project.write("notes.txt", "ours again\n")
    project.commit("Our notes again")
    other = "HEAD~1" if operation == "revert" else "side"
    assert project.try_git(operation, other).exit_code != 0


@pytest.mark.parametrize(
    ("operation", "commands"),
    [("merge", MOVING), ("rebase", MOVING), ("cherry-pick", MOVING[:1]), ("revert", MOVING[:1])],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_git_in_the_middle_of_something_stops_what_moves(
    tmp_path: Path, operation: str, commands: tuple[tuple[str, ...], ...]
) -> None:
    project = with_two_revisions(tmp_path)
    in_the_middle_of(project, operation)
    for command in commands:
        refuses(
            project,
            *command,
            error=f"a {operation} is in progress",
            hint=f"git {operation} --continue, or git {operation} --abort",
            code="refused",
            exit_code=1,
        )
        # The others with the conflicts resolved: git is not done with it by then.
        project.git("add", "notes.txt")


@pytest.mark.parametrize("operation", ["merge", "rebase"])
def test_git_in_the_middle_of_something_is_found(tmp_path: Path, operation: str) -> None:
    """``check`` and ``log`` only warn: `git rebase --exec` asks about the files in the middle of it."""
    project = with_two_revisions(tmp_path)
    in_the_middle_of(project, operation)
    message, hint = f"a {operation} is in progress", f"git {operation} --continue"
    assert findings(project, "status") == [("GM016", "error", message, hint)]
    assert project.gitmig("status", "--json", check=1).json["hint"] == hint
    for command in ("log", "check"):
        assert findings(project, command) == [("GM016", "warning", message, hint)]
        project.gitmig(command, check=0)


def test_unmerged_files_stop_what_moves(tmp_path: Path) -> None:
    """As `git stash pop` leaves them, when no operation is in progress."""
    project = with_two_revisions(tmp_path)
    project.write("notes.txt", "one\n")
    project.commit("Notes")
    project.write("notes.txt", "two\n")
    project.git("stash", "--quiet")
    project.write("notes.txt", "three\n")
    project.commit("Other notes")
    assert project.try_git("stash", "pop").exit_code != 0
    refuses(
        project,
        "upgrade",
        error="unmerged files: notes.txt",
        hint="resolve them, then git add them",
        code="refused",
        exit_code=1,
    )


def test_a_repository_of_somebody_else_is_told_in_gits_words(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.fail("only root can give a folder to somebody else")
    project = with_two_revisions(tmp_path)
    for path in (project.top, project.path(".git")):
        os.chown(path, 65534, 65534)
    said = project.gitmig("status", check=1)
    first, *_ = said.stderr.splitlines()
    assert first.startswith("Error: detected dubious ownership in repository at ")
    assert project.gitmig("status", "--json", check=1).json["error"]["code"] == "git"


def test_a_sparse_checkout_without_the_revisions(tmp_path: Path) -> None:
    """They are there, and the hint is not to begin again."""
    project = with_two_revisions(tmp_path)
    project.write("docs/index.md", "Docs\n")
    project.commit("Docs")
    project.git("sparse-checkout", "set", "docs")
    assert not project.path("alembic").exists()
    error, hint = "alembic/versions is outside of the sparse checkout", "git sparse-checkout add alembic"
    for command in (("status",), ("check",), ("upgrade",), ("rollback",)):
        refuses(project, *command, error=error, hint=hint, code="settings", exit_code=2)
    listed = project.gitmig("log", "--json", check=0).json
    assert listed["revisions"][0]["revision"] == SECOND
    assert listed["findings"] == []
    project.git(*hint.split()[1:])
    project.git("sparse-checkout", "add", "app")
    assert project.gitmig("status", check=0).stdout.endswith("in step\n")


@pytest.mark.parametrize("folder", ["", "app"])
def test_nothing_of_a_repository_of_somebody_else_is_started(tmp_path: Path, folder: str) -> None:
    if os.geteuid() != 0:
        pytest.fail("only root can give a folder to somebody else")
    project = with_two_revisions(tmp_path)
    ran = tmp_path / "ran"
    project.write(".venv/bin/python", f'#!/bin/sh\ntouch "{ran}"\nexec "{sys.executable}" "$@"\n')
    project.path(".venv/bin/python").chmod(0o755)
    alone = {"VIRTUAL_ENV": None, "CONDA_PREFIX": None, "GITMIG_PYTHON": None}
    project.gitmig("status", env=alone, check=0)
    assert ran.exists()
    ran.unlink()
    project.gitmig("status", env={**alone, "GITMIG_PYTHON": sys.executable}, check=0)
    assert not ran.exists()
    for path in (project.top, project.path(".git")):
        os.chown(path, 65534, 65534)
    for words in (["status"], ["check", "--staged"], ["upgrade"], ["log"], ["revise", "-m", "x"]):
        project.gitmig(*words, env=alone, cwd=project.path(folder), check=1)
        time.sleep(0.2)
        assert not ran.exists()


@pytest.mark.parametrize("command", [("rollback", "--yes"), ("upgrade", "--yes")], ids=" ".join)
def test_a_full_disk_stops_what_moves_and_keeps_all(tmp_path: Path, command: tuple[str, ...]) -> None:
    project = with_two_revisions(tmp_path)
    project.gitmig("upgrade", "--yes", check=0)
    if command[0] == "upgrade":
        project.gitmig("rollback", "--yes", check=0)
    # The journal's disk is full from the moment on at which the project's code runs.
    journal, full = project.path(".git/gitmig/.journal.json.new"), tmp_path / "full"
    watch = f"import os\nif os.path.exists({str(full)!r}): os.symlink('/dev/full', {str(journal)!r})\n"
    env = project.read("alembic/env.py")
    project.write("alembic/env.py", env.replace("from alembic import", f"{watch}from alembic import", 1))
    project.commit("It watches the disk")
    before = project.snapshot()
    full.touch()
    said = project.gitmig(*command, check=1).stderr
    assert "Error: cannot write: No space left on device\nHint: make room, then: gitmig recover\n" in said
    full.unlink()
    # What a rollback has saved of the models before it began stays saved.
    assert replace(project.snapshot(), refs=before.refs) == before
    assert project.gitmig("recover", check=0).stdout == "nothing to recover\n"
    project.gitmig(*command, check=0)
