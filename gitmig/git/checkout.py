"""One folder that git takes from tree to tree: files, submodules, and links to what git ignores.

The files are written by git itself, so that filters, line endings, symbolic links and modes are those of a
checkout. What git ignores and the work tree has is linked in, bytecode aside. What is in neither is deleted:
the project's code may have written it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gitmig.errors import GitError
from gitmig.git.command import (
    Location,
    Runner,
    common_dir_of,
    git_dir_of,
    refusal,
)
from gitmig.git.ignored import Ignored
from gitmig.git.links import (
    files_of_small,
    has_source,
    is_bytecode,
    link,
    relative,
    remove,
    remove_bytecode,
    remove_empty,
)
from gitmig.git.listing import records
from gitmig.git.worktree import PLAIN, is_large

_SETTINGS = (
    *PLAIN,
    *("-c", "core.untrackedCache=false", "-c", "submodule.recurse=false"),
    *("-c", "advice.sparseIndexExpanded=no"),
    # Many files at once are written by all cores.
    *("-c", "checkout.workers=0"),
    # Content of Git LFS that is not here is not fetched: its pointer is written.
    *("-c", "lfs.fetchexclude=*"),
)
_SECONDS = 1.0
"""After this time a person is shown what takes so long."""
_MANY = 1_000
"""Changed files that are written one by one; more are written by all cores."""
_MODULE = "160000"


class _Change(NamedTuple):
    """What a tree has at a path that another has otherwise, or not at all."""

    modes: tuple[str, str]
    """Before and after; zeros if there is nothing."""
    id: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A folder with files, and where git keeps what it knows of them."""

    source: Location
    """The repository whose objects are used, and the work tree that has what is ignored, if it is there."""
    work: Path
    git_dir: Path
    env: Mapping[str, str]
    """Variables for git; mostly none."""
    sparse: Mapping[str, tuple[str, ...]]
    """The settings of a sparse checkout, ``core.sparse…``; mostly none."""
    locks: tuple[int, ...]
    """Open files that every git inherits: a lock that is held until the last of them has ended."""

    def move(
        self,
        known: str | None,
        tree: str,
        head: str,
        ignored: Ignored,
        tell: Callable[[str], None] = lambda text: None,
    ) -> tuple[str, ...]:
        """Take the files from the tree ``known`` (None: whatever is there) to ``tree``.

        ``head`` is the content of HEAD, ``ignored`` what is linked in. Returns the files whose content is not
        here, and the submodules whose commit is not. Raises GitError.
        """
        self._prepare(head)
        changed = self._difference(known, tree)
        if changed is None:
            remove(self.work)
            remove(self.git_dir)
            self._prepare(head)
        for change in changed or ():
            remove_bytecode(self.work / change.path)
        written = changed is not None and self._write_changed(changed)
        absent = (*(() if written else self._write_files(tree, tell)), *self._submodules())
        self._tidy(dict(self._links(ignored.paths())))
        return absent

    @property
    def head(self) -> str | None:
        """The content of HEAD; None if nothing was laid out yet."""
        try:
            return (self.git_dir / "HEAD").read_text("utf-8").strip()
        except OSError:
            return None

    @property
    def _runner(self) -> Runner:
        """git in this folder."""
        place = Location(top=self.work, git_dir=self.git_dir, common_dir=self.source.common_dir)
        return Runner(place, self.locks)

    def _run(self, *args: str, input: bytes = b"") -> bytes:
        return self._runner.run([*_SETTINGS, *args], input=input, env=self.env)

    def _difference(self, known: str | None, tree: str) -> list[_Change] | None:
        """How one tree differs from the other; None if everything has to be written."""
        if known is None or not (self.git_dir / "index").exists():
            return None
        if known == tree:
            return []
        try:
            out = self._run("diff-tree", "-r", "-z", "--no-renames", known, tree)
        except GitError:
            return None  # a tree that was never committed is not kept for ever
        words = records(out)
        metas = (meta.split(" ") for meta in words[::2])
        changes = [
            _Change((old[1:], mode), id, path)
            for (old, mode, _, id, _), path in zip(metas, words[1::2], strict=True)
        ]
        # Files that did not change may have other line endings or filters now.
        return None if any(one.path.rpartition("/")[2] == ".gitattributes" for one in changes) else changes

    def _write_changed(self, changes: Sequence[_Change]) -> bool:
        """Write what differs and what is not as it was left, if that is quicker; whether that was done.

        `read-tree` goes through all files once more (190 ms for 60,000; this takes 110 ms).
        """
        modules = any(_MODULE in change.modes for change in changes)
        if modules or self.sparse or len(changes) > _MANY or not is_large(self._runner):
            return False
        lines = [f"{one.modes[1]} {one.id}\t{one.path}" for one in changes]
        stdin = b"".join(os.fsencode(line) + b"\0" for line in lines)
        try:
            if lines:
                self._run("update-index", "-z", "--index-info", input=stdin)
            stale = self._run("diff-files", "-z", "--name-only", "--ignore-submodules")
            if stale:
                self._run("checkout-index", "-f", "-u", "-q", "-z", "--stdin", input=stale)
        except GitError:
            return False
        return True

    def _prepare(self, head: str) -> None:
        self.work.mkdir(parents=True, exist_ok=True)
        self.git_dir.mkdir(parents=True, exist_ok=True)
        (self.git_dir / "index.lock").unlink(missing_ok=True)
        (self.git_dir / "HEAD").write_text(f"{head}\n", "utf-8")
        # Relative: in a container the same folders may lie elsewhere.
        common = os.path.relpath(self.source.common_dir, self.git_dir)
        (self.git_dir / "commondir").write_bytes(os.fsencode(common) + b"\n")
        ours = os.path.relpath(self.git_dir, self.work)
        (self.work / ".git").write_bytes(b"gitdir: " + os.fsencode(ours) + b"\n")
        patterns = self.git_dir / "info" / "sparse-checkout"
        patterns.unlink(missing_ok=True)
        if self.sparse:
            patterns.parent.mkdir(exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(self.source.git_dir / "info" / "sparse-checkout", patterns)

    def _write_files(self, tree: str, tell: Callable[[str], None]) -> tuple[str, ...]:
        """Write the files of a tree but for those whose content is not here; these.

        In a partial clone git fetches what is missing, all at once, if it reaches the remote.
        """
        try:
            self._write(tree, tell)
        except GitError as error:
            missing = self._missing(tree)
            if not missing:
                raise
            try:
                self._write(self._without(tree, missing), tell)
            except GitError:
                raise error from None
            return missing
        return ()

    def _missing(self, tree: str) -> tuple[str, ...]:
        """The files of a tree whose content is not in this clone; nothing is fetched."""
        try:
            out = self._run("rev-list", "--objects", "--missing=print", "--no-object-names", tree)
        except GitError:
            return ()
        missing = {line[1:] for line in out.decode().splitlines() if line.startswith("?")}
        entries = records(self._run("ls-tree", "-r", "-z", tree)) if missing else ()
        words = (entry.partition("\t") for entry in entries)
        return tuple(path for meta, _, path in words if meta.split(" ")[2] in missing)

    def _without(self, tree: str, paths: Sequence[str]) -> str:
        """The tree without some files."""
        if not paths:
            return tree
        env = {**self.env, "GIT_INDEX_FILE": str(self.git_dir / "reduced")}
        runner = self._runner
        runner.run([*_SETTINGS, "read-tree", tree], env=env)
        names = b"".join(b"0 " + b"0" * len(tree) + b"\t" + os.fsencode(path) + b"\0" for path in paths)
        runner.run([*_SETTINGS, "update-index", "-z", "--index-info"], input=names, env=env)
        return runner.run([*_SETTINGS, "write-tree", "--missing-ok"], env=env).decode().strip()

    def _write(self, tree: str, tell: Callable[[str], None]) -> None:
        """Have git write the files: those that are changed or missing, and no others."""
        sparse = [word for name, values in self.sparse.items() for word in ("-c", f"{name}={values[-1]}")]
        process = self._runner.start([*_SETTINGS, *sparse, "read-tree", "--reset", "-u", tree], env=self.env)
        try:
            _, error = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            tell(f"laying out the files of {self.source.top.name}, which takes so long the first time only …")
            _, error = process.communicate()
        if process.returncode:
            raise refusal(error)

    def _submodules(self) -> Iterator[str]:
        """Lay out the submodules, each from its own repository; those whose commit is not here."""
        if not (self.work / ".gitmodules").is_file():
            return
        for entry in records(self._run("ls-files", "-s", "-z")):
            mode, commit, _, path = re.split("[ \t]", entry, maxsplit=3)
            if mode != "160000":
                continue
            source = submodule(self.source, path)
            nested = None if source is None else self._nested(source, path)
            if nested is None or not nested.has(commit):
                remove(self.work / path)
                (self.work / path).mkdir()
                yield path
            else:
                with Ignored(nested.source) as ignored:
                    absent = nested.move(nested.head, commit, commit, ignored)
                yield from (f"{path}/{below}" for below in absent)

    def _nested(self, source: Location, path: str) -> Checkout:
        name = path.replace("%", "%25").replace("/", "%2F")
        return Checkout(
            source=source,
            work=self.work / path,
            git_dir=self.git_dir / "modules" / name,
            env={},
            sparse={},
            locks=self.locks,
        )

    def has(self, commit: str) -> bool:
        """Whether the repository has a commit."""
        self._prepare(self.head or commit)
        try:
            self._run("cat-file", "-e", f"{commit}^{{commit}}")
        except GitError:
            return False
        return True

    def _links(self, ignored: bytes) -> Iterator[tuple[str, Path]]:
        """What of the work tree is linked in: its path, and its place there."""
        top = self.source.top
        for path in records(ignored):
            name = path.rstrip("/")
            if is_bytecode(name) or top / name == self.source.git_dir:
                continue
            files = files_of_small(top, name) if path.endswith("/") else None
            if files is None:
                yield name, top / name
            else:
                yield from ((file, top / file) for file in files)

    def _tidy(self, wanted: dict[str, Path]) -> None:
        """Delete what no tree has and nobody ignores; make the links."""
        for path in records(self._run("ls-files", "-o", "-z")):
            place = self.work / path
            target = wanted.get(path)
            if target is not None and place.is_symlink() and os.readlink(place) == relative(target, place):
                del wanted[path]
            elif not (is_bytecode(path) and has_source(place)):
                remove(place)
                remove_empty(place.parent, self.work)
        for path, target in wanted.items():
            link(self.work / path, target)


def submodule(place: Location, path: str) -> Location | None:
    """Where this clone keeps the repository of a submodule; None if it does not have it."""
    top = place.top / path
    places = [git_dir_of(top), *(folder / "modules" / path for folder in (place.git_dir, place.common_dir))]
    found = next((folder for folder in places if folder is not None and (folder / "HEAD").is_file()), None)
    return None if found is None else Location(top=top, git_dir=found, common_dir=common_dir_of(found))
