"""What an import saw of a tree, as plain values.

The standard library alone: the hook's quick answer needs it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    class Paths(Protocol):
        """The paths of a tree."""

        def blob(self, path: str) -> str | None:
            """The blob id of a file; None if there is no such file."""

        def exists(self, path: str) -> bool:
            """Whether there is a file or folder of that name."""

        def modules(self) -> Mapping[str, str]:
            """Path to commit of every submodule."""

        def listing(self, folder: str) -> tuple[Iterable[str], Iterable[str]]:
            """The names of the files and of the folders in a folder."""


def files_seen(tree: Paths, files: Iterable[str], top: str | os.PathLike[str]) -> dict[str, str]:
    """Their content by path: blob ids, or digests of what only the disk has (ignored, generated modules)."""
    return {path: content_of(tree, path, top) for path in sorted(set(files))}


def lookups_seen(tree: Paths, names: Iterable[str]) -> dict[str, str]:
    """What an import finds under names without their ending: ``p``ackage, ``m``odule, ``d``irectory."""
    return {name: _shape(tree, name) for name in sorted(set(names))}


def listings_seen(tree: Paths, folders: Iterable[str]) -> dict[str, str]:
    """A digest of the names in each of these folders."""
    return {folder: _entries(tree, folder) for folder in sorted(set(folders))}


def asked_seen(tree: Paths, paths: Iterable[str], top: str | os.PathLike[str]) -> dict[str, str]:
    """What is at paths that code asked for: ``f``ile, ``d``irectory, ``o``n disk alone, or nothing."""
    return {path: _kind(tree, path, top) for path in sorted(set(paths))}


def unchanged(tree: Paths, seen: Mapping[str, Mapping[str, str]], top: str | os.PathLike[str]) -> bool:
    """Whether all that an import saw (``files``, ``lookups``, ``listings``, ``asked``) is the same in a tree.

    Stops at the first that is not: of many trees most differ.
    """
    return file_changed(tree, seen["files"], top) is None and names_unchanged(tree, seen, top)


def names_unchanged(tree: Paths, seen: Mapping[str, Mapping[str, str]], top: str | os.PathLike[str]) -> bool:
    """The same for all but the content of files."""
    return (
        all(_shape(tree, name) == there for name, there in seen["lookups"].items())
        and all(_entries(tree, folder) == there for folder, there in seen["listings"].items())
        and all(_kind(tree, path, top) == there for path, there in seen["asked"].items())
    )


def file_changed(tree: Paths, files: Mapping[str, str], top: str | os.PathLike[str]) -> str | None:
    """The first of these files that is another in a tree; None if none is."""
    return next((path for path, there in files.items() if content_of(tree, path, top) != there), None)


def content_of(tree: Paths, path: str, top: str | os.PathLike[str]) -> str:
    """What stands for the content of a file: its blob's id, or a digest of what only the disk has."""
    blob = tree.blob(path)
    if blob is not None:
        return str(blob)
    module = next((commit for one, commit in tree.modules().items() if path.startswith(f"{one}/")), None)
    return f"submodule:{module}" if module is not None else _on_disk(os.path.join(top, path))


def _on_disk(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return "disk:" + hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return "disk:absent"


def _shape(tree: Paths, name: str) -> str:
    shape = "m" if tree.blob(f"{name}.py") is not None else ""
    if tree.blob(f"{name}/__init__.py") is not None:
        return "p" + shape
    return ("d" if tree.exists(name) and tree.blob(name) is None else "") + shape


def _kind(tree: Paths, path: str, top: str | os.PathLike[str]) -> str:
    if tree.blob(path) is not None:
        return "f"
    if tree.exists(path):
        return "d"
    return "o" if os.path.exists(os.path.join(top, path)) else ""


def _entries(tree: Paths, folder: str) -> str:
    names, folders = tree.listing(folder)
    text = "\n".join([*sorted(names), "", *sorted(folders)])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
