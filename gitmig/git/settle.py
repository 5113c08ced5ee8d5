"""Bringing the files of an interrupted command to one of its two sides, and keeping what it replaces.

A killed ``read-tree -u`` leaves a file old, new, absent, or a beginning of new (measured); whatever else is
there was written by somebody since, and is left alone.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gitmig.git.bytecode import remove_leftovers
from gitmig.git.commits import IDENTITY
from gitmig.git.objects import Entry
from gitmig.git.restore import Restoration
from gitmig.git.worktree import PLAIN, hash_files, insert, private_index, records
from gitmig.wire.values import CommitId

if TYPE_CHECKING:
    from gitmig.git.repository import Repository

BACKUPS = "refs/gitmig/backup/"
_KEPT_SECONDS = 90 * 24 * 3600


def settle_files(
    repository: Repository, old: Mapping[str, Entry], new: Mapping[str, Entry], *, forward: bool
) -> tuple[str, ...]:
    """Make the files ``new`` (``forward``) or ``old`` again. Returns the paths that were left alone.

    Those hold bytes that the interrupted command did not write.
    """
    paths = sorted({*old, *new})
    now = hash_files(repository.runner, paths, seeds={**new, **old})
    wanted = new if forward else old
    foreign = [
        path for path in paths if not _ours(repository, path, now.get(path), old.get(path), new.get(path))
    ]
    todo = [path for path in paths if path not in foreign and now.get(path) != wanted.get(path)]
    for path in todo:
        if path in now:
            (repository.top / path).unlink()
    _write(repository, {path: wanted[path] for path in todo if path in wanted})
    remove_leftovers(repository.top, [path for path in paths if path not in wanted and path not in foreign])
    return tuple(foreign)


def drop_backup(repository: Repository, backup: str) -> None:
    """Forget a backup: everything is back where it was."""
    repository.git("update-ref", "-d", backup)


def _ours(repository: Repository, path: str, now: Entry | None, old: Entry | None, new: Entry | None) -> bool:
    if now is None or now in (old, new):
        return True
    if new is None:
        return False
    written = repository.git("cat-file", "--filters", f"--path={path}", new.blob)
    return written.startswith(_bytes(repository.top / path))


def _bytes(path: Path) -> bytes:
    return os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()


def _write(repository: Repository, entries: Mapping[str, Entry]) -> None:
    if not entries:
        return
    with private_index(repository.runner, write=True) as env:
        repository.runner.run([*PLAIN, "read-tree", "--empty"], env=env)
        insert(repository.runner, env, entries)
        repository.git(
            *PLAIN, "checkout-index", "--force", "-z", "--stdin",
            input=b"".join(os.fsencode(path) + b"\0" for path in entries), env=env,
        )  # fmt: skip


def keep_backup(repository: Repository, restoration: Restoration, operation: str, why: str) -> str | None:
    """A ref to a commit that holds the files that a restoration replaces; None where it replaces none.

    Backups older than 90 days are let go of.
    """
    _expire(repository)
    if not restoration.old:
        return None
    runner, head = repository.runner, repository.head()
    with private_index(runner, write=True) as env:
        runner.run(
            [*PLAIN, "read-tree", head] if head is not None else [*PLAIN, "read-tree", "--empty"], env=env
        )
        hash_files(runner, restoration.old, seeds=restoration.old, write=True)
        insert(runner, env, restoration.old)
        tree = repository.git(*PLAIN, "write-tree", env=env).decode().strip()
    parent = ["-p", head] if head is not None else []
    made = repository.git("commit-tree", *parent, "-m", why, tree, env=IDENTITY).decode().strip()
    ref = f"{BACKUPS}{int(time.time())}-{operation[:8]}"
    repository.git("update-ref", "--create-reflog", ref, CommitId(made))
    return ref


def _expire(repository: Repository) -> None:
    oldest = time.time() - _KEPT_SECONDS
    for ref in records(repository.git("for-each-ref", "--format=%(refname)%00", BACKUPS)):
        moment = ref.strip().removeprefix(BACKUPS).partition("-")[0]
        with contextlib.suppress(ValueError):
            if ref.strip() and int(moment) < oldest:
                repository.git("update-ref", "-d", ref.strip())
