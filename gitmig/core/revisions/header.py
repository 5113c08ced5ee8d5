"""The two lines that ``revise`` writes into a revision script's docstring, read and written as text.

    Models: <16 hex>
    Schema: <dialect> <16 hex> change <16 hex> sqlalchemy <major.minor>

Pure: text in, text out. Every byte outside those lines stays as it is, line ends included.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

from gitmig.core.parsing import parse_module


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The record that ``revise`` writes into a script's docstring; absent parts are None.

    ``models`` is a content digest of the models files; ``schema`` and ``change`` are digests of the
    schema after the revision and of what it changes, for ``dialect`` under ``sqlalchemy`` ("2.1").
    """

    models: str | None = None
    dialect: str | None = None
    schema: str | None = None
    change: str | None = None
    sqlalchemy: str | None = None


_NOTHING = Header()
_FIELDS = tuple(field.name for field in fields(Header))


def header_row(header: Header) -> tuple[str | None, ...] | None:
    """A record as a row for a store of thousands: its fields in their order; None if nothing is recorded."""
    return None if header == _NOTHING else astuple(header)


def header_of_row(row: Sequence[str | None] | None) -> Header:
    """The record that :func:`header_row` spelled. Raises TypeError and ValueError if it is none."""
    return _NOTHING if row is None else Header(**dict(zip(_FIELDS, row, strict=True)))


_MODELS = re.compile(r"[ \t\f]*Models: ([0-9a-f]{16})[ \t\f]*")
_SCHEMA = re.compile(
    r"[ \t\f]*Schema: ([A-Za-z][\w.+-]*) ([0-9a-f]{16}) change ([0-9a-f]{16}) sqlalchemy (\d+\.\d+)[ \t\f]*"
)
_KEY_VALUE = re.compile(r"[ \t]*[A-Z][A-Za-z ]*:(?: .*|[ \t]*)")
_REVISION_ID = re.compile(r"([ \t]*)Revision ID:")
_LINE_END = re.compile(r"(\r\n|\r|\n)")
_COMMENT = re.compile(r"[ \t\f]*#[^\r\n]*(?:\r\n|\r|\n|\Z)")
# PEP 263 takes the encoding from the second line too, when the first is empty.
_SECOND_LINE_ENCODING = re.compile(r"[ \t\f]*(?:\r\n|\r|\n)(?=[ \t\f]*#[^\r\n]*coding[:=])")
# Within a run of string literals everything else is white space, comments and continued lines.
_PIECE = re.compile(
    r"""(?P<prefix>[rRuU]?)(?P<quote>\"{3}|'{3}|"|')(?P<body>(?:\\.|(?!(?P=quote))[^\\])*)(?P=quote)|\#[^\r\n]*""",
    re.DOTALL,
)


def docstring_node(code: ast.Module | ast.FunctionDef) -> ast.Constant | None:
    """The docstring of a module or function as a node of its tree, or None."""
    match code.body:
        case [ast.Expr(value=ast.Constant(value=str()) as node), *_]:
            return node
    return None


def read_header(docstring: str) -> Header:
    """What the header lines of a docstring record. If there are two that differ, neither counts."""
    lines = _LINE_END.split(docstring)[::2]
    models = {match[1] for line in lines if (match := _MODELS.fullmatch(line))}
    schemas = {match.groups() for line in lines if (match := _SCHEMA.fullmatch(line))}
    dialect, schema, change, sqlalchemy = schemas.pop() if len(schemas) == 1 else (None,) * 4
    return Header(
        models=models.pop() if len(models) == 1 else None,
        dialect=dialect,
        schema=schema,
        change=change,
        sqlalchemy=sqlalchemy,
    )


def is_header_line(line: str) -> bool:
    """Whether a docstring's line is one that gitmig wrote."""
    return bool(_MODELS.fullmatch(line) or _SCHEMA.fullmatch(line))


def with_header(text: str, header: Header) -> str:
    """``text`` with these header lines in its docstring, in place of those that it had.

    They stand below the last of the "Key: value" lines that begin at ``Revision ID:``, else at the
    docstring's end; without a docstring, one is added below the comments on top. A part of ``header``
    that is None is not written. Raises what ``parse_module`` raises.
    """
    lines = _header_lines(header)
    place = _Docstring.find(text)
    if not lines:
        return without_header(text)
    newline = _newline(text)
    if place is None:
        at = _below_the_comments(text)
        added = newline.join(['"""', *lines, '"""', ""])
        return text[:at] + _missing_line_end(text[:at], newline) + added + text[at:]
    body = _without_header(place.body)
    edited = _inserted(body, lines, newline)
    return place.replaced(_appended(body, lines, newline) if edited is None else edited)


