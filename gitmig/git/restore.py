"""Putting files back, without ever overwriting or deleting what git does not hold.

An *edit* is content that no reachable commit holds at its path; one edit among the files in question, and
nothing is done. Everything happens in a private index with just the differing files: git compares it with the
work tree once more before it writes, and the real index is never touched.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gitmig.errors import GitError, Refused
from gitmig.git import changes, obstacles
from gitmig.git.bytecode import remove_leftovers
from gitmig.git.changes import PathState, changed, held
from gitmig.git.commits import IDENTITY
from gitmig.git.listing import records
from gitmig.git.modules import on_disk
from gitmig.git.objects import Entry
from gitmig.git.trees import CommitTree
from gitmig.git.worktree import PLAIN, Scan, hash_files, insert, private_index, record, scan
from gitmig.wire.values import BlobId, CommitId

if TYPE_CHECKING:
    from gitmig.git.repository import Repository

# What a sparse checkout does not show was refused before; git must not leave it out on its own.
_READ_TREE = (*PLAIN, "-c", "core.sparseCheckout=false", "read-tree", "-m", "-u")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """The files that differ: what is on disk, and what is to be there. Absent files are left out."""

    old: Mapping[str, Entry]
    new: Mapping[str, Entry]

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that will be written or removed, sorted."""
        return tuple(sorted({*self.old, *self.new}))

    @property
    def removed(self) -> tuple[str, ...]:
        """The paths that will be gone, sorted."""
        return tuple(sorted(set(self.old) - set(self.new)))


def edits(repository: Repository, paths: Sequence[str]) -> tuple[str, ...]:
    """The files at or below some paths that are edits, on disk or staged; ignored ones are not asked."""
    return _edits(repository, changed(repository, _stripped(paths)))


def _edits(repository: Repository, states: Sequence[PathState]) -> tuple[str, ...]:
    found = []
    for state in states:
        contents = {entry.blob for entry in (state.index, state.worktree) if entry is not None}
        safe = {state.head.blob} if state.head is not None else set()
        if any(not held(repository, state.path, blob) for blob in sorted(contents - safe)):
            found.append(state.path)
    return tuple(found)


def plan_restoration(repository: Repository, target: CommitId, models: Sequence[str]) -> Restoration:
    """What makes the models files those of a commit. Writes nothing.

    Raises Refused, naming the files: edits, conflicts, and what lies in the way of
    a file to be written (not held by git: untracked, ignored, folders; not followed: links, submodules,
    sparse).
    """
    paths = _stripped(models)
    seen = scan(repository.runner, paths)
    new = _target_files(repository, target, paths, seen)
    # Name the link, not the edits that git sees around it.
    obstacles.require_no_links(repository, new)
    on_disk = _files_on_disk(repository, seen, new)
    states = _states(repository, seen, on_disk, paths)
    if found := _edits(repository, states):
        raise _lost(repository, found, seen)
    old = {path: entry for path, entry in on_disk.items() if new.get(path) != entry}
    restoration = Restoration(
        old=old, new={path: entry for path, entry in new.items() if on_disk.get(path) != entry}
    )
    obstacles.require_clear(repository, restoration.old, restoration.new)
    return restoration


def _lost(repository: Repository, found: Sequence[str], seen: Scan) -> Refused:
    message, detail = f"{_named(found)} would be lost: git does not hold {_them(found)}", "\n".join(found)
    if away := sorted(changes.ignored(repository, found)):
        # git's stash leaves them out.
        return Refused(message, hint=obstacles.aside(away[0]), detail=detail)
    names = " ".join(map(obstacles.quoted, found))
    untracked = "--include-untracked " if seen.untracked.intersection(found) else ""
    hint = f"git stash push {untracked}-- {names}, or commit first"
    if seen.hidden.intersection(found):
        flag = "skip-worktree" if seen.skipped.intersection(found) else "assume-unchanged"
        hint = f"git update-index --no-{flag} -- {names}, then {hint}"
    return Refused(message, hint=hint, detail=detail)


def _target_files(
    repository: Repository, target: CommitId, paths: Sequence[str], seen: Scan
) -> dict[str, Entry]:
    if seen.unmerged:
        raise Refused(
            f"{_named(sorted(seen.unmerged))} has conflicts",
            hint="resolve them and commit, or git merge --abort",
        )
    tree = CommitTree(repository, target)
    new: dict[str, Entry] = {}
    for path in paths:
        new.update(tree.entries(path))
    _require_modules(repository, seen, tree.modules_at(paths))
    return new


def _require_modules(repository: Repository, seen: Scan, then: Mapping[str, CommitId]) -> None:
    """Raise Refused for a submodule that is to be at another commit: it is not for us to move it."""
    for path in sorted({*seen.submodules, *then}):
        if (on_disk(repository.top, path) or seen.submodules.get(path)) != then.get(path):
            name = obstacles.quoted(path)
            commit = then[path][:12] if path in then else None
            way = f"git -C {name} checkout {commit}" if commit else f"git submodule deinit {name}"
            raise Refused(
                f"the submodule {name} had {commit or 'no commit'} then, and gitmig does not move submodules",
                hint=f"{way}, then run the command again (or with --database-only)",
            )


