"""What lies in the way of files to be put back, and is not looked at by git itself.

``read-tree`` overwrites ignored files, replaces linked folders, and leaves out what a sparse checkout
does not show; a filter that fails stops it half-way. All of that is found here beforehand.
"""

from __future__ import annotations

import json
import os
import shlex
import stat
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gitmig.errors import GitError, Refused
from gitmig.git import changes
from gitmig.git.bytecode import entries_of
from gitmig.git.listing import records
from gitmig.git.objects import Entry
from gitmig.git.worktree import PLAIN, insert, linked_parent, private_index, scan
from gitmig.wire.values import BlobId

if TYPE_CHECKING:
    from gitmig.git.repository import Repository


def require_clear(
    repository: Repository, old: Mapping[str, Entry], new: Mapping[str, Entry], *, filters: bool = True
) -> None:
    """Raise Refused, naming the file and the way out, unless ``new`` can be written over ``old``.

    ``filters``: whether git's filters are tried too, which is a process for each file that has one.
    """
    require_no_lock(repository)
    require_no_links(repository, {*old, *new})
    for path in sorted(set(new) - set(old)):
        require_free(repository, path, old)
    _require_one_case(repository, old, new)
    _require_shown(repository, sorted(new))
    if filters:
        _require_filters(repository, new)


def require_no_links(repository: Repository, paths: Collection[str]) -> None:
    """Raise Refused if a path leads through a symbolic link: git would not follow it."""
    for path in sorted(paths):
        if (link := linked_parent(repository.top, path)) is not None:
            raise Refused(
                f"{quoted(link)} is a symbolic link, so {quoted(path)} lies elsewhere",
                hint="replace the link by a folder, or name the real place in `models` in [tool.gitmig]",
            )


def quoted(path: str) -> str:
    """A path for a message or a command line: quoted when it has to be, one line always."""
    return shlex.quote(path) if path.isprintable() else json.dumps(path)


def aside(path: str) -> str:
    """How to keep what lies at a path when git does not."""
    return f"move it away: mv {quoted(path)} {quoted(path + '.mine')}"


def require_no_lock(repository: Repository) -> None:
    """Raise Refused while another git command holds the index."""
    lock = repository.git_dir / "index.lock"
    if os.path.lexists(lock):
        raise Refused(
            f"another git command is at work here: {lock} exists",
            hint="wait for it; if there is none, it crashed, and the file can be removed",
        )


def require_free(repository: Repository, path: str, old: Collection[str]) -> None:
    """A path that is to be new: nothing may be there, but for files and folders that will go.

    ``old`` are the files that will. Raises Refused.
    """
    place = repository.top / path
    parts = path.split("/")
    for count in range(1, len(parts)):
        parent = "/".join(parts[:count])
        if (
            parent not in old
            and os.path.lexists(repository.top / parent)
            and not (repository.top / parent).is_dir()
        ):
            raise _in_the_way(parent, f"{quoted(parent)} is a file where a folder goes")
    try:
        mode = os.lstat(place).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if not stat.S_ISDIR(mode):
        raise _in_the_way(path, f"{quoted(path)} is in the way")
    if (inside := _kept(repository.top, path, old)) is not None:
        raise _in_the_way(inside, f"{quoted(inside)} is in the way: {quoted(path)} is to be a file")


def _in_the_way(path: str, message: str) -> Refused:
    return Refused(message, hint=aside(path))


def _kept(top: Path, folder: str, old: Collection[str]) -> str | None:
    """A file in a folder that will not go away, or None."""
    for entry in entries_of(top / folder):
        path = f"{folder}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            if (inside := _kept(top, path, old)) is not None:
                return inside
        elif path not in old:
            return path
    return None


def _require_one_case(repository: Repository, old: Collection[str], new: Collection[str]) -> None:
    if repository.config("core.ignorecase") != "true":
        return
    known = {path.casefold(): path for path in new}
    for path in sorted(old):
        other = known.get(path.casefold(), path)
        if other != path:
            raise Refused(
                f"{quoted(path)} and {quoted(other)} are one file on this disk",
                hint=f"git mv {quoted(path)} {quoted(other)}",
            )


def require_committable(repository: Repository, paths: Collection[str]) -> None:
    """Raise Refused, naming the file and the way out, if git would not add or commit these files.

    They may be not there yet. Nothing is written but objects.
    """
    require_no_lock(repository)
    require_no_links(repository, paths)
    if ignored := sorted(changes.ignored(repository, paths)):
        path = quoted(ignored[0])
        raise Refused(f"git ignores {path}, and would not commit it", hint=f"git check-ignore -v -- {path}")
    seen = scan(repository.runner, sorted(paths))
    if hidden := sorted(seen.hidden.intersection(paths)):
        flag = "skip-worktree" if hidden[0] in seen.skipped else "assume-unchanged"
        raise Refused(
            f"{quoted(hidden[0])} is {flag}, and git would not commit it as it is on disk",
            hint=f"git update-index --no-{flag} -- {' '.join(map(quoted, hidden))}",
        )
    _require_shown(repository, sorted(paths))


def _require_shown(repository: Repository, new: Sequence[str]) -> None:
    if not new or repository.config("core.sparseCheckout") != "true":
        return
    # git alone knows its patterns: it checks the files out elsewhere, and what comes is seen.
    with (
        private_index(repository.runner, write=True) as env,
        tempfile.TemporaryDirectory(dir=repository.runner.temporary()) as top,
    ):
        repository.git(*PLAIN, "read-tree", "--empty", env=env)
        insert(repository.runner, env, dict.fromkeys(new, _empty(repository)))
        tree = repository.git(*PLAIN, "write-tree", env=env).decode().strip()
        elsewhere = {**env, "GIT_WORK_TREE": top, "GIT_DIR": str(repository.git_dir)}
        repository.git(*PLAIN, "read-tree", "--empty", env=elsewhere)
        repository.git(*PLAIN, "read-tree", "-m", "-u", tree, env=elsewhere)
        missing = [path for path in new if not os.path.lexists(os.path.join(top, path))]
    if missing:
        folder = missing[0].rpartition("/")[0] or missing[0]
        raise Refused(
            f"{quoted(missing[0])} is outside of the sparse checkout",
            hint=f"git sparse-checkout add {quoted(folder)}",
        )


def _empty(repository: Repository) -> Entry:
    return Entry("100644", BlobId(repository.git("hash-object", "-w", "--stdin", input=b"").decode().strip()))


def _require_filters(repository: Repository, new: Mapping[str, Entry]) -> None:
    files = [path for path, entry in new.items() if not entry.is_link]
    for path in _filtered(repository, files):
        try:
            repository.git("cat-file", "--filters", f"--path={path}", new[path].blob)
        except GitError as error:
            raise Refused(
                f"{quoted(path)} cannot be written: its filter failed",
                hint=f"git check-attr filter -- {quoted(path)}",
                detail=error.detail or error.message,
            ) from error


def _filtered(repository: Repository, paths: Sequence[str]) -> list[str]:
    names = b"".join(os.fsencode(path) + b"\0" for path in paths)
    if not names:
        return []
    fields = records(repository.git("check-attr", "-z", "--stdin", "filter", input=names))
    return [
        path
        for path, _, value in zip(*[iter(fields)] * 3, strict=True)
        if value not in ("unspecified", "unset")
    ]
