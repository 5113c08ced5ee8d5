"""``upgrade``: move the database up, and with it the models that a rollback took back."""

from __future__ import annotations

import re
from dataclasses import replace

from gitmig.errors import Refused
from gitmig.execute import Manner, Outcome, Prepared, commit_paths, move, write_text
from gitmig.git.restore import Restoration, plan_restoration
from gitmig.git.trees import content_digest
from gitmig.graph import Graph
from gitmig.header import with_header
from gitmig.model import CommitId, Header, RevisionId
from gitmig.operations.drafting import changed_paths
from gitmig.operations.place import models_place
from gitmig.operations.preconditions import (
    require_known,
    require_quiet,
    require_sound,
    require_target,
    require_under_alembic,
    require_written,
)
from gitmig.operations.recover import changing
from gitmig.operations.restoring import restore_steps
from gitmig.operations.results import MoveResult
from gitmig.plan import plan_upgrade
from gitmig.project import Project
from gitmig.schema import digest
from gitmig.schemas import Schemas
from gitmig.tied import Ties
from gitmig.worker_client import Ground, Moves, Worker


def upgrade(project: Project, target: str, manner: Manner, *, commit: bool = False) -> MoveResult:
    """Move the database up to ``target``; where it is there already, nothing moves.

    Models that a rollback took back go forward with it; other files are never touched. An uncommitted
    head revision is committed with its models when ``commit`` is given or a person says so. Raises
    Refused, MigrationFailed (nothing moved), CommitFailed (the database stays where it is then).
    """
    with changing(project, manner):
        return _upgrade(project, target, manner, commit)


def _upgrade(project: Project, target: str, manner: Manner, commit: bool) -> MoveResult:
    require_quiet(project)
    graph = project.graph()
    require_sound(graph)
    if re.fullmatch(r"-\d+", target):
        raise Refused(f"{target} leads down, not up", hint=f"gitmig rollback {target}")
    require_target(graph, target)
    if commit:
        project.git.require_author()
    with project.worker() as worker:
        outcome = move(
            project.repository,
            worker,
            lambda ground: _prepared(project, graph, target, ground),
            manner,
            command="upgrade",
        )
        result = MoveResult(
            command="upgrade",
            plan=outcome.plan,
            database=outcome.database,
            before=outcome.before,
            heads=outcome.heads,
            done=outcome.done,
            notes=outcome.notes,
        )
        return (
            result if manner.dry_run else _committed(project, graph, worker, outcome, result, manner, commit)
        )


def _prepared(project: Project, graph: Graph, target: str, ground: Ground) -> Prepared:
    require_known(graph, ground.heads, ground.database)
    require_under_alembic(ground, graph)
    plan = plan_upgrade(graph, ground.heads, graph.resolve(target, ground.heads))
    ups = tuple(step.revision for step in plan.steps if step.revision is not None)
    require_written(graph, ups)
    forward, warnings = _forward(project, graph, plan.heads)
    steps = restore_steps(forward[0], forward[1]) if forward is not None else ()
    return Prepared(
        plan=replace(plan, steps=(*plan.steps, *steps), warnings=warnings),
        moves=Moves(
            graphs=(tuple(graph.scripts.values()),),
            roots=(project.top,),
            steps=tuple((step, 0) for step in plan.steps),
            expect=plan.heads,
        ),
        restoration=forward[0] if forward is not None else None,
    )


def _forward(
    project: Project, graph: Graph, heads: tuple[RevisionId, ...]
) -> tuple[tuple[Restoration, CommitId] | None, tuple[str, ...]]:
    """The models of where the database goes, if those in the work tree were put there by a rollback."""
    if project.repository is None or not project.models or project.git.head() is None:
        return None, ()
    place = models_place(project, graph)
    if place.rolled_back_to is None or place.rolled_back_to in heads:
        return None, ()
    head = project.git.head()
    commit = (
        head
        if heads == graph.heads
        else Ties(project=project).all()[heads[0]].models_commit
        if heads
        else None
    )
    if commit is None:
        stay = f"the models stay those of {place.rolled_back_to}: those of {heads[0]} are in no commit"
        return None, (stay,)
    return (plan_restoration(project.git, commit, project.models), commit), ()


def _committed(
    project: Project,
    graph: Graph,
    worker: Worker,
    outcome: Outcome,
    result: MoveResult,
    manner: Manner,
    commit: bool,
) -> MoveResult:
    if project.repository is None:
        return result
    head = project.git.head()
    held = project.graph(project.commit_tree(head)).scripts if head is not None else {}
    applied = graph.applied(outcome.heads)
    waiting = [revision for revision in graph.topological() if revision in applied and revision not in held]
    if not waiting:
        return result
    if not commit and not (manner.person.present and manner.person.confirm(_question(waiting))):
        return replace(result, hint="gitmig upgrade --commit")
    project.require_models()
    project.git.require_author()
    last = graph.scripts[waiting[-1]]
    manifest = Schemas(project=project).with_worker(worker, project.work_tree)
    scripts = [graph.scripts[revision].path for revision in waiting]
    paths = (*changed_paths(project, project.work_tree, manifest.manifest.files), *scripts)

    def refresh() -> None:
        project.forget()
        _record_models(project, last.path, last.header, digest(manifest.schema))

    refresh()
    made = commit_paths(
        project.git,
        project.settings.commit_message.replace("{message}", last.message),
        paths,
        trailers={"Migration-Revision": last.revision},
        refresh=refresh,
    )
    return replace(result, commit=made, revision=last.revision, path=last.path)


def _question(waiting: list[RevisionId]) -> str:
    return f"{', '.join(waiting)} is not committed yet. Commit it with its models?"


def _record_models(project: Project, path: str, header: Header, now: str) -> None:
    """The record names the models as they are committed, if they still have the recorded schema."""
    if header.schema != now or not project.models:
        return
    file = project.top / path
    models = content_digest(project.work_tree, project.models)
    text = file.read_text("utf-8")
    updated = with_header(text, replace(header, models=models))
    if updated != text:
        write_text(file, updated)
