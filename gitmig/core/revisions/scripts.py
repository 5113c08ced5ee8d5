"""Revision scripts, read as text: who they are, whom they follow, what they say about themselves.

Pure: ``ast``, never import. What only running a file could tell makes it Unreadable.
"""

from __future__ import annotations

import ast
import copy
import functools
import hashlib
import io
import posixpath
import re
import tokenize
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from gitmig.core.parsing import parse_module
from gitmig.core.revisions.header import Header, docstring_node, is_header_line, read_header
from gitmig.core.revisions.literals import Dynamic, Literal, module_names
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
_LEGACY_NAME = re.compile(r"([a-f0-9]+)\.py")
_IDENTIFIERS = ("revision", "down_revision", "depends_on", "branch_labels")
_TOLD_APART = _IDENTIFIERS[:2]
"""What tells a revision from others, and its place; without the rest it is in the graph all the same."""
DOES_NOTHING = "its downgrade() does nothing"
"""What :func:`irreversible` says of a downgrade that leaves what upgrade did."""
# A quotation mark would end Alembic's own SQL, which holds the id as it is.
_ILLEGAL = frozenset("@-+:'")
_REMEMBERED = 1024
"""Of how many scripts an answer is kept: the same is asked again, by other rooms and after a question."""
_UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


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
    except _UNPARSABLE as error:
        return Unreadable(
            path=path, reason=_why(error), line=error.lineno if isinstance(error, SyntaxError) else None
        )


def read_script_bytes(path: str, data: bytes) -> Script | Unreadable | None:
    """``read_script`` of a file's bytes, decoded as Python does (PEP 263)."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, LookupError, UnicodeError) as error:
        return Unreadable(path=path, reason=_why(error), line=_line_of(data, error))
    return read_script(path, text)


def same_program(a: str, b: str) -> bool:
    """Whether two modules are one program: the same syntax tree apart from the docstring."""
    return a == b or _equal(a, b, _without_docstring)


@functools.lru_cache(maxsize=_REMEMBERED)
def program_digest(data: bytes) -> str | None:
    """A digest of a module's syntax tree apart from the docstring: 16 hex digits, None if it does not parse.

    Two modules are one program (:func:`same_program`) when it is equal. It is the same under every
    version of Python, unlike ``ast.dump``.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        body = _without_docstring(parse_module(data.decode(encoding)))
        return hashlib.sha256(_shape(body).encode()).hexdigest()[:16]
    except (LookupError, *_UNPARSABLE):
        return None


@functools.lru_cache(maxsize=_REMEMBERED)
def same_upgrade(a: str, b: str) -> bool:
    """Whether two scripts upgrade alike: nothing differs but docstrings, ``downgrade`` and the identifiers.

    False where that cannot be told.
    """
    return a == b or _equal(a, b, _upgrade_part)


@functools.lru_cache(maxsize=_REMEMBERED)
def irreversible(text: str) -> str | None:
    """Why a script cannot be undone, or None where nothing speaks against it.

    A ``downgrade`` that is missing, that raises at once, or that does nothing although ``upgrade``
    does something.
    """
    try:
        module = parse_module(text)
    except _UNPARSABLE as error:
        return f"it cannot be read: {_why(error)}"
    downgrade = _function(module, "downgrade")
    if downgrade is None:
        # It may be imported or assigned; then only running it would tell.
        return None if "downgrade" in module_names(module) else "it has no downgrade()"
    body = _statements(downgrade)
    if body and isinstance(body[0], ast.Raise):
        return "its downgrade() raises an error"
    upgrade = _function(module, "upgrade")
    if not body and upgrade is not None and _statements(upgrade):
        return DOES_NOTHING
    return None


@functools.lru_cache(maxsize=_REMEMBERED)
def idle(text: str) -> bool:
    """Whether ``upgrade`` is there and does nothing. False where that cannot be told."""
    try:
        module = parse_module(text)
    except _UNPARSABLE:
        return False
    upgrade = _function(module, "upgrade")
    return upgrade is not None and not _statements(upgrade)


@functools.lru_cache(maxsize=_REMEMBERED)
def splits(text: str, function: str) -> bool:
    """Whether ``upgrade`` or ``downgrade`` (``function``) of a script uses ``autocommit_block()``.

    That commits all that ran before it. What only the other of the two calls does not count.
    """
    if "autocommit_block" not in text:
        return False
    try:
        module = parse_module(text)
    except _UNPARSABLE:
        return True
    return any(
        isinstance(node, ast.Attribute) and node.attr == "autocommit_block"
        for part in _reached(module, function)
        for node in ast.walk(part)
    )


