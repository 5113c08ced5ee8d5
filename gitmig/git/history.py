"""History: what each commit changes below some paths, in one answer of ``git log``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitmig.git.command import pathspecs
from gitmig.git.listing import records
from gitmig.git.objects import Entry
from gitmig.wire.values import BlobId, CommitId

if TYPE_CHECKING:
    from gitmig.git.repository import Repository

Change = tuple[str, Entry | None]
"""A path, and what the commit has there; None if it has nothing."""

_TIMEOUT = 600.0
_COMMIT = "\x01"
# Every commit is listed, also one that changes nothing there: its children count from its parents.
_LOG = (
    "-c", "log.showRoot=true", "-c", "log.showSignature=false",
    "log", "--topo-order", "--reverse", "--full-history", "--sparse", "--diff-merges=first-parent",
    "--raw", "-r", "-z", "--no-renames", "--no-abbrev", "--ignore-submodules=none",
    f"--format={_COMMIT}%ct %H %P",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A commit, and what it changes against its first parent; a commit without parents: all that it has."""

    commit: CommitId
    parents: tuple[CommitId, ...]
    time: int = 0
    """Committer time in seconds since 1970."""
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class FileRename:
    """A file that a commit took away; ``new`` is where it lies now, None if it is gone."""

    old: str
    new: str | None
    blob: BlobId


def changes_below(repository: Repository, revs: Sequence[str], paths: Sequence[str]) -> tuple[Changed, ...]:
    """Every commit of ``revs`` with what it changes at or below some paths, parents before children.

    Raises GitError if objects are missing.
    """
    out = repository.git(*_LOG, *revs, *pathspecs(paths), timeout=_TIMEOUT)
    return tuple(_parsed(out))


def renames(
    repository: Repository, pairs: Iterable[tuple[CommitId, CommitId]]
) -> Mapping[CommitId, tuple[FileRename, ...]]:
    """The files that commits renamed or deleted, wherever they lay; of each pair the parent goes first."""
    lines = "".join(f"{commit} {parent}\n" for parent, commit in dict.fromkeys(pairs))
    if not lines:
        return {}
    options = ("--stdin", "-r", "-z", "--raw", "-M", "--no-abbrev", "--diff-filter=RD")
    fields = iter(records(repository.git("diff-tree", *options, input=lines.encode())))
    found: dict[CommitId, list[FileRename]] = {}
    commit = CommitId("")
    for field in fields:
        if not field.startswith(":"):
            commit = CommitId(field)
            continue
        _, _, blob, _, status = field.split(" ")
        old, new = next(fields), next(fields) if status.startswith("R") else None
        found.setdefault(commit, []).append(FileRename(old, new, BlobId(blob)))
    return {commit: tuple(moved) for commit, moved in found.items()}


def _parsed(out: bytes) -> Iterator[Changed]:
    """The output of ``log --raw -z``: a commit with its parents, then pairs of data and path."""
    fields = iter(os.fsdecode(field) for field in out.split(b"\0"))
    heading: list[str] = []
    changes: list[Change] = []
    for field in fields:
        text = field.lstrip("\n")
        if text.startswith(_COMMIT):
            if heading:
                yield _commit(heading, changes)
            heading, changes = text[1:].split(), []
        elif text.startswith(":"):
            _, mode, _, blob, status = text.split(" ")
            changes.append((next(fields), None if status == "D" else Entry(mode, BlobId(blob))))
    if heading:
        yield _commit(heading, changes)


def _commit(heading: Sequence[str], changes: Sequence[Change]) -> Changed:
    time, commit, *parents = heading
    return Changed(
        commit=CommitId(commit),
        parents=tuple(map(CommitId, parents)),
        time=int(time),
        changes=tuple(changes),
    )
