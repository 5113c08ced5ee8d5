"""The sessions on the pages of docs/ show what the commands really print.

``GITMIG_WRITE_PAGES=1 pytest tests/test_pages.py`` writes the output into them. (docs/day.md, docs/merging.md
and docs/story.md are written by test_day.py, test_merging_story.py and test_demo.py.)
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.sessions import Player

_DOCS = Path(__file__).resolve().parent.parent / "docs"
# Before the sealed environment drops it.
_WRITE = bool(os.environ.get("GITMIG_WRITE_PAGES"))
_PAGES = sorted(page.name for page in _DOCS.glob("*.md") if "<!-- session: " in page.read_text("utf-8"))
_BY_OTHER_TESTS = {"day.md", "merging.md", "story.md"}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", _PAGES)
def test_a_page_shows_real_output(tmp_path: Path, name: str) -> None:
    page = _DOCS / name
    text = page.read_text("utf-8")
    real = Player(tmp_path).page(text)
    if _WRITE:
        page.write_text(real, "utf-8")
    assert page.read_text("utf-8") == real, "GITMIG_WRITE_PAGES=1 writes the output into the page"


def test_every_session_is_real() -> None:
    shown = {page.name for page in _DOCS.rglob("*.md") if "```console" in page.read_text("utf-8")}
    assert shown == {*_PAGES, *_BY_OTHER_TESTS}
