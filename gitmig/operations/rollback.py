"""``rollback``: move the database down and put the matching models into the work tree."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

from gitmig.core.plan import Plan, Step, commits, plan_rollback
from gitmig.core.revisions.graph import Graph
from gitmig.errors import GitmigError, NoRepository, Refused, UsageError
from gitmig.facts.models_state import models_changed
from gitmig.facts.ties import Ties
from gitmig.failpoints import failpoint
from gitmig.git import publication
from gitmig.git.restore import edits
from gitmig.moving.commit import commit_paths
from gitmig.moving.execute import move
from gitmig.moving.following import look_ahead, models_back
from gitmig.moving.plans import ModelsFollow, MoveResult, PlannedMove, RunOptions
from gitmig.moving.preconditions import (
    require_apart,
    require_known,
    require_quiet,
    require_reversible,
    require_sound,
    require_target,
    require_under_alembic,
)
from gitmig.moving.restoring import ModelsRestore, leaving, remaining
from gitmig.project.head_file import headed
from gitmig.project.project import Project
from gitmig.recovery.command import command_session
from gitmig.rpc.protocol import DatabaseFacts, MigrationRequest
from gitmig.state.journal import CommitNote, Logbook
from gitmig.wire.values import Action, CommitId, RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackOptions:
    """What the command line asked for."""

    target: str = "-1"
    commit: bool = False
    database_only: bool = False
    files_only: bool = False
    """Whether the database stays where it is, and only the models follow it."""


def rollback(project: Project, options: RollbackOptions, run_options: RunOptions) -> MoveResult:
    """Take the database down to the target and put the models of that revision into the work tree.

    The index is not touched. Raises Refused (nothing changed) at base, for edits that git does not
    hold, for a revision whose models are in no commit, and with ``commit`` for published revisions.
    """
    if project.repository is None and not options.database_only:
        raise NoRepository(
            f"{project.top} is not in a git repository: no models can be put back",
            hint=f"gitmig rollback {options.target} --database-only",
        )
    with command_session(project, run_options, "rollback") as log:
        return _rollback(project, log, options, run_options)


def _rollback(
    project: Project, log: Logbook, options: RollbackOptions, run_options: RunOptions
) -> MoveResult:
    if options.commit and options.database_only:
        raise UsageError("--commit and --database-only exclude each other", hint="gitmig rollback --help")
    if options.files_only and (options.database_only or options.target != "-1"):
        other = "--database-only" if options.database_only else "TARGET"
        raise UsageError(
            f"--files-only goes to where the database is, and takes no {other}", hint="gitmig status"
        )
    require_quiet(project)
    if not options.database_only:
        project.require_models()
        if options.commit:
            project.git.require_author()
    graph = project.graph()
    require_sound(project, graph)
    require_target(graph, options.target)
    rolling = _Rolling(project, graph, options, run_options)
    with project.workers.one(project.whole_code()) as worker:
        rolling.look_ahead()
        folders = project.configuration.folders
        outcome = move(project.repository, worker, rolling.prepared, run_options, log, folders=folders)
    result = MoveResult.of("rollback", outcome)
    if run_options.dry_run or not outcome.done:
        return result
    notes = outcome.notes
    if rolling.put_back is not None:
        notes = (*notes, *remaining(project, rolling.put_back.commit))
    made = rolling.make_permanent(log) if options.commit else None
    return replace(result, notes=notes, commit=made)


class _Rolling:
    """One rollback: what it puts back, and what it leaves behind."""

    def __init__(self, project: Project, graph: Graph, options: RollbackOptions, run_options: RunOptions):
        self.run_options = run_options
        self.project = project
        self.graph = graph
        self.options = options
        self.put_back: ModelsRestore | None = None
        self.target: RevisionId | None = None
        self.left: tuple[RevisionId, ...] = ()

    def look_ahead(self) -> None:
        """Ask of git what the plan is likely to ask: the database is likely to be where the checkout is."""
        if not self.options.database_only:
            with contextlib.suppress(GitmigError):
                look_ahead(
                    self.project, plan_rollback(self.graph, self.graph.heads, self.options.target).heads
                )

    def prepared(self, facts: DatabaseFacts) -> PlannedMove:
        require_known(self.project, self.graph, facts)
        require_under_alembic(facts, self.graph)
        require_apart(facts, self.graph)
        plan = self._way_down(facts)
        # Also what an earlier rollback took down already: `--commit` makes that permanent too.
        remaining = self.graph.applied(plan.heads)
        self.left = tuple(r for r in reversed(self.graph.topological()) if r not in remaining)
        self.target = plan.heads[0] if plan.heads else None
        if not self.options.database_only:
            self.put_back = self._put_back(plan.heads)
        if self.options.commit:
            self._require_removable()
        return PlannedMove(
            plan=self._whole(plan),
            moves=MigrationRequest(
                graphs=(tuple(self.graph.scripts.values()),),
                roots=(self.project.top,),
                steps=tuple((step, 0) for step in plan.steps),
                expect=plan.heads,
            ),
            restoration=self.put_back.restoration if self.put_back else None,
            question=self.put_back.question if self.put_back else None,
            details=self.put_back.details if self.put_back else (),
            commit=self._note() if self.options.commit else None,
            follow=None
            if self.options.database_only
            else lambda committed: self._following(facts, plan, committed),
        )

    def _way_down(self, facts: DatabaseFacts) -> Plan:
        if self.options.files_only:
            return Plan(heads=facts.heads)
        plan = plan_rollback(self.graph, facts.heads, self.options.target)
        downs = [self.graph.scripts[step.revision] for step in plan.steps if step.revision is not None]
        texts = self.project.work_tree.read_all([script.path for script in downs])
        flag = " --database-only" if self.options.database_only else ""
        idle = require_reversible(
            ((script.revision, texts[script.path].decode("utf-8", "replace")) for script in downs),
            lambda revision: f"gitmig rollback {revision}{flag}",
        )
        return replace(plan, warnings=(*idle, *plan.warnings))

    def _following(self, facts: DatabaseFacts, plan: Plan, committed: int) -> ModelsFollow | None:
        """The models of where a failure after so many steps left the database."""
        downs = [step.revision for step in plan.steps[:committed] if step.revision is not None]
        found = self._put_back(self.graph.after(facts.heads, downs, ()))
        return ModelsFollow(restoration=found.restoration, question=found.question) if found else None

    def _put_back(self, heads: tuple[RevisionId, ...]) -> ModelsRestore | None:
        hint = f"gitmig rollback {self.options.target} --database-only"
        return models_back(self.project, heads, hint)

    def _require_removable(self) -> None:
        if self.target is None:
            raise Refused(
                "base has no models to go back to, so nothing can be committed with it",
                hint="gitmig rollback base  (the database alone moves)",
            )
        git = self.project.git
        ties = Ties(project=self.project).all()
        for revision in self.left:
            introduced = ties[revision].introduced
            if introduced is not None and publication.is_published(
                git, introduced, self.project.settings.published
            ):
                raise Refused(
                    f"the revision {revision} is published: others may have applied it",
                    hint="make a new revision that undoes it, or roll back without --commit",
                )
        edited = edits(git, self._scripts())
        if edited:
            raise Refused(
                f"{', '.join(edited)} would be lost: git does not hold what is in it now",
                hint="commit it, or roll back without --commit",
            )

    def _whole(self, plan: Plan) -> Plan:
        steps, warnings = plan.steps, plan.warnings
        if self.put_back is not None:
            steps = (*steps, *self.put_back.steps)
            warnings = (*warnings, *leaving(self.project, self.put_back))
        if self.options.commit:
            removed = tuple(Step(action=Action.REMOVE, path=path) for path in self._scripts())
            steps = (*steps, *removed, *commits((*self._committed(), *self._scripts())))
        return replace(plan, steps=steps, warnings=warnings)

    def _scripts(self) -> tuple[str, ...]:
        return tuple(self.graph.scripts[revision].path for revision in self.left)

    def _committed(self) -> tuple[str, ...]:
        """The models files that differ from HEAD when they are put back."""
        restored = self.put_back.restoration.paths if self.put_back else ()
        return tuple(sorted({*self._models_changed(), *restored}))

    def _note(self) -> CommitNote:
        scripts = self._scripts()
        return CommitNote(
            paths=(*self._committed(), *scripts),
            complete="git commit",
            removed=self.project.git.hash_worktree(scripts),
        )

    def make_permanent(self, log: Logbook) -> CommitId:
        for path in self._scripts():
            (self.project.top / path).unlink()
            failpoint("script-removed")
        self.project.forget()
        names = ", ".join(self.left)
        return commit_paths(
            self.project.git,
            log,
            self.project.settings.commit_message.replace("{message}", f"Roll back to {self.target}"),
            headed(self.project, (*self._models_changed(), *self._scripts())),
            trailers={"Migration-Removed": names},
            state="the database is down, and the files are in place and staged",
        )

    def _models_changed(self) -> tuple[str, ...]:
        head = self.project.git.head()
        return models_changed(self.project, self.project.commit_tree(head) if head is not None else None)
