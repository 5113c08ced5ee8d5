"""What a text of SQL drops and adds, as far as parking has to know: read, and never run.

Comments and literals count for nothing; a text may hold several statements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*)
    | (?P<comment>/\*)
    | (?P<dollar>\$(?:[A-Za-z_]\w*)?\$)
    | (?P<literal>[eE]'(?:[^'\\]|\\.|'')*'|[bBnNxX]?'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`)
    | (?P<bracket>\[[^\]]*\])
    | (?P<word>[^\W\d][\w$]*)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_NO_COLUMN = {"constraint", "primary", "foreign", "index", "key", "check"}
_CONSTRAINTS = {"constraint", "foreign", "primary", "unique", "check", "exclude"}
_DEFAULTED = {"default", "generated", "autoincrement", "as"}


@dataclass(frozen=True)
class Name:
    """A table as a statement names it; what was not quoted is in lower case."""

    table: str
    schema: str | None = None


@dataclass(frozen=True)
class Drop:
    """A table, or a column of one, that a statement drops."""

    name: Name
    column: str | None = None


@dataclass(frozen=True)
class Add:
    """A column that a statement adds as NOT NULL with nothing to fill it; where the two words stand."""

    name: Name
    column: str
    start: int
    end: int


@dataclass(frozen=True)
class Reference:
    """A foreign key that a statement adds: these columns have to be in another table."""

    name: Name
    columns: tuple[str, ...]
    target: Name


@dataclass(frozen=True)
class Rebuild:
    """Rows that are copied into another table: ``INSERT INTO new (columns) SELECT … FROM old``."""

    new: Name
    old: Name
    columns: tuple[str, ...]
    used: frozenset[str]
    """The columns of ``old`` that the new rows are made of."""
    list_end: int
    """Where the parenthesis after ``columns`` stands."""
    select_end: int
    """Where the last column of the SELECT ends."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int

    @property
    def is_name(self) -> bool:
        return self.kind in ("word", "quoted")

    @property
    def is_text(self) -> bool:
        """SQLite takes a text for a name, where nothing else can stand."""
        return self.kind == "literal" and self.text.startswith("'")

    @property
    def named(self) -> str:
        return self.text[1:-1].replace("''", "'") if self.is_text else self.text


