"""``switch``: git and the database move to another branch together."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitmig.applied.side import Side, checkout_side, commit_side, require_readable
from gitmig.applied.worlds import Worlds
from gitmig.core.plan import Plan, Step
from gitmig.errors import Refused, UsageError
from gitmig.git.restore import Restoration
from gitmig.git.switch import Switch, plan_switch, require_possible, run_post_checkout
from gitmig.hooks.notes import note_seen
from gitmig.moving.execute import move
from gitmig.moving.plans import MoveResult, Outcome, PlannedMove, RunOptions
from gitmig.moving.preconditions import require_quiet, require_under_alembic
from gitmig.moving.restoring import ModelsRestore, rolled_back_models
from gitmig.moving.transition import Transition
from gitmig.project.project import Project
from gitmig.recovery.command import command_session
from gitmig.rpc.protocol import DatabaseFacts, MigrationRequest
from gitmig.wire.values import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchOptions:
    """What the command line asked for."""

    ref: str | None = None
    create: str | None = None
    detach: bool = False


def switch(project: Project, options: SwitchOptions, run_options: RunOptions) -> MoveResult:
    """Switch to a ref and take the database to its revisions; both happen, or neither.

    A new branch at HEAD leaves the database alone. Models that a rollback left behind go back first. The
    repository's own post-checkout hook runs at the end. Raises Refused (nothing changed) where git would not
    switch, MigrationFailed (nothing changed), UnknownRef, UsageError.
    """
    if options.create is not None and options.detach:
        raise UsageError("-c and --detach exclude each other", hint="gitmig switch --help")
    if options.ref is None and options.create is None:
        raise UsageError("there is no ref to switch to", hint="gitmig switch BRANCH")
    git = project.git
    with command_session(project, run_options, "switch") as log:
        require_quiet(project)
        planned = plan_switch(git, options.ref, create=options.create, detach=options.detach)
        with Worlds(project=project) as worlds, project.workers.one(project.whole_code()) as worker:
            switching = _Switching(project, planned, options, worlds)
            switching.require_possible()
            switching.look_ahead()
            outcome = move(
                git,
                worker,
                switching.prepared,
                run_options,
                log,
                folders=switching.target.configuration.folders,
            )
    project.forget()
    return _result(project, planned, outcome)


def _result(project: Project, planned: Switch, outcome: Outcome) -> MoveResult:
    notes = outcome.notes
    if outcome.done:
        # Before the hook: it may ask where the database is.
        note_seen(project, outcome.database, outcome.heads)
    if outcome.done and (code := run_post_checkout(project.git, planned)):
        notes = (*notes, f"the post-checkout hook ended with exit code {code}")
    return replace(MoveResult.of("switch", outcome), checkout=planned.after.name, notes=notes)


class _Switching:
    """One switch: where it goes, and what the database has to do for it."""

    def __init__(self, project: Project, planned: Switch, options: SwitchOptions, worlds: Worlds):
        self._project = project
        self._switch = planned
        self._stays = options.create is not None and options.ref is None
        self._checkout = checkout_side(project)
        self.target: Side = self._checkout
        if not self._stays:
            self.target = commit_side(project, planned.after.commit, options.ref or planned.after.name)
            require_readable(self.target)
        self._models: ModelsRestore | None = None if self._stays else rolled_back_models(project)
        self._transition = Transition(
            project=project, checkout=self._checkout, target=self.target, worlds=worlds
        )

    @property
    def _restoration(self) -> Restoration | None:
        return None if self._models is None else self._models.restoration

    def require_possible(self) -> None:
        """Raise Refused if git would not switch."""
        require_possible(self._project.git, self._switch, self._restoration)

    def look_ahead(self) -> None:
        """Make use of the time that the worker takes to start."""
        if not self._stays:
            self._project.graph(self._project.commit_tree(self._switch.before.commit))
            self._transition.look_ahead()

    def prepared(self, facts: DatabaseFacts) -> PlannedMove:
        self.require_possible()
        found = self._staying(facts) if self._stays else self._moving(facts)
        plan = found.plan
        steps = (
            *plan.of(Action.DOWNGRADE),
            *(self._models.steps if self._models is not None else ()),
            Step(action=Action.SWITCH, commit=self._switch.after.commit),
            *plan.of(Action.UPGRADE),
        )
        return replace(
            found, plan=replace(plan, steps=steps), restoration=self._restoration, switch=self._switch
        )

    def _moving(self, facts: DatabaseFacts) -> PlannedMove:
        head = self._project.commit_tree(self._switch.before.commit)
        committed = self._project.graph(head).scripts
        for revision in sorted(self._checkout.graph.applied(facts.heads)):
            if revision not in committed:
                raise Refused(
                    f"{revision} is applied and not committed: its file would stay behind",
                    hint="gitmig upgrade --commit, or gitmig rollback and remove the file",
                )
        before = self._switch.before
        if self._project.git.head() != before.commit:
            # Git switched with the first of several databases: what the others undo is not on disk any more.
            left = commit_side(self._project, before.commit, before.name)
            return replace(self._transition, checkout=left).prepared(facts)
        return self._transition.prepared(facts)

    def _staying(self, facts: DatabaseFacts) -> PlannedMove:
        require_under_alembic(facts, self._checkout.graph)
        return PlannedMove(
            plan=Plan(heads=facts.heads),
            moves=MigrationRequest(graphs=((),), roots=(self._project.top,), steps=(), expect=facts.heads),
        )
