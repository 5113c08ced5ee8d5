"""Revisions and commits in one order, each on what it stands on."""

from __future__ import annotations

from gitmig.core.timeline import Node, timeline
from gitmig.wire.values import CommitId, RevisionId

A, B, C, D = (RevisionId(letter) for letter in "abcd")
X, Y, Z = (CommitId(letter) for letter in "xyz")


def said(nodes: tuple[Node, ...]) -> list[tuple[str, tuple[int, ...]]]:
    return [(node.revision or node.commit or "work tree", node.parents) for node in nodes]


def test_commits_stand_between_revisions() -> None:
    found = timeline({A: [], B: [A]}, {A: 1, B: 4}, [(0, X), (2, Y), (3, Z)], ahead=[B])
    assert said(found) == [("x", ()), ("a", ()), ("y", (1,)), ("z", (2,)), ("b", (3,)), ("work tree", (4,))]


def test_branches_part_and_meet() -> None:
    found = timeline({A: [], B: [A], C: [A], D: [B, C]}, {A: 0, B: 1, C: 2, D: 3}, [], ahead=None)
    assert said(found) == [("a", ()), ("b", (0,)), ("c", (0,)), ("d", (1, 2))]


def test_what_is_in_no_commit_comes_last() -> None:
    found = timeline({A: [], B: [A]}, {A: 0}, [(1, X)], ahead=None)
    assert said(found) == [("a", ()), ("x", (0,)), ("b", (1,))]
    assert timeline({}, {}, [], ahead=None) == ()
