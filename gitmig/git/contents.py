"""What a tree holds at or below some paths, and a digest of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from gitmig.git.modules import lies_below

if TYPE_CHECKING:
    from gitmig.git.trees import Tree


def content_digest(tree: Tree, paths: Iterable[str]) -> str | None:
    """A digest of what is at or below some paths, 16 hex digits; None if there is nothing."""
    files: dict[str, str] = {}
    for path in paths:
        files.update(contents(tree, path.strip("/")))
    return digest_of(files)


def contents(tree: Tree, prefix: str = "") -> Mapping[str, str]:
    """Path to id of every file and every submodule at or below a path."""
    found: dict[str, str] = dict(tree.ids(prefix))
    return found | {path: commit for path, commit in tree.modules().items() if lies_below(path, prefix)}


def digest_of(files: Mapping[str, str]) -> str | None:
    """The digest of :func:`content_digest` for path to blob id."""
    return digest_of_sorted(sorted(digest_line(path, blob) for path, blob in files.items()))


def digest_line(path: str, blob: str) -> bytes:
    """What one file adds to a content digest."""
    return os.fsencode(path) + b"\0" + blob.encode() + b"\n"


def digest_of_sorted(lines: Sequence[bytes]) -> str | None:
    """The digest of :func:`content_digest` for the lines of all files, sorted."""
    return hashlib.sha256(b"".join(lines)).hexdigest()[:16] if lines else None
