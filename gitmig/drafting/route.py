"""The way of the database under a draft: to where the draft starts, and from there through it."""

from __future__ import annotations

from gitmig.core.plan import Plan, commits, downgrades, upgrades
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.drafting.intent import Intent
from gitmig.errors import Refused
from gitmig.facts.models_state import models_place
from gitmig.moving.foresight import stops
from gitmig.moving.plans import PlannedMove
from gitmig.moving.preconditions import (
    require_apart,
    require_known,
    require_sound,
    require_under_alembic,
    require_written,
)
from gitmig.project.project import Project
from gitmig.rpc.protocol import DatabaseFacts, MigrationRequest
from gitmig.wire.values import Action, RevisionId, named


def to_the_parent(project: Project, intent: Intent, facts: DatabaseFacts) -> MigrationRequest:
    """To the state that the draft starts from, whatever the database holds; rolled back afterwards.

    Raises Refused if it could not be rolled back.
    """
    moves = _moves(project, intent, facts, intent.before, intent.before.heads)
    if moves.steps and (facts.per_migration or stops(moves, facts)):
        raise _lasting(moves)
    return moves


def require_ready(project: Project, intent: Intent, facts: DatabaseFacts) -> None:
    """Raises Refused if the database is in a state that no draft is made from, whatever it says."""
    require_known(project, intent.graph, facts)
    require_under_alembic(facts, intent.graph)
    require_apart(facts, intent.graph)
    _require_not_rolled_back(project, intent, facts)


def through_the_draft(
    project: Project, intent: Intent, script: Script, paths: tuple[str, ...], facts: DatabaseFacts
) -> PlannedMove:
    """All the way to the drafted revision, and the paths that are committed then."""
    after = with_draft(project, intent, script)
    moves = _moves(project, intent, facts, after, (script.revision,))
    steps = tuple(step for step, _ in moves.steps)
    return PlannedMove(plan=Plan(steps=(*steps, *commits(paths)), heads=moves.expect), moves=moves)


def with_draft(project: Project, intent: Intent, script: Script) -> Graph:
    """The graph with the draft, which a person may have edited. Raises Refused if it is not sound."""
    after = Graph.of((*intent.before.scripts.values(), script))
    require_sound(project, after)
    return after


def _moves(
    project: Project, intent: Intent, facts: DatabaseFacts, graph: Graph, targets: tuple[RevisionId, ...]
) -> MigrationRequest:
    require_ready(project, intent, facts)
    downs = (intent.revision,) if intent.revision in facts.heads else ()
    between = intent.graph.after(facts.heads, downs, ())
    ups = graph.upgrade_path(between, targets)
    require_written(graph, ups)
    old: tuple[Script, ...] = ()
    if intent.amended is not None and downs:
        old = intent.amended.scripts(intent.graph, project.top, project.git.private())
    return MigrationRequest(
        graphs=(tuple(graph.scripts.values()), old),
        roots=(project.top, project.top),
        steps=tuple(
            (step, 1 if step.action is Action.DOWNGRADE else 0)
            for step in (*downgrades(downs), *upgrades(ups))
        ),
        expect=graph.after(between, (), ups),
    )


def _lasting(moves: MigrationRequest) -> Refused:
    step, _ = moves.steps[0]
    if step.action is Action.DOWNGRADE:
        return Refused(
            f"a draft would undo {step.revision}, and could not take it back",
            hint="gitmig rollback --database-only, then run the command again",
        )
    return Refused(
        f"the database is behind: a draft would apply {step.revision}, and could not take it back",
        hint="gitmig upgrade, then run the command again",
    )


def _require_not_rolled_back(project: Project, intent: Intent, facts: DatabaseFacts) -> None:
    """Models that a rollback put there are no change to make a revision of."""
    if not intent.graph.upgrade_path(facts.heads, intent.graph.heads):
        return
    back = models_place(project, intent.graph).rolled_back_to
    if back and intent.graph.applied(facts.heads).issuperset(back):
        raise Refused(
            f"the models in the work tree are those of {named(back)}, as a rollback put them there",
            hint="gitmig upgrade",
        )
