"""The local record: one line for each step, whatever a crash left of the last one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gitmig.state.history import append_missing, append_rows, newest_rows, read_rows
from gitmig.wire.values import Action, BlobId, LedgerRow, RevisionId

ROW = LedgerRow(
    database="sqlite:///app.db",
    environment="alembic:alembic_version",
    operation="0" * 32,
    revision=RevisionId("aaaa"),
    direction=Action.UPGRADE,
    commit="c" * 40,
    script=BlobId("b" * 40),
    program="0123456789abcdef",
    who="Ada \u2028 <ada@example.org>\n",
    time=1_767_225_600,
    seconds=0.5,
    heads=(RevisionId("aaaa"),),
)
BARE = replace(
    ROW, operation="1" * 32, commit=None, script=None, program=None, who=None, seconds=None, heads=None
)


def test_rows_come_back_in_their_order(tmp_path: Path) -> None:
    folder = tmp_path / "gitmig"
    assert read_rows(folder) == ()
    append_rows(folder, [])
    assert not folder.exists()
    append_rows(folder, [ROW, BARE])
    append_rows(folder, [ROW])
    assert read_rows(folder) == (ROW, BARE, ROW)


def test_a_torn_line_costs_nothing_but_itself(tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    append_rows(tmp_path, [ROW, ROW])
    whole = file.read_bytes()
    for end in (len(whole) - 1, len(whole) - 2, len(whole) * 3 // 4, len(whole) // 2 + 1):
        file.write_bytes(whole[:end])
        kept = (ROW, ROW) if end == len(whole) - 1 else (ROW,)
        assert read_rows(tmp_path) == kept
        append_rows(tmp_path, [BARE])
        assert read_rows(tmp_path) == (*kept, BARE)


def test_lines_of_something_else_are_passed_over(tmp_path: Path) -> None:
    append_rows(tmp_path, [ROW])
    with open(tmp_path / "record.jsonl", "ab") as file:
        file.write(b'[]\n{}\n"x"\n\xff\n{"heads": 1}\n' + b"[" * 100_000 + b"\n")
    append_rows(tmp_path, [BARE])
    assert read_rows(tmp_path) == (ROW, BARE)


def test_what_is_recorded_is_not_recorded_again(tmp_path: Path) -> None:
    append_rows(tmp_path, [ROW])
    append_missing(tmp_path, [ROW, BARE])
    append_missing(tmp_path, [BARE])
    assert read_rows(tmp_path) == (ROW, BARE)


def test_the_last_row_of_each_revision(tmp_path: Path) -> None:
    assert newest_rows(tmp_path, ROW.database, ROW.environment) == ()
    below, elsewhere = replace(ROW, revision=RevisionId("below")), replace(ROW, database="sqlite:///other.db")
    append_rows(tmp_path, [ROW, below, elsewhere, BARE, replace(ROW, environment="other:alembic_version")])
    assert newest_rows(tmp_path, ROW.database, ROW.environment) == (below, BARE)
    assert newest_rows(tmp_path, "sqlite:///other.db", ROW.environment) == (elsewhere,)


def test_a_long_record_is_shortened_and_knows_each_revision(tmp_path: Path) -> None:
    first = replace(ROW, revision=RevisionId("first"), who="x" * 1_000_000)
    append_rows(tmp_path, [first])
    many = [replace(ROW, operation=f"{number:032}") for number in range(6000)]
    append_rows(tmp_path, many)
    assert read_rows(tmp_path) == (first, *many)
    more = replace(BARE, who="x" * 1_000_000)
    append_rows(tmp_path, [more])
    kept = read_rows(tmp_path)
    assert (kept[0], kept[-1]) == (first, more)
    assert 1000 < len(kept) < 5000
    assert kept[1:-1] == tuple(many[-len(kept) + 2 :])
    assert (tmp_path / "record.jsonl").stat().st_size < 3_500_000
