"""What the index and the work tree hold, as git itself would record it (filters, modes, links).

The real index is only read. Content is hashed in a private index and, unless asked for, into a
private object folder, so that looking works in a read-only repository.
"""

from __future__ import annotations

import itertools
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from gitmig.git.background import BackgroundCall
from gitmig.git.command import Runner, pathspecs
from gitmig.git.listing import Listed, Lists, records
from gitmig.git.objects import Entry
from gitmig.wire.values import BlobId, CommitId

# The private index is a plain one, whatever the real one is.
PLAIN = ("-c", "core.fsmonitor=false", "-c", "core.splitIndex=false", "-c", "index.sparse=false")
HUGE = 32 << 20
"""Bytes from which on an untracked file is no code: to have git hash it would take seconds, or minutes."""
_MANY = 300
"""From this many paths on, everything is listed: a command line has an end."""
_LARGE = 1 << 20
"""Bytes of an index of about 12,000 files: of so many each look is as short as it can be."""
_FEW = 100
"""So many entries go into an index as arguments: of two processes each takes longer than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The index, and where the work tree may differ from it."""

    index: Listed
    """Path to entry, without intent-to-add, unmerged and submodule entries."""
    dirty: frozenset[str] = frozenset()
    """Index paths that have to be hashed: changed, intent-to-add, unmerged, or hidden from git."""
    untracked: frozenset[str] = frozenset()
    """Files that are neither in the index nor ignored; bytecode and the huge ones are left out."""
    huge: frozenset[str] = frozenset()
    """Those that are too big to be hashed for a look at them."""
    unmerged: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    """Paths that are skip-worktree or assume-unchanged: git does not look at their files."""
    skipped: frozenset[str] = frozenset()
    """Those of the hidden ones that are skip-worktree."""
    submodules: Mapping[str, CommitId] = field(default_factory=dict)
    """Path to the commit that the index has."""


def scan(runner: Runner, paths: Sequence[str] = ()) -> Scan:
    """One look at the index and the work tree below some paths (all of it: none given)."""
    if not paths and is_large(runner):
        lists = _side_by_side(runner)
    else:
        kinds = ("-s", "-c", "-o", "-m", "-d", "-v", "--exclude-standard")
        lists = Lists.of(runner.run(["ls-files", "-z", *kinds, *pathspecs(paths)]))
    for path in _intended(runner, [path for path in lists.empty if path in lists.dirty]):
        del lists.entries[path]
    lists.dirty |= _behind_links(lists)
    lists.untracked = _without_environments(lists.untracked)
    huge = {path for path in lists.untracked if _size(runner.place.top / path) >= HUGE}
    return Scan(
        index=lists.entries,
        dirty=frozenset(lists.dirty),
        untracked=frozenset(lists.untracked - huge),
        huge=frozenset(huge),
        unmerged=frozenset(lists.unmerged),
        hidden=frozenset(lists.hidden),
        skipped=frozenset(lists.skipped),
        submodules=lists.submodules,
    )


def _without_environments(untracked: set[str]) -> set[str]:
    """Paths but for those of virtual environments (PEP 405), which nobody means to commit.

    Before Python 3.13 ``venv`` wrote no .gitignore there.
    """
    name = "pyvenv.cfg"
    folders = tuple(path.removesuffix(name) for path in untracked if path.endswith(f"/{name}"))
    return {path for path in untracked if not path.startswith(folders)} if folders else untracked


def _side_by_side(runner: Runner) -> Lists:
    """The same lists by three of git at once, each of which goes through the index once."""
    untracked = BackgroundCall(partial(runner.run, ["ls-files", "-z", "-o", "--exclude-standard"]))
    changed = BackgroundCall(partial(runner.run, ["diff-files", "-z", "--name-only", "--ignore-submodules"]))
    try:
        lists = Lists.of(runner.run(["ls-files", "-z", "-s", "-v"]))
    finally:
        untracked.wait()
        changed.wait()
    for path in records(untracked.result()):
        lists.note(f"? {path}")
    lists.dirty.update(records(changed.result()))
    return lists


def is_large(runner: Runner) -> bool:
    """Whether the index has many files."""
    try:
        return (runner.place.git_dir / "index").stat().st_size >= _LARGE
    except OSError:
        return False


def _size(place: Path) -> int:
    try:
        return os.lstat(place).st_size
    except OSError:
        return 0


def _behind_links(lists: Lists) -> set[str]:
    # Where a link took the place of a tracked folder, `ls-files` looks through it and sees no change.
    return {path for untracked in lists.untracked for path in lists.entries.below(untracked)}


def index_entries(
    runner: Runner, paths: Sequence[str] = (), *, env: Mapping[str, str] | None = None
) -> Listed:
    """Path to entry of an index (the real one, or what ``env`` names), as a commit of it would hold."""
    lists = _listed(runner, paths, env)
    for path in _intended(runner, lists.empty, env):
        del lists.entries[path]
    return lists.entries


