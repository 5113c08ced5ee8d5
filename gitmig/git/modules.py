"""Submodules: at which commit each is, in a tree of git and on disk."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from gitmig.errors import GitError
from gitmig.git.command import Location, Runner, common_dir_of, git_dir_of
from gitmig.git.listing import records
from gitmig.wire.values import CommitId

FILE = ".gitmodules"
EDITED = "+"
"""Between the commit of a submodule on disk and a digest of what its files have beside that."""
_PATH = re.compile(rb'^\s*path\s*=\s*"?(.+?)"?\s*$', re.MULTILINE)


def named(text: bytes) -> list[str]:
    """The paths of the submodules that a ``.gitmodules`` names."""
    return [os.fsdecode(path) for path in _PATH.findall(text)]


def module_of(path: str, modules: Mapping[str, CommitId]) -> str | None:
    """The submodule that a path lies in, or is; None if there is none."""
    return next((one for one in modules if lies_below(path, one)), None)


def lies_below(path: str, root: str) -> bool:
    """Whether a path is ``root``, or lies in it; everything lies below the top."""
    return not root or path == root or path.startswith(f"{root}/")


def not_laid_out(top: Path) -> list[str]:
    """The submodules of a work tree that a clone was not asked for: their folders are empty."""
    try:
        text = (top / FILE).read_bytes()
    except OSError:
        return []
    return [path for path in named(text) if git_dir_of(top / path) is None]


def on_disk(top: Path, path: str) -> CommitId | None:
    """What a submodule is at: its HEAD, with a digest of what was changed since.

    None if it is not laid out.
    """
    place = top / path
    git_dir = git_dir_of(place)
    if git_dir is None or not git_dir.is_dir():
        return None
    runner = Runner(Location(top=place, git_dir=git_dir, common_dir=common_dir_of(git_dir)))
    try:
        commit = runner.run(["rev-parse", "--verify", "--quiet", "HEAD"]).decode().strip()
        changed = runner.run(["diff", "--no-ext-diff", "--no-textconv", "--binary", "HEAD", "--"])
        new = records(runner.run(["ls-files", "-z", "-o", "--exclude-standard"]))
    except GitError:
        return None
    more = b"".join([changed, *_described(place, new)])
    return CommitId(commit + (EDITED + hashlib.sha256(more).hexdigest()[:12] if more else ""))


def _described(top: Path, names: list[str]) -> Iterator[bytes]:
    for name in sorted(names):
        try:
            now = os.lstat(top / name)
        except OSError:
            continue
        yield f"{name} {now.st_mtime_ns} {now.st_size}\n".encode("utf-8", "surrogateescape")
