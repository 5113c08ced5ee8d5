"""Arguments that cannot be understood, and revisions that are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bad import FIRST, SECOND, refuses, with_two_revisions
from tests.story import Project


@pytest.mark.parametrize(
    ("typed", "error", "hint"),
    [
        ("", "a command is missing", "gitmig --help"),
        ("statsu", "no such command: gitmig statsu", "did you mean gitmig status?"),
        ("frobnicate", "no such command: gitmig frobnicate", "gitmig --help"),
        ("hook", "a command is missing", "gitmig hook --help"),
        ("hook instal", "no such command: gitmig hook instal", "did you mean gitmig hook install?"),
        ("hook x", "no such command: gitmig hook x", "gitmig hook --help"),
        ("status --nope", "no such option: --nope", "did you mean --name?"),
        ("upgrade --qqq", "no such option: --qqq", "gitmig upgrade --help"),
        ("status --format xml", "no such format: 'xml'", "one of text, json, github"),
        ("check --staged HEAD", "--staged and REF exclude each other", "gitmig check --help"),
        ("check nowhere", "there is no commit 'nowhere'", "git branch --all; git log --oneline"),
        ("revise", "a message is missing", 'gitmig revise -m "What changes"'),
        ("status --url-env NOWHERE", "the environment variable NOWHERE is not set", "export NOWHERE=…"),
        ("status --url-env postgresql://ada:s3cret@localhost/shop",
         "--url-env takes the name of an environment variable, not a URL",
         "export OTHER_URL=…, then give --url-env OTHER_URL"),
    ],
)  # fmt: skip
def test_usage(project: Project, typed: str, error: str, hint: str) -> None:
    code = "unknown-ref" if "no commit" in error else "usage"
    refuses(project, *typed.split(), error=error, hint=hint, code=code, exit_code=2)


@pytest.mark.parametrize("typed", ["upgrade a b", "upgrade --wait soon", "log --config"])
def test_usage_in_typers_words(project: Project, typed: str) -> None:
    said = project.gitmig(*typed.split(), check=2)
    first, last = said.stderr.splitlines()
    assert first.startswith("Error: ")
    assert last in (f"Hint: gitmig {typed.split()[0]} --help", "Hint: gitmig --help")


def test_options_stand_before_or_after_the_command(project: Project) -> None:
    after = project.gitmig("status", "-C", str(project.path("app")), "--json", cwd=Path("/"))
    before = project.gitmig("--json", "-C", str(project.path("app")), "status", cwd=Path("/"))
    assert after.json == before.json
    assert project.gitmig("hook", "--json", "status", check=0).json["installed"] is False
    assert project.gitmig("--version", "--json", check=0).stdout.startswith("gitmig ")


@pytest.mark.parametrize(
    ("command", "target", "hint"),
    [
        ("upgrade", "zzzz", "`gitmig log` lists the revisions"),
        ("rollback", "aaab", "did you mean aaaa (First revision)?"),
        ("upgrade", "haed", "did you mean head?"),
    ],
)
def test_an_unknown_revision(tmp_path: Path, command: str, target: str, hint: str) -> None:
    refuses(
        with_two_revisions(tmp_path),
        command,
        target,
        error=f"no file has a revision {target!r}",
        hint=hint,
        code="unknown-revision",
        exit_code=2,
    )


@pytest.mark.parametrize("command", ["upgrade", "rollback"])
def test_an_ambiguous_revision(tmp_path: Path, command: str) -> None:
    project = with_two_revisions(tmp_path)
    for id in ("abcd1", "abcd2"):
        project.alembic("revision", "-m", "By hand", "--rev-id", id)
    refuses(
        project,
        command,
        "abcd",
        error="2 revisions begin with abcd: abcd1, abcd2",
        hint="write more of the id",
        code="ambiguous-revision",
        exit_code=2,
    )


def test_an_unknown_revision_is_told_before_the_database_is_asked(project: Project) -> None:
    """So an SQLite file that is not there yet is not made either."""
    refuses(
        project,
        "upgrade",
        "zzzz",
        error="no file has a revision 'zzzz'",
        hint="`gitmig log` lists the revisions",
        code="unknown-revision",
        exit_code=2,
    )
    assert not project.path("app.db").exists()


@pytest.mark.parametrize(
    ("typed", "error", "hint"),
    [
        ("upgrade +1", "+1 leads out of the graph: there are not so many revisions", "gitmig log"),
        ("rollback -5", "-5 leads out of the graph: there are not so many revisions", "gitmig log"),
        ("upgrade -1", "-1 leads down, not up", "gitmig rollback -1"),
        ("rollback +1", "+1 leads up, not down", "gitmig upgrade +1"),
    ],
)
def test_a_target_that_leads_nowhere(tmp_path: Path, typed: str, error: str, hint: str) -> None:
    project = with_two_revisions(tmp_path)
    refuses(project, *typed.split(), error=error, hint=hint, code="refused", exit_code=1)


def test_at_base_there_is_nothing_to_roll_back(tmp_path: Path) -> None:
    project = with_two_revisions(tmp_path)
    project.alembic("downgrade", "base")
    refuses(
        project,
        "rollback",
        error="the database is at base: there is nothing to roll back",
        hint="gitmig status",
        code="refused",
        exit_code=1,
    )


def test_already_there_is_no_error(tmp_path: Path) -> None:
    project = with_two_revisions(tmp_path)
    before = project.snapshot()
    for target in ("head", SECOND, FIRST):
        said = project.gitmig("upgrade", target, check=0)
        assert said.stdout == f"database  already at {SECOND}  Add username for user\n"
    assert project.snapshot() == before
