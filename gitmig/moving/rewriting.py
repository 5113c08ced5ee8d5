"""Revision files that get another identity: what is on disk, and what is to be there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gitmig.core.plan import Step
from gitmig.core.revisions.header import Header
from gitmig.core.revisions.rewriting import Identity, rewritten
from gitmig.core.revisions.scripts import Script
from gitmig.failpoints import failpoint
from gitmig.git.objects import Entry
from gitmig.git.repository import Repository
from gitmig.git.restore import Restoration
from gitmig.git.worktree import PLAIN, hash_files, insert, private_index
from gitmig.project.project import Project
from gitmig.state.files import write_bytes
from gitmig.state.pins import files_tree
from gitmig.wire.values import Action, BlobId, CommitId, RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """What one file becomes."""

    script: Script
    """As it is on disk."""
    identity: Identity
    path: str
    """Where it lies then."""
    header: Header | None = None
    """The record that it gets; None leaves the one that it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewriting:
    """Files to be rewritten, all of them or none."""

    contents: Mapping[str, bytes]
    """The new bytes by path."""
    restoration: Restoration
    steps: tuple[Step, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that is written or removed, sorted."""
        return self.restoration.paths


def plan_rewriting(project: Project, rewrites: Iterable[Rewrite]) -> Rewriting:
    """Read the files and write the blobs of what they become; no file is touched. Raises Refused."""
    contents: dict[str, bytes] = {}
    removed: list[str] = []
    steps: list[Step] = []
    for each in rewrites:
        data = (project.top / each.script.path).read_bytes()
        new = rewritten(each.script, data, each.identity, each.header)
        if new == data and each.path == each.script.path:
            continue
        contents[each.path] = new
        removed += [each.script.path] if each.path != each.script.path else []
        steps.append(Step(action=Action.REWRITE, revision=each.identity.revision, path=each.path))
    git = project.git
    old = hash_files(git.runner, [*contents, *removed], write=True)
    modes = {each.path: old[each.script.path].mode for each in rewrites if each.script.path in old}
    entries = {
        path: Entry(modes.get(path, "100644"), _blob(git, path, data)) for path, data in contents.items()
    }
    return Rewriting(
        contents=contents,
        restoration=Restoration(old=old, new=entries),
        steps=tuple(steps),
    )


def plan_files(
    project: Project,
    revisions: Mapping[RevisionId, str],
    contents: Mapping[str, bytes],
    removed: Iterable[str],
) -> Rewriting:
    """Files with new contents, the revisions among them by their path, and files that go; writes blobs."""
    git, gone = project.git, list(removed)
    old = hash_files(git.runner, [*contents, *gone], write=True)
    entries = {
        path: Entry(old[path].mode if path in old else "100644", _blob(git, path, data))
        for path, data in contents.items()
    }
    steps = (
        *(Step(action=Action.REWRITE, revision=r, path=path) for r, path in revisions.items()),
        *(Step(action=Action.REMOVE, path=path) for path in gone),
    )
    return Rewriting(contents=contents, restoration=Restoration(old=old, new=entries), steps=steps)


def with_file(project: Project, rewriting: Rewriting, path: str, data: bytes) -> Rewriting:
    """The same with one more file, unless it holds these bytes already. Writes its blob alone."""
    file = project.top / path
    if file.is_file() and file.read_bytes() == data:
        return rewriting
    git, moved = project.git, rewriting.restoration
    old = hash_files(git.runner, [path], write=True)
    entry = Entry(old[path].mode if path in old else "100644", _blob(git, path, data))
    return Rewriting(
        # First, so that what decides whether all is done still comes last.
        contents={path: data, **rewriting.contents},
        restoration=Restoration(old={**moved.old, **old}, new={**moved.new, path: entry}),
        steps=rewriting.steps,
    )


def tree_after(project: Project, rewriting: Rewriting, base: CommitId | None = None) -> CommitId:
    """The tree of the files on disk (or of ``base``) with those rewritten. Only its objects are written."""
    git = project.git
    before = base or files_tree(git, project.configuration.folders)
    with private_index(git.runner, write=True) as env:
        git.runner.run([*PLAIN, "read-tree", f"{before}^{{tree}}"], env=env)
        gone = b"".join(os.fsencode(path) + b"\0" for path in rewriting.restoration.removed)
        if gone:
            git.runner.run([*PLAIN, "update-index", "--force-remove", "-z", "--stdin"], input=gone, env=env)
        insert(git.runner, env, rewriting.restoration.new)
        # A tree's id serves wherever its commit's would.
        return CommitId(git.git(*PLAIN, "write-tree", env=env).decode().strip())


def write_files(project: Project, rewriting: Rewriting) -> None:
    """Write the files, each in one step, without the database.

    What decides whether there is anything left to do (the last of ``contents``) comes last: a command that is
    killed on the way is run again.
    """
    for path, data in rewriting.contents.items():
        write_bytes(project.top / path, data)
        failpoint("file-rewritten")
    for path in rewriting.restoration.removed:
        (project.top / path).unlink(missing_ok=True)
    project.forget()


def _blob(git: Repository, path: str, data: bytes) -> BlobId:
    return BlobId(git.git("hash-object", "-w", "--stdin", f"--path={path}", input=data).decode().strip())
