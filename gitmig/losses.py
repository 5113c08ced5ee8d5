"""Which rows a revision script would lose: the tables and columns that a step drops, read as text. Pure."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from gitmig.header import parse_module

_DROP_TABLE = re.compile(r"\bdrop\s+table\s+(?:if\s+exists\s+)?([\w.\"`]+)", re.IGNORECASE)
_DROP_COLUMN = re.compile(
    r"\balter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?([\w.\"`]+)\s+"
    r"drop\s+(?:column\s+)(?:if\s+exists\s+)?([\w\"`]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A table, or a column of one, that a step drops; ``table`` is None where the text does not say which."""

    table: str | None
    column: str | None = None
    schema: str | None = None


@functools.lru_cache(maxsize=1024)
def drops(text: str, function: str) -> tuple[Drop, ...]:
    """What ``upgrade`` or ``downgrade`` (``function``) of a script drops, in order, each once.

    Understands ``op.drop_table``, ``op.drop_column``, the same in a batch, and plain SQL in
    ``op.execute``. A script that does not parse drops nothing: it cannot run either.
    """
    try:
        module = parse_module(text)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    found: dict[Drop, None] = {}
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            found |= dict.fromkeys(_in_block(node.body, None))
    return tuple(found)


def _in_block(body: list[ast.stmt], batch: Drop | None) -> Iterator[Drop]:
    for node in body:
        inner = _batch(node) or batch
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.stmt):
                yield from _in_block([part], inner)
            else:
                yield from _in_expression(part, batch)


def _batch(node: ast.stmt) -> Drop | None:
    """The table of ``with op.batch_alter_table("t") as batch_op``."""
    if not isinstance(node, ast.With):
        return None
    for item in node.items:
        call = item.context_expr
        if isinstance(call, ast.Call) and _name(call) == "batch_alter_table":
            return Drop(table=_text(call, 0, "table_name"), schema=_text(call, None, "schema"))
    return None


def _in_expression(node: ast.AST, batch: Drop | None) -> Iterator[Drop]:
    for part in ast.walk(node):
        if not isinstance(part, ast.Call):
            continue
        match _name(part):
            case "drop_table":
                yield Drop(table=_text(part, 0, "table_name"), schema=_text(part, None, "schema"))
            case "drop_column" if batch is not None:
                yield Drop(table=batch.table, column=_text(part, 0, "column_name"), schema=batch.schema)
            case "drop_column":
                yield Drop(
                    table=_text(part, 0, "table_name"),
                    column=_text(part, 1, "column_name"),
                    schema=_text(part, None, "schema"),
                )
            case "execute":
                yield from _in_sql(part)


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _text(call: ast.Call, position: int | None, keyword: str) -> str | None:
    values = [item.value for item in call.keywords if item.arg == keyword]
    if position is not None and len(call.args) > position:
        values = [call.args[position]]
    value = values[0] if values else None
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def _in_sql(call: ast.Call) -> Iterator[Drop]:
    for part in (part for argument in call.args for part in ast.walk(argument)):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            for match in _DROP_TABLE.finditer(part.value):
                yield _named(match[1], None)
            for match in _DROP_COLUMN.finditer(part.value):
                yield _named(match[1], match[2])


def _named(table: str, column: str | None) -> Drop:
    schema, _, name = table.replace('"', "").replace("`", "").rpartition(".")
    plain = column.replace('"', "").replace("`", "") if column is not None else None
    return Drop(table=name, column=plain, schema=schema or None)
