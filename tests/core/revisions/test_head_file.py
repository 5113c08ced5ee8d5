"""The file that names the heads."""

from __future__ import annotations

import pytest

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.head_file import head_file, named_in
from gitmig.core.revisions.scripts import Script
from gitmig.wire.values import RevisionId


def test_written_and_read() -> None:
    graph = Graph.of(
        Script(revision=RevisionId(name), down_revisions=(), path=f"{name}.py", message=message)
        for name, message in (("b2", "Two words"), ("a1", ""))
    )
    assert head_file(graph) == "a1\nb2 Two words\n"
    assert named_in(head_file(graph)) == ("a1", "b2")
    assert head_file(Graph.of(())) == ""


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", ()),
        ("b2 Two\n\na1\r\n", ("a1", "b2")),
        ("<<<<<<< HEAD\na1\n=======\nb2\n>>>>>>> topic\n", None),
    ],
)
def test_read(text: str, named: tuple[str, ...] | None) -> None:
    assert named_in(text) == named
