"""Compiled bytecode of modules that are gone: the one thing that is deleted and not in git."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

_CACHE = "__pycache__"


def remove_leftovers(top: Path, removed: Sequence[str]) -> None:
    """Delete the bytecode of removed modules, and the folders that held nothing else.

    A folder that is not there any more is no error; neither is one that cannot be written.
    """
    for path in removed:
        module = top / path
        if module.suffix == ".py":
            _remove_module(module)
    for path in sorted(removed, key=lambda path: -path.count("/")):
        _remove_empty(top, (top / path).parent)


def entries_of(folder: Path) -> list[os.DirEntry[str]]:
    """What is directly in a folder, by name."""
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def is_only_bytecode(folder: Path) -> bool:
    """Whether a folder holds nothing but caches of bytecode, at any depth; links count as content."""
    for entry in entries_of(folder):
        if entry.is_dir(follow_symlinks=False):
            if not is_only_bytecode(Path(entry.path)):
                return False
        elif not (
            folder.name == _CACHE and entry.name.endswith(".pyc") and entry.is_file(follow_symlinks=False)
        ):
            return False
    return True


def remove_bytecode(folder: Path) -> None:
    """Delete a folder for which :func:`is_only_bytecode` holds, entry by entry."""
    for entry in entries_of(folder):
        if entry.is_dir(follow_symlinks=False):
            remove_bytecode(Path(entry.path))
        elif folder.name == _CACHE and entry.name.endswith(".pyc"):
            os.unlink(entry.path)
    folder.rmdir()


def _remove_module(module: Path) -> None:
    cache = module.parent / _CACHE
    if not _is_folder(cache):
        return
    for compiled in cache.iterdir():
        # `models.cpython-311.opt-1.pyc` belongs to models.py, `models_old.….pyc` does not.
        if compiled.suffix == ".pyc" and compiled.name.split(".", 1)[0] == module.stem:
            compiled.unlink(missing_ok=True)


def _remove_empty(top: Path, folder: Path) -> None:
    while folder != top and _is_folder(folder):
        try:
            if not is_only_bytecode(folder):
                return
            remove_bytecode(folder)
        except OSError:
            return
        folder = folder.parent


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
