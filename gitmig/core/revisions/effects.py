"""Whether a revision script does more than change the schema: moves data, runs SQL, calls the application."""

from __future__ import annotations

import ast
import functools

from gitmig.parsing import parse_module

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
