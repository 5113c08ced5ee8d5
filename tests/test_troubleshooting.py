"""docs/troubleshooting.md has each finding and each error, with what gitmig says of it.

``GITMIG_WRITE_PAGES=1 pytest tests/test_troubleshooting.py`` writes the messages there.
"""

from __future__ import annotations

import html
import os
import re
from pathlib import Path

from gitmig.core.codes import MEANINGS
from tests.support.said import ERRORS, Said, everything

_PAGE = Path(__file__).resolve().parent.parent / "docs" / "troubleshooting.md"
# Before the sealed environment drops it.
_WRITE = bool(os.environ.get("GITMIG_WRITE_PAGES"))
_PLACE = re.compile(r"(?<=^<!-- says: )(\S+) -->\n.*?(?=^<!-- end -->$)", re.DOTALL | re.MULTILINE)
_MANY = 12
"""More lines than this are folded."""


def test_the_messages_are_those_of_the_code() -> None:
    page = _PAGE.read_text("utf-8")
    # What is wrong with an argument, its own message says.
    said = [one for one in everything() if one.code != "usage"]
    real = _PLACE.sub(
        lambda found: f"{found[1]} -->\n{_table([s for s in said if s.code == found[1]])}", page
    )
    if _WRITE:
        _PAGE.write_text(real, "utf-8")
    assert _PAGE.read_text("utf-8") == real, "GITMIG_WRITE_PAGES=1 writes the messages into the page"


def test_every_code_has_its_place() -> None:
    page = _PAGE.read_text("utf-8")
    headings = re.findall(r"^### (\S+)$", page, re.MULTILINE)
    assert headings == re.findall(r"^<!-- says: (\S+) -->$", page, re.MULTILINE)
    findings = [heading for heading in headings if heading.startswith("GM")]
    assert findings == list(MEANINGS)
    others = {error.code for error in ERRORS.values()} | {"internal"}
    assert set(headings) - set(findings) == others - set(MEANINGS)


def test_the_messages_are_found() -> None:
    """A change of how the code makes them would otherwise empty the page."""
    said = everything()
    assert Said("GM001", "the models change without a revision that takes the database there",
                'gitmig revise -m "…"') in said  # fmt: skip
    assert Said("GM016", "files are in conflict", "resolve them, then git add them") in said
    assert Said("GM023", "the upgrade of … fails: …", "correct …") in said
    assert Said("no-interpreter", "no Python interpreter of the project was found",
                "git config gitmig.python PATH_OF_PYTHON") in said  # fmt: skip


def _table(said: list[Said]) -> str:
    if not said:
        return ""
    messages = dict.fromkeys(one.message for one in said)
    lines = "\n" + "".join(f"- {_cell(message)}\n" for message in messages) + "\n"
    if len(messages) <= _MANY:
        return lines
    return f"\n<details markdown>\n<summary>What it says ({len(messages)})</summary>\n{lines}</details>\n\n"


def _cell(text: str) -> str:
    return re.sub(r"([|*_\[\]\\])", r"\\\1", html.escape(text, quote=False)).replace("\n", " ")
