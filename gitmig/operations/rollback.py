"""``rollback``: move the database down and put the matching models into the work tree."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitmig.errors import Refused
from gitmig.execute import Manner, Prepared, commit_paths, move
from gitmig.git.restore import Restoration, plan_restoration
from gitmig.graph import Graph
from gitmig.model import Action, CommitId, Plan, RevisionId, Step, Tie, TieState
from gitmig.operations.preconditions import require_known, require_quiet, require_sound, require_target
from gitmig.operations.recover import changing
from gitmig.operations.restoring import remaining, restore_steps
from gitmig.operations.results import MoveResult
from gitmig.plan import commits, plan_rollback
from gitmig.project import Project
from gitmig.schema import difference, render
from gitmig.schemas import Schemas
from gitmig.tied import Ties
from gitmig.worker_client import Ground, Moves


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackOptions:
    """What the command line asked for."""

    target: str = "-1"
    commit: bool = False
    database_only: bool = False


def rollback(project: Project, options: RollbackOptions, manner: Manner) -> MoveResult:
    """Take the database down to the target and put the models of that revision into the work tree.

    The index is not touched. Raises Refused (nothing changed) at base, for edits that git does not
    hold, for a revision whose models are in no commit, and with ``commit`` for published revisions.
    """
    with changing(project, manner):
        return _rollback(project, options, manner)


def _rollback(project: Project, options: RollbackOptions, manner: Manner) -> MoveResult:
    require_quiet(project)
    if not options.database_only:
        project.require_models()
        if options.commit:
            project.git.require_author()
    graph = project.graph()
    require_sound(graph)
    require_target(graph, options.target)
    rolling = _Rolling(project, graph, options)
    with project.worker() as worker:
        outcome = move(project.repository, worker, rolling.prepared, manner, command="rollback")
    result = MoveResult(
        command="rollback",
        plan=outcome.plan,
        database=outcome.database,
        before=outcome.before,
        heads=outcome.heads,
        done=outcome.done,
    )
    if manner.dry_run or not outcome.done:
        return result
    notes = outcome.notes
    if rolling.commit is not None:
        notes = (*notes, *remaining(project, rolling.commit))
    made = rolling.make_permanent() if options.commit else None
    return replace(result, notes=notes, commit=made)


class _Rolling:
    """One rollback: what it restores, and from which commit."""

    def __init__(self, project: Project, graph: Graph, options: RollbackOptions):
        self.project = project
        self.graph = graph
        self.options = options
        self.commit: CommitId | None = None
        self.restoration: Restoration | None = None
        self.target: RevisionId | None = None
        self.left: tuple[RevisionId, ...] = ()

    def prepared(self, ground: Ground) -> Prepared:
        require_known(self.graph, ground.heads, ground.database)
        plan = plan_rollback(self.graph, ground.heads, self.options.target)
        # Also what an earlier rollback took down already: `--commit` makes that permanent too.
        remaining = self.graph.applied(plan.heads)
        self.left = tuple(r for r in reversed(self.graph.topological()) if r not in remaining)
        self.target = plan.heads[0] if plan.heads else None
        question: str | None = None
        details: tuple[str, ...] = ()
        if not self.options.database_only and self.target is not None:
            tie = self._tie(self.target)
            question, details = self._restore(tie)
        if self.options.commit:
            self._require_unpublished()
        moves = Moves(
            graphs=(tuple(self.graph.scripts.values()),),
            roots=(self.project.top,),
            steps=tuple((step, 0) for step in plan.steps),
            expect=plan.heads,
        )
        return Prepared(
            plan=self._whole(plan),
            moves=moves,
            restoration=self.restoration,
            question=question,
            details=details,
        )

    def _tie(self, target: RevisionId) -> Tie:
        tie = Ties(project=self.project).settled(target)
        if tie.models_commit is None:
            what = (
                "is not committed" if tie.state is TieState.UNCOMMITTED else "has no commit of its own models"
            )
            raise Refused(
                f"the models of {target} cannot be put back: the revision {what}",
                hint=f"gitmig rollback {self.options.target} --database-only",
            )
        return tie

    def _restore(self, tie: Tie) -> tuple[str | None, tuple[str, ...]]:
        commit = tie.models_commit
        assert commit is not None
        self.commit = commit
        self.restoration = plan_restoration(self.project.git, commit, self.project.models)
        if tie.state is TieState.VERIFIED or not self.restoration.paths:
            return None, ()
        then, now = Schemas(project=self.project).all_of(
            (self.project.commit_tree(commit), self.project.work_tree)
        )
        short = self.project.git.short(commit)
        return (
            f"The tie of {tie.revision} is approximate: {short} may have its models. Restore them?",
            tuple(render(change) for change in difference(now, then)),
        )

    def _require_unpublished(self) -> None:
        if self.target is None:
            raise Refused(
                "base has no models to go back to, so nothing can be committed with it",
                hint="gitmig rollback base  (the database alone moves)",
            )
        ties = Ties(project=self.project).all()
        for revision in self.left:
            introduced = ties[revision].introduced
            if introduced is not None and self.project.git.is_published(
                introduced, self.project.settings.published
            ):
                raise Refused(
                    f"the revision {revision} is published: others may have applied it",
                    hint="make a new revision that undoes it, or roll back without --commit",
                )

    def _whole(self, plan: Plan) -> Plan:
        steps = plan.steps
        warnings = plan.warnings
        if self.restoration is not None and self.commit is not None:
            steps = (*steps, *restore_steps(self.restoration, self.commit))
            head = self.project.git.head()
            if head is not None:
                between = self.project.git.commits_between(self.commit, head, self.project.models)
                warnings = (
                    *warnings,
                    *(f"leaves the work tree: {self.project.git.short(c.id)} {c.subject}" for c in between),
                )
        if self.options.commit:
            removed = tuple(Step(action=Action.REMOVE, path=path) for path in self._scripts())
            steps = (*steps, *removed, *commits((*self._restored(), *self._scripts())))
        return replace(plan, steps=steps, warnings=warnings)

    def _scripts(self) -> tuple[str, ...]:
        return tuple(self.graph.scripts[revision].path for revision in self.left)

    def _restored(self) -> tuple[str, ...]:
        return self.restoration.paths if self.restoration is not None else ()

    def make_permanent(self) -> CommitId:
        for path in self._scripts():
            (self.project.top / path).unlink()
        self.project.forget()
        names = ", ".join(self.left)
        return commit_paths(
            self.project.git,
            self.project.settings.commit_message.replace("{message}", f"Roll back to {self.target}"),
            (*self._models_changed(), *self._scripts()),
            trailers={"Migration-Removed": names},
            state="the database is down, and the files are in place and staged",
            complete="git commit",
        )

    def _models_changed(self) -> tuple[str, ...]:
        head = self.project.git.head()
        committed = self.project.commit_tree(head) if head is not None else None
        changed: set[str] = set()
        for models in self.project.models:
            now, old = self.project.work_tree.ids(models), committed.ids(models) if committed else {}
            changed |= {path for path in {**now, **old} if now.get(path) != old.get(path)}
        return tuple(sorted(changed))