@dataclass(frozen=True)
class Statement:
    """One statement of a text."""

    tokens: tuple[_Token, ...]

    def words(self, count: int) -> tuple[str, ...]:
        """The first words, in lower case."""
        return tuple(token.text for token in self.tokens[:count] if token.kind == "word")

    def drops(self) -> tuple[Drop, ...]:
        """The tables and columns that it drops."""
        if self.words(2) == ("drop", "table"):
            parts = _at_commas(_skip(self.tokens[2:], "if", "exists"))
            return tuple(Drop(name) for name, _ in map(_name, parts) if name is not None)
        if self.words(2) != ("alter", "table"):
            return ()
        name, actions = self._altered()
        dropped = (_dropped_column(action) for action in actions)
        return tuple(Drop(name, column) for column in dropped if column is not None) if name else ()

    def makes(self) -> Name | None:
        """The table that it makes."""
        words = self.words(4)
        if words[:1] != ("create",) or "table" not in words:
            return None
        return _name(_skip(self.tokens[words.index("table") + 1 :], "if", "not", "exists"))[0]

    def renames(self) -> tuple[Name, str] | None:
        """A table, and its new name."""
        name, actions = self._altered()
        for action in actions if name else ():
            if len(action) == 3 and [token.text for token in action[:2]] == ["rename", "to"]:
                assert name is not None
                return name, action[2].text
        return None

    def fills(self) -> Name | None:
        """The table that it fills out of others."""
        if all(token.text != "select" for token in self.tokens if token.kind == "word"):
            return None
        return _name(self.tokens[2:])[0] if self.words(2) == ("insert", "into") else self.makes()

    def adds_unfilled(self) -> tuple[Add, ...]:
        """The columns that it adds to a table as NOT NULL without a default."""
        name, actions = self._altered()
        found = (_unfilled(name, action) for action in actions) if name else ()
        return tuple(add for add in found if add is not None)

    def refers(self) -> tuple[Reference, ...]:
        """The foreign keys that it adds to a table that is there."""
        name, actions = self._altered()
        found = (_reference(name, action) for action in actions) if name else ()
        return tuple(reference for reference in found if reference is not None)

    def renames_column(self) -> tuple[Name, str, str] | None:
        """A table, the name of a column of it, and that column's new name."""
        name, actions = self._altered()
        for action in actions if name else ():
            rest = _skip(_skip(action, "rename"), "column")
            if len(rest) < len(action) and len(rest) == 3 and rest[1].text == "to":
                assert name is not None
                return name, rest[0].text, rest[2].text
        return None

    def requires(self) -> tuple[Name, str] | None:
        """The column that it makes NOT NULL, of a table that is there."""
        name, actions = self._altered()
        for action in actions if name else ():
            rest = _skip(_skip(action, "alter"), "column")
            if len(rest) >= 4 and [token.text for token in rest[1:4]] == ["set", "not", "null"]:
                assert name is not None
                return name, rest[0].text
        return None

    def rebuild(self) -> Rebuild | None:
        """The rows that it copies from one table into another."""
        if self.words(2) != ("insert", "into"):
            return None
        new, rest = _name(self.tokens[2:])
        if new is None or not rest or rest[0].text != "(":
            return None
        end = next((at for at, token in enumerate(rest) if token.text == ")"), None)
        if end is None or len(rest) <= end + 1 or rest[end + 1].text != "select":
            return None
        select = rest[end + 2 :]
        depth, start = 0, None
        for at, token in enumerate(select):
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if depth == 0 and (token.kind, token.text) == ("word", "from"):
                start = at
                break
        if not start:
            return None
        old, _ = _name(select[start + 1 :])
        if old is None:
            return None
        return Rebuild(
            new=new,
            old=old,
            columns=tuple(token.text for token in rest[1:end] if token.is_name),
            used=_used(select[:start], old.table),
            list_end=rest[end].start,
            select_end=select[start - 1].end,
        )

    def is_opaque(self) -> bool:
        """Whether it may drop tables or columns that its text does not name: by a function, say."""
        first = self.words(2)
        if first[:1] in (("do",), ("call",), ("execute",), ("select",), ("with",)):
            return True
        if first[:1] in (("drop",), ("alter",)) and self.tokens[-1].text == "cascade":
            return True
        return first[:1] == ("drop",) and first[1:] not in (
            ("table",), ("index",), ("constraint",), ("sequence",), ("view",), ("trigger",)
        )  # fmt: skip

    def _altered(self) -> tuple[Name | None, tuple[Sequence[_Token], ...]]:
        if self.words(2) != ("alter", "table"):
            return None, ()
        name, rest = _name(_skip(_skip(self.tokens[2:], "if", "exists"), "only"))
        return name, tuple(_at_commas(rest[1:] if rest and rest[0].text == "*" else rest))


def _used(select: Sequence[_Token], table: str) -> frozenset[str]:
    """The columns that a SELECT names: those with the table before them, if any has."""
    named = [at for at, token in enumerate(select) if token.is_name]
    before = {at: select[at - 2 : at] for at in named}
    qualified = {at for at in named if [token.text for token in before[at]] == [table, "."]}
    plain = {at for at in named if [token.text for token in before[at][-1:]] != ["as"]}
    return frozenset(select[at].text for at in qualified or plain)


def statements(text: str, *, brackets: bool = False) -> tuple[Statement, ...]:
    """The statements of a text, in their order. ``brackets``: a name may stand in them, as in SQLite."""
    found: list[list[_Token]] = [[]]
    for token in _tokens(text, brackets):
        if token.kind == "other" and token.text == ";":
            found.append([])
        else:
            found[-1].append(token)
    return tuple(Statement(tuple(tokens)) for tokens in found if tokens)


