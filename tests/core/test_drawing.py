"""Revision graphs in characters."""

from __future__ import annotations

import pytest

from gitmig.core.drawing import draw
from gitmig.wire.values import RevisionId

GRAPHS = {
    "a line": ("c b a", {"c": "b", "b": "a"}, ["* c", "* b", "* a"]),
    "two heads": ("c b a", {"c": "a", "b": "a"}, ["* c", "| * b", "|/", "* a"]),
    "a merge": (
        "m c b a",
        {"m": "b c", "c": "a", "b": "a"},
        ["* m", "|\\", "| * c", "* | b", "|/", "* a"],
    ),
    "two bases": ("b a", {}, ["* b", "* a"]),
    "three heads": (
        "d c b a",
        {"d": "a", "c": "a", "b": "a"},
        ["* d", "| * c", "| | * b", "| |/", "|/", "* a"],
    ),
    "a base beside a line": ("c x b a", {"c": "b", "b": "a"}, ["* c", "| * x", "* b", "* a"]),
    "what is not among them": ("c b", {"c": "b", "b": "a"}, ["* c", "* b"]),
    "lines that are far apart": (
        "d c b a",
        {"d": "a", "c": "b", "b": "", "a": ""},
        ["* d", "| * c", "| * b", "* a"],
    ),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph(name: str) -> None:
    order, parents, lines = GRAPHS[name]
    edges = {RevisionId(rev): tuple(map(RevisionId, names.split())) for rev, names in parents.items()}
    drawn = draw(tuple(map(RevisionId, order.split())), edges)
    assert [f"{line} {revision or ''}".rstrip() for line, revision in drawn] == lines


def test_every_revision_stands_on_one_line() -> None:
    order = [RevisionId(str(number)) for number in range(40, 0, -1)]
    parents = {rev: [RevisionId(str(int(rev) // 2)), RevisionId(str(int(rev) // 3))] for rev in order}
    drawn = draw(order, parents)
    assert [revision for _, revision in drawn if revision is not None] == order
    assert all(line.count("*") == (revision is not None) for line, revision in drawn)
