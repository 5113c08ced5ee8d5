"""The repository: every question to git and every change, as typed methods.

Paths are relative to the top, with forward slashes, and literal. Questions leave everything as it
is, the index's stat information included. The longer answers live in modules beside this one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from gitmig.errors import GitError, NoRepository, Refused, UnknownRef
from gitmig.git import commits
from gitmig.git.asking import CONFIGURATION, PLACES
from gitmig.git.command import TIMEOUT, Location, Runner, probe, separate_repository
from gitmig.git.listing import records
from gitmig.git.objects import Entry, Objects
from gitmig.git.worktree import hash_files, objects_in
from gitmig.wire.values import BlobId, CommitId

_OPERATIONS = (
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
)
_MANY = 1000
"""Paths that fit into one command line."""


class Repository:
    """One work tree and its repository. :meth:`close` ends the processes that it keeps.

    Attributes:
        top: the folder of the work tree, absolute.
        git_dir: this work tree's git directory, absolute.
        common_dir: the git directory that all work trees share; often the same.
    """

    def __init__(self, place: Location) -> None:
        self.top = place.top
        self.git_dir = place.git_dir
        self.common_dir = place.common_dir
        self.runner = Runner(place)
        self._concluded = False
        self.written_trees: dict[tuple[tuple[str, Entry], ...], str] = {}
        """Trees that were written out of some files, by these."""

    @classmethod
    def discover(cls, directory: Path) -> Repository | None:
        """The repository that a folder lies in, or None.

        Raises NoRepository where there is one and git is missing, or where it is bare; GitError with
        git's own words where git refuses to use it (safe.directory).
        """
        found = any((folder / ".git").exists() for folder in _upward(directory))
        if not found and not separate_repository(directory):
            _require_files(directory)
            return None
        return cls.of(directory, probe(directory, *PLACES))

    @classmethod
    def of(cls, directory: Path, places: bytes, configuration: bytes | None = None) -> Repository:
        """The repository of a folder, by what git says to :data:`asking.PLACES` there.

        ``configuration`` is what it says to :data:`asking.CONFIGURATION`, if that was asked.
        Raises NoRepository.
        """
        lines = os.fsdecode(places).removesuffix("\n").split("\n")
        if len(lines) != 3:
            raise NoRepository(f"git does not say where the repository of {directory} is")
        top, git_dir, common = lines
        found = cls(Location(top=Path(top), git_dir=Path(git_dir), common_dir=_absolute(directory, common)))
        if configuration is not None:
            found._config = _configured(configuration)
        return found

    def git(
        self,
        *args: str,
        input: bytes | None = None,
        env: Mapping[str, str] | None = None,
        ok: Sequence[int] = (0,),
        timeout: float = TIMEOUT,
    ) -> bytes:
        """stdout of a plumbing command, run in the top folder without hooks.

        Raises GitError with git's first line when the exit code is not one of ``ok``.
        """
        return self.runner.run(args, input=input, env=env, ok=ok, timeout=timeout)

    @cached_property
    def objects(self) -> Objects:
        """The object store."""
        return Objects(lambda args: self.runner.start(args))

    def close(self) -> None:
        """End the long-lived processes, and delete temporary files. The next question makes them again."""
        self.objects.close()
        self.runner.close()

    def private(self) -> Path:
        """The folder for what concerns this work tree alone; made by whoever writes there."""
        return self.git_dir / "gitmig"

    def shared(self) -> Path:
        """The folder for what all work trees share; made by whoever writes there."""
        return self.common_dir / "gitmig"

    def other_work_trees(self) -> Iterator[tuple[Path, Path]]:
        """The private folder and the top of each other work tree."""
        if self.common_dir != self.git_dir and self.config("core.bare") != "true":
            main = self.common_dir
            yield self.shared(), main.parent if main.name == ".git" else main
        for linked in sorted(self.common_dir.glob("worktrees/*")):
            if linked != self.git_dir:
                with contextlib.suppress(OSError):
                    text = (linked / "gitdir").read_text("utf-8", "surrogateescape")
                    # Relative, if git was asked for that.
                    yield linked / "gitmig", Path(os.path.abspath(linked / text.strip())).parent

    def head(self) -> CommitId | None:
        """The commit that is checked out; None before the first one."""
        found = self.objects.find("HEAD^{commit}")
        return None if found is None else CommitId(found.id)

    def branch(self) -> str | None:
        """The branch that is checked out, without ``refs/heads/``; None when HEAD is detached."""
        text = os.fsdecode(self.git("symbolic-ref", "-q", "HEAD", ok=(0, 1))).rstrip("\n")
        return text.removeprefix("refs/heads/") or None

    def operation(self) -> str | None:
        """What git is in the middle of: "merge", "rebase", "cherry-pick" or "revert"; None mostly."""
        found = next((name for mark, name in _OPERATIONS if (self.git_dir / mark).exists()), None)
        return None if found == "rebase" and self._concluded else found

    def merge_heads(self) -> tuple[CommitId, ...]:
        """The commits being merged, HEAD aside."""
        try:
            text = (self.git_dir / "MERGE_HEAD").read_text("ascii")
        except OSError:
            return ()
        return tuple(CommitId(line) for line in text.split())

    def resolve(self, ref: str) -> CommitId:
        """The commit that a ref, an id or an expression such as ``HEAD~2`` stands for; UnknownRef."""
        found = self.objects.find(f"{ref}^{{commit}}") if ref and "\0" not in ref else None
        if found is None:
            raise UnknownRef(f"there is no commit {ref!r}", hint="git branch --all; git log --oneline")
        return CommitId(found.id)

    def config(self, key: str) -> str | None:
        """The last value of a key of git's configuration (``gitmig.scratchUrl``), or None."""
        values = self.config_all(key)
        return values[-1] if values else None

    def config_all(self, key: str) -> tuple[str, ...]:
        """All values of a key, in order. ``[section] key`` alone counts as ``true``."""
        section, _, name = key.rpartition(".")
        first, dot, rest = section.partition(".")
        return tuple(self._config.get(f"{first.lower()}{dot}{rest}.{name.lower()}", ()))

    @cached_property
    def _config(self) -> Mapping[str, list[str]]:
        # Not through the runner, which switches hooks off by an option of its own.
        return _configured(probe(self.top, *CONFIGURATION))

    def settings(self, prefixes: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """The values of all keys of git's configuration that begin with one of ``prefixes``."""
        starts = tuple(prefixes)
        return {key: tuple(values) for key, values in self._config.items() if key.startswith(starts)}

    def objects_in(self, folder: Path) -> dict[str, str]:
        """Variables with which git writes new objects into a folder instead of the repository."""
        return objects_in(self.runner, folder)

    def hooks_folder(self) -> Path:
        """Where git looks for hooks here (``core.hooksPath`` is honoured)."""
        return _absolute(
            self.top, os.fsdecode(probe(self.top, "rev-parse", "--git-path", "hooks")).rstrip("\n")
        )

    def is_shallow(self) -> bool:
        """Whether history was cut off (``git clone --depth``)."""
        return bool(self.shallow())

    def shallow(self) -> frozenset[CommitId]:
        """The commits whose parents were cut off."""
        try:
            return frozenset(CommitId(line) for line in (self.common_dir / "shallow").read_text().split())
        except OSError:
            return frozenset()

    def require_author(self) -> None:
        """Raise Refused when git would not know whom to name as the author of a commit."""
        try:
            self.git("var", "GIT_AUTHOR_IDENT")
            self.git("var", "GIT_COMMITTER_IDENT")
        except GitError as error:
            raise Refused(
                "git does not know who you are, so it could not commit",
                hint='git config user.email "you@example.com" && git config user.name "Your Name"',
                detail=error.detail or error.message,
            ) from error

    def merge_base(self, one: CommitId, other: CommitId) -> CommitId | None:
        """The best common ancestor of two commits, or None."""
        out = self.git("merge-base", one, other, ok=(0, 1)).decode().split()
        return CommitId(out[0]) if out else None

    def independent(self, commits: Sequence[CommitId]) -> tuple[CommitId, ...]:
        """Those of some commits that are in the history of no other: of many tags, mostly a few."""
        if len(commits) < 2:
            return tuple(commits)
        return tuple(
            CommitId(id) for id in self.git("merge-base", "--independent", *commits).decode().split()
        )

    def commits_not_in(self, commit: CommitId, other: CommitId) -> tuple[CommitId, ...]:
        """The commits that ``commit`` has in its history and ``other`` has not, oldest first."""
        out = self.git("rev-list", "--reverse", "--topo-order", commit, f"^{other}", "--")
        return tuple(CommitId(line) for line in out.decode().split())

    def messages(self, commits: Sequence[CommitId]) -> tuple[str, ...]:
        """The messages of some commits."""
        if not commits:
            return ()
        names = "".join(f"{commit}\n" for commit in commits).encode()
        out = self.git("log", "--no-walk=unsorted", "--stdin", "-z", "--format=%B", input=names)
        return tuple(out.decode("utf-8", "replace").split("\0"))

    def merged_tree(self, one: CommitId, other: CommitId) -> CommitId:
        """The tree that merging two commits gives, where they conflict with both sides in it.

        Nothing of the work tree or the index is touched; the tree's objects are written. Raises GitError
        where git is older than 2.38.
        """
        out = self.git("merge-tree", "--write-tree", "-z", "--no-messages", one, other, ok=(0, 1))
        # A tree's id serves wherever its commit's would.
        return CommitId(out.decode("utf-8", "surrogateescape").partition("\0")[0])

    def merge_conflicts(self, one: CommitId, other: CommitId) -> tuple[str, ...]:
        """The paths in which merging two commits would conflict. Raises GitError as :meth:`merged_tree`."""
        out = self.git(
            "merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", one, other, ok=(0, 1)
        )
        return tuple(records(out)[1:])

    def begin_merge(self, ref: str, *, conflicts: bool = False) -> None:
        """Merge a commit into the work tree and the index, and leave it at that.

        ``conflicts`` are expected, and left. Raises GitError.
        """
        ok = (0, 1) if conflicts else (0,)
        self.git("merge", "--quiet", "--no-ff", "--no-commit", "--end-of-options", ref, ok=ok)
        if not self.merge_heads():
            raise GitError(f"git does not merge {ref}", hint=f"git merge {ref}")

    def conclude(self) -> None:
        """Count the merge or rebase that HEAD already is as done: git tidies up only after its hook.

        Until then a commit would become a merge too. Another merge stays.
        """
        self._concluded = True
        head, others = self.head(), self.merge_heads()
        if head is not None and others and set(others) <= set(commits.info_of(self, head).parents):
            self.git("merge", "--quit")

    def abort_merge(self) -> None:
        """Take back the merge that is in progress."""
        self.git("merge", "--abort")

    @cached_property
    def identity(self) -> str:
        """``Name <mail>`` of the person who commits here now. Raises GitError if git does not know."""
        return os.fsdecode(self.git("var", "GIT_COMMITTER_IDENT")).rpartition(">")[0] + ">"

    def unmerged(self) -> tuple[str, ...]:
        """The paths with unresolved conflicts, sorted."""
        lines = records(self.git("ls-files", "-u", "-z"))
        return tuple(sorted({line.split("\t", 1)[1] for line in lines}))

    def hash_worktree(self, paths: Iterable[str], *, write: bool = False) -> Mapping[str, BlobId]:
        """The blob ids that git would record for files on disk; missing files are left out.

        Stat information and the skip-worktree bit are not believed. ``write`` keeps the blobs.
        """
        entries = hash_files(self.runner, paths, write=write)
        return {path: entry.blob for path, entry in entries.items()}

    def blobs(self, files: Sequence[str]) -> tuple[BlobId, ...]:
        """The blob ids that git would give these files, in their order; nothing is written."""
        parts = [files[start : start + _MANY] for start in range(0, len(files), _MANY)]
        out = [self.git("hash-object", "--", *part).decode().split() for part in parts]
        return tuple(BlobId(id) for ids in out for id in ids)


def _configured(said: bytes) -> Mapping[str, list[str]]:
    """Key to its values, out of ``git config -z --list``."""
    values: dict[str, list[str]] = {}
    for record in records(said):
        key, newline, value = record.partition("\n")
        values.setdefault(key, []).append(value if newline else "true")
    return values


def _absolute(folder: Path, path: str) -> Path:
    return Path(os.path.abspath(folder / path))


def _require_files(directory: Path) -> None:
    """Raise NoRepository in a bare repository, whose folder has these (gitrepository-layout)."""
    for folder in _upward(directory):
        if all((folder / name).exists() for name in ("HEAD", "objects", "refs")):
            raise NoRepository(f"{folder} is a bare repository: it has no files", hint=f"git clone {folder}")


def _upward(directory: Path) -> Iterator[Path]:
    # As git does: GIT_CEILING_DIRECTORIES are never looked into from below.
    ceilings = {
        Path(path) for path in os.environ.get("GIT_CEILING_DIRECTORIES", "").split(os.pathsep) if path
    }
    start = directory.absolute()
    yield start
    for folder in start.parents:
        if folder in ceilings:
            return
        yield folder
