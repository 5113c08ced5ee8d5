"""What the code of revision scripts does, read as text. Pure."""

from __future__ import annotations

import ast
import copy
import functools
import hashlib
import io
import tokenize
from collections.abc import Callable, Iterator

from gitmig.core.parsing import UNPARSABLE, parse_module, why_unparsable
from gitmig.core.revisions.header import docstring_node
from gitmig.core.revisions.literals import module_names

IDENTIFIERS = ("revision", "down_revision", "depends_on", "branch_labels")
"""The names that tell Alembic what a revision is."""

DOES_NOTHING = "its downgrade() does nothing"
"""What :func:`irreversible` says of a downgrade that leaves what upgrade did."""

_REMEMBERED = 1024
"""Of how many scripts an answer is kept: the same is asked again, by other rooms and after a question."""


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
    except (LookupError, *UNPARSABLE):
        return None


@functools.lru_cache(maxsize=_REMEMBERED)
def same_upgrade(a: str, b: str) -> bool:
    """Whether two scripts upgrade alike: nothing differs but docstrings, ``downgrade`` and the identifiers.

    False if unknown.
    """
    return a == b or _equal(a, b, _upgrade_part)


@functools.lru_cache(maxsize=_REMEMBERED)
def irreversible(text: str) -> str | None:
    """Why a script cannot be undone, or None if nothing speaks against it.

    A ``downgrade`` that is missing, that raises at once, or that does nothing although ``upgrade``
    does something.
    """
    try:
        module = parse_module(text)
    except UNPARSABLE as error:
        return f"it cannot be read: {why_unparsable(error)}"
    downgrade = find_function(module, "downgrade")
    if downgrade is None:
        # It may be imported or assigned; then only running it would tell.
        return None if "downgrade" in module_names(module) else "it has no downgrade()"
    body = _statements(downgrade)
    if body and isinstance(body[0], ast.Raise):
        return "its downgrade() raises an error"
    upgrade = find_function(module, "upgrade")
    if not body and upgrade is not None and _statements(upgrade):
        return DOES_NOTHING
    return None


@functools.lru_cache(maxsize=_REMEMBERED)
def idle(text: str) -> bool:
    """Whether ``upgrade`` is there and does nothing. False if unknown."""
    try:
        module = parse_module(text)
    except UNPARSABLE:
        return False
    upgrade = find_function(module, "upgrade")
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
    except UNPARSABLE:
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


def find_function(module: ast.Module, name: str) -> ast.FunctionDef | None:
    """The function of that name that the module itself defines, the last one; None if there is none."""
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
        shapes = (f"{name}={_shape(field)}" for name, field in fields if field is not None and field != [])
        return f"{type(value).__name__}({','.join(shapes)})"
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
    named = assigned_names(node)
    return bool(named) and named.issubset(IDENTIFIERS)


def _equal(a: str, b: str, part: Callable[[ast.Module], list[ast.stmt]]) -> bool:
    try:
        first, second = (
            ast.dump(ast.Module(body=part(parse_module(text)), type_ignores=[])) for text in (a, b)
        )
    except UNPARSABLE:
        return False
    return first == second


def assigned_names(node: ast.stmt) -> set[str]:
    """The names that an assignment gives a value."""
    match node:
        case ast.Assign(targets=targets):
            pass
        case ast.AnnAssign(target=target):
            targets = [target]
        case _:
            return set()
    return {inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
