"""The statements of a text of SQL: what they drop, add and copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .tokens import Token, dialect_of, tokens

_CONSTRAINTS = frozenset({"constraint", "foreign", "primary", "unique", "check", "exclude"})
_DEFAULTED = frozenset({"default", "generated", "autoincrement", "as"})
_BETWEEN = frozenset({"online", "ignore"})
"""Words that MariaDB allows between ALTER and TABLE."""
_DEEPEST = 5
"""How deep SQL is looked for in the literals of SQL."""


@dataclass(frozen=True, slots=True)
class Name:
    """A table as a statement names it; what was not quoted is in lower case."""

    table: str
    schema: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A table, or a column of one, that a step drops; ``table`` is None if the text does not say which."""

    table: str | None
    column: str | None = None
    schema: str | None = None
    emptied: bool = False
    """Whether the table stays, and rows of it are deleted."""

    @property
    def name(self) -> Name:
        """The table."""
        return Name(self.table or "", self.schema)


@dataclass(frozen=True, slots=True)
class Add:
    """A column that a statement adds as NOT NULL with nothing to fill it; where the two words stand."""

    name: Name
    column: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Rows that are copied into another table: ``INSERT INTO new (columns) SELECT … FROM old``."""

    new: Name
    old: Name
    columns: tuple[str, ...]
    used: frozenset[str]
    """The columns of ``old`` that the new rows are made of."""
    sources: Mapping[str, str]
    """For each of ``columns`` that one column alone is made into: that one."""
    list_end: int
    """Where the parenthesis after ``columns`` stands."""
    select_end: int
    """Where the last column of the SELECT ends."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a text."""

    tokens: tuple[Token, ...]
    dialect: str

    def words(self, count: int) -> tuple[str, ...]:
        """The first words, in lower case."""
        return tuple(token.text for token in self.tokens[:count] if token.kind == "word")

    def drops(self) -> tuple[Drop, ...]:
        """The tables and columns that it drops by name; also those in the body of a DO."""
        if self.words(1) == ("do",) and self.dialect == "postgresql":
            return tuple(_in_body(self.tokens, 0))
        return tuple(_drops(self.tokens))

    def drops_alone(self) -> tuple[Name, ...]:
        """The tables of a DROP TABLE that takes nothing besides them; nothing for any other statement."""
        if self.words(2) != ("drop", "table") or any(
            t.kind == "word" and t.text == "cascade" for t in self.tokens
        ):
            return ()
        names = [_name(each)[0] for each in _at_commas(_skip(self.tokens[2:], "if", "exists"))]
        return tuple(name for name in names if name is not None) if None not in names else ()

    def empties(self) -> tuple[Drop, ...]:
        """The tables that it deletes rows of."""
        if self.words(2) == ("delete", "from"):
            names: list[Sequence[Token]] = [self.tokens[2:]]
        elif self.words(1) == ("truncate",):
            names = _at_commas(_skip(self.tokens[1:], "table"))
        else:
            return ()
        found = (_name(_skip(each, "only"))[0] for each in names)
        return tuple(Drop(table=one.table, schema=one.schema, emptied=True) for one in found if one)

    def makes(self) -> Name | None:
        """The table that it makes."""
        words = self.words(4)
        if words[:1] != ("create",) or "table" not in words:
            return None
        return _name(_skip(self.tokens[words.index("table") + 1 :], "if", "not", "exists"))[0]

    def fills(self) -> Name | None:
        """The table that it fills out of others."""
        if all(token.text != "select" for token in self.tokens if token.kind == "word"):
            return None
        return _name(self.tokens[2:])[0] if self.words(2) == ("insert", "into") else self.makes()

    def adds_unfilled(self) -> tuple[Add, ...]:
        """The columns that it adds to a table as NOT NULL without a default."""
        name, actions = _altered(self.tokens)
        found = (_unfilled(name, action) for action in actions) if name else ()
        return tuple(add for add in found if add is not None)

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
        start = _at_from(select)
        old = _name(select[start + 1 :])[0] if start else None
        if old is None or not start:
            return None
        columns = tuple(token.text for token in rest[1:end] if token.is_name)
        made = [_used(part, old.table) for part in _at_commas(select[:start])]
        return Rebuild(
            new=new,
            old=old,
            columns=columns,
            used=frozenset().union(*made),
            sources={
                new: next(iter(names)) for new, names in zip(columns, made, strict=False) if len(names) == 1
            },
            list_end=rest[end].start,
            select_end=select[start - 1].end,
        )