def submodule_entries(
    runner: Runner, paths: Sequence[str] = (), *, env: Mapping[str, str] | None = None
) -> dict[str, Entry]:
    """The submodules of an index at or below some paths, as a commit of it would hold them."""
    listed = _listed(runner, paths, env).submodules
    return {path: Entry("160000", BlobId(commit)) for path, commit in listed.items()}


def _listed(runner: Runner, paths: Sequence[str], env: Mapping[str, str] | None) -> Lists:
    few = paths if len(paths) < _MANY else ()
    return Lists.of(runner.run(["ls-files", "-s", "-z", *pathspecs(few)], env=env), tagged=False)


def _intended(runner: Runner, empty: Sequence[str], env: Mapping[str, str] | None = None) -> list[str]:
    """Which of some paths with empty blobs are there as intended only."""
    # For `diff-files` they are added, which others never are.
    if not empty:
        return []
    few = empty if len(empty) < _MANY else []
    out = runner.run(
        ["diff-files", "-z", "--name-only", "--diff-filter=A", "--ita-invisible-in-index", "--", *few],
        env=env,
    )
    known = set(empty)
    return [path for path in records(out) if path in known]


def is_file(top: Path, path: str) -> bool:
    """Whether a regular file or a link lies there, reached through real folders only."""
    try:
        mode = os.lstat(top / path).st_mode
    except (OSError, ValueError):
        return False
    return (stat.S_ISREG(mode) or stat.S_ISLNK(mode)) and linked_parent(top, path) is None


def linked_parent(top: Path, path: str) -> str | None:
    """The first folder on the way to a path that is a symbolic link, or None."""
    parts = path.split("/")[:-1]
    for count in range(1, len(parts) + 1):
        folder = "/".join(parts[:count])
        if (top / folder).is_symlink():
            return folder
    return None


@contextmanager
def private_index(runner: Runner, *, write: bool = False) -> Iterator[dict[str, str]]:
    """An environment with an index of our own.

    With ``write`` new objects go into the repository; else they are forgotten.
    """
    with tempfile.TemporaryDirectory(prefix="index-", dir=runner.temporary(private=write)) as name:
        env = {"GIT_INDEX_FILE": os.path.join(name, "index")}
        if not write:
            env |= objects_in(runner, Path(name))
        yield env


def objects_in(runner: Runner, folder: Path) -> dict[str, str]:
    """Variables with which git writes new objects into ``folder``, and reads those of the repository too."""
    objects = folder / "objects"
    objects.mkdir(exist_ok=True)
    real = os.environ.get("GIT_OBJECT_DIRECTORY") if "GIT_QUARANTINE_PATH" in os.environ else None
    shared = str(runner.place.common_dir / "objects")
    sources = [os.path.abspath(real), shared] if real else [shared]
    return {
        "GIT_OBJECT_DIRECTORY": str(objects),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(map(_quoted, sources)),
    }


def _quoted(path: str) -> str:
    if os.pathsep not in path and not path.startswith('"'):
        return path
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def record(runner: Runner, env: Mapping[str, str], seeds: Mapping[str, Entry], paths: Iterable[str]) -> None:
    """Put files of the work tree into a private index.

    ``seeds`` are what the real index holds there: git asks them about line endings and file modes.
    """
    present = [path for path in paths if is_file(runner.place.top, path)]
    if not present:
        return
    known = {path: seeds[path] for path in present if path in seeds}
    if len(known) > _FEW:
        insert(runner, env, known)
        known = {}
    named = (["--cacheinfo", f"{entry.mode},{entry.blob},{path}"] for path, entry in known.items())
    runner.run(
        [*PLAIN, "update-index", "--add", "--replace", *itertools.chain(*named), "-z", "--stdin"],
        input=b"".join(os.fsencode(path) + b"\0" for path in present),
        env=env,
    )


def insert(runner: Runner, env: Mapping[str, str], entries: Mapping[str, Entry]) -> None:
    """Put entries into a private index, without looking at the work tree."""
    lines = (f"{entry.mode} {entry.blob} 0\t{path}" for path, entry in entries.items())
    runner.run(
        [*PLAIN, "update-index", "--add", "--replace", "-z", "--index-info"],
        input=b"".join(os.fsencode(line) + b"\0" for line in lines),
        env=env,
    )


def hash_files(
    runner: Runner,
    paths: Iterable[str],
    *,
    seeds: Mapping[str, Entry] | None = None,
    write: bool = False,
) -> Mapping[str, Entry]:
    """What git would record for files of the work tree; paths without a file are left out.

    ``write``: as for :func:`private_index`.
    """
    present = sorted({path for path in paths if is_file(runner.place.top, path)})
    if not present:
        return {}
    if seeds is None:
        seeds = index_entries(runner, present)
    with private_index(runner, write=write) as env:
        record(runner, env, seeds, present)
        return _listed(runner, (), env).entries
