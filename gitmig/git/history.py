"""History: where revisions came and how the models' content went, for :mod:`gitmig.ties`.

Revisions are told by their identifiers, read out of the blobs; never by path. The work grows with the
commits that touch a versions folder or the models: ``diff-tree`` finds those, all else is skipped.
"""

from __future__ import annotations

import os
import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING

from gitmig.git import commits
from gitmig.git.objects import Entry
from gitmig.git.trees import CommitTree, content_digest, digest_of
from gitmig.git.worktree import records
from gitmig.model import BlobId, Commit, CommitId, RevisionId, Script
from gitmig.scripts import read_script_bytes
from gitmig.ties import Fact, Line

if TYPE_CHECKING:
    from gitmig.git.repository import Repository

Identity = tuple[RevisionId, tuple[RevisionId, ...]]
"""A revision and its down revisions."""
Identities = MutableMapping[BlobId, Identity | None]
"""What each blob of a versions folder is; None for what is no readable revision file."""

_MOVES = 8
"""As many times as the versions folder is followed to where it lay before."""
_BLOBS = 500
"""Blobs read at a time."""
_Change = tuple[str, Entry | None]


class History:
    """Reads the first-parent lines of a repository.

    ``versions`` are the folders with revision files (their subfolders too when ``recursive``),
    ``models`` the models files and folders. ``identities`` is a cache, and grows.
    """

    def __init__(
        self,
        repository: Repository,
        *,
        versions: Sequence[str],
        models: Sequence[str],
        recursive: bool = False,
        identities: Identities | None = None,
    ) -> None:
        self._repository = repository
        self._versions = tuple(path.strip("/") for path in versions)
        self._models = tuple(path.strip("/") for path in models)
        self._recursive = recursive
        self.identities: Identities = {} if identities is None else identities

    def mainline(self, head: CommitId) -> tuple[Commit, ...]:
        """The first-parent line of a commit, oldest first."""
        return commits.first_parents(self._repository, head)

    def models_digest(self, commit: CommitId) -> str | None:
        """The content digest of the models files in a commit; None when it has none."""
        return content_digest(CommitTree(self._repository, commit), self._models)

    def line(self, head: CommitId) -> Line:
        """The facts of the first-parent line of a commit, and of the lines that merges brought in.

        A versions folder that lay elsewhere is followed. Raises GitError when objects are missing.
        """
        return _Reader(self._repository, self._versions, self._models, self._recursive, self.identities).read(
            head
        )


class _Reader:
    """One reading of a line and its sides."""

    def __init__(
        self,
        repository: Repository,
        versions: Sequence[str],
        models: Sequence[str],
        recursive: bool,
        identities: Identities,
    ) -> None:
        self._repository = repository
        self._versions = dict.fromkeys(versions)
        self._models = tuple(models)
        self._recursive = recursive
        self._identities = identities
        self._children: dict[RevisionId, set[RevisionId]] = defaultdict(set)
        self._parents: Mapping[CommitId, tuple[CommitId, ...]] = {}

    def read(self, head: CommitId) -> Line:
        chain = self._first_parents(head)
        facts = self._facts(chain)
        for _ in range(_MOVES):
            if not (former := self._former_folders(facts)):
                break
            self._versions |= dict.fromkeys(former)
            facts = self._facts(chain)
        sides = dict(self._sides(facts, {id for id, _ in chain}))
        return Line(
            facts=facts,
            cut_off=bool(chain) and chain[0][0] in self._repository.shallow(),
            sides=sides,
            former_children={parent: frozenset(children) for parent, children in self._children.items()},
        )

    def _first_parents(self, head: CommitId) -> list[tuple[CommitId, tuple[CommitId, ...]]]:
        """Each commit of the line with its parents, oldest first."""
        out = self._repository.git("rev-list", "--first-parent", "--parents", "--reverse", head, "--")
        lines = (line.split() for line in out.decode().splitlines())
        chain = [(CommitId(id), tuple(CommitId(parent) for parent in parents)) for id, *parents in lines]
        self._parents = {**self._parents, **dict(chain)}
        return chain

    def _facts(self, chain: Sequence[tuple[CommitId, tuple[CommitId, ...]]]) -> tuple[Fact, ...]:
        if not chain:
            return ()
        first = chain[0][0]
        tree = CommitTree(self._repository, first)
        start = {path: entry for prefix in self._paths() for path, entry in tree.entries(prefix).items()}
        beginning: list[_Change] = list(start.items())
        changes = [(first, beginning), *self._changes(chain[1:])]
        self._identify(changes)
        state = _State(self)
        return tuple(fact for id, changed in changes if (fact := state.apply(id, changed)) is not None)

    def _paths(self) -> tuple[str, ...]:
        return (*self._versions, *self._models)

    def _changes(
        self, chain: Sequence[tuple[CommitId, tuple[CommitId, ...]]]
    ) -> Iterator[tuple[CommitId, list[_Change]]]:
        """The commits that touch one of the paths, with what they changed against their first parent."""
        if not chain:
            return
        pairs = "".join(f"{id} {parents[0]}\n" for id, parents in chain)
        out = self._repository.git(
            "diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", "--full-index", "--", *self._paths(),
            input=pairs.encode(),
        )  # fmt: skip
        yield from _parsed(out)

    def _identify(self, changes: Iterable[tuple[CommitId, list[_Change]]]) -> None:
        unknown = {
            entry.blob: path
            for _, changed in changes
            for path, entry in changed
            if entry is not None and self.is_version(path) and entry.blob not in self._identities
        }
        blobs = list(unknown)
        for start in range(0, len(blobs), _BLOBS):
            group = blobs[start : start + _BLOBS]
            for blob, data in zip(group, self._repository.objects.read_all(group), strict=True):
                self._identities[blob] = _identity(unknown[blob], data)

    def is_version(self, path: str) -> bool:
        folder = posixpath.dirname(path)
        if not path.endswith(".py"):
            return False
        if folder in self._versions:
            return True
        return self._recursive and any(not root or folder.startswith(root + "/") for root in self._versions)

    def is_model(self, path: str) -> bool:
        return any(path == root or not root or path.startswith(root + "/") for root in self._models)

    def revision_of(self, entry: Entry) -> RevisionId | None:
        """The revision in a blob; its parents are noted for good."""
        identity = self._identities.get(entry.blob)
        if identity is None:
            return None
        for parent in identity[1]:
            self._children[parent].add(identity[0])
        return identity[0]

    def _former_folders(self, facts: Sequence[Fact]) -> set[str]:
        """Where the revisions lay before the commit that first has any in the folders known so far."""
        fact = next((fact for fact in facts if fact.arrived), None)
        if fact is None or not (parents := self._parents.get(fact.commit, ())):
            return set()
        out = self._repository.git(
            "diff-tree", "-r", "-z", "--raw", "--no-renames", "--full-index", "--diff-filter=D",
            parents[0], fact.commit,
        )  # fmt: skip
        fields = records(out)
        gone = {
            path: BlobId(meta.split(" ")[2])
            for meta, path in zip(fields[::2], fields[1::2], strict=True)
            if path.endswith(".py") and not self.is_version(path)
        }
        contents = self._repository.objects.read_all(list(gone.values()))
        folders = set()
        for path, data in zip(gone, contents, strict=True):
            identity = _identity(path, data) if data and b"down_revision" in data else None
            if identity is not None and identity[0] in fact.arrived:
                folders.add(posixpath.dirname(path))
        return folders

    def _sides(
        self, facts: Sequence[Fact], known: set[CommitId]
    ) -> Iterator[tuple[CommitId, tuple[Line, ...]]]:
        """For merges that brought a revision and its child at once: the lines they merged."""
        for fact in facts:
            merged = self._parents.get(fact.commit, ())[1:]
            if not merged or not any(self._children[one] & fact.arrived for one in fact.arrived):
                continue
            yield fact.commit, tuple(self._side(tip, known) for tip in merged)

    def _side(self, tip: CommitId, known: set[CommitId]) -> Line:
        chain = self._first_parents(tip)
        fork = next((place for place in range(len(chain), 0, -1) if chain[place - 1][0] in known), 0)
        own = chain[fork:]
        facts = self._facts(own)
        return Line(facts=facts, sides=dict(self._sides(facts, known | {id for id, _ in own})))


