"""Flask's application in a repository where Flask would not find it unasked: read as text, never imported."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from gitmig.git.flat_trees import WorkTree
from gitmig.git.repository import Repository

_FACTORIES = ("create_app", "make_app")
_FIRST = re.compile(rb"create_app|make_app|Flask\(")
_ASIDE = frozenset({"test", "tests", "docs", "examples", "migrations", "conftest.py"})


def factory_of(repository: Repository, folder: str) -> str | None:
    """``module:create_app`` of the one module below ``folder`` that makes an application.

    None if there is none, or if several do: then a person has to say which.
    """
    tree = WorkTree(repository)
    prefix = f"{folder}/" if folder else ""
    paths = [path for path in tree.ids(folder) if path.endswith(".py") and not _ASIDE & set(path.split("/"))]
    found = [
        f"{_module(path.removeprefix(prefix))}:{name}" if name else _module(path.removeprefix(prefix))
        for path, data in sorted(tree.read_all(paths).items())
        if _FIRST.search(data)
        for name in _made(data)
    ]
    factories = [one for one in found if one.endswith(_FACTORIES)] or found
    shallow = min((one.count(".") for one in factories), default=0)
    nearest = [one for one in factories if one.count(".") == shallow]
    return nearest[0] if len(nearest) == 1 else None


def _made(data: bytes) -> Iterator[str]:
    """The factories of a module; an empty text for an application that Flask finds in it by itself."""
    try:
        body = ast.parse(data).body
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name in _FACTORIES:
            yield node.name
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            called = node.value.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name == "Flask":
                yield ""


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