def without_header(text: str) -> str:
    """``text`` without gitmig's header lines. Raises what ``parse_module`` raises."""
    place = _Docstring.find(text)
    if place is None or _without_header(place.body) == place.body:
        return text
    return place.replaced(_without_header(place.body))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Docstring:
    """The last string literal of a module's docstring; nearly always the only one."""

    text: str
    start: int
    end: int
    prefix: str
    quote: str
    body: str

    @classmethod
    def find(cls, text: str) -> _Docstring | None:
        node = docstring_node(parse_module(text))
        if node is None or node.end_lineno is None or node.end_col_offset is None:
            return None
        start = offset_of(text, node.lineno, node.col_offset)
        end = offset_of(text, node.end_lineno, node.end_col_offset)
        # Only the last piece is edited, so that the others keep their place in a concatenation.
        pieces = [match for match in _PIECE.finditer(text, start, end) if match["quote"]]
        last = pieces[-1]
        return cls(
            text=text,
            start=last.start(),
            end=last.end(),
            prefix=last["prefix"],
            quote=last["quote"],
            body=last["body"],
        )

    def replaced(self, body: str) -> str:
        """The module's text with another body; a literal of one line becomes one of several."""
        # The closing quotes must not come to stand right behind a backslash or another quote.
        if _escapes(body) or (body.endswith(self.quote[0]) and not _escapes(body[:-1])):
            body += _newline(self.text)
        quote = self.quote if len(self.quote) == 3 or not _LINE_END.search(body) else self.quote * 3
        return f"{self.text[: self.start]}{self.prefix}{quote}{body}{quote}{self.text[self.end :]}"


def _header_lines(header: Header) -> list[str]:
    lines = [] if header.models is None else [f"Models: {header.models}"]
    if None not in (header.dialect, header.schema, header.change, header.sqlalchemy):
        lines.append(
            f"Schema: {header.dialect} {header.schema} change {header.change} sqlalchemy {header.sqlalchemy}"
        )
    return lines


def _without_header(body: str) -> str:
    # Lines at even places, the line ends between them at odd ones.
    parts = _LINE_END.split(body)
    for at in range(len(parts) - 1, -1, -2):
        if not is_header_line(parts[at]):
            continue
        del parts[at if at + 1 < len(parts) else max(at - 1, 0) : at + 2]
    return "".join(parts)


def _inserted(body: str, lines: Sequence[str], newline: str) -> str | None:
    """The body with ``lines`` below its ``Revision ID:`` block, or None if it has no such block."""
    parts = _LINE_END.split(body)
    found = [at for at in range(0, len(parts), 2) if _REVISION_ID.match(parts[at])]
    if not found:
        return None
    at = found[0]
    indent = parts[at][: len(parts[at]) - len(parts[at].lstrip())]
    while at + 2 < len(parts) and _KEY_VALUE.fullmatch(parts[at + 2]):
        at += 2
    indented = [indent + line for line in lines]
    if at + 1 == len(parts):
        return body + "".join(newline + line for line in indented)
    end = parts[at + 1]
    return "".join([*parts[: at + 2], *(line + end for line in indented), *parts[at + 2 :]])


def _appended(body: str, lines: Sequence[str], newline: str) -> str:
    kept = body.rstrip(" \t\f\r\n")
    if not kept:
        return newline.join(["", *lines, ""])
    if _escapes(kept):
        # The backslash is one with what comes behind it, be it a line end.
        rest = body[len(kept) :]
        kept += rest[: 2 if rest.startswith("\r\n") else 1] or newline
    return newline.join([kept, "", *lines, ""])


def _escapes(line: str) -> bool:
    """Whether a line ends with a backslash that takes what comes behind it."""
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _newline(text: str) -> str:
    found = _LINE_END.search(text)
    return found[1] if found else "\n"


def offset_of(text: str, line: int, column: int) -> int:
    """Where in ``text`` a place of its syntax tree is: lines from 1, columns in UTF-8 bytes."""
    begin = len(text) - len(text.removeprefix("\ufeff"))
    for _, end in zip(range(line - 1), _LINE_END.finditer(text), strict=False):
        begin = end.end()
    return begin + len(text[begin : begin + column].encode()[:column].decode())


def _below_the_comments(text: str) -> int:
    """The end of the unbroken block of comment lines on top (interpreter, encoding, licence)."""
    at = len(text) - len(text.removeprefix("\ufeff"))
    if match := _SECOND_LINE_ENCODING.match(text, at):
        at = match.end()
    while match := _COMMENT.match(text, at):
        at = match.end()
    return at


def _missing_line_end(above: str, newline: str) -> str:
    return "" if not above.removeprefix("\ufeff") or above.endswith(("\n", "\r")) else newline
