"""The ties of many revisions, remembered: thousands of commits are not walked again for the same answer.

What is stored is what :class:`gitmig.core.ties.Derivation` says while no schema is known, by all that it
depends on. It holds for later heads too, as long as nothing that ties depend on was committed since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from gitmig.core.commits import History
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import header_row
from gitmig.core.ties import Derivation, Tie, TieState
from gitmig.errors import GitError
from gitmig.facts.known_history import history_key
from gitmig.facts.places import TrackedPlaces
from gitmig.git.history import changes_below
from gitmig.git.repository import Repository
from gitmig.state.facts import Facts, packed, unpacked
from gitmig.wire.values import CommitId, RevisionId

_KIND = "ties"
_WORTH_IT = 500
"""Revisions from which on the walk takes longer than remembering what came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedTies:
    """What one walk of a history says of the revisions of a graph."""

    ties: Mapping[RevisionId, Tie]
    several: tuple[tuple[RevisionId, ...], ...]
    """The states of several heads that a commit is at."""
    contents: Mapping[CommitId, str]
    """The content digests of the models in the commits that ``ties`` name as those of the models."""
    paths: tuple[str, ...]
    """Where the history was looked for revisions and models."""


def derived_ties(derivation: Derivation, history: History) -> DerivedTies:
    """What a history says of all revisions of the graph of ``derivation``, which knows no schema."""
    ties = derivation.all()
    named = {tie.models_commit for tie in ties.values()}
    return DerivedTies(
        ties=ties,
        several=tuple(heads for heads in derivation.replayed.heads.values() if len(heads) > 1),
        contents={
            fact.commit: fact.models
            for fact in history.facts
            if fact.models is not None and fact.commit in named
        },
        paths=history.paths,
    )


@dataclass(frozen=True, kw_only=True)
class KnownTies:
    """The ties of a graph at the end of a history: what they depend on, and where they are kept."""

    repository: Repository
    facts: Facts
    graph: Graph
    silent: Collection[RevisionId]
    places: TrackedPlaces
    at_least: int = _WORTH_IT
    """So many revisions are remembered, and fewer not."""

    def find(self, head: CommitId) -> DerivedTies | None:
        """Those at a head; None if they are not known."""
        data = self.facts.find(_KIND, self._key) if self._key is not None else None
        text = unpacked(data) if data is not None else None
        if text is None:
            return None
        try:
            of, paths, several, contents, rows = json.loads(text)
            if of != head and not self._is_beside(of, head, paths):
                return None
            return DerivedTies(
                ties={row[0]: _tie(*row) for row in rows},
                several=tuple(tuple(heads) for heads in several),
                contents=contents,
                paths=tuple(paths),
            )
        except (ValueError, TypeError):
            return None

    def store(self, head: CommitId, derived: DerivedTies) -> None:
        """Remember those at a head, if there are so many that it is worth it."""
        if self._key is not None:
            rows = [_row(tie) for tie in derived.ties.values()]
            value = [head, derived.paths, derived.several, dict(derived.contents), rows]
            self.facts.store(_KIND, {self._key: packed(json.dumps(value, separators=(",", ":")))})

    @cached_property
    def _key(self) -> str | None:
        if len(self.graph.scripts) < self.at_least:
            return None
        history = history_key(self.repository, self.places)
        if history is None:
            return None
        scripts = [
            (each.revision, each.down_revisions, each.depends_on, each.branch_labels, each.path,
             header_row(each.header), each.squashes, each.backport_of)
            for each in self.graph.scripts.values()
        ]  # fmt: skip
        data = json.dumps([history, scripts, sorted(self.silent)], separators=(",", ":"))
        return hashlib.sha256(data.encode()).hexdigest()

    def _is_beside(self, known: CommitId, head: CommitId, paths: Collection[str]) -> bool:
        """Whether ``head`` is above a known one, in one line of commits that change nothing at ``paths``."""
        try:
            new = changes_below(self.repository, (head, f"^{known}"), list(paths))
            # A commit with several parents may bring what no commit above the known one changes.
            plain = all(len(each.parents) == 1 and not each.changes for each in new)
            return plain and not self.repository.commits_not_in(known, head)
        except GitError:  # the known head is not there any more
            return False


def _row(tie: Tie) -> list[object]:
    return [tie.revision, tie.state, tie.introduced, tie.models_commit, tie.candidates, tie.undecided]


def _tie(
    revision: str,
    state: str,
    introduced: CommitId | None,
    models: CommitId | None,
    candidates: list[CommitId],
    undecided: list[CommitId],
) -> Tie:
    return Tie(
        revision=RevisionId(revision),
        state=TieState(state),
        introduced=introduced,
        models_commit=models,
        candidates=tuple(candidates),
        undecided=tuple(undecided),
    )
