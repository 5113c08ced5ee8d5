"""Python's syntax trees, also of a syntax that the Python that runs gitmig does not know."""

from __future__ import annotations

import ast
import functools
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any, cast

Reader = Callable[[str], object]
"""Gives what :func:`rebuilt` takes for a module's text, or None for what it cannot read either."""
_CONFLICT = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)
_POSITION = ("lineno", "col_offset", "end_lineno", "end_col_offset")
_readers: list[Reader] = []


def use_reader(reader: Reader | None) -> None:
    """Let ``reader``, another version of Python, read what this one cannot; None: nothing else does."""
    _readers[:] = [] if reader is None else [reader]
    parse_module.cache_clear()


@functools.lru_cache(maxsize=8)
def parse_module(text: str) -> ast.Module:
    """The syntax tree of a module, without the warnings that invalid escapes give.

    The last few are kept, since several things are asked of one script in a row: nobody may change them.
    Raises SyntaxError, ValueError (surrogates, on some versions a NUL), RecursionError or MemoryError.
    """
    text = text.removeprefix("\ufeff")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except SyntaxError:
            # What git leaves of a merge is the syntax of no version.
            if not _readers or _CONFLICT.search(text):
                raise
            read = _readers[0](text)
            if read is None:
                raise
    return cast("ast.Module", rebuilt(read))


def rebuilt(value: object) -> Any:
    """The syntax tree that another Python described.

    A node is ``{"node": class, "base": class that every version has, "at": position, "fields": {name: …}}``,
    a constant ``{"constant": its repr}``, besides lists, strings, numbers and None. A class that this Python
    does not have is made, so that the tree has the same shape as there.
    """
    if isinstance(value, list):
        return [rebuilt(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    if "constant" in value:
        text = str(value["constant"])
        return Ellipsis if text == "Ellipsis" else ast.literal_eval(text)
    fields = cast("Mapping[str, object]", value["fields"])
    node = _class(str(value["node"]), str(value["base"]), tuple(fields))()
    for name, field in fields.items():
        setattr(node, name, rebuilt(field))
    for name, number in zip(_POSITION, value["at"], strict=False):
        setattr(node, name, number)
    return node


@functools.cache
def _class(name: str, base: str, fields: tuple[str, ...]) -> type[ast.AST]:
    known = cast("type[ast.AST] | None", getattr(ast, name, None))
    if known is not None and set(fields) <= set(known._fields):
        return known
    parent = known or cast("type[ast.AST]", getattr(ast, base, ast.AST))
    # Without annotations of its own fields, Python 3.13 and later would warn of those that are missing.
    return type(name, (parent,), {"_fields": fields, "_field_types": {}})


UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


def why_unparsable(error: BaseException) -> str:
    """Why a text is no module, as a person reads it; for one of :data:`UNPARSABLE`."""
    match error:
        case SyntaxError():
            return error.msg or "invalid syntax"
        case UnicodeDecodeError():
            return f"it is not {error.encoding} text"
        case RecursionError() | MemoryError():
            return "it is nested too deeply"
    return str(error)
