"""The map in CONTRIBUTING.md and the rooms that there are."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.lanes import quick

_TOP = Path(__file__).parent.parent


def test_the_map_names_every_room_and_no_other() -> None:
    _, _, text = (_TOP / "CONTRIBUTING.md").read_text().partition("## The map of the house")
    drawn = text.split("```")[1]
    named = set(re.findall(r"\b(\w+)/", drawn)) - {"gitmig"}
    assert named == {path.parent.name for path in (_TOP / "gitmig").glob("*/__init__.py")}
    assert len(drawn.strip().splitlines()) <= 13


def test_every_path_in_the_text_is_there() -> None:
    text = (_TOP / "CONTRIBUTING.md").read_text()
    rooms = "|".join(path.parent.name for path in (_TOP / "gitmig").glob("*/__init__.py"))
    for path in re.findall(rf"`(?:gitmig/)?((?:{rooms})/[\w/]+\.py)`", text):
        assert (_TOP / "gitmig" / path).exists(), path


def test_the_quick_tests_are_there() -> None:
    assert {path for path in quick() if not (_TOP / "tests" / path).exists()} == set()
