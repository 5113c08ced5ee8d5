"""``git switch``: what it would do, whether it would go well, doing it, and settling it after a crash.

A switch in two steps: the check, which touches nothing, and the switch itself, without hooks. Between the two
lies the database.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitmig.errors import GitError, Interrupted, Refused
from gitmig.failpoints import failpoint
from gitmig.git.command import INTERRUPTED, attended, inherited
from gitmig.git.listing import records
from gitmig.git.locks import real_index
from gitmig.git.objects import Entry
from gitmig.git.obstacles import quoted, require_free, require_no_lock
from gitmig.git.restore import Restoration, settle_files
from gitmig.git.worktree import PLAIN, index_entries, insert, private_index, record
from gitmig.wire.values import BlobId, CommitId

if TYPE_CHECKING:
    from gitmig.git.repository import Repository

_WITHOUT_HOOKS = ("-c", f"core.hooksPath={os.devnull}", "-c", "advice.detachedHead=false")
_HOOK_RUN = (2, 36)
"""The first git that has `git hook run`; it also knows hooks of the configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadState:
    """What HEAD is: a branch with its commit, or a commit alone."""

    commit: CommitId
    branch: str | None = None

    @property
    def name(self) -> str:
        """As messages show it."""
        return self.branch or self.commit[:8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One switch: HEAD before and after."""

    before: HeadState
    after: HeadState
    created: bool = False
    """Whether the branch is made by it."""
    upstream: str | None = None
    """What a new branch starts at: a branch by its whole name, which git may have it follow, or a commit."""


def head_state(repository: Repository) -> HeadState | None:
    """HEAD as it is now; None before the first commit."""
    commit = repository.head()
    return None if commit is None else HeadState(commit=commit, branch=repository.branch())


def plan_switch(repository: Repository, ref: str | None, *, create: str | None, detach: bool) -> Switch:
    """What switching to ``ref`` would do; tags and commits detach HEAD. Changes nothing.

    ``-`` is where HEAD was before. ``create`` makes a branch at ``ref``, or at HEAD. Raises UnknownRef,
    Refused.
    """
    before = head_state(repository)
    if before is None:
        raise Refused("there is no commit yet to switch from", hint="git commit")
    if create is not None:
        return _created(repository, before, create, ref)
    assert ref is not None
    name = _previous(repository) if ref in ("-", "@{-1}") else ref
    if not detach and (commit := _branch(repository, name)) is not None:
        _require_free(repository, name)
        return Switch(before=before, after=HeadState(commit=commit, branch=name))
    remote = None if detach or repository.objects.find(f"{name}^{{commit}}") else _remote(repository, name)
    if remote is not None:
        return _created(repository, before, name, f"refs/remotes/{remote}")
    return Switch(before=before, after=HeadState(commit=repository.resolve(name)))


def _created(repository: Repository, before: HeadState, name: str, start: str | None) -> Switch:
    try:
        repository.git("check-ref-format", "--branch", name)
    except GitError:
        raise Refused(f"{name!r} is no name for a branch", hint="git check-ref-format --help") from None
    if _branch(repository, name) is not None or name.startswith("-"):
        raise Refused(f"there is a branch {name}", hint=f"gitmig switch {name}")
    if start is None:
        return Switch(before=before, after=HeadState(commit=before.commit, branch=name), created=True)
    commit = repository.resolve(start)
    upstream = _unambiguous(repository, start, name) or commit
    return Switch(before=before, after=HeadState(commit=commit, branch=name), created=True, upstream=upstream)


def _unambiguous(repository: Repository, start: str, name: str) -> str | None:
    """The whole name of the branch that a new one starts at, which it may follow; None for anything else."""
    kinds = ("refs/tags/", "refs/heads/", "refs/remotes/")
    found = [f"{kind}{start}" for kind in kinds if repository.objects.find(f"{kind}{start}^{{commit}}")]
    if len(found) > 1:
        # git would not make the branch, and only after it has written the files.
        raise Refused(f"{start} is ambiguous: {', '.join(found)}", hint=f"gitmig switch -c {name} {found[1]}")
    whole = os.fsdecode(repository.git("rev-parse", "--symbolic-full-name", "--verify", start)).strip()
    return whole if whole.startswith(kinds[1:]) else None


def _branch(repository: Repository, name: str) -> CommitId | None:
    found = repository.objects.find(f"refs/heads/{name}^{{commit}}")
    return None if found is None else CommitId(found.id)


def _previous(repository: Repository) -> str:
    """The branch or commit that HEAD was at before."""
    try:
        out = repository.git("rev-parse", "--verify", "--quiet", "--abbrev-ref", "@{-1}", ok=(0, 1))
    except GitError:
        out = b""
    name = os.fsdecode(out).strip()
    if name and name != "HEAD":
        return name
    found = repository.objects.find("@{-1}^{commit}")
    if found is None:
        raise Refused("there is no branch to go back to", hint="gitmig switch BRANCH")
    return found.id


def _remote(repository: Repository, name: str) -> str | None:
    """The one remote-tracking branch of that name."""
    out = os.fsdecode(repository.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/remotes/"))
    # The name of a remote may have a slash.
    remotes = os.fsdecode(repository.git("remote")).splitlines()
    found = [ref for ref in out.splitlines() if any(ref == f"{remote}/{name}" for remote in remotes)]
    return found[0] if len(found) == 1 else None


def _require_free(repository: Repository, branch: str) -> None:
    if branch == repository.branch():
        return
    out = repository.git("worktree", "list", "--porcelain")
    if f"branch refs/heads/{branch}" in os.fsdecode(out).splitlines():
        raise Refused(
            f"{branch} is checked out in another work tree", hint=f"gitmig switch --detach {branch}"
        )


def require_possible(repository: Repository, switch: Switch, put_back: Restoration | None = None) -> None:
    """Raise Refused, with git's reason, where git would not switch; nothing is written but objects.

    ``put_back`` are files that go back to HEAD's before. Files that git ignores and would overwrite count.
    """
    require_no_lock(repository)
    old, new = _differences(repository, switch)
    tracked = index_entries(repository.runner)
    if put_back is not None:
        _require_unstaged(switch, tracked, put_back)
    for path in sorted(set(new) - set(old) - set(tracked)):
        try:
            require_free(repository, path, old)
        except Refused as refusal:
            raise _refused(switch, refusal.message, refusal.hint) from None
    with private_index(repository.runner, write=True) as env:
        if (repository.git_dir / "index").is_file():
            shutil.copyfile(repository.git_dir / "index", env["GIT_INDEX_FILE"])
        repository.git(*PLAIN, "update-index", "-q", "--refresh", env=env, ok=(0, 1))
        start: str = switch.before.commit
        if put_back is not None and put_back.paths:
            record(repository.runner, env, put_back.old, put_back.old)
            _drop(repository, env, set(put_back.new) - set(put_back.old))
            start = _tree_with(repository, switch.before.commit, put_back)
        try:
            repository.git(*PLAIN, "read-tree", "-n", "-m", "-u", start, switch.after.commit, env=env)
        except GitError as error:
            more = error.detail if error.detail and "\n" in error.detail else None
            raise _refused(switch, error.message, None, more) from error


def _require_unstaged(switch: Switch, tracked: Mapping[str, Entry], put_back: Restoration) -> None:
    """What goes back to HEAD's in the work tree has to be so in the index: git would carry it along."""
    for path in sorted(put_back.paths):
        if tracked.get(path) != put_back.new.get(path):
            raise _refused(switch, f"{quoted(path)} is staged", f"git restore --staged {quoted(path)}")


def _refused(switch: Switch, why: str, hint: str | None, detail: str | None = None) -> Refused:
    hint = hint or "git stash --include-untracked"
    why = why.removesuffix(".")
    return Refused(f"git would not switch to {switch.after.name}: {why}", hint=hint, detail=detail)


def _tree_with(repository: Repository, commit: CommitId, put_back: Restoration) -> str:
    """The tree of a commit with the files that are to be put back as they are on disk."""
    with private_index(repository.runner, write=True) as env:
        repository.git(*PLAIN, "read-tree", commit, env=env)
        insert(repository.runner, env, put_back.old)
        _drop(repository, env, set(put_back.new) - set(put_back.old))
        return repository.git(*PLAIN, "write-tree", env=env).decode().strip()


def _drop(repository: Repository, env: Mapping[str, str], paths: set[str]) -> None:
    if paths:
        names = b"".join(os.fsencode(path) + b"\0" for path in sorted(paths))
        repository.git(*PLAIN, "update-index", "--force-remove", "-z", "--stdin", input=names, env=env)


def apply_switch(repository: Repository, switch: Switch) -> None:
    """Switch, without hooks and with the user's own environment. Raises GitError; then HEAD is as it was.

    git works on a copy of the index, so that it leaves no lock of its own there where it is killed.
    """
    after = switch.after
    if after.branch is None:
        words = ["--detach", after.commit]
    elif switch.created:
        words = ["--create", after.branch, *([switch.upstream] if switch.upstream else [])]
    else:
        words = ["--no-guess", after.branch]
    args = [*_WITHOUT_HOOKS, "switch", "--quiet", "--no-overwrite-ignore", *words]
    with real_index(repository) as env:
        code = attended(repository.runner.place, args, env, repository.runner.inherited_fds)
        if code in INTERRUPTED:
            raise Interrupted("interrupted")
        if code:
            raise GitError("git did not switch: its output above says why", hint="git status")
        failpoint("switched")


def settle_switch(repository: Repository, switch: Switch, *, forward: bool) -> tuple[str, ...]:
    """Bring files, index and HEAD to one side of a switch that may have stopped anywhere.

    Returns the paths that were left alone, since they hold bytes that the switch did not write. Where HEAD is
    at neither side any more, nothing is done. Raises Refused while git's index is locked.
    """
    wanted, other = (switch.after, switch.before) if forward else (switch.before, switch.after)
    now = head_state(repository)
    if now not in (wanted, other):
        return ()
    require_no_lock(repository)
    old, new = _differences(repository, switch)
    left = settle_files(repository, old, new, forward=forward)
    _settle_index(repository, *((old, new) if forward else (new, old)))
    if now != wanted:
        _set_head(repository, other, wanted)
    if switch.created and not forward and _branch(repository, switch.after.branch or "") is not None:
        repository.git("branch", "--quiet", "-D", "--", switch.after.branch or "")
    return left


def _settle_index(repository: Repository, stale: Mapping[str, Entry], wanted: Mapping[str, Entry]) -> None:
    """Where the index holds the one side of the switch, it gets the other."""
    paths = {*stale, *wanted}
    listed = index_entries(repository.runner)
    wrong = {path for path in paths if listed.get(path) == stale.get(path) != wanted.get(path)}
    if not wrong:
        return
    with real_index(repository) as env:
        insert(repository.runner, env, {path: wanted[path] for path in wrong if path in wanted})
        _drop(repository, env, {path for path in wrong if path not in wanted})
        repository.git(*PLAIN, "update-index", "-q", "--refresh", env=env, ok=(0, 1))


def _set_head(repository: Repository, old: HeadState, new: HeadState) -> None:
    # As git words it: `@{-1}` is read from there.
    why = f"checkout: moving from {old.branch or old.commit} to {new.branch or new.commit}"
    if new.branch is not None:
        repository.git("symbolic-ref", "-m", why, "HEAD", f"refs/heads/{new.branch}")
    else:
        repository.git("update-ref", "--no-deref", "-m", why, "HEAD", new.commit)


def _differences(repository: Repository, switch: Switch) -> tuple[dict[str, Entry], dict[str, Entry]]:
    """The files that differ between the two commits, on either side. Submodules are left out."""
    out = repository.git(
        "diff-tree", "-r", "-z", "--raw", "--no-renames", "--full-index",
        switch.before.commit, switch.after.commit,
    )  # fmt: skip
    fields = records(out)
    old: dict[str, Entry] = {}
    new: dict[str, Entry] = {}
    for meta, path in zip(fields[::2], fields[1::2], strict=True):
        first, second, one, two, _ = meta.removeprefix(":").split(" ")
        for side, mode, blob in ((old, first, one), (new, second, two)):
            if mode not in ("000000", "160000"):
                side[path] = Entry(mode, BlobId(blob))
    return old, new


def run_post_checkout(repository: Repository, switch: Switch) -> int:
    """Run the repository's own post-checkout hook as git would have; its exit code, 0 if there is none."""
    arguments = [switch.before.commit, switch.after.commit, "1"]
    if _version(repository) >= _HOOK_RUN:
        words = ["hook", "run", "--ignore-missing", "post-checkout", "--", *arguments]
        return attended(repository.runner.place, words, {})
    hook = repository.hooks_folder() / "post-checkout"
    if not (hook.is_file() and os.access(hook, os.X_OK)):
        return 0
    import subprocess

    return subprocess.run(
        [str(hook), *arguments], cwd=repository.top, env=inherited(), stdout=2, check=False
    ).returncode


def _version(repository: Repository) -> tuple[int, ...]:
    words = repository.git("version").decode().split()
    numbers = words[2].split(".")[:2] if len(words) > 2 else []
    return tuple(int(number) for number in numbers if number.isdigit())
