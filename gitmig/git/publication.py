"""What others have: commits that history must not be rewritten under.

By default the tips are each remote's default branch (``refs/remotes/*/HEAD``; ``main`` or ``master``
where the remote did not say) and all tags. Patterns match whole ref names, or names without
``refs/heads/``, ``refs/remotes/`` or ``refs/tags/``.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from gitmig.wire.values import CommitId

if TYPE_CHECKING:
    from gitmig.git.repository import Repository

_NAMESPACES = ("refs/heads/", "refs/remotes/", "refs/tags/")
_FORMAT = "%(refname)%00%(objecttype)%00%(objectname)%00%(*objecttype)%00%(*objectname)"


class _Ref(NamedTuple):
    name: str
    commit: CommitId


def tips(repository: Repository, patterns: Sequence[str] = ()) -> tuple[CommitId, ...]:
    """The commits that the matching refs point at, each once."""
    refs = list(_refs(repository))
    if patterns:
        chosen = [ref for ref in refs if any(_matches(ref.name, pattern) for pattern in patterns)]
    else:
        chosen = [ref for ref in refs if ref.name.startswith("refs/tags/") or _is_default(ref.name, refs)]
    return tuple(dict.fromkeys(ref.commit for ref in chosen))


def contains(repository: Repository, commit: CommitId, tips: Sequence[CommitId]) -> bool:
    """Whether a commit is one of the tips or an ancestor of one."""
    if not tips:
        return False
    names = "".join(f"^{tip}\n" for tip in tips) + f"{commit}\n"
    return not repository.git("rev-list", "-1", "--stdin", input=names.encode())


def is_published(repository: Repository, commit: CommitId, patterns: Sequence[str] = ()) -> bool:
    """Whether others have a commit."""
    return contains(repository, commit, tips(repository, patterns))


def _refs(repository: Repository) -> list[_Ref]:
    refs = []
    # Not splitlines(): a name may hold what Unicode calls a line separator.
    for line in os.fsdecode(repository.git("for-each-ref", f"--format={_FORMAT}")).split("\n")[:-1]:
        name, kind, id, peeled_kind, peeled = line.split("\0")
        if kind == "commit":
            refs.append(_Ref(name, CommitId(id)))
        elif peeled_kind == "commit":
            refs.append(_Ref(name, CommitId(peeled)))
    return refs


def _matches(name: str, pattern: str) -> bool:
    names = [name, *(name.removeprefix(space) for space in _NAMESPACES if name.startswith(space))]
    return any(fnmatch.fnmatchcase(one, pattern) for one in names)


def _is_default(name: str, refs: Sequence[_Ref]) -> bool:
    if not name.startswith("refs/remotes/"):
        return False
    remote, _, branch = name.rpartition("/")
    if branch == "HEAD":
        return True
    known = any(ref.name == f"{remote}/HEAD" for ref in refs)
    return not known and branch in ("main", "master")
