"""Pages and messages are in plain English: the words that made them hard to read do not come back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_TOP = Path(__file__).resolve().parent.parent
_PAGES = [
    *sorted((_TOP / "docs").rglob("*.md")),
    *(_TOP / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
]
_HARD = {
    r"\b(re)?told\b": "say what is so",
    r"\banew\b": "again",
    r"\bcan be had\b|\bis had\b": "is there, is saved",
    r"\bthereof\b|\bwhereby\b|\bwherein\b|\bwhereof\b": "of it, by which, in which, of which",
    r"(?:^|[.:] |^- )Where (?!database|it |to |the |each )[^.?]*, ": "if, for a condition",
    r"\b(null|also|or|and|only|but) where (?!(the|it|they|you|database) )": "if, for a condition",
    r"\bnothing tells\b|\bnobody knows\b|\bnobody can say\b": "it is not known",
    r"\bgoes not\b|\bknows not\b": "does not go, does not know",
}

_WRITTEN_BEFORE = {"the database was made anew"}
"""Read, not said: older versions wrote it."""


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.relative_to(_TOP).as_posix())
def test_a_page(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n|\n(?=[-|#] ?)", text))
    assert [found for paragraph in paragraphs for found in _hard(paragraph)] == []


def test_the_messages() -> None:
    assert [f"{path}:{found}" for path, text in _texts() for found in _hard(text)] == []


def _hard(text: str) -> Iterator[str]:
    for word, better in _HARD.items():
        for found in re.finditer(word, text):
            yield f"{text[max(0, found.start() - 40) : found.end() + 40]!r}: better: {better}"


def _texts() -> Iterator[tuple[str, str]]:
    """Every text of the program with more than one word, without docstrings."""
    for path in sorted((_TOP / "gitmig").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        quiet = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) and id(node) not in quiet else None
            if isinstance(text, str) and " " in text.strip() and text not in _WRITTEN_BEFORE:
                yield path.relative_to(_TOP).as_posix(), text