def statements(text: str, dialect: str) -> tuple[Statement, ...]:
    """The statements of a text, in their order; ``dialect`` is SQLAlchemy's name or begins a URL."""
    plain = dialect_of(dialect)
    found: list[list[Token]] = [[]]
    depth = 0
    for token in tokens(text, plain):
        if token.kind == "other" and token.text == ";" and not depth:
            found.append([])
            continue
        found[-1].append(token)
        if token.kind == "word":
            # A trigger, or a function written in SQL, has statements of its own.
            opens = token.text == "begin" and found[-1][0].text == "create"
            depth += opens or (depth > 0 and token.text == "case")
            depth -= depth > 0 and token.text == "end"
    return tuple(Statement(tuple(each), plain) for each in found if each)


def dropped(text: str, dialect: str) -> tuple[Drop, ...]:
    """The tables and columns that the statements of a text drop by name, in their order."""
    return tuple(drop for statement in statements(text, dialect) for drop in statement.drops())


def emptied(text: str, dialect: str) -> tuple[Drop, ...]:
    """The tables that the statements of a text delete rows of, in their order."""
    return tuple(drop for statement in statements(text, dialect) for drop in statement.empties())


def _drops(found: Sequence[Token]) -> Iterator[Drop]:
    words = [token.text if token.kind == "word" else "" for token in found[:2]]
    if words == ["drop", "table"] or words == ["drop", "tables"]:
        for name, _ in map(_name, _at_commas(_skip(found[2:], "if", "exists"))):
            if name is not None:
                yield Drop(table=name.table, schema=name.schema)
    name, actions = _altered(found)
    for action in actions if name else ():
        column = _dropped_column(action)
        if name is not None and column is not None:
            yield Drop(table=name.table, column=column, schema=name.schema)


def _in_body(found: Sequence[Token], depth: int) -> Iterator[Drop]:
    """What is dropped inside of a block of code: anywhere, since a drop follows an IF or a BEGIN there."""
    for at, token in enumerate(found):
        if token.kind == "literal" and depth < _DEEPEST:
            # The block itself, or what it has EXECUTE run.
            before = found[at - 1].text if at else ""
            if not depth or before in ("execute", "("):
                for statement in statements(token.body, "postgresql"):
                    yield from _in_body(statement.tokens, depth + 1)
        elif token.kind == "word" and token.text in ("drop", "alter") and depth:
            yield from _drops(found[at:])


def _altered(found: Sequence[Token]) -> tuple[Name | None, tuple[Sequence[Token], ...]]:
    words = [token.text if token.kind == "word" else "" for token in found[:4]]
    if words[:1] != ["alter"] or "table" not in words or set(words[1 : words.index("table")]) - _BETWEEN:
        return None, ()
    rest = found[words.index("table") + 1 :]
    name, rest = _name(_skip(_skip(rest, "if", "exists"), "only"))
    return name, tuple(_at_commas(rest[1:] if rest and rest[0].text == "*" else rest))


def _at_from(select: Sequence[Token]) -> int | None:
    depth = 0
    for at, token in enumerate(select):
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "other" else 0
        if depth == 0 and (token.kind, token.text) == ("word", "from"):
            return at
    return None


def _used(select: Sequence[Token], table: str) -> frozenset[str]:
    """The columns that a SELECT names: those with the table before them, if any has."""
    named = [at for at, token in enumerate(select) if token.is_name]
    before = {at: select[at - 2 : at] for at in named}
    qualified = {at for at in named if [token.text for token in before[at]] == [table, "."]}
    plain = {at for at in named if [token.text for token in before[at][-1:]] != ["as"]}
    return frozenset(select[at].text for at in qualified or plain)


def _skip(found: Sequence[Token], *words: str) -> Sequence[Token]:
    there = tuple(token.text for token in found[: len(words)] if token.kind == "word")
    return found[len(words) :] if there == words else found


def _name(found: Sequence[Token]) -> tuple[Name | None, Sequence[Token]]:
    """A table's name at the beginning, and what comes after it; SQLite takes a text for a name too."""
    parts: list[str] = []
    while found and (found[0].is_name or found[0].is_text):
        parts.append(found[0].named)
        found = found[1:]
        if len(found) < 2 or found[0].text != "." or not (found[1].is_name or found[1].is_text):
            break
        found = found[1:]
    if not parts:
        return None, found
    return Name(parts[-1], parts[-2] if len(parts) > 1 else None), found


def _at_commas(found: Sequence[Token]) -> list[Sequence[Token]]:
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in found:
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "other" else 0
        if depth == 0 and token.kind == "other" and token.text == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _dropped_column(action: Sequence[Token]) -> str | None:
    """The column that an action drops; what goes on after the name drops something else (DROP INDEX i)."""
    rest = _skip(action, "drop")
    if len(rest) == len(action):
        return None
    rest = _skip(_skip(rest, "column"), "if", "exists")
    if not rest or not (rest[0].is_name or rest[0].is_text):
        return None
    more = [token.text for token in rest[1:]]
    return rest[0].named if more in ([], ["cascade"], ["restrict"]) else None


def _unfilled(name: Name, action: Sequence[Token]) -> Add | None:
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
