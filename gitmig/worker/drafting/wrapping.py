"""Long lines of a script, wrapped as formatters do: an argument a line, long texts in pieces."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from itertools import pairwise

WIDTH = 88
"""What Black and Ruff allow by default."""
_CLAUSES = ("for", "if")


def wrapped(body: str) -> str:
    """The body of a function with lines that are short enough, as far as that can be done."""
    made = "\n".join(piece for line in body.split("\n") for piece in _of_line(line))
    return made if _meaning(made) == _meaning(body) else body


def _meaning(body: str) -> str | None:
    try:
        return ast.dump(ast.parse(f"def x():\n    {body.lstrip()}"))
    except SyntaxError:
        return None


def _of_line(line: str) -> Iterator[str]:
    """A line that is no whole by itself, or a comment, stays as it is."""
    text = line.lstrip()
    if len(line) > WIDTH and not text.startswith("#") and _tokens(text) is not None:
        yield from _pieces(text, len(line) - len(text))
    else:
        yield line


def _pieces(text: str, indent: int, *, inside: bool = False) -> Iterator[str]:
    """Code as lines; ``inside`` of brackets it may be broken anywhere."""
    blank = " " * indent
    group = _longest_group(text)
    if indent + len(text) <= WIDTH:
        yield blank + text
    elif inside and (broken := _text_in_pieces(text, WIDTH - indent)):
        yield from (blank + piece for piece in broken)
    elif inside and len(clauses := _split(text, _CLAUSES)) > 1:
        for clause in clauses:
            yield from _pieces(clause, indent, inside=True)
    elif group is None:
        yield blank + text
    else:
        start, end = group
        arguments = _split(text[start:end], (",",))
        if indent + 4 + end - start <= WIDTH and not text[start:end].endswith(","):
            arguments = [text[start:end]]
        if len(arguments) > 1 and not arguments[-1].endswith(","):
            arguments[-1] += ","
        yield blank + text[:start]
        for argument in arguments:
            yield from _pieces(argument, indent + 4, inside=True)
        yield blank + text[end:]


def _tokens(text: str) -> list[tuple[str, int, int]] | None:
    """The tokens with their columns and depths in brackets; None if the text is no whole line of code."""
    found, depth = [], 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            depth -= token.string in tuple(")]}")
            found.append((token.string, token.start[1], depth))
            depth += token.string in tuple("([{")
    except (tokenize.TokenError, IndentationError):
        return None
    return found if depth == 0 else None


def _longest_group(text: str) -> tuple[int, int] | None:
    """Where the longest content of brackets begins and ends."""
    tokens = [token for token in _tokens(text) or () if token[2] == 0 and token[0]]
    groups = [
        (tokens[place][1] + 1, tokens[place + 1][1])
        for place in range(len(tokens) - 1)
        if tokens[place][0] in tuple("([{") and tokens[place][1] + 1 < tokens[place + 1][1]
    ]
    return max(groups, key=lambda group: group[1] - group[0], default=None)


def _split(text: str, words: tuple[str, ...]) -> list[str]:
    """The parts: each ends with its comma, or begins with its word."""
    places = [
        start + (word == ",") for word, start, depth in _tokens(text) or () if depth == 0 and word in words
    ]
    ends = [0, *places, len(text)]
    parts = (text[start:end].strip() for start, end in pairwise(ends))
    return [part for part in parts if part]


def _text_in_pieces(text: str, room: int) -> list[str]:
    """A literal, after its keyword perhaps and with its comma, in pieces between words."""
    tokens = [token for token in _tokens(text) or () if token[0].strip()]
    literal = [token[0] for token in tokens if token[0] not in ("=", ",")]
    start = next((column for word, column, _ in tokens if word[0] in "'\""), None)
    if start is None or len(literal) > 2 or literal[-1][0] not in "'\"":
        return []
    before, comma = text[:start], text[start + len(literal[-1]) :]
    pieces = [""]
    for word in ast.literal_eval(literal[-1]).split(" "):
        if pieces[-1] and len(repr(f"{pieces[-1]}{word} ")) + len(comma) + len(before) > room:
            pieces.append("")
        pieces[-1] += f"{word} "
    pieces[-1] = pieces[-1][:-1]
    listed = list(map(repr, pieces))
    return [before + listed[0], *listed[1:-1], listed[-1] + comma] if len(listed) > 1 else []
