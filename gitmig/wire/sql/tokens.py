"""The words, names and literals of a text of SQL, as the database that it is written for divides it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PARTS = {
    "space": r"\s+",
    "dashes": r"--[^\n]*",
    "spaced_dashes": r"--(?=[\s\x00-\x1f]|\Z)[^\n]*",
    "hash": r"\#[^\n]*",
    "comment": r"/\*",
    "dollar": r"\$(?:[^\W\d]\w*)?\$",
    "escaped": r"[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)",
    "literal": r"(?:[bBnNxX]|[uU]&)?'(?:[^']|'')*(?:'|\Z)",
    "escaped_literal": r"""[bBnNxX]?'(?:[^'\\]|\\.|'')*(?:'|\Z)|"(?:[^"\\]|\\.|"")*(?:"|\Z)""",
    "quoted": r'"(?:[^"]|"")*(?:"|\Z)',
    "backticks": r"`(?:[^`]|``)*(?:`|\Z)",
    "brackets": r"\[[^\]]*(?:\]|\Z)",
    "word": r"[^\W\d][\w$]*",
    "number": r"\d[\w.]*",
    "other": r".",
}
_ORDERS = {
    "postgresql": "space dashes comment dollar escaped literal quoted word number other",
    "sqlite": "space dashes comment literal quoted backticks brackets word number other",
    "mysql": "space spaced_dashes hash comment escaped_literal backticks word number other",
}
_SILENT = frozenset({"space", "dashes", "spaced_dashes", "hash", "comment"})
_KINDS = {
    "escaped": "literal",
    "escaped_literal": "literal",
    "dollar": "literal",
    "backticks": "quoted",
    "brackets": "quoted",
}
_TOKENS = {
    dialect: re.compile("|".join(f"(?P<{part}>{_PARTS[part]})" for part in order.split()), re.DOTALL)
    for dialect, order in _ORDERS.items()
}
_EXECUTED = re.compile(r"/\*M?!\d*")
"""How a comment begins that MySQL and MariaDB execute."""
_COMMENT_ENDS = re.compile(r"/\*|\*/")


@dataclass(frozen=True, slots=True)
class Token:
    """One token; the text of a name is without its quotation marks, and of a word in lower case."""

    kind: str
    """``word``, ``quoted``, ``literal``, ``number`` or ``other``."""
    text: str
    start: int
    end: int

    @property
    def is_name(self) -> bool:
        """Whether it can be a name."""
        return self.kind in ("word", "quoted")

    @property
    def is_text(self) -> bool:
        """Whether it is a text in apostrophes: SQLite takes it for a name if nothing else can stand there."""
        return self.kind == "literal" and self.text.startswith("'")

    @property
    def named(self) -> str:
        """The name that it is."""
        return self.text[1:-1].replace("''", "'") if self.is_text else self.text

    @property
    def body(self) -> str:
        """What is in a literal."""
        if self.text.startswith("$"):
            mark = self.text[: self.text.index("$", 1) + 1]
            return self.text[len(mark) :].removesuffix(mark)
        inside = self.text[self.text.index("'") + 1 :].removesuffix("'") if "'" in self.text else ""
        return inside.replace("''", "'")


def dialect_of(name: str) -> str:
    """The dialect whose rules hold for a database: ``mariadb+pymysql`` is read like ``mysql``."""
    plain = name.partition(":")[0].partition("+")[0].lower()
    plain = "mysql" if plain == "mariadb" else plain
    return plain if plain in _TOKENS else "postgresql"


def tokens(text: str, dialect: str, start: int = 0, end: int | None = None) -> Iterator[Token]:
    """The tokens of a text, comments left out; ``dialect`` is one of :func:`dialect_of`."""
    pattern, at = _TOKENS[dialect], start
    end = len(text) if end is None else end
    while at < end:
        match = pattern.match(text, at, end)
        assert match is not None
        kind, stop = str(match.lastgroup), match.end()
        if kind == "comment":
            stop = _end_of_comment(text, at, end, nested=dialect == "postgresql")
            executed = _EXECUTED.match(text, at) if dialect == "mysql" else None
            if executed is not None:
                yield from tokens(text, dialect, executed.end(), max(stop - 2, executed.end()))
        elif kind == "dollar":
            closed = text.find(match[0], stop)
            stop = end if closed < 0 else closed + len(match[0])
        if kind not in _SILENT:
            yield Token(_KINDS.get(kind, kind), _plain(_KINDS.get(kind, kind), text[at:stop]), at, stop)
        at = stop


def _plain(kind: str, text: str) -> str:
    if kind == "quoted":
        mark = "]" if text[0] == "[" else text[0]
        inside = text[1:].removesuffix(mark)
        return inside if mark == "]" else inside.replace(mark * 2, mark)
    # Upper and lower case are one for the letters of ASCII alone.
    return "".join(each.lower() if each.isascii() else each for each in text) if kind == "word" else text


def _end_of_comment(text: str, start: int, end: int, *, nested: bool) -> int:
    if not nested:
        found = text.find("*/", start + 2, end)
        return end if found < 0 else found + 2
    depth = 0
    for match in _COMMENT_ENDS.finditer(text, start, end):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return match.end()
    return end
