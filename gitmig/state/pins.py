"""Pins: the scripts that were applied, kept with what lay beside them so that they can be undone later.

One ref for each environment in a database, ``refs/gitmig/applied/KEY``: all work trees share it, and no
branch that is deleted or collected takes them along. Its tree has a folder for each applied revision: the
``script``, and ``files``, the whole tree that it was applied from (older pins: the script folders alone). A
revision that is undone loses its folder, so that nothing grows without end.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gitmig.errors import GitError
from gitmig.git.commits import IDENTITY
from gitmig.git.objects import Entry
from gitmig.git.trees import CommitTree
from gitmig.git.worktree import PLAIN, is_file, private_index, record, scan
from gitmig.wire.values import BlobId, CommitId, RevisionId

if TYPE_CHECKING:
    from gitmig.git.repository import Repository

PINS = "refs/gitmig/applied/"
_LARGE = 1 << 20
"""Bytes of a new file that is still kept beside the scripts."""
_ATTEMPTS = 10
"""Two work trees may move their databases at the same moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """The script of an applied revision."""

    script: BlobId
    files: str
    """The id of the tree that it was applied from."""


def pin_key(repository: Repository, environment: str, database: str, directory: Path) -> str:
    """What the pins of an environment in a database are kept under.

    ``directory`` is what relative paths of SQLite files are relative to. Such a file is a work tree's own,
    and goes where that goes; any other database is the same one in all of them.
    """
    driver, separator, path = database.partition(":///")
    if separator and driver.partition("+")[0] == "sqlite" and not os.path.isabs(path):
        tree = os.path.relpath(repository.git_dir, repository.common_dir)
        database = f"{database}\0{tree}\0{os.path.relpath(directory, repository.top)}"
    return hashlib.sha256(f"{environment}\0{database}".encode("utf-8", "surrogateescape")).hexdigest()[:16]


def files_tree(repository: Repository, folders: Sequence[str], commit: CommitId | None = None) -> str:
    """The id of the tree of a commit, or of the files on disk, whose objects are written.

    On disk that is what git tracks, as it is there, and what is new in ``folders`` or is Python code. Ignored
    and large new files are left out. The real index is not touched. Raises GitError.
    """
    runner = repository.runner
    if commit is not None:
        return CommitTree(repository, commit).tree_id(runner.temporary(private=True), {})
    seen = scan(runner)
    with private_index(runner, write=True) as env:
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(repository.git_dir / "index", env["GIT_INDEX_FILE"])
        changed = seen.dirty - seen.skipped
        new = (path for path in seen.untracked if _is_wanted(repository.top / path, path, folders))
        record(runner, env, seen.index, sorted({*changed, *new}))
        gone = sorted(path for path in changed if not is_file(repository.top, path))
        if gone:
            names = b"".join(os.fsencode(path) + b"\0" for path in gone)
            repository.git(*PLAIN, "update-index", "--force-remove", "-z", "--stdin", input=names, env=env)
        return repository.git(*PLAIN, "write-tree", env=env).decode().strip()


def _is_wanted(place: Path, path: str, folders: Sequence[str]) -> bool:
    inside = any(path.startswith(f"{folder}/") for folder in folders)
    return (inside or path.endswith(".py")) and place.lstat().st_size <= _LARGE


def read_pins(repository: Repository, key: str) -> Mapping[RevisionId, Pin]:
    """The pin of each revision that was applied to a database and not undone since."""
    pins: dict[RevisionId, Pin] = {}
    for name, entry in _kept(repository, key)[1].items():
        inside = repository.objects.tree(entry.blob)
        revision = _revision(name)
        if revision is not None and "script" in inside and "files" in inside:
            pins[revision] = Pin(script=inside["script"].blob, files=inside["files"].blob)
    return pins


def change_pins(repository: Repository, key: str, changes: Sequence[tuple[RevisionId, Pin | None]]) -> None:
    """Pin what was applied, and let go of what was undone (None); a later change of a revision wins.

    Raises GitError.
    """
    last = dict(changes)
    pinned = _held(repository, {revision: pin for revision, pin in last.items() if pin is not None})
    made = dict(zip(pinned, _folders(repository, pinned.values()), strict=True))
    for attempt in range(1, _ATTEMPTS + 1):
        before, entries = _kept(repository, key)
        after = {name: entry.blob for name, entry in entries.items()}
        for revision in last:
            after.pop(_name(revision), None)
        after |= {_name(revision): BlobId(id) for revision, id in made.items()}
        if after == {name: entry.blob for name, entry in entries.items()}:
            return
        try:
            _replace(repository, key, before, after)
            return
        except GitError:
            if attempt == _ATTEMPTS:
                raise


def _kept(repository: Repository, key: str) -> tuple[str, Mapping[str, Entry]]:
    """The commit that the ref is at, or nothing, and the folders in it."""
    found = repository.objects.find(f"{PINS}{key}")
    if found is None:
        return "", {}
    tree = repository.objects.find(f"{found.id}^{{tree}}")
    return found.id, {} if tree is None else repository.objects.tree(tree.id)


def _replace(repository: Repository, key: str, before: str, after: Mapping[str, str]) -> None:
    if not after:
        repository.git("update-ref", "-d", f"{PINS}{key}", before)
        return
    lines = "".join(f"040000 tree {id}\t{name}\n" for name, id in after.items())
    tree = repository.git("mktree", input=lines.encode()).decode().strip()
    commit = repository.git("commit-tree", "-m", "Applied to the database", tree, env=IDENTITY)
    repository.git("update-ref", f"{PINS}{key}", commit.decode().strip(), before)


def _folders(repository: Repository, pins: Iterable[Pin]) -> list[str]:
    folders = [f"040000 tree {pin.files}\tfiles\n100644 blob {pin.script}\tscript\n" for pin in pins]
    if not folders:
        return []
    return repository.git("mktree", "--batch", input="\n".join(folders).encode()).decode().split()


def _held(repository: Repository, pins: Mapping[RevisionId, Pin]) -> dict[RevisionId, Pin]:
    """Without the scripts that git ignores: their blobs were never written, and a ref must not miss any."""
    found = repository.objects.find_all([pin.script for pin in pins.values()])
    return {revision: pin for (revision, pin), blob in zip(pins.items(), found, strict=True) if blob}


def _name(revision: RevisionId) -> str:
    # No revision id holds a dash, so that the two kinds cannot be taken for each other.
    if re.fullmatch(r"\w+", revision, re.ASCII):
        return revision
    return "x-" + revision.encode("utf-8", "surrogateescape").hex()


def _revision(name: str) -> RevisionId | None:
    if not name.startswith("x-"):
        return RevisionId(name)
    try:
        return RevisionId(bytes.fromhex(name[2:]).decode("utf-8", "surrogateescape"))
    except ValueError:
        return None
