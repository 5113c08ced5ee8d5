"""Every change of the catalogue, on each database that knows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import servers
from tests.drafting import trip
from tests.drafts import MYSQL, POSTGRESQL, Change, changes
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


def test_the_page_is_about_the_catalogue() -> None:
    rows = re.findall(r"^\| (?:([^|]+): )?([^|:]+?) \|", _PAGE.read_text("utf-8"), re.MULTILINE)
    described = [
        f"{kind}: {part}" if kind else part
        for kind, parts in rows
        for part in (parts.split(", ") if kind else [parts])
    ]
    assert set(described) - {"change"} <= {change.name for change in changes()}
    assert len(described) > 100
