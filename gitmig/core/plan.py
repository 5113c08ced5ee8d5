"""Plans out of facts. Pure: the caller has read the graph, the heads and the ties before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gitmig.core.revisions.graph import Graph
from gitmig.errors import Refused
from gitmig.wire.values import Action, CommitId, RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that a plan does. Only what its action needs is set.

    ``downgrade``/``upgrade``: ``revision``. ``restore``: ``path`` and the ``commit`` it comes from.
    ``remove``: ``path``. ``commit``: ``path`` (one step for each). ``switch``: ``commit``. ``rewrite``:
    ``revision`` and the ``path`` of its file.
    """

    action: Action
    revision: RevisionId | None = None
    path: str | None = None
    commit: CommitId | None = None
    idle: bool = False
    """Whether the version table alone changes, and no script runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a command is about to do, in order."""

    steps: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()
    heads: tuple[RevisionId, ...] = ()
    """What the version table must hold when the plan was carried out."""

    def of(self, *actions: Action) -> tuple[Step, ...]:
        """The steps with one of these actions, in order."""
        return tuple(step for step in self.steps if step.action in actions)

    def revisions(self, action: Action) -> tuple[RevisionId, ...]:
        """The revisions of the steps with this action, in order."""
        return tuple(step.revision for step in self.of(action) if step.revision is not None)


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
    """The way from ``heads`` up to ``targets``; empty if the database is there already."""
    ups = graph.upgrade_path(heads, tuple(targets))
    return Plan(steps=upgrades(ups), heads=graph.after(heads, (), ups))


def plan_rollback(graph: Graph, heads: tuple[RevisionId, ...], target: str) -> Plan:
    """The way from ``heads`` down to ``target``, in Alembic's words. Raises Refused at base."""
    if not heads:
        raise Refused("the database is at base: there is nothing to roll back", hint="gitmig status")
    downs = graph.downgrade_path(heads, target)
    return Plan(steps=downgrades(downs), heads=graph.after(heads, downs, ()))


def common_revisions(
    present: Graph, target: Graph, differing: Collection[RevisionId] = ()
) -> frozenset[RevisionId]:
    """The revisions that are one and the same in both graphs.

    Same id, same parents, same content (``differing`` are those that do other things), and the same of
    everything below them.
    """
    common: set[RevisionId] = set()
    for revision in target.topological():
        if revision not in present.scripts or revision in differing:
            continue
        parents = frozenset(target.parents[revision])
        if (
            parents == frozenset(present.parents[revision])
            and frozenset(target.line_parents[revision]) == frozenset(present.line_parents[revision])
            and common.issuperset(parents)
        ):
            common.add(revision)
    return frozenset(common)


def backports(present: Graph, target: Graph, plan: Plan) -> dict[RevisionId, RevisionId]:
    """What a plan undoes while it applies the same in another form: a copy and its original, either way."""
    downs, ups = plan.revisions(Action.DOWNGRADE), plan.revisions(Action.UPGRADE)
    found = {
        copy: original
        for copy in downs
        if (original := present.scripts[copy].backport_of) in ups and original
    }
    copies = {target.scripts[revision].backport_of: revision for revision in ups}
    return found | {original: copies[original] for original in downs if original in copies}


def with_marks(plan: Plan, same: Mapping[RevisionId, RevisionId]) -> Plan:
    """The plan in which a copy and its original trade places without a script being run."""
    idle = {*same, *same.values()}
    notes = (
        f"{old} and {new} are one change: {new} is marked as applied, and nothing runs"
        for old, new in same.items()
    )
    return replace(
        plan,
        steps=tuple(replace(step, idle=step.revision in idle) for step in plan.steps),
        warnings=(*plan.warnings, *notes),
    )


def plan_crossing(
    present: Graph,
    target: Graph,
    heads: Sequence[RevisionId],
    targets: Sequence[RevisionId],
    differing: Collection[RevisionId] = (),
) -> Plan:
    """The way from one graph to another: what only the present side has down, newest first, then the rest up.

    ``present`` holds what the database at ``heads`` was made with, ``target`` has the ``targets``. Raises
    UnknownRevision for ids that a graph does not have, Refused if the files on the way are flawed.
    """
    present.require_known(heads)
    target.require_known(targets)
    applied, wanted = present.applied(heads), target.ancestors(targets)
    kept = common_revisions(present, target, differing) & applied & wanted
    downs = present.topological(applied - kept)[::-1]
    ups = target.topological(wanted - kept)
    present.require_sound(downs)
    target.require_sound(ups)
    return Plan(steps=(*downgrades(downs), *upgrades(ups)), heads=target.tips(wanted))
