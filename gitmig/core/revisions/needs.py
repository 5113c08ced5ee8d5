"""Whether the script of a revision needs anything beside itself. Pure."""

from __future__ import annotations

import ast
import functools
import sys

from gitmig.core.parsing import parse_module

# Modules of the standard library through which a script reads files, other scripts or the application.
_REACHING = frozenset(
    """
    builtins codecs configparser csv fileinput glob gzip importlib imp io linecache logging mmap os pathlib
    pickle pkgutil runpy shelve shutil site sqlite3 subprocess sys tarfile tempfile tomllib zipfile zipimport
    """.split()  # noqa: SIM905 - thirty names in quotes are harder to read
)
_LIBRARIES = frozenset({"alembic", "sqlalchemy"})
_NAMES = frozenset({"__file__", "__import__", "__path__", "compile", "eval", "exec", "open"})
# What leads from Alembic's context to its configuration and to other scripts.
_ATTRIBUTES = frozenset({"script", "config", "opts", "environment_context"})


@functools.lru_cache(maxsize=4096)
def stands_alone(text: str) -> bool:
    """Whether a script does the same wherever it lies: it reads no files, and imports nothing of a project.

    False if that cannot be said, as of a module that may be the project's.
    """
    try:
        module = parse_module(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return not any(_reaches_out(node) for node in ast.walk(module))


def _reaches_out(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return not all(_is_library(alias.name) for alias in names)
        case ast.ImportFrom(module=name, level=level):
            return bool(level) or not _is_library(name or "")
        case ast.Name(id=name):
            return name in _NAMES
        case ast.Attribute(attr=name):
            return name in _ATTRIBUTES
    return False


def _is_library(name: str) -> bool:
    first = name.partition(".")[0]
    return first in _LIBRARIES or (first in sys.stdlib_module_names and first not in _REACHING)
