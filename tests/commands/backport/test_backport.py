"""``backport``: a revision of main on a release line, and main that recognises it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import database
from tests.articles import EMAIL, article, article_on
from tests.branching import MODELS, order, parents, revised
from tests.story import Project
from tests.test_recover import killed, recovered


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """main with two revisions that release/1.4, which is checked out, does not have."""

    project: Project
    start: str
    orders: str
    """The first: a table."""
    email: str
    """The second, which is wanted on the release line: a column."""


def lines(folder: Path, url: str | None = None) -> Lines:
    found = article(folder) if url is None or url.startswith("sqlite") else article_on(folder, url)
    project = found.project
    project.git("branch", "--quiet", "release/1.4")
    order(project)
    orders = revised(project, "Add orders")
    project.append(MODELS, EMAIL)
    email = revised(project, "Add an e-mail address")
    project.gitmig("switch", "release/1.4", "--yes", check=0)
    return Lines(project=project, start=found.second, orders=orders, email=email)


def with_models(found: Lines) -> Lines:
    """The models of the release line have the change."""
    found.project.append(MODELS, EMAIL)
    return found


def copied(found: Lines) -> str:
    """The id of the copy."""
    answer = found.project.gitmig("backport", found.email, "--yes", "--json", check=0).json
    revision: str = answer["revision"]
    return revision


def test_a_copy(tmp_path: Path, database_url: str) -> None:
    found = with_models(lines(tmp_path, database_url))
    project = found.project
    project.hook()
    answer = project.gitmig("backport", found.email, "--onto", "release/1.4", "--yes", "--json", check=0).json
    copy, path = answer["revision"], answer["path"]
    assert [step["action"] for step in answer["steps"]] == ["upgrade", "rewrite", "commit", "commit"]
    assert answer["warnings"] == [
        f"plain `alembic upgrade` of a line that has {found.email} stops in a database that has {copy}; "
        f"gitmig marks {found.email} as applied there"
    ]
    assert parents(project)[copy] == (found.start,)
    text = project.read(path)
    assert f"Revises: {found.start}\n" in text
    assert f"Backport-of: {found.email}\n" in text
    assert project.git("log", "-1", "--format=%s%n%(trailers)") == (
        f"Backport {found.email}: Add an e-mail address\n"
        f"Migration-Revision: {copy}\nBackport-of: {found.email}\n"
    )
    assert project.git("status", "--porcelain") == ""
    assert project.heads() == (copy,)
    assert project.gitmig("status", "--json", check=0).json["in_step"]
    assert project.gitmig("check", check=0).stderr == ""
    again = project.gitmig("backport", found.email, check=1)
    assert again.stderr == f"Error: this line has {found.email} already: {copy}\nHint: gitmig log\n"


@pytest.mark.parametrize("command", [("upgrade",), ("sync",), ("switch", "main")])
def test_main_recognises_it(tmp_path: Path, database_url: str, command: tuple[str, ...]) -> None:
    """A database with the copy gets the original marked and the rest applied; no row is touched."""
    found = with_models(lines(tmp_path, database_url))
    project = found.project
    copy = copied(found)
    database.execute(project.url, "insert into \"user\" (username, email) values ('ada', 'ada@x')")
    if command[0] != "switch":
        project.git("switch", "--quiet", "main")
    before = project.snapshot()
    plan = project.gitmig(*command, "--dry-run", "--json", check=0).json
    assert [(step["action"], step["revision"]) for step in plan["steps"] if step["revision"]] == [
        ("downgrade", copy),
        ("upgrade", found.orders),
        ("upgrade", found.email),
    ]
    assert plan["warnings"] == [
        f"{copy} and {found.email} are one change: {found.email} is marked as applied, and nothing runs"
    ]
    assert project.snapshot() == before
    result = project.gitmig(*command, "--yes", check=0)
    assert "parked" not in result.stdout
    assert project.heads() == (found.email,)
    assert "order" in database.tables(project.url)
    assert database.query(project.url, 'select username, email from "user"') == (("ada", "ada@x"),)
    answer = project.gitmig("status", "--json", check=0).json
    assert (answer["in_step"], answer["findings"]) == (True, [])
    project.gitmig("drift", check=0)
    # And back to the release line.
    project.gitmig("switch", "release/1.4", "--yes", check=0)
    assert project.heads() == (copy,)
    assert database.query(project.url, 'select username, email from "user"') == (("ada", "ada@x"),)


def test_both_starts_end_alike(tmp_path: Path, database_url: str) -> None:
    """main's models, whether the database had the copy or had none of it; and the way back from there."""
    found = with_models(lines(tmp_path, database_url))
    project = found.project
    database.execute(project.url, "insert into \"user\" (username) values ('ada')")
    before = project.snapshot().database
    copy = copied(found)
    on_release = project.snapshot().database
    project.gitmig("switch", "main", "--yes", check=0)
    marked = project.snapshot().database
    project.gitmig("rollback", found.start, "--database-only", "--yes", check=0)
    assert project.snapshot().database == before
    project.gitmig("upgrade", "--yes", check=0)
    assert sorted(project.snapshot().database or ()) == sorted(marked or ())
    project.gitmig("drift", check=0)
    # It was never at the copy now; on the release line the copy is marked all the same.
    project.gitmig("switch", "release/1.4", "--yes", check=0)
    assert (project.heads(), project.snapshot().database) == ((copy,), on_release)


