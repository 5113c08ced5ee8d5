"""Scripts of revisions that the checkout does not have: in branches, in the reflog, and in what was fetched.

Read as text and known by their revision id, wherever in the script folders they lay. What this clone made
itself comes first: of a script that only a remote, a pull request or the stash has, nobody here said yet that
it may be run.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from gitmig.core.revisions.scripts import Script, read_script_bytes
from gitmig.git.command import pathspecs
from gitmig.git.listing import records
from gitmig.wire.values import BlobId, CommitId, RevisionId

if TYPE_CHECKING:
    from gitmig.git.repository import Repository

_BLOBS = 500


class Origin(StrEnum):
    """How a script came here."""

    BRANCH = "a local branch"
    REFLOG = "the reflog"
    FETCHED = "elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """A script out of history."""

    script: Script
    blob: BlobId
    commit: CommitId
    """A commit that has it."""
    origin: Origin


class _Version(NamedTuple):
    commit: CommitId
    path: str
    blob: BlobId


def find_scripts(
    repository: Repository,
    revisions: Collection[RevisionId],
    folders: Sequence[str],
) -> Mapping[RevisionId, tuple[Elsewhere, ...]]:
    """The versions of each revision's script, those of the nearest origin alone, newest first.

    What was never in ``folders`` is looked for wherever this repository ever had an Alembic environment.
    Changes nothing.
    """
    found = _found(repository, revisions, folders)
    missing = [revision for revision in revisions if revision not in found]
    others = [folder for folder in _environments(repository) if folder not in folders] if missing else []
    return {**found, **_found(repository, missing, others)} if others else found


def _found(
    repository: Repository, revisions: Collection[RevisionId], folders: Sequence[str]
) -> dict[RevisionId, tuple[Elsewhere, ...]]:
    found: dict[RevisionId, tuple[Elsewhere, ...]] = {}
    for origin in Origin:
        missing = [revision for revision in revisions if revision not in found]
        if missing:
            versions = [one for one in _versions(repository, origin, folders) if one.path.endswith(".py")]
            found |= _matching(repository, missing, versions, origin)
    return found


def _environments(repository: Repository) -> list[str]:
    """The folders that any commit added an environment in: each begins with its template of revisions."""
    out = repository.runner.run(
        ["log", "--all", "--reflog", "--full-history", "--diff-filter=A", "--no-renames", "--format=",
        "--name-only", "-z", "--", ":(glob)**/script.py.mako"],
        literal=False,
    )  # fmt: skip
    return sorted({posixpath.dirname(path.lstrip("\n")) for path in records(out) if path.strip("\n")})


def _versions(repository: Repository, origin: Origin, folders: Sequence[str]) -> list[_Version]:
    """Every version of a file in the folders that a commit of this origin brought."""
    starts, input = ["--branches", *_head(repository)], b""
    if origin is Origin.REFLOG:
        # Not --reflog: remote-tracking branches have reflogs too.
        logged = ["-g", "--format=%H", *_head(repository), "--branches", "--"]
        starts, input = ["--ignore-missing", "--stdin"], repository.git("log", *logged)
    elif origin is Origin.FETCHED:
        starts = ["--exclude=refs/gitmig/*", "--all"]
    if origin is Origin.REFLOG and not input:
        return []
    out = repository.git(
        "-c", "log.showSignature=false", "-c", "log.showRoot=true",
        "log", "--raw", "-z", "-m", "--no-abbrev", "--no-renames", "--full-history", "--diff-filter=AM",
        "--format=%x01%H", *starts, *pathspecs(folders), input=input,
    )  # fmt: skip
    return list(dict.fromkeys(_parsed(records(out))))


def _head(repository: Repository) -> list[str]:
    return ["HEAD"] if repository.head() is not None else []


def _parsed(fields: Sequence[str]) -> Iterator[_Version]:
    commit, blob = CommitId(""), None
    for field in fields:
        field = field.lstrip("\n") if blob is None else field
        if blob is not None:
            yield _Version(commit, field, blob)
            blob = None
        elif field.startswith("\x01"):
            commit = CommitId(field[1:].strip())
        elif field.startswith(":"):
            blob = BlobId(field.split(" ")[3])


def _matching(
    repository: Repository, revisions: Collection[RevisionId], versions: Sequence[_Version], origin: Origin
) -> dict[RevisionId, tuple[Elsewhere, ...]]:
    first = {version.blob: version for version in reversed(versions)}
    wanted = [revision.encode() for revision in revisions]
    found: dict[RevisionId, list[Elsewhere]] = {}
    blobs = list(dict.fromkeys(version.blob for version in versions))
    for start in range(0, len(blobs), _BLOBS):
        group = blobs[start : start + _BLOBS]
        for blob, data in zip(group, repository.objects.read_all(group), strict=True):
            version = first[blob]
            # Parsing is dear; an id may also be in the file's name alone, as Alembic once had it.
            if data is None or not any(id in data or id in version.path.encode() for id in wanted):
                continue
            script = read_script_bytes(version.path, data)
            if isinstance(script, Script) and script.revision in revisions:
                one = Elsewhere(script=script, blob=blob, commit=version.commit, origin=origin)
                found.setdefault(script.revision, []).append(one)
    return {revision: tuple(several) for revision, several in found.items()}
