"""``gitmig.lock``: doing without the database's lock, where a pooling proxy stands before it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bad import refuses
from tests.chain import chain
from tests.pooler import pooled
from tests.story import SETTINGS, Project

MAKES = ("a1", "op.create_table('t', sa.Column('id', sa.Integer))", "op.drop_table('t')")
LOST = "the database's lock was lost: its session is another one now (a pooling proxy?)"
HINT = "connect without the proxy, or do without the lock: git config gitmig.lock none"

ENDS = (
    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
    " and objsubid = 1 and database = (select oid from pg_database where datname = current_database())"
)


@pytest.fixture
def through_a_pooler(postgres_url: str, tmp_path: Path) -> Iterator[Project]:
    """A project whose database is behind a transaction pooler."""
    with tempfile.TemporaryDirectory() as folder, pooled(postgres_url, Path(folder)) as url:
        project = Project.create(tmp_path, url)
        chain(project, [MAKES])
        yield project


def test_a_lock_behind_a_pooler_is_reported_and_can_be_done_without(
    through_a_pooler: Project, postgres_url: str
) -> None:
    project = through_a_pooler
    witness = Project(project.top, postgres_url)
    refuses(project, "upgrade", error=LOST, hint=HINT, code="locked", exit_code=1, witness=witness)
    project.git("config", "gitmig.lock", "none")
    project.gitmig("upgrade", check=0)
    assert witness.heads() == ("a1",)


def test_a_session_that_ends_takes_the_lock_with_it(postgres_url: str, tmp_path: Path) -> None:
    project = Project.create(tmp_path, postgres_url)
    chain(project, [MAKES, ("b2", f"op.execute({ENDS!r})", "pass")])
    before = project.snapshot()
    failed = project.gitmig("upgrade", check=1)
    assert failed.stderr == f"▲ upgrade a1\n▲ upgrade b2\nError: {LOST}\nHint: {HINT}\n"
    assert project.snapshot() == before
    project.gitmig("upgrade", env={"GITMIG_LOCK": "NONE"}, check=0)


def test_other_values_are_errors(project: Project) -> None:
    project.git("config", "gitmig.lock", "file")
    refuses(
        project,
        "upgrade",
        error="git config gitmig.lock is 'file': only 'none' can be said there",
        hint="git config gitmig.lock none, or to have the lock: git config --unset gitmig.lock",
        code="settings",
        exit_code=2,
    )
    said = project.gitmig("upgrade", env={"GITMIG_LOCK": "off"}, check=2).stderr
    assert said.startswith("Error: GITMIG_LOCK is 'off': only 'none' can be said there\n")


def test_tracked_files_cannot_say_it(tmp_path: Path) -> None:
    project = Project.create(tmp_path, settings=SETTINGS + 'lock = "none"\n')
    assert "which tracked files may not do" in project.gitmig("upgrade", check=2).stderr
