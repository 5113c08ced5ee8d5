"""Every change of the catalogue, on each database that knows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import servers
from tests.drafting import trip
from tests.drafts import MYSQL, POSTGRESQL, SQLITE, Change, changes, table
from tests.drafts_mariadb import OPEN


def _cases() -> Iterator[object]:
    """Half of the changes on one of their databases each by day, all on all of them by night."""
    for number, change in enumerate(changes()):
        dialects = [dialect for dialect in change.on if dialect != MYSQL]
        for dialect in change.on:
            one = (dialects or change.on)[number // 2 % max(len(dialects), 1)]
            by_day = dialect == one and number % 2 == 0
            marks = () if by_day else (pytest.mark.nightly,)
            yield pytest.param(change, dialect, id=f"{change.name} on {dialect}", marks=marks)


_PAGE = Path(__file__).parent.parent / "docs" / "drafts.md"


@pytest.fixture
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[servers.Fresh]:
    """Makes empty databases of a dialect."""
    with ExitStack() as stack:

        def make(dialect: str, name: str) -> str:
            if dialect not in (POSTGRESQL, MYSQL):
                return f"sqlite:///{tmp_path}/{name}.db"
            server = request.getfixturevalue("mysql_server" if dialect == MYSQL else "postgres_server")
            return stack.enter_context(servers.fresh_database(server))

        yield make


@pytest.mark.parametrize(("change", "dialect"), list(_cases()))
def test_a_change_is_drafted_and_goes_up_down_and_up(
    change: Change, dialect: str, fresh: servers.Fresh, tmp_path: Path
) -> None:
    options = "include_schemas=True" if dialect != MYSQL else ""
    with trip(dialect, change.before, change.after, fresh, tmp_path / "project", options) as made:
        drafted = made.draft(renames=change.renames, fills=change.fills)
        if dialect == MYSQL and change.name in OPEN:
            assert OPEN[change.name] in drafted["text"]
            return
        assert (drafted["uncovered"], drafted["unfilled"]) == ([], []), drafted["text"]
        made.travel(drafted)


def test_a_draft_says_nothing_that_is_of_no_use(fresh: servers.Fresh, tmp_path: Path) -> None:
    link = "sa.Column('{0}_id', sa.ForeignKey('{0}.id'), primary_key=True)"
    linked = f"sa.Table('both', metadata, {link.format('t')}, {link.format('o')})\n"
    before = table() + table(name="o")
    after = table("sa.Column('x', sa.Integer, nullable=False)") + table(name="o") + linked
    with trip(SQLITE, before, after, fresh, tmp_path / "project") as made:
        drafted = made.draft(fills=[["t", "x", "7"]])
        up, _, down = drafted["text"].partition("def downgrade")
        # The column is dropped as it is, and no column of a key of two counts up.
        assert "batch_alter_table" in up
        assert "batch_alter_table" not in down
        assert "autoincrement" not in up
        made.travel(drafted)


def test_a_text_that_does_not_fit_is_not_cut_off(fresh: servers.Fresh, tmp_path: Path) -> None:
    number, short = (table(f"sa.Column('x', sa.{kind})") for kind in ("Integer", "String(2)"))
    with trip(POSTGRESQL, number, short, fresh, tmp_path / "project") as made:
        up, _, down = made.draft()["text"].partition("def downgrade")
        assert "op.execute('ALTER TABLE t ALTER COLUMN x TYPE VARCHAR(2) USING x::text')" in up
        assert "op.execute('ALTER TABLE t ALTER COLUMN x TYPE INTEGER USING x::INTEGER')" in down


def test_labels_that_come_and_go_are_one_new_type(fresh: servers.Fresh, tmp_path: Path) -> None:
    old, new = (
        table(f"sa.Column('x', sa.Enum({labels}, name='mood'), nullable=False)")
        for labels in ("'a', 'b', 'c'", "'a', 'd', 'c'")
    )
    with trip(POSTGRESQL, old, new, fresh, tmp_path / "project") as made:
        assert made.draft()["rename_candidates"] == [["mood", "b", "d"]]
        drafted = made.draft(fills=[["mood", "b", "d"]])
        assert drafted["rename_candidates"] == []
        assert "autocommit_block" not in drafted["text"]
        assert drafted["text"].count("CREATE TYPE") == 2
        made.travel(drafted)


def test_the_page_is_about_the_catalogue() -> None:
    rows = re.findall(r"^\| (?:([^|]+): )?([^|:]+?) \|", _PAGE.read_text("utf-8"), re.MULTILINE)
    described = [
        f"{kind}: {part}" if kind else part
        for kind, parts in rows
        for part in (parts.split(", ") if kind else [parts])
    ]
    assert set(described) - {"change"} <= {change.name for change in changes()}
    assert len(described) > 100