def _reached(module: ast.Module, function: str) -> Iterator[ast.AST]:
    """The function and what it names of the module; all of the module if it does not define the function."""
    defined = {
        node.name: node
        for node in module.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    if function not in defined:
        yield module
        return
    todo, seen = [function], {function}
    while todo:
        part = defined[todo.pop()]
        yield part
        names = {node.id for node in ast.walk(part) if isinstance(node, ast.Name)}
        todo += sorted(names & defined.keys() - seen)
        seen |= names


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
    for name in _IDENTIFIERS:
        value = names.get(name)
        if isinstance(value, Dynamic) and name in _TOLD_APART:
            raise _Unclear(f"{name} is not spelled out: {value.reason}", value.line)
    node = docstring_node(module)
    docstring = "" if node is None else str(node.value)
    return Script(
        revision=_revision(names["revision"], lines.get("revision")),
        down_revisions=tuple(RevisionId(parent) for parent in _several(names, "down_revision", lines)),
        path=path,
        depends_on=_several(names, "depends_on", lines),
        branch_labels=_several(names, "branch_labels", lines),
        message=_message(docstring),
        title=next((line.strip() for line in docstring.strip().splitlines()), "")
        if _message(docstring)
        else "",
        header=Header() if node is None else read_header(docstring),
        squashes=_squashes(docstring),
        backport_of=RevisionId(found[1]) if (found := _BACKPORT.search(docstring)) is not None else None,
        open_lines=_open_lines(text),
        revision_line=lines.get("revision"),
        parents_line=lines.get("down_revision"),
    )


def _lines(module: ast.Module) -> dict[str, int]:
    """Where each identifier is assigned."""
    return {name: node.lineno for node in module.body for name in _assigned(node) if name in _IDENTIFIERS}


def _require_no_hidden_revision(module: ast.Module, names: dict[str, Literal | Dynamic]) -> None:
    star = names.get("*")
    if isinstance(star, Dynamic) and _function(module, "upgrade") is not None:
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


def _function(module: ast.Module, name: str) -> ast.FunctionDef | None:
    found = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return found[-1] if found else None


def _statements(function: ast.FunctionDef) -> list[ast.stmt]:
    """What a function's body does: without docstring, ``pass``, ``...`` and ``return None``."""
    return [node for node in function.body if not _is_idle(node)]


def _is_idle(node: ast.stmt) -> bool:
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Return(value=None) | ast.Return(value=ast.Constant(value=None)):
            return True
    return False


def _without_docstring(module: ast.Module) -> list[ast.stmt]:
    return module.body[1:] if docstring_node(module) is not None else module.body


def _shape(value: object) -> str:
    # What is empty is left out: later versions of Python add fields, which older code leaves empty.
    if isinstance(value, list):
        return f"[{','.join(map(_shape, value))}]"
    if isinstance(value, ast.AST):
        fields = [(name, getattr(value, name, None)) for name in value._fields if name != "kind"]
        told = (f"{name}={_shape(field)}" for name, field in fields if field is not None and field != [])
        return f"{type(value).__name__}({','.join(told)})"
    return ascii(value)


def _upgrade_part(module: ast.Module) -> list[ast.stmt]:
    kept: list[ast.stmt] = []
    for node in _without_docstring(module):
        if isinstance(node, ast.FunctionDef) and node.name == "downgrade":
            continue
        if _is_identifier(node):
            continue
        if isinstance(node, ast.FunctionDef) and node.name == "upgrade" and _documented(node):
            bare = copy.copy(node)
            bare.body = node.body[1:]
            node = bare
        kept.append(node)
    return kept


def _documented(function: ast.FunctionDef) -> bool:
    return ast.get_docstring(function, clean=False) is not None


def _is_identifier(node: ast.stmt) -> bool:
    named = _assigned(node)
    return bool(named) and named.issubset(_IDENTIFIERS)


def _assigned(node: ast.stmt) -> set[str]:
    """The names that an assignment gives a value."""
    match node:
        case ast.Assign(targets=targets):
            pass
        case ast.AnnAssign(target=target):
            targets = [target]
        case _:
            return set()
    return {inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}


def _equal(a: str, b: str, part: Callable[[ast.Module], list[ast.stmt]]) -> bool:
    try:
        first, second = (
            ast.dump(ast.Module(body=part(parse_module(text)), type_ignores=[])) for text in (a, b)
        )
    except _UNPARSABLE:
        return False
    return first == second


def _why(error: BaseException) -> str:
    match error:
        case SyntaxError():
            return error.msg or "invalid syntax"
        case UnicodeDecodeError():
            return f"it is not {error.encoding} text"
        case RecursionError() | MemoryError():
            return "it is nested too deeply"
    return str(error)


def _line_of(data: bytes, error: Exception) -> int | None:
    return data.count(b"\n", 0, error.start) + 1 if isinstance(error, UnicodeDecodeError) else None
