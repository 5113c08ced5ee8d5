"""What the tests of bad input share: projects in a given state, and what a refusal has to be."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.story import USERNAME, Project

FIRST, SECOND = "aaaa", "bbbb"
"""The revisions of :func:`with_two_revisions`."""

MOVING = (("upgrade",), ("rollback",), ("revise", "-m", "Change"))
"""The commands that move something."""


def revision(project: Project, id: str, message: str) -> None:
    """A revision made with plain Alembic, applied and committed with its models."""
    project.alembic("revision", "--autogenerate", "-m", message, "--rev-id", id)
    project.gitmig("upgrade", "--commit", check=0)


def with_two_revisions(folder: Path, name: str = "project") -> Project:
    """The article's project at its second revision, on an SQLite file; all of it committed."""
    top = folder / name
    shutil.copytree(_template(), top, symlinks=True)
    project = Project(top)
    project.git("update-index", "-q", "--refresh")
    return project


@functools.cache
def _template() -> Path:
    """Made once in each process, and copied for each test."""
    folder = Path(tempfile.mkdtemp(prefix="gitmig-bad-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    project = Project.create(folder)
    revision(project, FIRST, "First revision")
    project.append("app/models.py", USERNAME)
    revision(project, SECOND, "Add username for user")
    return project.top


def script(project: Project, revision: str) -> str:
    """The path of a revision's file."""
    (found,) = project.top.glob(f"alembic/versions/{revision}_*.py")
    return found.relative_to(project.top).as_posix()


def refuses(
    project: Project,
    *args: str,
    error: str,
    hint: str,
    code: str,
    exit_code: int,
    detail: str | None = None,
    env: Mapping[str, str | None] | None = None,
    witness: Project | None = None,
    cwd: Path | None = None,
) -> None:
    """The command says just this, as text and as JSON, and changes nothing.

    ``witness`` sees the same work tree where the project's own database cannot be asked.
    """
    witness = witness or project
    before = witness.snapshot()
    text = project.gitmig(*args, env=env, cwd=cwd)
    details = [f"  {line}" for line in (detail or "").splitlines()]
    assert text.stderr.splitlines() == [f"Error: {error}", *details, f"Hint: {hint}"]
    assert (text.stdout, text.exit_code) == ("", exit_code)
    told = {"code": code, "message": error, "hint": hint} | ({"detail": detail} if detail else {})
    answer = project.gitmig(*args, "--json", env=env, cwd=cwd)
    assert answer.json == {"version": 1, "error": told}
    assert (answer.stderr, answer.exit_code) == ("", exit_code)
    assert witness.snapshot() == before


def findings(project: Project, *args: str) -> list[tuple[str, str, str, str | None]]:
    """What a command that only looks found: code, severity, message and hint; it changes nothing.

    The text says the same: each code at the beginning of a line, each hint below it; in ``status`` the
    hint that comes first is the last line.
    """
    before = project.snapshot()
    answer = project.gitmig(*args, "--json")
    assert answer.stderr == ""
    found = [
        (item["code"], item["severity"], item["message"], item["hint"]) for item in answer.json["findings"]
    ]
    text = project.gitmig(*args)
    assert text.exit_code == answer.exit_code
    lines = text.stderr.splitlines()
    for code, severity, message, hint in found:
        assert f"{code} {'warning: ' if severity == 'warning' else ''}{message}" in lines
        assert hint is None or args[0] == "status" or f"  Hint: {hint}" in lines
    if args[0] == "status":
        assert text.stdout.splitlines()[-1] == f"→ {answer.json['hint']}"
    assert project.snapshot() == before
    return found
