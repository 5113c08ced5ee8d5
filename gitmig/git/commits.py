"""Reading commits and making them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitmig.errors import CommitFailed
from gitmig.failpoints import failpoint
from gitmig.git.command import INTERRUPTED, attended, pathspecs
from gitmig.git.locks import real_index
from gitmig.git.objects import Entry
from gitmig.git.trees import CommitTree
from gitmig.git.worktree import (
    PLAIN,
    index_entries,
    insert,
    is_file,
    private_index,
    record,
    submodule_entries,
)
from gitmig.wire.values import CommitId


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit as the history reads it."""

    id: CommitId
    parents: tuple[CommitId, ...] = ()
    time: int = 0
    """Committer time in seconds since 1970."""
    subject: str = ""


if TYPE_CHECKING:
    from gitmig.git.repository import Repository

_FORMAT = "--format=%H%x01%P%x01%ct%x01%s"
IDENTITY = {
    "GIT_AUTHOR_NAME": "gitmig",
    "GIT_AUTHOR_EMAIL": "gitmig",
    "GIT_COMMITTER_NAME": "gitmig",
    "GIT_COMMITTER_EMAIL": "gitmig",
}
"""Who makes the commits that keep something for gitmig itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A commit to be made: ``paths`` as on disk, ``staged`` as in the index."""

    message: str | None
    """None keeps the message of a commit that is amended."""
    paths: tuple[str, ...]
    trailers: Mapping[str, str]
    amend: bool = False
    staged: tuple[str, ...] = ()


def between(
    repository: Repository, old: CommitId | None, new: CommitId, paths: Sequence[str] = ()
) -> tuple[Commit, ...]:
    """The commits of ``new`` without those of ``old`` that touch a path, newest first."""
    without = [f"^{old}"] if old else []
    return tuple(_log(repository, [new, *without, *pathspecs(paths)]))