def _files_on_disk(repository: Repository, seen: Scan, new: Mapping[str, Entry]) -> Mapping[str, Entry]:
    """Every file in question as git would record it: tracked, untracked, or ignored but in the way."""
    return hash_files(repository.runner, {*seen.index, *seen.dirty, *seen.untracked, *new}, seeds=seen.index)


def _states(
    repository: Repository, seen: Scan, on_disk: Mapping[str, Entry], paths: Sequence[str]
) -> tuple[PathState, ...]:
    head: dict[str, Entry] = {}
    if (commit := repository.head()) is not None:
        tree = CommitTree(repository, commit)
        for path in paths:
            head.update(tree.entries(path))
    return tuple(
        PathState(path=path, head=head.get(path), index=seen.index.get(path), worktree=on_disk.get(path))
        for path in sorted({*seen.index, *on_disk})
    )


def check(repository: Repository, restoration: Restoration) -> None:
    """Raise Refused when the files cannot be put back now; nothing is written but objects.

    The files on disk must still be what the restoration says, byte for byte as git sees them.
    """
    with _prepared(repository, restoration) as (env, trees):
        _rehearse(repository, env, trees)


def apply(repository: Repository, restoration: Restoration) -> None:
    """Put the files back. Raises Refused, with nothing written, when :func:`check` would.

    Bytecode of removed modules goes, and folders that become empty. Raises GitError when git failed
    on the way (a full disk): the files in question are then old, new, absent or a beginning of new.
    """
    if not restoration.paths:
        return
    with _prepared(repository, restoration, filters=False) as (env, trees):
        _rehearse(repository, env, trees)
        repository.git(*_READ_TREE, *trees, env=env)
    remove_leftovers(repository.top, restoration.removed)


@contextmanager
def _prepared(
    repository: Repository, restoration: Restoration, *, filters: bool = True
) -> Iterator[tuple[dict[str, str], tuple[str, str]]]:
    """A private index that holds the old files with their stat information, and both trees."""
    obstacles.require_clear(repository, restoration.old, restoration.new, filters=filters)
    runner = repository.runner
    new = _tree_of(repository, restoration.new)
    with private_index(runner, write=True) as env:
        if not restoration.old:
            runner.run([*PLAIN, "read-tree", "--empty"], env=env)
        record(runner, env, restoration.old, restoration.old)
        old = _write_tree(repository, env)
        known, key = repository.written_trees, _key(restoration.old)
        if known.get(key) != old:
            _require_unchanged(repository, restoration, env)
            known[key] = old
        yield env, (old, new)


def _tree_of(repository: Repository, entries: Mapping[str, Entry]) -> str:
    """git's tree of some files; written once, since what is put back is checked before it is."""
    known, key = repository.written_trees, _key(entries)
    if key not in known:
        with private_index(repository.runner, write=True) as index:
            if not entries:
                repository.git(*PLAIN, "read-tree", "--empty", env=index)
            insert(repository.runner, index, entries)
            known[key] = _write_tree(repository, index)
    return known[key]


def _key(entries: Mapping[str, Entry]) -> tuple[tuple[str, Entry], ...]:
    return tuple(sorted(entries.items()))


def _write_tree(repository: Repository, env: Mapping[str, str]) -> str:
    return repository.git(*PLAIN, "write-tree", env=env).decode().strip()


def _require_unchanged(repository: Repository, restoration: Restoration, env: Mapping[str, str]) -> None:
    now = {}
    for line in records(repository.git("ls-files", "-s", "-z", env=env)):
        data, path = line.split("\t", 1)
        mode, blob, _ = data.split(" ")
        now[path] = Entry(mode, BlobId(blob))
    moved = [path for path in restoration.old if now.get(path) != restoration.old[path]]
    if moved:
        raise Refused(f"{_named(sorted(moved))} was changed meanwhile", hint="run the command again")


def _rehearse(repository: Repository, env: Mapping[str, str], trees: Sequence[str]) -> None:
    try:
        repository.git(*_READ_TREE, "-n", *trees, env=env)
    except GitError as error:
        raise Refused(
            f"git would not put the files back: {error.message}", hint="git status", detail=error.detail
        ) from error


def _stripped(paths: Sequence[str]) -> tuple[str, ...]:
    return tuple(path.strip("/") for path in paths)


def _named(paths: Sequence[str]) -> str:
    shown = ", ".join(map(obstacles.quoted, paths[:3]))
    return shown if len(paths) <= 3 else f"{shown} and {len(paths) - 3} more"


def _them(paths: Sequence[str]) -> str:
    return "what is in it now" if len(paths) == 1 else "what is in them now"


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
    """A ref to a commit that holds the files that a restoration replaces; None if it replaces none.

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
        record(runner, env, restoration.old, restoration.old)
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
