"""From what a database was made with to what a side has: the plan, and the scripts that carry it out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitmig.errors import Refused
from gitmig.git.obstacles import quoted
from gitmig.messages import Ground, Moves
from gitmig.model import Action, Plan, RevisionId, Script, Step
from gitmig.operations.applied import Applied, Source, read_applied
from gitmig.operations.preconditions import require_under_alembic, require_written
from gitmig.operations.private_scripts import PrivateScripts
from gitmig.operations.side import Side
from gitmig.plan import plan_crossing
from gitmig.prepared import Prepared, Stranger
from gitmig.project import Project
from gitmig.scripts import DOES_NOTHING, irreversible


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A move of the database to the heads of a side."""

    project: Project
    checkout: Side
    target: Side
    private: PrivateScripts

    def prepared(self, ground: Ground) -> Prepared:
        """The plan from where the database is. Raises Refused where it cannot be carried out."""
        graph = self.target.graph
        require_under_alembic(ground, graph)
        applied = read_applied(self.project, self.checkout, self.target, ground)
        plan = plan_crossing(applied.graph, graph, ground.heads, graph.heads, applied.differing)
        ups = _revisions(plan, Action.UPGRADE)
        require_written(graph, ups)
        downs = [applied.sources[revision] for revision in _revisions(plan, Action.DOWNGRADE)]
        idle = _require_reversible(downs)
        doubts = [source.doubt for source in applied.sources.values() if source.doubt is not None]
        warnings = (
            *(f"{revision} is undone by a downgrade() that does nothing" for revision in idle),
            *doubts,
        )
        return Prepared(
            plan=replace(plan, warnings=warnings),
            moves=self._moves(applied, plan),
            question=f"{'; '.join(warnings)}. Go on?" if warnings and plan.steps else None,
            scripts_of=self.target.commit,
            strangers=tuple(_stranger(source) for source in downs if not source.side.trusted),
        )

    def _moves(self, applied: Applied, plan: Plan) -> Moves:
        present = {source.script.revision: source.script for source in applied.sources.values()}
        target = dict(self.target.graph.scripts)
        for revision in _revisions(plan, Action.DOWNGRADE):
            present[revision] = self._runnable(applied.sources[revision])
        for revision in _revisions(plan, Action.UPGRADE):
            target[revision] = self._runnable(Source(side=self.target, script=target[revision]))
        return Moves(
            graphs=(_alone(present), tuple(target.values())),
            roots=(self.project.top, self.project.top),
            steps=tuple((step, _graph(step)) for step in plan.steps),
            expect=plan.heads,
        )

    def _runnable(self, source: Source) -> Script:
        return replace(source.script, path=self.private.path(source))


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


def _revisions(plan: Plan, action: Action) -> tuple[RevisionId, ...]:
    return tuple(step.revision for step in plan.of(action) if step.revision is not None)


def _require_reversible(downs: list[Source]) -> list[RevisionId]:
    """Refuse what cannot be undone. The revisions whose downgrade merely does nothing are returned."""
    idle = []
    for source in downs:
        reason = irreversible(source.text)
        if reason == DOES_NOTHING:
            idle.append(source.script.revision)
        elif reason is not None:
            raise Refused(
                f"{source.script.revision} cannot be undone: {reason}",
                hint="stay on a side that has it, or move the database by hand",
            )
    return idle


def _stranger(source: Source) -> Stranger:
    commit = source.side.commit or ""
    return Stranger(
        revision=source.script.revision,
        text=source.text,
        look=f"git show {commit[:8]}:{quoted(source.script.path)}",
    )
