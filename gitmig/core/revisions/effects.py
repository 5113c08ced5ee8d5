"""Whether a revision script does more than change the schema: moves data, runs SQL, calls the application."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator

from gitmig.core.parsing import parse_module

# What of Alembic's operations changes the schema and nothing else, and what is written around it.
_OPERATIONS = frozenset(
    """
    add_column alter_column batch_alter_table create_check_constraint create_exclude_constraint
    create_foreign_key create_index create_primary_key create_table create_table_comment
    create_unique_constraint drop_column drop_constraint drop_index drop_table drop_table_comment f
    rename_table
    """.split()  # noqa: SIM905 - twenty names in quotes are harder to read
)
_CONSTRUCTS = frozenset({"sa", "sqlalchemy", "postgresql", "mysql", "sqlite", "mssql", "oracle"})


@functools.lru_cache(maxsize=1024)
def moves_data(text: str) -> bool:
    """Whether ``upgrade`` may do anything that the difference of two schemas does not show.

    True also if that cannot be said: only running the script would tell.
    """
    try:
        module = parse_module(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    found = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade"]
    if not found:
        return True
    return any(not _is_schema(call) for node in ast.walk(found[-1]) if (call := _call(node)) is not None)


def _call(node: ast.AST) -> ast.Call | None:
    return node if isinstance(node, ast.Call) else None


def _is_schema(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Name(id="op" | "batch_op"), attr=name):
            return name in _OPERATIONS
        case ast.Attribute() as attribute:
            return _root(attribute) in _CONSTRUCTS
    return False


def _root(node: ast.expr) -> str | None:
    """The name that ``sa.dialects.postgresql.ENUM`` begins with."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


@functools.lru_cache(maxsize=1024)
def makes(text: str) -> tuple[tuple[str, str], ...]:
    """The tables and columns that ``upgrade`` makes by operations: table and column, "" for a table.

    What it makes in other ways, or under names that are not written out, is not among them.
    """
    try:
        module = parse_module(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    found = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade"]
    return tuple(_made(found[-1].body, None)) if found else ()


def _made(body: list[ast.stmt], batch: str | None) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.With):
            call = node.items[0].context_expr
            yield from _made(node.body, _first(call) if isinstance(call, ast.Call) else None)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield from _made_by(node.value, batch)


def _made_by(call: ast.Call, batch: str | None) -> Iterator[tuple[str, str]]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    schema = next((_text(item.value) for item in call.keywords if item.arg == "schema"), None)
    table = _first(call) if batch is None else batch
    column = call.args[0 if batch is not None else 1 :][:1]
    if table is None:
        return
    full = f"{schema}.{table}" if schema else table
    if name == "create_table":
        yield full, ""
    elif name == "add_column" and column and isinstance(column[0], ast.Call):
        added = _first(column[0])
        if added is not None:
            yield full, added


def _first(call: ast.Call) -> str | None:
    return _text(call.args[0]) if call.args else None


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
