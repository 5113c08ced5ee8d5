"""What recovery makes of the version table alone."""

from __future__ import annotations

from dataclasses import replace

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.operations.recover import committed
from gitmig.state.journal import Journal
from gitmig.wire.values import RevisionId


def test_where_somebody_moved_the_database_since() -> None:
    """Without a ledger the version table tells: whether the last of what was to be done is there."""
    ids = ("a1", "b2", "c3", "d4")
    graph = Graph.of(
        Script(
            revision=RevisionId(id), down_revisions=(RevisionId(parent),) if parent else (), path=f"{id}.py"
        )
        for parent, id in zip((None, *ids), ids, strict=False)
    )
    a1, b2, c3, d4 = ((RevisionId(id),) for id in ids)
    up = replace(Journal.blank("upgrade", "alembic", None), before=a1, after=c3, ups=(*b2, *c3))
    down = replace(Journal.blank("rollback", "alembic", None), before=c3, after=a1, downs=(*c3, *b2))
    assert [committed(up, heads, graph) for heads in (a1, b2, c3, d4, ())] == [
        False,
        False,
        True,
        True,
        False,
    ]
    assert [committed(down, heads, graph) for heads in (a1, b2, c3, d4, ())] == [
        True,
        False,
        False,
        False,
        True,
    ]
    unknown = (RevisionId("e5"),)
    assert (committed(up, unknown, graph), committed(down, unknown, graph)) == (False, False)
