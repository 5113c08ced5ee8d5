"""Every change of the catalogue, on each database that knows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import servers
from tests.drafting import Trip
from tests.drafts import POSTGRESQL, Change, changes
from tests.worker_moves.child import Project


def _cases() -> Iterator[object]:
    """Each change on one of its databases by day, on all of them by night."""
    for number, change in enumerate(changes()):
        dialects = [dialect for dialect in change.on if dialect != "mysql"]
        for dialect in dialects:
            by_day = dialect == dialects[number % len(dialects)]
            marks = () if by_day else (pytest.mark.nightly,)
            yield pytest.param(change, dialect, id=f"{change.name} on {dialect}", marks=marks)


_PAGE = Path(__file__).parent.parent / "docs" / "drafts.md"


@pytest.fixture
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[servers.Fresh]:
    """Makes empty databases of a dialect."""
    with ExitStack() as stack:

        def make(dialect: str, name: str) -> str:
            if dialect != POSTGRESQL:
                return f"sqlite:///{tmp_path}/{name}.db"
            server = request.getfixturevalue("postgres_server")
            return stack.enter_context(servers.fresh_database(server))

        yield make


@pytest.mark.parametrize(("change", "dialect"), list(_cases()))
def test_a_change_is_drafted_and_goes_up_down_and_up(
    change: Change, dialect: str, fresh: servers.Fresh, tmp_path: Path
) -> None:
    top = tmp_path / "project"
    top.mkdir()
    url = (
        f"sqlite:///{top}/x.db" if dialect != POSTGRESQL else "postgresql+psycopg2://nobody@127.0.0.1:1/none"
    )
    project = Project.make(top, url, options="include_schemas=True")
    try:
        trip = Trip(project, change.before, change.after, lambda name: fresh(dialect, name))
        drafted = trip.draft(renames=change.renames, fills=change.fills)
        assert (drafted["uncovered"], drafted["unfilled"]) == ([], []), drafted["text"]
        trip.travel(drafted)
    finally:
        for child in project.children:
            child.close()


def test_the_page_is_about_the_catalogue() -> None:
    described = re.findall(r"^\| ([^|]+?) \|", _PAGE.read_text("utf-8"), re.MULTILINE)
    assert set(described) - {"change"} <= {change.name for change in changes()}
    assert len(described) > 100
