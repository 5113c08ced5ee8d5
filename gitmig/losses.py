"""Which rows a revision script would lose: the tables and columns that a step drops, read as text. Pure."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from gitmig.parsing import parse_module

_PART = r"(?:\"(?:[^\"]|\"\")+\"|`[^`]+`|\[[^\]]+\]|'[^']+'|\w+)"
_TABLE = rf"{_PART}(?:\s*\.\s*{_PART})?"
_DROP_TABLE = re.compile(
    rf"\bdrop\s+table\s+(?:if\s+exists\s+)?({_TABLE}(?:\s*,\s*{_TABLE})*)", re.IGNORECASE
)
_ALTER_TABLE = re.compile(
    rf"\balter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?({_TABLE})\s+([^;]*)", re.IGNORECASE
)
_TEXT = re.compile(r"(?<!drop )(?<!column )(?<!exists )'(?:[^']|'')*'", re.IGNORECASE)
"""A text, but where SQLite takes it for a name."""
_DROP_COLUMN = re.compile(
    r"(?:^|,)\s*drop\s+(?:column\s+|(?!(?:constraint|primary|foreign|unique|index|key|check|partition|system|period)\b))"
    rf"(?:if\s+exists\s+)?({_PART})",
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
                for table in re.findall(_TABLE, match[1]):
                    yield _named(table, None)
            for match in _ALTER_TABLE.finditer(part.value):
                for column in _DROP_COLUMN.findall(_TEXT.sub("''", match[2])):
                    yield _named(match[1], column)


def _named(table: str, column: str | None) -> Drop:
    *schema, name = map(_plain, re.findall(_PART, table))
    return Drop(
        table=name,
        column=_plain(column) if column is not None else None,
        schema=schema[0] if schema else None,
    )


def _plain(name: str) -> str:
    """Without quotation marks."""
    return name if name[0].isalnum() or name[0] == "_" else name[1:-1].replace(name[0] * 2, name[0])
