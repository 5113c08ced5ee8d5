"""Which paths the project's code may ask whether they are there.

No event tells of ``os.path.exists``. So a module that asks such questions is read: each of its texts that can
be a name is taken for one, from the current directory and from the module's folder and those above it.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Iterator

_ASKS = re.compile(
    r"\b(?:exists|lexists|isfile|is_file|isdir|is_dir|islink|is_symlink|access|l?stat|getsize|getmtime)\s*\("
)
_NAME = re.compile(r"[\w.@~-][\w./@~+ -]{0,79}")
_SETTINGS = (".env", ".flaskenv")
"""What libraries look for on the project's behalf, in the current directory and above it."""


def paths_asked_for(modules: Iterable[str], top: str, now: str) -> set[str]:
    """Paths below ``top`` that code of these modules may ask for; those that are not there too.

    Args:
        modules: paths of Python files relative to the top.
        top: the folder that they lie in.
        now: the current directory, relative to the top.
    """
    found = {path for folder in _upwards(now) for name in _SETTINGS if (path := _joined(folder, name))}
    for module in modules:
        folders = dict.fromkeys((now, *_upwards(os.path.dirname(module))))
        for name in _names(os.path.join(top, module)):
            found |= {path for folder in folders if (path := _joined(folder, name))}
    return found


def _names(file: str) -> set[str]:
    """The texts of a module that can be the name of a file or folder; none if it asks for nothing."""
    try:
        with open(file, encoding="utf-8") as source:
            text = source.read()
        if _ASKS.search(text) is None:
            return set()
        texts = [text for node in ast.walk(ast.parse(text)) for text in _texts(node)]
    except (OSError, ValueError, SyntaxError, RecursionError):
        return set()
    return {text for text in texts if _NAME.fullmatch(text)}


def _texts(node: ast.AST) -> Iterator[str]:
    """A text, or what the texts that a call or a chain of ``/`` has in a row make together."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, (ast.Call, ast.BinOp)):
        parts = node.args if isinstance(node, ast.Call) else _chain(node)
        words = [
            part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)
        ]
        if len(words) > 1:
            yield "/".join(words)


def _chain(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return [*_chain(node.left), node.right]
    return [node]


def _joined(folder: str, name: str) -> str | None:
    path = os.path.normpath(os.path.join(folder, name))
    return None if path.startswith("..") or path in (".", "") or os.path.isabs(path) else path


def _upwards(folder: str) -> Iterator[str]:
    yield folder
    while folder:
        folder = os.path.dirname(folder)
        yield folder
