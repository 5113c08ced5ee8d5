"""What env.py does not want to be compared: no difference, in no draft, and no reason to call it unproven."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import servers
from tests.drafting import trip
from tests.drafts import BOTH, table
from tests.test_drafts import fresh as fresh

BEFORE = table("sa.Column('x', sa.String(9), server_default='a')")
AFTER = table("sa.Column('x', sa.String(30), server_default='b')")
STRICT = table(
    "sa.Column('x', sa.String(30), server_default='b', nullable=False), sa.Column('y', sa.String(7))"
)
FILLS = [["t", "x", "'?'"]]


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(
    ("option", "drafted", "left_out"),
    [
        ("compare_type", " server_default='b'", "type_="),
        ("compare_server_default", "type_=sa.String(length=30)", " server_default="),
    ],
)
def test_a_part_that_is_not_compared_is_not_drafted(
    option: str, drafted: str, left_out: str, dialect: str, fresh: servers.Fresh, tmp_path: Path
) -> None:
    with trip(dialect, BEFORE, AFTER, fresh, tmp_path / "project", f"{option}=False") as made:
        found = made.draft()
        upgrade = found["text"].partition("def downgrade")[0]
        assert drafted in upgrade
        assert left_out not in upgrade.replace("existing_server_default", "")
        made.travel(found)


@pytest.mark.parametrize("option", ["compare_type=False", "compare_type=False, compare_server_default=False"])
def test_a_column_beside_it_has_its_type(option: str, fresh: servers.Fresh, tmp_path: Path) -> None:
    with trip("sqlite", BEFORE, STRICT, fresh, tmp_path / "project", option) as made:
        found = made.draft(fills=FILLS)
        assert "sa.Column('y', sa.String(length=7)" in found["text"]
        assert "type_=" not in found["text"]
        made.travel(found)


def test_nothing_differs_by_what_is_not_compared(fresh: servers.Fresh, tmp_path: Path) -> None:
    options = "compare_type=False, compare_server_default=False"
    with trip("sqlite", BEFORE, AFTER, fresh, tmp_path / "project", options) as made:
        assert (made.rows, made.draft()["empty"]) == ([], True)
