"""Revision scripts, read as text: who they are, whom they follow, what they say about themselves.

Pure: ``ast``, never import. What only running a file could tell makes it Unreadable.
"""

from __future__ import annotations

import ast
import io
import posixpath
import re
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import takewhile

from gitmig.core.parsing import UNPARSABLE, parse_module, why_unparsable
from gitmig.core.revisions.header import Header, docstring_node, is_header_line, read_header
from gitmig.core.revisions.literals import Dynamic, Literal, module_names
from gitmig.core.revisions.programs import IDENTIFIERS, assigned_names, find_function
from gitmig.wire.values import RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One revision file, read as text."""

    revision: RevisionId
    down_revisions: tuple[RevisionId, ...]
    path: str
    """Relative to the top of the tree it was read from, with forward slashes."""
    depends_on: tuple[str, ...] = ()
    branch_labels: tuple[str, ...] = ()
    nameless_branch: bool = False
    """Whether it has a branch label that only running it would tell."""
    message: str = ""
    """The first paragraph of the docstring."""
    title: str = ""
    """The first line of that, for lists."""
    header: Header = field(default_factory=Header)
    squashes: tuple[RevisionId, ...] = ()
    """The revisions that became this one, oldest first, itself last: none for one that is no squash."""
    backport_of: RevisionId | None = None
    """The revision of another line that this one is a copy of."""
    open_lines: tuple[int, ...] = ()
    """Line numbers (from 1) of lines ``# gitmig: write by hand: …``."""
    revision_line: int | None = field(default=None, compare=False)
    parents_line: int | None = field(default=None, compare=False)
    """Where ``revision`` and ``down_revision`` are assigned."""

    @property
    def outside(self) -> bool:
        """Whether it is not in the repository, but in an installed package."""
        return self.path.startswith("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A file in a versions folder whose identifiers cannot be read without running it."""

    path: str
    reason: str
    line: int | None = None


_OPEN_LINE = re.compile(r"[ \t]*#[ \t]*gitmig: write by hand:")
_SQUASHES = re.compile(r"^[ \t]*Squashes:[ \t]+(\w[\w. ]*?)[ \t]*$", re.MULTILINE)
_BACKPORT = re.compile(r"^[ \t]*Backport-of:[ \t]+(\w[\w.]*)[ \t]*$", re.MULTILINE)
_ID_COMMENT = re.compile(r"^#[ \t]*Revision ID:", re.MULTILINE)
_LEGACY_NAME = re.compile(r"([a-f0-9]+)\.py")
_TOLD_APART = IDENTIFIERS[:2]
"""What tells a revision from others, and its place; without the rest it is in the graph all the same."""
# A quotation mark would end Alembic's own SQL, which holds the id as it is.
_ILLEGAL = frozenset("@-+:'")


class _Unclear(Exception):
    def __init__(self, reason: str, line: int | None = None):
        super().__init__(reason)
        self.reason = reason
        self.line = line


def read_script(path: str, text: str) -> Script | Unreadable | None:
    """The revision that a file holds; None for a file that is no revision.

    Unreadable where the file does not parse, or where an identifier is not spelled out in it.
    """
    try:
        return _read(path, text)
    except _Unclear as unclear:
        return Unreadable(path=path, reason=unclear.reason, line=unclear.line)
    except UNPARSABLE as error:
        return Unreadable(
            path=path,
            reason=why_unparsable(error),
            line=error.lineno if isinstance(error, SyntaxError) else None,
        )


def read_script_bytes(path: str, data: bytes) -> Script | Unreadable | None:
    """``read_script`` of a file's bytes, decoded as Python does (PEP 263)."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, LookupError, UnicodeError) as error:
        return Unreadable(path=path, reason=why_unparsable(error), line=_line_of(data, error))
    return read_script(path, text)


def _read(path: str, text: str) -> Script | None:
    module = parse_module(text)
    names = module_names(module)
    if "revision" not in names:
        legacy = _LEGACY_NAME.fullmatch(posixpath.basename(path))
        if legacy is None or "down_revision" not in names:
            _require_no_hidden_revision(module, names)
            return None
        names["revision"] = legacy[1]
    lines = _lines(module)
    if "down_revision" not in names:
        raise _Unclear("down_revision is missing", lines.get("revision"))
    for name in IDENTIFIERS:
        value = names.get(name)
        if isinstance(value, Dynamic) and name in _TOLD_APART:
            raise _Unclear(f"{name} is not spelled out: {value.reason}", value.line)
    node = docstring_node(module)
    docstring = "" if node is None else str(node.value)
    about = _about(path, docstring) or _beside(module, text)
    return Script(
        revision=_revision(names["revision"], lines.get("revision")),
        down_revisions=tuple(RevisionId(parent) for parent in _several(names, "down_revision", lines)),
        path=path,
        depends_on=_several(names, "depends_on", lines),
        branch_labels=_several(names, "branch_labels", lines),
        nameless_branch=isinstance(names.get("branch_labels"), Dynamic),
        message=_message(about),
        title=about.strip().splitlines()[0].strip() if _message(about) else "",
        header=Header() if node is None else read_header(docstring),
        squashes=_squashes(docstring),
        backport_of=RevisionId(found[1]) if (found := _BACKPORT.search(docstring)) is not None else None,
        open_lines=_open_lines(text),
        revision_line=lines.get("revision"),
        parents_line=lines.get("down_revision"),
    )


def _lines(module: ast.Module) -> dict[str, int]:
    """Where each identifier is assigned."""
    return {name: node.lineno for node in module.body for name in assigned_names(node) if name in IDENTIFIERS}


def _require_no_hidden_revision(module: ast.Module, names: dict[str, Literal | Dynamic]) -> None:
    star = names.get("*")
    if isinstance(star, Dynamic) and find_function(module, "upgrade") is not None:
        raise _Unclear(f"revision is not spelled out: {star.reason}", star.line)


def _revision(value: Literal | Dynamic, line: int | None) -> RevisionId:
    if not isinstance(value, str) or not value:
        raise _Unclear("revision is not a text", line)
    illegal = sorted(_ILLEGAL.intersection(value))
    if illegal:
        raise _Unclear(f"Alembic does not take {' '.join(illegal)} in a revision id: {value}", line)
    return RevisionId(value)


def _several(names: dict[str, Literal | Dynamic], name: str, lines: Mapping[str, int]) -> tuple[str, ...]:
    """One, several or none, as Alembic's ``to_tuple`` reads it."""
    value = names.get(name)
    members = value if isinstance(value, tuple) else (value,)
    if members in ((), (None,)) or isinstance(value, Dynamic):
        return ()
    texts = tuple(dict.fromkeys(member for member in members if isinstance(member, str)))
    if len(texts) < len(set(members)):
        raise _Unclear(f"{name} is neither a text, nor several, nor None", lines.get(name))
    return texts


def _about(path: str, docstring: str) -> str:
    """The docstring, from where it speaks of the revision: some name their own file and a licence first."""
    if posixpath.basename(path) not in docstring.strip().partition("\n")[0]:
        return docstring
    paragraphs = re.split(r"\n\s*\n", docstring.partition("Revision ID:")[0].strip())
    return paragraphs[-1] if len(paragraphs) > 1 else docstring


def _beside(module: ast.Module, text: str) -> str:
    """What a file without a docstring says above ``Revision ID:`` in a text elsewhere, or in comments."""
    for node in module.body:
        match node:
            case ast.Expr(value=ast.Constant(value=str() as found)) if "Revision ID:" in found:
                return found
    named = _ID_COMMENT.search(text)
    above = text[: named.start()].splitlines() if named is not None else []
    comments = [line.lstrip("#").strip() for line in takewhile(_is_comment, reversed(above))]
    return re.split(r"\n{2,}", "\n".join(reversed(comments)).strip())[-1]


def _is_comment(line: str) -> bool:
    return line.startswith("#")


def _message(docstring: str) -> str:
    lines: list[str] = []
    for line in docstring.strip().splitlines():
        if not line.strip() or line.lstrip().startswith("Revision ID:") or is_header_line(line):
            break
        lines.append(line)
    return " ".join(" ".join(lines).split())


def _squashes(docstring: str) -> tuple[RevisionId, ...]:
    found = _SQUASHES.search(docstring)
    return tuple(map(RevisionId, found[1].split())) if found is not None else ()


def _open_lines(text: str) -> tuple[int, ...]:
    if "gitmig: write by hand:" not in text:
        return ()
    lines = re.split(r"\r\n|\r|\n", text)
    return tuple(number for number, line in enumerate(lines, 1) if _OPEN_LINE.match(line))


def _line_of(data: bytes, error: Exception) -> int | None:
    return data.count(b"\n", 0, error.start) + 1 if isinstance(error, UnicodeDecodeError) else None
