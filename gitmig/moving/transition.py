"""From what a database was made with to what a side has: the plan, and the scripts that carry it out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitmig.applied.scripts import Applied, ScriptSource, read_applied
from gitmig.applied.side import Side
from gitmig.applied.squashed import reconciled
from gitmig.applied.worlds import Worlds
from gitmig.core.plan import Plan, Step, backports, plan_crossing, with_marks
from gitmig.core.revisions.drops import drops
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.needs import stands_alone
from gitmig.core.revisions.programs import irreversible, program_digest, splits
from gitmig.core.revisions.scripts import Script
from gitmig.git.obstacles import quoted
from gitmig.moving.plans import PlannedMove, UnreviewedScript
from gitmig.moving.preconditions import require_reversible, require_under_alembic, require_written
from gitmig.project.project import Project
from gitmig.rpc.protocol import DatabaseFacts, MigrationRequest, ScriptTree
from gitmig.wire.values import Action, RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A move of the database to the heads of a side."""

    project: Project
    checkout: Side
    target: Side
    worlds: Worlds

    def look_ahead(self) -> None:
        """Ask of the scripts that one side alone has what the plan will ask of them, while the worker starts.

        Only what holds for ever is kept: answers about texts, and the target's tree as a folder. The plan
        itself is made under the lock, of what is there then.
        """
        ours, theirs = self.checkout.graph.scripts, self.target.graph.scripts
        for revision in {*ours} - {*theirs}:
            _look_at(ScriptSource(side=self.checkout, script=ours[revision]), Action.DOWNGRADE)
        for revision in {*theirs} - {*ours}:
            source = ScriptSource(side=self.target, script=theirs[revision])
            _look_at(source, Action.UPGRADE)
            self.worlds.of(source, {})

    def prepared(self, facts: DatabaseFacts) -> PlannedMove:
        """The plan from where the database is. Raises Refused if it cannot be carried out."""
        require_under_alembic(facts, self.target.graph)
        applied = read_applied(self.project, self.checkout, self.target, facts)
        applied, graph = reconciled(self.project, applied, self.target)
        plan = plan_crossing(applied.graph, graph, facts.heads, graph.heads, applied.differing)
        copies = backports(applied.graph, graph, plan)
        plan = with_marks(plan, copies)
        require_written(graph, plan.revisions(Action.UPGRADE))
        downs = [
            applied.as_it_was(revision, self.worlds.alike) for revision in plan.revisions(Action.DOWNGRADE)
        ]
        undone = [source for source in downs if source.script.revision not in copies]
        idle = require_reversible((source.script.revision, source.text) for source in undone)
        sources = {**applied.sources, **{source.script.revision: source for source in downs}}
        moves, missing = self._moves(replace(applied, sources=sources), graph, plan)
        doubts = [source.doubt for source in applied.sources.values() if source.doubt is not None]
        doubtful = (*idle, *doubts)
        return PlannedMove(
            plan=replace(plan, warnings=(*doubtful, *missing, *plan.warnings)),
            moves=moves,
            question=f"{'; '.join(doubtful)}. Go on?" if doubtful and plan.steps else None,
            scripts_of=self.target.commit,
            unreviewed_scripts=tuple(_unreviewed(source) for source in undone if not source.side.trusted),
        )

    def _moves(self, applied: Applied, graph: Graph, plan: Plan) -> tuple[MigrationRequest, tuple[str, ...]]:
        """What is to be done, and what to say of scripts that will see another application than theirs."""
        present = {source.script.revision: source.script for source in applied.sources.values()}
        target = dict(graph.scripts)
        worlds: list[ScriptTree | None] = []
        # What is undone comes newest first: its tree has those before it too.
        for step in plan.steps:
            source = self._source(applied, graph, step)
            world, path = self.worlds.of(source, applied.rows)
            runnable = replace(source.script, path=path)
            (present if step.action is Action.DOWNGRADE else target)[runnable.revision] = runnable
            worlds.append(world)
        moves = MigrationRequest(
            graphs=(_alone(present), tuple(target.values())),
            roots=(self.project.top, self.project.top),
            steps=tuple((step, _graph(step)) for step in plan.steps),
            expect=plan.heads,
            worlds=tuple(worlds),
        )
        return moves, tuple(
            f"{revision} runs without the application: the commit that it was applied from is gone"
            for revision in self.worlds.missing
        )

    def _source(self, applied: Applied, graph: Graph, step: Step) -> ScriptSource:
        assert step.revision is not None
        if step.action is Action.DOWNGRADE:
            return applied.sources[step.revision]
        return ScriptSource(side=self.target, script=graph.scripts[step.revision])


def _look_at(source: ScriptSource, action: Action) -> None:
    data = source.side.tree.read(source.script.path) or b""
    text = source.text
    program_digest(data), splits(text, action.value), drops(text, action.value, "")
    irreversible(text) if action is Action.DOWNGRADE else stands_alone(text)


def _alone(scripts: dict[RevisionId, Script]) -> tuple[Script, ...]:
    """The scripts, of which some are out of different trees: a label may have moved from one to another."""
    named: set[str] = set(scripts)
    kept = []
    for script in scripts.values():
        labels = tuple(label for label in script.branch_labels if label not in named)
        named.update(labels)
        kept.append(replace(script, branch_labels=labels))
    return tuple(kept)


def _graph(step: Step) -> int:
    return 0 if step.action is Action.DOWNGRADE else 1


def _unreviewed(source: ScriptSource) -> UnreviewedScript:
    commit = source.side.commit or ""
    return UnreviewedScript(
        revision=source.script.revision,
        text=source.text,
        look=f"git show {commit[:8]}:{quoted(source.script.path)}",
    )
