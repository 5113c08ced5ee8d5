"""Drafts for MariaDB, where nothing can be taken back."""

from __future__ import annotations

import pytest

from tests.worker_moves.conftest import Make
from tests.worker_moves.test_draft import EVERYWHERE, Change

# It has no types and no partial indexes, and keeps the index that it made for a foreign key.
CASES = {
    name: pair
    for name, pair in EVERYWHERE.items()
    if "enum" not in name and "partial" not in name and name != "foreign key"
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_up_and_down(make: Make, mysql_url: str, before: str, after: str) -> None:
    project = make(mysql_url)
    change = Change(project, before, after)
    drafted = change.draft(
        fills=[["user", "a", "'x'"]] if before != after and "nullable=False" in after else []
    )
    assert drafted["uncovered"] == [], drafted["text"]
    change.prove(drafted)
    change.child.close()
