"""What a revision's script drops, read as text: the forecast of which rows a step loses. Pure."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Mapping, Sequence

from gitmig.core.parsing import parse_module
from gitmig.wire.sql import Drop, dropped, emptied

_UNKNOWN = "gitmig_unknown"
"""What stands in a text for a part that only running the script can tell."""
_PLACES = re.compile(r"%(?:\(\w+\))?[sdr]|\{[^{}]*\}")
_EXECUTED = frozenset({"execute", "exec_driver_sql"})
_MOST = 100
"""How many texts one expression may stand for."""

_Bindings = Mapping[str, Sequence[ast.expr]]


def drops(text: str, function: str, dialect: str) -> tuple[Drop, ...]:
    """What ``upgrade`` or ``downgrade`` (``function``) of a script drops, in order, each once.

    Of an upgrade also what it deletes rows of; a downgrade that deletes takes back what was put there.

    Understands ``op.drop_table``, ``op.drop_column``, the same in a batch, and SQL that is executed, as far
    as its text is written out in the script. ``dialect`` is SQLAlchemy's name of it, or begins the
    database's. A script that does not parse drops nothing: it cannot run either.
    """
    found: dict[Drop, None] = {}
    for each in _in_script(text, function):
        read = (*dropped(each, dialect), *emptied(each, dialect)) if isinstance(each, str) else (each,)
        of_rows = function == "upgrade"
        found |= dict.fromkeys(_known(drop) for drop in read if of_rows or not drop.emptied)
    return tuple(found)


@functools.lru_cache(maxsize=1024)
def _in_script(text: str, function: str) -> tuple[Drop | str, ...]:
    """What its operations drop, and the SQL that it executes."""
    try:
        module = parse_module(text)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    bindings = _bindings(module)
    return tuple(
        each
        for node in module.body
        if isinstance(node, ast.FunctionDef) and node.name == function
        for each in _in_block(node.body, None, bindings)
    )


def _known(drop: Drop) -> Drop:
    """The same, or a drop of something if a part of its name is not known."""
    names = (drop.table, drop.column, drop.schema)
    return Drop(table=None) if any(_UNKNOWN in (name or "") for name in names) else drop


def _bindings(module: ast.Module) -> _Bindings:
    """The expressions that each name of the script may be bound to, anywhere in it."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(module):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found.setdefault(name, []).append(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found.setdefault(name, []).append(value)
            case ast.For(target=ast.Name(id=name), iter=ast.Tuple(elts=values) | ast.List(elts=values)):
                found.setdefault(name, []).extend(values)
    return found


def _in_block(body: list[ast.stmt], batch: Drop | None, bindings: _Bindings) -> Iterator[Drop | str]:
    for node in body:
        inner = _batch(node) or batch
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.stmt):
                yield from _in_block([part], inner, bindings)
            else:
                yield from _in_expression(part, batch, bindings)


def _batch(node: ast.stmt) -> Drop | None:
    """The table of ``with op.batch_alter_table("t") as batch_op``."""
    if not isinstance(node, ast.With):
        return None
    for item in node.items:
        call = item.context_expr
        if isinstance(call, ast.Call) and _name(call) == "batch_alter_table":
            return Drop(table=_text(call, 0, "table_name"), schema=_text(call, None, "schema"))
    return None


def _in_expression(node: ast.AST, batch: Drop | None, bindings: _Bindings) -> Iterator[Drop | str]:
    for part in ast.walk(node):
        if not isinstance(part, ast.Call):
            continue
        match _name(part):
            case "drop_table":
                yield Drop(table=_text(part, 0, "table_name"), schema=_text(part, None, "schema"))
            case "drop_column":
                yield _dropped_column(part, batch)
            case "delete":
                yield from _deleted_from(part, bindings)
            case name if name in _EXECUTED and part.args:
                yield from _texts(part.args[0], bindings, frozenset())


def _dropped_column(call: ast.Call, batch: Drop | None) -> Drop:
    if batch is not None:
        table, schema, column = batch.table, batch.schema, _text(call, 0, "column_name")
    else:
        table, schema = _text(call, 0, "table_name"), _text(call, None, "schema")
        column = _text(call, 1, "column_name")
    # A column whose name is not known is not the table.
    return Drop(table=table, column=column, schema=schema) if table and column else Drop(table=None)


def _deleted_from(call: ast.Call, bindings: _Bindings) -> Iterator[Drop]:
    """The table of ``sa.delete(t)`` and ``t.delete()``, if the script has it as ``sa.table("t", …)``."""
    of = call.args[0] if call.args else call.func.value if isinstance(call.func, ast.Attribute) else None
    values = bindings.get(of.id, ()) if isinstance(of, ast.Name) else (of,)
    for value in values:
        if isinstance(value, ast.Call) and _called(value) in ("table", "Table"):
            yield Drop(table=_text(value, 0, "name"), schema=_text(value, None, "schema"), emptied=True)


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _text(call: ast.Call, position: int | None, keyword: str) -> str | None:
    values = [item.value for item in call.keywords if item.arg == keyword]
    if position is not None and len(call.args) > position:
        values = [call.args[position]]
    value = values[0] if values else None
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def _texts(node: ast.expr, bindings: _Bindings, seen: frozenset[str]) -> list[str]:
    """The texts that an expression may stand for."""
    match node:
        case ast.Constant(value=str() as text):
            return [text]
        case ast.Name(id=name) if name in bindings and name not in seen:
            values = bindings[name][:_MOST]
            return [text for value in values for text in _texts(value, bindings, seen | {name})][:_MOST]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _joined([left, right], bindings, seen)
        case ast.JoinedStr(values=parts):
            return _joined(parts, bindings, seen)
        case ast.FormattedValue(value=value):
            return _texts(value, bindings, seen)
        case ast.Call(args=[first, *_]) if _called(node) in ("text", "DDL", "dedent"):
            return _texts(first, bindings, seen)
        case ast.BinOp(left=left, op=ast.Mod()) | ast.Call(func=ast.Attribute(value=left, attr="format")):
            return [_PLACES.sub(_UNKNOWN, text) for text in _texts(left, bindings, seen)]
    return [_UNKNOWN]


def _joined(parts: Sequence[ast.expr], bindings: _Bindings, seen: frozenset[str]) -> list[str]:
    texts = [""]
    for part in parts:
        more = _texts(part, bindings, seen)
        texts = [one + other for one in texts for other in more][:_MOST]
    return texts


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""
