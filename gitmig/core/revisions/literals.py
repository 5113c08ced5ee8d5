"""What a module's names are bound to, as far as its text alone tells.

Pure: evaluates literals, concatenations, f-strings and names bound earlier; everything else is Dynamic.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

Literal = str | int | None | tuple["str | int | None", ...]
"""A value that the text spells out. Lists and sets count as tuples."""

# A text that doubles itself line after line would fill the memory.
_LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Dynamic:
    """A value that only running the module could tell, and the line of that."""

    reason: str
    line: int


class _NotLiteral(Exception):
    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


Names = dict[str, Literal | Dynamic]


def module_names(module: ast.Module) -> Names:
    """Every name that the module binds at its top level; ``*`` stands for those of a star import."""
    names: Names = {}
    for node in module.body:
        _bind(node, names)
    return names


def _bind(node: ast.stmt, names: Names) -> None:
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                _assign(target, value, names)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            _assign(target, value, names)
        case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
            whole = ast.BinOp(left=ast.copy_location(ast.Name(id=name), node), op=op, right=value)
            names[name] = _value(ast.copy_location(whole, node), names)
        case ast.Delete(targets=targets):
            for target in targets:
                if isinstance(target, ast.Name):
                    names.pop(target.id, None)
        case ast.AnnAssign() | ast.Expr(value=ast.Constant()) | ast.Pass():
            pass
        case _:
            reason = "it is imported" if isinstance(node, ast.Import | ast.ImportFrom) else _computed(node)
            for name in bound_in(node):
                names[name] = Dynamic(reason, node.lineno)


def _computed(node: ast.stmt) -> str:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return "it is a function or a class"
    return "it depends on what the module does when it runs"


def _assign(target: ast.expr, value: ast.expr, names: Names) -> None:
    match target:
        case ast.Name(id=name):
            names[name] = _value(value, names)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            values = _parts(value, len(parts), names)
            for part, member in zip(parts, values, strict=True):
                if isinstance(part, ast.Name):
                    names[part.id] = member
                else:
                    _assign_dynamic(part, names)


def _assign_dynamic(target: ast.expr, names: Names) -> None:
    for name in bound_in(target):
        names[name] = Dynamic("it is unpacked", target.lineno)


def _parts(value: ast.expr, count: int, names: Names) -> list[Literal | Dynamic]:
    """The values that an unpacking assigns, all evaluated before any name is bound."""
    starred = ast.Starred
    match value:
        case ast.Tuple(elts=parts) | ast.List(elts=parts) if len(parts) == count and not any(
            isinstance(part, starred) for part in parts
        ):
            return [_value(part, names) for part in parts]
    whole = _value(value, names)
    match whole:
        case Dynamic():
            return [whole] * count
        case tuple() | str() if len(whole) == count and not isinstance(value, ast.Set):
            return list(whole)
    return [Dynamic("it is unpacked", value.lineno)] * count


def bound_in(node: ast.AST) -> Iterator[str]:
    """The names that a statement binds in the module's own scope (or may bind, in one of its branches)."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
            return
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            for alias in aliases:
                yield alias.asname or alias.name.partition(".")[0]
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.ExceptHandler(name=str() as name):
            yield name
        case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
            yield name
        case ast.MatchMapping(rest=str() as name):
            yield name
    for child in ast.iter_child_nodes(node):
        yield from bound_in(child)


def _value(node: ast.expr, names: Names) -> Literal | Dynamic:
    try:
        value = _evaluate(node, names)
    except _NotLiteral as unclear:
        return Dynamic(unclear.reason, node.lineno)
    except RecursionError:
        return Dynamic("it is nested too deeply", node.lineno)
    return value


def _evaluate(node: ast.expr, names: Names) -> Literal:
    match node:
        case ast.Constant(value=str() | int() | None as value) if not isinstance(value, bool):
            return value
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return tuple(member for part in parts for member in _members(part, names))
        case ast.Name(id=name):
            return _known(name, names)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _sum(_evaluate(left, names), _evaluate(right, names))
        case ast.JoinedStr(values=pieces):
            return _limited("".join(_piece(piece, names) for piece in pieces))
    raise _NotLiteral(f"`{_shown(node)}` is computed")


def _members(node: ast.expr, names: Names) -> tuple[str | int | None, ...]:
    if isinstance(node, ast.Starred):
        inner = _evaluate(node.value, names)
        if isinstance(inner, tuple):
            return inner
        raise _NotLiteral(f"`{_shown(node)}` is computed")
    value = _evaluate(node, names)
    if isinstance(value, tuple):
        raise _NotLiteral("it is nested")
    return (value,)


def _known(name: str, names: Names) -> Literal:
    value = names.get(name, names.get("*"))
    if isinstance(value, Dynamic):
        raise _NotLiteral(f"`{name}`: {value.reason}" if name in names else f"`{name}` may be imported")
    if name not in names:
        raise _NotLiteral(f"`{name}` is not bound in the file")
    return value


def _sum(left: Literal, right: Literal) -> Literal:
    match left, right:
        case (str(), str()):
            return _limited(left + right)
        case (tuple(), tuple()) if len(left) + len(right) <= _LONGEST:
            return (*left, *right)
    raise _NotLiteral("it is a sum of other things than texts")


def _piece(node: ast.expr, names: Names) -> str:
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.FormattedValue(value=inner, conversion=-1 | 115, format_spec=None):
            value = _evaluate(inner, names)
            if isinstance(value, str | int):
                return str(value)
    raise _NotLiteral("it is a formatted text")


def _limited(text: str) -> str:
    if len(text) > _LONGEST:
        raise _NotLiteral("it is too long")
    return text


def _shown(node: ast.expr) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 40 else text[:39] + "…"