def info(repository: Repository, ids: Collection[CommitId]) -> Mapping[CommitId, Commit]:
    """Each commit by its id. Raises GitError when one is missing."""
    if not ids:
        return {}
    names = "".join(f"{id}\n" for id in ids).encode()
    return {commit.id: commit for commit in _log(repository, ["--no-walk=unsorted", "--stdin"], names)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote a commit, and when (seconds since 1970)."""

    name: str
    email: str
    time: int


def info_of(repository: Repository, commit: CommitId) -> Commit:
    """A commit with its parents, time and subject."""
    return info(repository, [commit])[commit]


def authors(repository: Repository, ids: Iterable[CommitId]) -> Mapping[CommitId, Author]:
    """The author of each commit. Raises GitError when one is missing."""
    names = "".join(f"{id}\n" for id in dict.fromkeys(ids)).encode()
    if not names:
        return {}
    out = repository.git(
        "-c", "log.showSignature=false", "log", "-z", "--no-patch", "--no-walk=unsorted", "--stdin",
        "--format=%H%x01%an%x01%ae%x01%at", input=names,
    )  # fmt: skip
    found = {}
    for line in out.decode("utf-8", "replace").split("\0"):
        if line:
            id, name, email, time = line.split("\x01", 3)
            found[CommitId(id)] = Author(name=name, email=email, time=int(time))
    return found


def first_parents(repository: Repository, head: CommitId) -> tuple[Commit, ...]:
    """The first-parent line of a commit, oldest first."""
    return tuple(reversed(_log(repository, ["--first-parent", head, "--"])))


def _log(repository: Repository, args: Sequence[str], input: bytes | None = None) -> list[Commit]:
    out = repository.git(
        "-c", "log.showSignature=false", "log", "-z", "--no-patch", _FORMAT, *args, input=input
    )
    return [_parsed(line) for line in out.decode("utf-8", "replace").split("\0") if line]


def _parsed(line: str) -> Commit:
    id, parents, time, subject = line.split("\x01", 3)
    return Commit(
        id=CommitId(id),
        parents=tuple(CommitId(parent) for parent in parents.split()),
        time=int(time),
        subject=subject,
    )


def stage(repository: Repository, paths: Sequence[str]) -> None:
    """``git add`` of files that changed, came or went; paths that nobody knows are left alone."""
    known = {**index_entries(repository.runner, paths), **submodule_entries(repository.runner, paths)}
    wanted = [path for path in paths if path in known or is_file(repository.top, path)]
    if wanted:
        with real_index(repository) as env:
            repository.git("add", "--all", "--", *wanted, env=env)
    failpoint("staged")


def commit(
    repository: Repository,
    message: str | None,
    paths: Sequence[str],
    *,
    trailers: Mapping[str, str] | None = None,
    amend: bool = False,
    staged: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> CommitId:
    """Commit files and nothing else, with the user's terminal, hooks, locale and no time limit.

    ``paths`` are committed as they are on disk, ``staged`` as they are in the index. What else is
    staged stays staged. Raises CommitFailed, and then ``paths`` are staged.

    git commits from an index of its own, as for ``git commit --only``. The real one is locked for as long
    as it takes to stage, and never while hooks run.
    """
    request = Request(
        message=message, paths=tuple(paths), trailers=trailers or {}, amend=amend, staged=tuple(staged)
    )
    stage(repository, request.paths)
    with private_index(repository.runner, write=True) as index:
        composed = _compose(repository, request, index)
        _run(repository, request, {**(env or {}), **index})
    failpoint("committed")
    head = repository.head()
    assert head is not None
    _follow(repository, head, composed)
    return head


def _run(repository: Repository, request: Request, env: Mapping[str, str]) -> None:
    # A trailer that the amended message has already is not added again.
    args = ["-c", "trailer.ifExists=addIfDifferent", "commit", "--quiet"]
    args += ["--no-edit"] if request.message is None else [f"--message={request.message}"]
    args += [f"--trailer={name}: {value}" for name, value in request.trailers.items()]
    args += ["--amend"] if request.amend else []
    code = attended(repository.runner.place, args, env, repository.runner.inherited_fds)
    if code:
        raise CommitFailed(
            "git did not commit: its output above says why",
            hint="git commit",
            interrupted=code in INTERRUPTED,
        )


def _compose(
    repository: Repository, request: Request, index: Mapping[str, str]
) -> Mapping[str, Entry | None]:
    """Build the commit's index: HEAD with what was asked for. Returns the entries of that; None: removed."""
    runner, head = repository.runner, repository.head()
    if head is not None:
        runner.run([*PLAIN, "read-tree", head], env=index)
    asked = [*request.staged, *request.paths]
    listed = index_entries(runner, asked)
    modules = submodule_entries(runner, asked)
    gone = [path for path in request.staged if path not in listed]
    gone += [path for path in request.paths if not is_file(repository.top, path)]
    gone = [path for path in gone if path not in modules]
    insert(runner, index, modules)
    insert(runner, index, {path: listed[path] for path in request.staged if path in listed})
    record(runner, index, listed, request.paths)
    if gone:
        _remove(repository, index, gone)
    made = index_entries(runner, asked, env=index)
    return {path: made.get(path) for path in asked}


def _follow(repository: Repository, commit: CommitId, composed: Mapping[str, Entry | None]) -> None:
    """Stage what hooks made of our paths on the way into the commit: else it would seem to be undone."""
    tree = CommitTree(repository, commit)
    now = {path: tree.entries(path).get(path) for path in composed}
    late = [path for path in composed if now[path] != composed[path]]
    if not late:
        return
    with real_index(repository) as env:
        staged = index_entries(repository.runner, late, env=env)
        # What somebody staged meanwhile is theirs.
        late = [path for path in late if staged.get(path) == composed[path]]
        entries = {path: entry for path in late if (entry := now[path]) is not None}
        insert(repository.runner, env, entries)
        if gone := [path for path in late if path not in entries]:
            _remove(repository, env, gone)


def _remove(repository: Repository, env: Mapping[str, str], paths: Sequence[str]) -> None:
    names = b"".join(os.fsencode(path) + b"\0" for path in paths)
    repository.runner.run([*PLAIN, "update-index", "--force-remove", "-z", "--stdin"], input=names, env=env)
