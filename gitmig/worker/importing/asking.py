"""Which paths the project's code may ask whether they are there.

No event tells of ``os.path.exists``. So a module that asks such questions is read: each of its texts that can
be a name is taken for one, from the current directory and from the module's folder and those above it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

_THERE = "exists|lexists|isfile|is_file|isdir|is_dir|access|l?stat"
_ASKS = re.compile(rf"\b(?:{_THERE}|islink|is_symlink|getsize|getmtime)\s*\(")
_NAME = r"(?=[^\"']*[a-zA-Z])[\w.@~-][\w./@~+-]{0,79}"
_TEXT = rf"""(?:"{_NAME}"|'{_NAME}')"""
_LITERAL = re.compile(_TEXT)
_CALL = re.compile(rf"\b(?:{_THERE}|join|joinpath|Path)\(([^()\n]*(?:\([^()]*\))?[^()]*)\)")
_CHAIN = re.compile(rf"(?:/\s*{_TEXT}\s*)+")
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


def _names(file: str) -> Iterator[str]:
    """The texts of a module that can be the name of a file or folder; none if it asks for nothing.

    A name without an ending counts where paths are put together.
    """
    try:
        with open(file, encoding="utf-8", errors="replace") as source:
            text = source.read()
    except OSError:
        return
    if _ASKS.search(text) is None:
        return
    # Not by a syntax tree: for a module of some thousand lines that takes longer than its import.
    yield from (name for name in _literals(text) if "." in name or "/" in name)
    for part in (*_CALL.findall(text), *_CHAIN.findall(text)):
        words = _literals(part)
        yield from words
        if len(words) > 1:
            yield "/".join(words)


def _literals(text: str) -> list[str]:
    return [literal[1:-1] for literal in _LITERAL.findall(text)]


def _joined(folder: str, name: str) -> str | None:
    path = os.path.normpath(os.path.join(folder, name))
    return None if path.startswith("..") or path in (".", "") or os.path.isabs(path) else path


def _upwards(folder: str) -> Iterator[str]:
    yield folder
    while folder:
        folder = os.path.dirname(folder)
        yield folder
