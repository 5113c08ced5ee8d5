"""Revision files are written, the database goes along, and all is committed: for what joins revisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gitmig.applied.side import Side, checkout_side
from gitmig.applied.worlds import Worlds
from gitmig.core.plan import Plan, commits
from gitmig.core.revisions.head_file import head_file
from gitmig.errors import Refused
from gitmig.git import commits as git_commits
from gitmig.git.trees import CommitTree
from gitmig.moving.commit import commit_paths, end_commit
from gitmig.moving.execute import move
from gitmig.moving.plans import MoveResult, Outcome, PlannedMove, RunOptions
from gitmig.moving.preconditions import require_quiet
from gitmig.moving.rewriting import Rewriting, tree_after, with_file, write_files
from gitmig.moving.transition import Transition
from gitmig.project.graphs import read_graph
from gitmig.project.head_file import has_head_file, head_path
from gitmig.project.project import Project
from gitmig.rpc.protocol import DatabaseFacts
from gitmig.state.journal import CommitNote, Logbook
from gitmig.wire.values import CommitId

GOES_ON = {"merge": "git merge --continue", "rebase": "git rebase --continue"}
"""What concludes the operation of git in whose middle revisions can be joined."""


def operation_of(project: Project) -> str | None:
    """What git is in the middle of, if revisions can be joined there. Raises Refused."""
    operation = project.git.operation()
    if operation not in GOES_ON:
        require_quiet(project)
        return None
    held = [path for path in project.git.unmerged() if project.configuration.holds(path)]
    if held:
        raise Refused(f"unmerged files: {', '.join(held)}", hint="resolve them, then git add them")
    return operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Files to be written with the database and committed."""

    project: Project
    log: Logbook
    run_options: RunOptions
    command: str
    rewriting: Rewriting
    message: str
    """The subject of the commit."""
    trailers: Mapping[str, str]
    operation: str | None = None
    """What git is in the middle of: then the files are staged, and git's own commit takes them."""
    commit: bool = True
    files_alone: bool = False
    also: tuple[str, ...] = ()
    """Other files that are committed as they are."""
    base: CommitId | None = None
    """What a dry run takes for the files on disk: the tree of a merge that was not begun."""
    warnings: tuple[str, ...] = ()

    @property
    def _commits(self) -> bool:
        return self.commit and self.operation is None

    @property
    def _paths(self) -> tuple[str, ...]:
        """What is committed."""
        return (*self.also, *self.rewriting.paths)

    def run(self) -> MoveResult:
        """Do it. Raises what :func:`move` raises (nothing changed), and CommitFailed."""
        if has_head_file(self.project):
            graph = read_graph(
                CommitTree(self.project.git, tree_after(self.project, self.rewriting, self.base)),
                self.project.configuration,
            )
            text = head_file(graph).encode("utf-8")
            more = with_file(self.project, self.rewriting, head_path(self.project), text)
            return replace(self, rewriting=more)._run()
        return self._run()

    def _run(self) -> MoveResult:
        if self._commits and not self.run_options.dry_run:
            self.project.git.require_author()
        return self._of_files() if self.files_alone else self._of_both()

    def _of_files(self) -> MoveResult:
        result = self._result(self._whole(Plan(heads=())), None, done=not self.run_options.dry_run)
        if self.run_options.dry_run:
            return result
        write_files(self.project, self.rewriting)
        # Not written down: settling it would take the database, which a bot need not have.
        self.log.journal = replace(self.log.journal, commit=self._note())
        return self._ended(result)

    def _of_both(self) -> MoveResult:
        project = self.project
        with Worlds(project=project) as worlds, project.workers.one() as worker:
            target = Side(
                project=project,
                tree=CommitTree(project.git, tree_after(project, self.rewriting, self.base)),
                configuration=project.configuration,
            )
            transition = Transition(
                project=project, checkout=checkout_side(project), target=target, worlds=worlds
            )
            outcome = move(
                project.git,
                worker,
                lambda facts: self._prepared(transition, facts),
                self.run_options,
                self.log,
                folders=target.configuration.folders,
            )
        project.forget()
        result = self._result(outcome.plan, outcome, done=outcome.done)
        return self._ended(result) if outcome.done else result

    def _prepared(self, transition: Transition, facts: DatabaseFacts) -> PlannedMove:
        prepared = transition.prepared(facts)
        return replace(
            prepared,
            plan=self._whole(prepared.plan),
            restoration=self.rewriting.restoration,
            commit=self._note(),
        )

    def _whole(self, plan: Plan) -> Plan:
        steps = (*plan.steps, *self.rewriting.steps)
        if self._commits:
            steps = (*steps, *commits(self._paths))
        return replace(plan, steps=steps, warnings=(*self.warnings, *plan.warnings))

    def _note(self) -> CommitNote:
        complete = GOES_ON[self.operation] if self.operation else "git commit"
        return CommitNote(paths=self._paths, complete=complete, removed={})

    def _ended(self, result: MoveResult) -> MoveResult:
        if self._commits:
            return replace(result, commit=self._committed())
        try:
            git_commits.stage(self.project.git, self._paths)
        finally:
            end_commit(self.log)
        go_on = self._note().complete
        return replace(result, hint=f"{go_on}, then: gitmig sync" if self.files_alone else go_on)

    def _committed(self) -> CommitId:
        moved = "the files are written" if self.files_alone else "the database and the files have moved"
        return commit_paths(
            self.project.git,
            self.log,
            self.project.settings.commit_message.replace("{message}", self.message),
            self._paths,
            trailers=self.trailers,
            state=f"{moved}, and what is to be committed is staged",
        )

    def _result(self, plan: Plan, outcome: Outcome | None, *, done: bool) -> MoveResult:
        return replace(MoveResult.of(self.command, outcome), plan=plan, done=done)


def nothing_to_do(project: Project, command: str) -> MoveResult:
    """What a command says that found one line of revisions."""
    heads = project.graph().heads
    verb = "is the one head" if len(heads) == 1 else "are the heads of permanent branches"
    why = f"{', '.join(heads)} {verb}" if heads else "there are no revisions"
    return MoveResult(command=command, plan=Plan(heads=heads), notes=(f"nothing to {command}: {why}",))