def test_the_release_line_is_merged(tmp_path: Path) -> None:
    """main has the original: the copy is in the way there, and every command says so."""
    found = with_models(lines(tmp_path))
    project = found.project
    copy = copied(found)
    path = next(project.path("alembic/versions").glob(f"{copy}*")).relative_to(project.top).as_posix()
    hint = f"Hint: git rm {path}: {copy} is the backport of {found.email}\n"
    assert hint in project.gitmig("check", "--base", "main", check=1).stderr
    project.gitmig("switch", "main", "--yes", check=0)
    project.git("merge", "--quiet", "--no-edit", "release/1.4")
    for command in (("rebase",), ("merge",), ("rebase", "--check")):
        assert project.gitmig(*command, check=1).stderr.endswith(hint)
    project.git("rm", "--quiet", path)
    project.git("commit", "--quiet", "--amend", "--no-edit")
    assert project.gitmig("check", check=0).stderr == ""
    assert project.gitmig("status", "--json", check=0).json["in_step"]
    # A database of the release line still finds its way.
    project.gitmig("switch", "release/1.4", "--yes", check=0)
    project.git("switch", "--quiet", "main")
    project.gitmig("sync", "--yes", check=0)
    assert project.heads() == (found.email,)


def test_what_is_not_here(tmp_path: Path) -> None:
    found = lines(tmp_path)
    project, before = found.project, found.project.snapshot()
    result = project.gitmig("backport", found.email, "--yes", check=1)
    assert result.stderr.startswith(
        f"Error: the models here do not have the change of {found.email}, or have more\nHint: git show "
    )
    assert result.stderr.endswith(f" -- {MODELS} | git apply --3way, then: gitmig backport {found.email}\n")
    assert project.gitmig("backport", "nope", check=2).stderr == (
        "Error: no branch here has a revision 'nope'\nHint: git fetch\n"
    )
    assert project.gitmig("backport", found.email, "--onto", "main", check=1).stderr == (
        f"Error: main is not checked out\nHint: gitmig switch main, then: gitmig backport {found.email}\n"
    )
    assert project.snapshot() == before


def test_what_it_needs_is_named(tmp_path: Path) -> None:
    found = lines(tmp_path)
    project = found.project
    project.gitmig("switch", "main", "--yes", check=0)
    text = project.read(MODELS)
    column = "    note: Mapped[str | None] = mapped_column(String)\n\n\nclass User(Base)"
    project.write(MODELS, text.replace("\n\nclass User(Base)", f"{column}", 1))
    note = revised(project, "Add a note to orders")
    project.gitmig("switch", "release/1.4", "--yes", check=0)
    result = project.gitmig("backport", note, "--yes", check=1)
    assert result.stderr.startswith(f"Error: {note} needs table order, which this line does not have\n")


@pytest.mark.parametrize(
    ("point", "side"),
    [("database-prepared", "before"), ("database-committed", "applied"), ("committed", "after")],
)
def test_a_kill(tmp_path: Path, point: str, side: str) -> None:
    found = with_models(lines(tmp_path))
    project, before = found.project, found.project.snapshot()
    killed(project, point, "backport", found.email, "--yes")
    recovered(project, "before" if side == "before" else "after", "git commit" if side == "applied" else None)
    if side == "before":
        now = project.snapshot()
        assert (now.files, now.index, now.head, now.database) == (
            before.files,
            before.index,
            before.head,
            before.database,
        )
        return
    if side == "applied":
        project.git("commit", "--quiet", "-m", "Settled")
    assert project.git("status", "--porcelain") == ""
    assert project.gitmig("status", "--json", check=0).json["in_step"]
