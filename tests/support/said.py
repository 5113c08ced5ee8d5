"""What gitmig may say, read from its source: each finding and error with its message and hint."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitmig import errors

_SOURCE = Path(__file__).resolve().parents[2] / "gitmig"
_CODE = re.compile(r"GM\d{3}")
ERRORS: Mapping[str, type[errors.GitmigError]] = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.GitmigError)
}


@dataclass(frozen=True, slots=True, order=True)
class Said:
    """A message as it stands in the source, with … for what is known at run time."""

    code: str
    message: str
    hint: str


def everything() -> Sequence[Said]:
    """All of them, in the order of their codes and texts."""
    found = set[Said]()
    for path in sorted(_SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for scope in ast.walk(tree):
            if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
                found.update(_in_function(scope))
    return sorted(found)


def _in_function(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Said]:
    known = _Texts(function)
    for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
        code, message, hint = _parts(call)
        for text, then in known.pairs(message, hint, call):
            if code is not None and re.search("[a-z]{2}", text):
                yield Said(code, text, then if re.search("[a-z]{2}", then) else "")


def _parts(call: ast.Call) -> tuple[str | None, ast.expr | None, ast.expr | None]:
    """The code, the message and the hint of a call that makes a finding or an error."""
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    callee = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if callee in ERRORS:
        return ERRORS[callee].code, call.args[0] if call.args else None, named.get("hint")
    code = getattr(named.get("code"), "value", None)
    if _CODE.fullmatch(str(code)):
        return str(code), named.get("message"), named.get("hint")
    for place, argument in enumerate(call.args[:-2]):
        code = getattr(argument, "value", None)
        if _CODE.fullmatch(str(code)):
            return str(code), call.args[place + 1], call.args[place + 2]
    return None, None, None


@dataclass(frozen=True, slots=True)
class _Assigned:
    line: int
    blocks: Sequence[int]
    """The blocks of statements that it stands in, from the outermost."""
    value: ast.expr
    statement: int


class _Texts:
    """What the expressions of one function may come to, as texts."""

    def __init__(self, function: ast.FunctionDef | ast.AsyncFunctionDef):
        self._values: dict[str, list[_Assigned]] = {}
        self._blocks: dict[int, Sequence[int]] = {}
        arguments = function.args
        defaults = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        for argument, value in defaults:
            if value is not None:
                self._values[argument.arg] = [_Assigned(0, (), value, id(argument))]
        self._read(function.body, ())

    def _read(self, block: Sequence[ast.stmt], above: Sequence[int]) -> None:
        blocks = (*above, id(block))
        for statement in block:
            inner = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
            inner += [handler.body for handler in getattr(statement, "handlers", [])]
            if any(inner):
                for one in inner:
                    self._read(one, blocks)
            for node in ast.walk(statement):
                self._blocks.setdefault(id(node), blocks)
            if isinstance(statement, ast.Assign):
                for target in statement.targets:
                    self._assign(target, statement.value, statement, blocks)

    def _assign(self, target: ast.expr, value: ast.expr, statement: ast.stmt, blocks: Sequence[int]) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, its in zip(target.elts, value.elts, strict=False):
                self._assign(one, its, statement, blocks)
        elif isinstance(target, ast.Name):
            made = _Assigned(statement.lineno, blocks, value, id(statement))
            self._values.setdefault(target.id, []).append(made)

    def pairs(
        self, message: ast.expr | None, hint: ast.expr | None, call: ast.Call
    ) -> Iterator[tuple[str, str]]:
        """Each message with its hint; those that are assigned together belong together."""
        one, other = self._assigned(message, call), self._assigned(hint, call)
        if one and [a.statement for a in one] == [a.statement for a in other]:
            for its, theirs in zip(one, other, strict=True):
                yield from itertools.product(self._of(its.value, call), self._of(theirs.value, call))
        else:
            yield from itertools.product(self._of(message, call), self._of(hint, call))

    def _assigned(self, node: ast.expr | None, call: ast.Call) -> Sequence[_Assigned]:
        """What a name may hold at a call: the last that surely was assigned, and what branches make of it."""
        if not isinstance(node, ast.Name):
            return ()
        around = self._blocks.get(id(call), ())
        before = [made for made in self._values.get(node.id, ()) if made.line < call.lineno]
        before.sort(key=lambda made: made.line)
        sure = [made for made in before if tuple(made.blocks) == tuple(around[: len(made.blocks)])]
        return before[before.index(sure[-1]) :] if sure else before

    def _of(self, node: ast.expr | None, call: ast.Call, depth: int = 0) -> Sequence[str]:
        """The texts, with … for what is not written in this function."""
        match node:
            case None | ast.Constant(value=None):
                return [""]
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=parts):
                return _joined([self._of(part, call, depth) for part in parts])
            case ast.FormattedValue(value=ast.IfExp() as value):
                return self._of(value, call, depth)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return _joined([self._of(left, call, depth), self._of(right, call, depth)])
            case ast.IfExp(body=body, orelse=other):
                return [*self._of(body, call, depth), *self._of(other, call, depth)]
            case ast.Name() if depth < 3 and (assigned := self._assigned(node, call)):
                return [text for made in assigned for text in self._of(made.value, call, depth + 1)]
            case _:
                return ["…"]


def _joined(parts: Sequence[Sequence[str]]) -> Sequence[str]:
    return [re.sub("…+", "…", "".join(texts)) for texts in itertools.islice(itertools.product(*parts), 8)]
