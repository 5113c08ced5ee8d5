"""History: where revisions came and how the models' content went, for :mod:`gitmig.ties`.

Revisions are told by their identifiers, read out of the blobs; never by path. The work grows with the
commits that touch a versions folder or the models: ``diff-tree`` finds those, all else is skipped.
"""

from __future__ import annotations

import os
import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING

from gitmig.git import commits
from gitmig.git.command import pathspecs
from gitmig.git.objects import Entry
from gitmig.git.trees import CommitTree, content_digest, digest_line, digest_of_lines
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
_Changes = dict[CommitId, list[_Change]]
_Link = tuple[CommitId, tuple[CommitId, ...]]


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
        chain = self._chain("--first-parent", head)
        self._parents = dict(chain)
        facts = self._first_facts(chain)
        for _ in range(_MOVES):
            if not (former := self._former_folders(facts)):
                break
            self._versions |= dict.fromkeys(former)
            facts = self._first_facts(chain)
        sides = self._sides(facts, head)
        return Line(
            facts=facts,
            cut_off=bool(chain) and chain[0][0] in self._repository.shallow(),
            sides=sides,
            former_children={parent: frozenset(children) for parent, children in self._children.items()},
        )

    def _chain(self, *args: str) -> list[_Link]:
        """Commits with their parents, oldest first."""
        out = self._repository.git("rev-list", "--parents", "--reverse", *args, "--")
        lines = (line.split() for line in out.decode().splitlines())
        return [(CommitId(id), tuple(CommitId(parent) for parent in parents)) for id, *parents in lines]

    def _first_facts(self, chain: Sequence[_Link]) -> tuple[Fact, ...]:
        """The facts of a line from its very beginning."""
        changes = {chain[0][0]: self._everything(chain[0][0])} | self._changes(chain[1:])
        return self._told([id for id, _ in chain], changes, {})

    def _everything(self, commit: CommitId) -> list[_Change]:
        """What a commit without parents brings."""
        tree = CommitTree(self._repository, commit)
        return [(path, entry) for prefix in self._paths() for path, entry in tree.entries(prefix).items()]

    def _told(
        self, commits: Sequence[CommitId], changes: _Changes, models: Mapping[str, str]
    ) -> tuple[Fact, ...]:
        """The facts of commits in a row; before the first, the models are as given."""
        self._identify(changes)
        state = _State(self, models)
        facts = (state.apply(commit, changes[commit]) for commit in commits if commit in changes)
        return tuple(fact for fact in facts if fact is not None)

    def _paths(self) -> tuple[str, ...]:
        return (*self._versions, *self._models)

    def _changes(self, chain: Sequence[_Link]) -> _Changes:
        """What commits change against their first parents, for those that touch one of the paths."""
        if not chain:
            return {}
        pairs = "".join(f"{id} {parents[0]}\n" for id, parents in chain)
        options = ("--stdin", "-r", "-z", "--raw", "--no-renames", "--full-index")
        out = self._repository.git("diff-tree", *options, *pathspecs(self._paths()), input=pairs.encode())
        return dict(_parsed(out))

    def _identify(self, changes: _Changes) -> None:
        unknown = {
            entry.blob: path
            for changed in changes.values()
            for path, entry in changed
            if entry is not None and entry.blob not in self._identities and self.is_version(path)
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

    def _sides(self, facts: Sequence[Fact], head: CommitId) -> dict[CommitId, tuple[Line, ...]]:
        """The lines that a merge brought in, where a revision and its child came with it at once.

        On such a line nothing is told of what was there before it left the main one.
        """
        merges = [fact.commit for fact in facts if self._brings_both(fact)]
        if not merges:
            return {}
        known = set(self._parents)
        self._parents = dict(self._chain(head))
        return self._lines_of(merges, known)

    def _brings_both(self, fact: Fact) -> bool:
        merged = len(self._parents.get(fact.commit, ())) > 1
        return merged and any(self._children[one] & fact.arrived for one in fact.arrived)

    def _lines_of(self, merges: Sequence[CommitId], known: set[CommitId]) -> dict[CommitId, tuple[Line, ...]]:
        chains = {(merge, tip): self._own(tip, known) for merge in merges for tip in self._parents[merge][1:]}
        links = {id: self._parents[id] for chain in chains.values() for id in chain}
        changes = self._changes([(id, parents) for id, parents in links.items() if parents])
        changes |= {id: self._everything(id) for id, parents in links.items() if not parents}
        found: dict[CommitId, list[Line]] = defaultdict(list)
        for (merge, _), chain in chains.items():
            facts = self._told(chain, changes, self._models_before(chain))
            nested = [fact.commit for fact in facts if self._brings_both(fact)]
            sides = self._lines_of(nested, known | set(chain)) if nested else {}
            found[merge].append(Line(facts=facts, sides=sides))
        return {merge: tuple(lines) for merge, lines in found.items()}

    def _own(self, tip: CommitId, known: set[CommitId]) -> list[CommitId]:
        """The first-parent line of a tip down to where it left what is known, oldest first."""
        chain: list[CommitId] = []
        at: CommitId | None = tip
        while at is not None and at not in known:
            chain.append(at)
            at = next(iter(self._parents[at]), None)
        return chain[::-1]

    def _models_before(self, chain: Sequence[CommitId]) -> Mapping[str, str]:
        parents = self._parents[chain[0]] if chain else ()
        tree = CommitTree(self._repository, parents[0]) if parents else None
        return {path: blob for root in self._models for path, blob in tree.ids(root).items()} if tree else {}


class _State:
    """What the paths hold at one commit of a chain, moved forward change by change."""

    def __init__(self, reader: _Reader, models: Mapping[str, str]) -> None:
        self._reader = reader
        self._revisions: dict[str, RevisionId] = {}
        self._counts: Counter[RevisionId] = Counter()
        self._models = {path: digest_line(path, blob) for path, blob in models.items()}
        self._digest = digest_of_lines(self._models.values())

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
                self._models[path] = digest_line(path, entry.blob)
        return digest_of_lines(self._models.values()) if models else self._digest


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