class _State:
    """What the paths hold at one commit of a chain, moved forward change by change."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader
        self._revisions: dict[str, RevisionId] = {}
        self._counts: Counter[RevisionId] = Counter()
        self._models: dict[str, str] = {}
        self._digest: str | None = None

    def apply(self, commit: CommitId, changed: Sequence[_Change]) -> Fact | None:
        """The fact of a commit, or None when nothing that counts changed."""
        touched: dict[RevisionId, bool] = {}
        for path, entry in changed:
            if self._reader.is_version(path):
                self._put(path, None if entry is None else self._reader.revision_of(entry), touched)
        before, self._digest = self._digest, self._digested(changed)
        arrived = frozenset(one for one, was in touched.items() if not was and self._counts[one])
        left = frozenset(one for one, was in touched.items() if was and not self._counts[one])
        if not arrived and not left and self._digest == before:
            return None
        return Fact(commit=commit, arrived=arrived, left=left, models=self._digest)

    def _put(self, path: str, revision: RevisionId | None, touched: dict[RevisionId, bool]) -> None:
        old = self._revisions.pop(path, None)
        for one, count in ((old, -1), (revision, +1)):
            if one is not None:
                touched.setdefault(one, self._counts[one] > 0)
                self._counts[one] += count
        if revision is not None:
            self._revisions[path] = revision

    def _digested(self, changed: Sequence[_Change]) -> str | None:
        models = [(path, entry) for path, entry in changed if self._reader.is_model(path)]
        for path, entry in models:
            if entry is None or entry.is_submodule:
                self._models.pop(path, None)
            else:
                self._models[path] = entry.blob
        return digest_of(self._models) if models else self._digest


def _parsed(out: bytes) -> Iterator[tuple[CommitId, list[_Change]]]:
    """The output of ``diff-tree --stdin -z --raw``: a commit id, then pairs of data and path."""
    fields = iter(os.fsdecode(field) for field in out.split(b"\0") if field)
    commit: CommitId | None = None
    changed: list[_Change] = []
    for field in fields:
        if not field.startswith(":"):
            if commit is not None:
                yield commit, changed
            commit, changed = CommitId(field), []
            continue
        _, mode, _, blob, status = field.split(" ")
        changed.append((next(fields), None if status == "D" else Entry(mode, BlobId(blob))))
    if commit is not None:
        yield commit, changed


def _identity(path: str, data: bytes | None) -> Identity | None:
    script = None if data is None else read_script_bytes(path, data)
    return (script.revision, script.down_revisions) if isinstance(script, Script) else None
