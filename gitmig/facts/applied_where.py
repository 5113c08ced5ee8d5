"""In which databases a revision is, as far as this clone knows: by its record, and where it last looked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitmig.core.revisions.graph import Graph
from gitmig.project.project import Project
from gitmig.state.history import read_rows
from gitmig.state.last_seen import all_seen
from gitmig.wire.values import RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDatabase:
    """What is known of one database."""

    database: str
    applied: bool | None
    """None if it was left at a revision that no file has."""
    time: int
    """When that was so."""
    who: str | None = None
    """Who applied it, where this clone has recorded that."""


def applied_where(project: Project, graph: Graph, revision: RevisionId) -> tuple[KnownDatabase, ...]:
    """Each database that this clone has moved or looked at, sorted by its name."""
    if project.repository is None:
        return ()
    rows = read_rows(project.repository.private())
    who = {row.database: row.who for row in rows if row.revision == revision}
    return tuple(
        KnownDatabase(
            database=database,
            applied=_is_applied(graph, heads, revision),
            time=time,
            who=who.get(database) if _is_applied(graph, heads, revision) else None,
        )
        for database, (time, heads) in sorted(left_at(project).items())
    )


def left_at(project: Project) -> Mapping[str, tuple[int, tuple[RevisionId, ...]]]:
    """By database: when this clone last moved it or looked at it, and the heads that it had then."""
    if project.repository is None:
        return {}
    folder = project.repository.private()
    latest: dict[str, tuple[int, tuple[RevisionId, ...]]] = {}
    for row in read_rows(folder):
        if row.heads is not None:
            latest[row.database] = (row.time, row.heads)
    for seen in all_seen(folder, project.directory):
        if seen.time >= latest.get(seen.database, (0, ()))[0]:
            latest[seen.database] = (seen.time, seen.heads)
    return latest


def _is_applied(graph: Graph, heads: tuple[RevisionId, ...], revision: RevisionId) -> bool | None:
    if any(head not in graph.scripts for head in heads):
        return None
    return revision in graph.applied(heads)
