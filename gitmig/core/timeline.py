"""Revisions, and the commits that changed the models without one, in one order. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gitmig.wire.values import CommitId, RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One point of the timeline: a revision, a commit, or (neither) the work tree."""

    revision: RevisionId | None = None
    commit: CommitId | None = None
    parents: tuple[int, ...] = ()
    """What it stands on, by its place in the timeline."""


@dataclass(slots=True)
class _Timeline:
    nodes: list[Node] = field(default_factory=list)
    tops: dict[RevisionId, int] = field(default_factory=dict)
    """By revision: the newest point that stands on it without another revision between."""
    last: RevisionId | None = None

    def add(self, node: Node, on: Sequence[RevisionId]) -> None:
        parents = tuple(dict.fromkeys(self.tops[one] for one in on if one in self.tops))
        self.nodes.append(Node(revision=node.revision, commit=node.commit, parents=parents))
        for one in (node.revision,) if node.revision is not None else on:
            self.tops[one] = len(self.nodes) - 1
        self.last = node.revision or self.last

    def add_commit(self, commit: CommitId) -> None:
        self.add(Node(commit=commit), [self.last] if self.last is not None else [])


def timeline(
    revisions: Mapping[RevisionId, Sequence[RevisionId]],
    places: Mapping[RevisionId, int],
    commits: Sequence[tuple[int, CommitId]],
    *,
    ahead: Sequence[RevisionId] | None,
) -> tuple[Node, ...]:
    """The points, oldest first.

    ``revisions`` are in topological order with their parents; ``places`` says where on the line of commits a
    revision came, if it is in one; ``commits`` are further commits of that line with their places, oldest
    first. ``ahead`` are the heads that the work tree is ahead of; None if it is not.
    """
    made, waiting = _Timeline(), list(commits)
    for revision, parents in revisions.items():
        place = places.get(revision)
        while waiting and (place is None or waiting[0][0] < place):
            made.add_commit(waiting.pop(0)[1])
        made.add(Node(revision=revision), parents)
    for _, commit in waiting:
        made.add_commit(commit)
    if ahead is not None:
        made.add(Node(), ahead)
    return tuple(made.nodes)
