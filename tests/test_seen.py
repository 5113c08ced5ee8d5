"""The note of where the database was last seen."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gitmig.state.last_seen import last_seen, remember
from gitmig.wire.values import RevisionId

A, B = RevisionId("a1a1"), RevisionId("b2b2")


def at(path: Path, *heads: str) -> None:
    """An SQLite file at these heads."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("create table if not exists alembic_version (version_num varchar(32))")
        connection.execute("delete from alembic_version")
        connection.executemany("insert into alembic_version values (?)", [(head,) for head in heads])
    connection.close()


def heads(folder: Path, section: str = "alembic") -> tuple[RevisionId, ...] | None:
    seen = last_seen(folder, section, folder)
    return None if seen is None else seen.heads


def test_never_seen(tmp_path: Path) -> None:
    assert heads(tmp_path) is None


def test_a_server_is_believed(tmp_path: Path) -> None:
    remember(tmp_path, "alembic", "postgresql+psycopg2://localhost:5432/shop", (A,))
    seen = last_seen(tmp_path, "alembic", tmp_path)
    assert seen is not None
    assert (seen.database, seen.heads) == ("postgresql+psycopg2://localhost:5432/shop", (A,))
    assert seen.time > 1_700_000_000


def test_each_environment_has_its_own(tmp_path: Path) -> None:
    remember(tmp_path, "one", "postgresql://localhost/one", (A,))
    remember(tmp_path, "two", "postgresql://localhost/two", (B,))
    assert (heads(tmp_path, "one"), heads(tmp_path, "two")) == ((A,), (B,))
    assert heads(tmp_path, "three") is None


@pytest.mark.parametrize("whole", [True, False])
def test_an_sqlite_file_is_read_again(tmp_path: Path, whole: bool) -> None:
    path = tmp_path / "a b ü.db"
    name = f"sqlite:///{path}" if whole else f"sqlite:///{path.name}"
    at(path, A)
    remember(tmp_path, "alembic", name, (A,))
    at(path, B, "c3c3")
    assert heads(tmp_path) == (B, RevisionId("c3c3"))
    at(path)
    assert heads(tmp_path) == ()


def test_an_sqlite_file_that_is_gone_is_at_base_and_is_not_made(tmp_path: Path) -> None:
    remember(tmp_path, "alembic", "sqlite:///gone.db", (A,))
    assert heads(tmp_path) == ()
    assert not (tmp_path / "gone.db").exists()


@pytest.mark.parametrize("name", [":memory:", "", "file:shop.db"])
def test_what_is_no_plain_file_is_believed(tmp_path: Path, name: str) -> None:
    remember(tmp_path, "alembic", f"sqlite:///{name}", (A,))
    assert heads(tmp_path) == (A,)


def test_a_version_table_of_another_name_is_not_read(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "shop.db").execute(
        "create table versions (version_num text)"
    ).connection.close()
    remember(tmp_path, "alembic", "sqlite:///shop.db", (A,))
    assert heads(tmp_path) == (A,)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"alembic": 1}', '{"alembic": {"database": 1}}', "\udcff"])
def test_a_damaged_note_counts_as_absent(tmp_path: Path, text: str) -> None:
    (tmp_path / "seen.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert heads(tmp_path) is None
    remember(tmp_path, "alembic", "postgresql://localhost/shop", (A,))
    assert heads(tmp_path) == (A,)


def test_where_it_cannot_be_written_nothing_happens(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    remember(tmp_path / "file" / "folder", "alembic", "postgresql://localhost/shop", (A,))
    assert heads(tmp_path / "file" / "folder") is None
