"""Plans out of facts. Pure: the caller has read the graph, the heads and the ties before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gitmig.errors import Refused
from gitmig.graph import Graph
from gitmig.model import Action, CommitId, Plan, RevisionId, Step


def downgrades(revisions: Iterable[RevisionId]) -> tuple[Step, ...]:
    """One step for each revision that is taken down, in order."""
    return tuple(Step(action=Action.DOWNGRADE, revision=revision) for revision in revisions)


def upgrades(revisions: Iterable[RevisionId]) -> tuple[Step, ...]:
    """One step for each revision that is applied, in order."""
    return tuple(Step(action=Action.UPGRADE, revision=revision) for revision in revisions)


def restores(paths: Iterable[str], removed: Iterable[str], commit: CommitId) -> tuple[Step, ...]:
    """One step for each file that is put back from ``commit``, and for each that it does not have."""
    gone = frozenset(removed)
    return tuple(
        Step(action=Action.REMOVE, path=path)
        if path in gone
        else Step(action=Action.RESTORE, path=path, commit=commit)
        for path in paths
    )


def commits(paths: Iterable[str]) -> tuple[Step, ...]:
    """One step for each path that is committed."""
    return tuple(Step(action=Action.COMMIT, path=path) for path in paths)


def plan_upgrade(graph: Graph, heads: tuple[RevisionId, ...], targets: Sequence[RevisionId]) -> Plan:
    """The way from ``heads`` up to ``targets``; empty where the database is there already."""
    ups = graph.upgrade_path(heads, tuple(targets))
    return Plan(steps=upgrades(ups), heads=graph.after(heads, (), ups))


def plan_rollback(graph: Graph, heads: tuple[RevisionId, ...], target: str) -> Plan:
    """The way from ``heads`` down to ``target``, in Alembic's words. Raises Refused at base."""
    if not heads:
        raise Refused("the database is at base: there is nothing to roll back", hint="gitmig status")
    downs = graph.downgrade_path(heads, target)
    return Plan(steps=downgrades(downs), heads=graph.after(heads, downs, ()))