def _tokens(text: str, brackets: bool) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        assert match is not None
        kind, end = str(match.lastgroup), match.end()
        if kind == "comment":
            end = _end_of_comment(text, at)
        elif kind == "bracket":
            kind, end = ("quoted", end) if brackets else ("other", at + 1)
        elif kind == "dollar":
            kind, closed = "literal", text.find(match[0], end)
            end = len(text) if closed < 0 else closed + len(match[0])
        if kind not in ("space", "comment"):
            yield _Token(kind, _plain(kind, text[at:end]), at, end)
        at = end


def _plain(kind: str, text: str) -> str:
    if kind == "quoted":
        return text[1:-1] if text[0] == "[" else text[1:-1].replace(text[0] * 2, text[0])
    # Upper and lower case are one for the letters of ASCII alone.
    return "".join(each.lower() if each.isascii() else each for each in text) if kind == "word" else text


def _end_of_comment(text: str, start: int) -> int:
    """They nest in PostgreSQL; in SQLite the first end ends them, where nobody nests them."""
    depth, at = 0, start
    for match in re.compile(r"/\*|\*/").finditer(text, start):
        depth, at = depth + (1 if match[0] == "/*" else -1), match.end()
        if depth == 0:
            return at
    return len(text)


def _skip(tokens: Sequence[_Token], *words: str) -> Sequence[_Token]:
    there = tuple(token.text for token in tokens[: len(words)] if token.kind == "word")
    return tokens[len(words) :] if there == words else tokens


def _name(tokens: Sequence[_Token]) -> tuple[Name | None, Sequence[_Token]]:
    if tokens and tokens[0].is_text:
        return Name(tokens[0].named), tokens[1:]
    if not tokens or not tokens[0].is_name:
        return None, tokens
    if len(tokens) > 2 and tokens[1].text == "." and tokens[2].is_name:
        return Name(tokens[2].text, tokens[0].text), tokens[3:]
    return Name(tokens[0].text), tokens[1:]


def _at_commas(tokens: Sequence[_Token]) -> list[Sequence[_Token]]:
    parts: list[list[_Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "other" else 0
        if depth == 0 and token.kind == "other" and token.text == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _dropped_column(action: Sequence[_Token]) -> str | None:
    rest = _skip(action, "drop")
    if len(rest) == len(action):
        return None
    if rest and rest[0].kind == "word" and rest[0].text in _NO_COLUMN:
        return None
    rest = _skip(_skip(rest, "column"), "if", "exists")
    return rest[0].named if rest and (rest[0].is_name or rest[0].is_text) else None


def _reference(name: Name, action: Sequence[_Token]) -> Reference | None:
    words = [token.text if token.kind == "word" else "" for token in action]
    if words[:1] != ["add"] or "references" not in words:
        return None
    at = words.index("references")
    target = _name(action[at + 1 :])[0]
    if target is None:
        return None
    if "foreign" in words[:at]:
        listed = action[words.index("foreign") : at]
        return Reference(name, tuple(t.text for t in listed if t.kind == "quoted" or _is_column(t)), target)
    column = _skip(_skip(action[1:], "column"), "if", "not", "exists")
    return Reference(name, (column[0].text,), target)


def _is_column(token: _Token) -> bool:
    return token.kind == "word" and token.text not in ("foreign", "key")


def _unfilled(name: Name, action: Sequence[_Token]) -> Add | None:
    rest = _skip(action, "add")
    if len(rest) == len(action) or (rest and rest[0].kind == "word" and rest[0].text in _CONSTRAINTS):
        return None
    rest = _skip(_skip(rest, "column"), "if", "not", "exists")
    if not rest or not rest[0].is_name:
        return None
    words = [(token.text if token.kind == "word" else "") for token in rest]
    if _DEFAULTED & set(words[1:]):
        return None
    for at in range(1, len(rest) - 1):
        if words[at : at + 2] == ["not", "null"]:
            return Add(name, rest[0].text, rest[at].start, rest[at + 1].end)
    return None
