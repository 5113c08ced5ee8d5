"""Bringing database and files of an interrupted command to one side of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitmig.errors import GitmigError, Refused
from gitmig.failpoints import failpoint
from gitmig.git.locks import remove_stale_lock, remove_stale_ref_locks
from gitmig.git.restore import apply, check, settle_files
from gitmig.git.switch import head_state, settle_switch
from gitmig.moving.following import models_between
from gitmig.moving.plans import RunOptions
from gitmig.moving.recorder import pin_rows
from gitmig.project.project import Project
from gitmig.recovery.redone import has_amended_form, has_the_others
from gitmig.recovery.settle import finish_half_step, may_be_half_done, settle_commit, settle_draft
from gitmig.recovery.verdict import (
    After,
    Between,
    Facts,
    is_unsure,
    redoes_draft,
    redoes_others,
    verdict,
)
from gitmig.rpc.client import Worker
from gitmig.rpc.protocol import DatabaseFacts, MigrationRequest
from gitmig.state.history import append_missing
from gitmig.state.journal import Journal, Stage, remove_journal, write_journal
from gitmig.wire.values import RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What was settled."""

    command: str
    """The command that was interrupted."""
    forward: bool
    """Whether everything is as after it; else it is as before it, or between."""
    database: str
    heads: tuple[RevisionId, ...]
    left: tuple[str, ...] = ()
    """Files that hold bytes which the command did not write: left as they are."""
    backup: str | None = None
    complete: str | None = None
    """The command that makes the commit, if that alone is missing."""
    notes: tuple[str, ...] = ()
    applied: int | None = None
    """How many steps the database has kept, if it was left between two of them."""
    planned: int = 0
    """How many steps there were."""

    @property
    def side(self) -> str:
        """``after``, ``before`` or ``between``."""
        if self.applied is not None:
            return "between"
        return "after" if self.forward else "before"

    @property
    def described(self) -> str:
        """The same in words."""
        if self.applied is not None:
            return f"{self.applied} of {self.planned} applied"
        return f"everything is as {self.side} it"


def settle(project: Project, journal: Journal, run_options: RunOptions) -> Recovered:
    """Bring everything to the database's side of the command, and remove its journal.

    The database's lock is held until the files are settled: the worker of a killed command may still be
    committing.
    """
    found: list[Recovered] = []
    amended: bool | None = None

    def look(facts: DatabaseFacts) -> MigrationRequest | None:
        seen = Facts(heads=facts.heads, recorded=facts.recorded, amended=amended)
        found.append(_Settling(project, journal, facts, seen, run_options).done())
        return None

    # env.py would not import while models.py is half written: the code comes from the commit.
    tree = project.commit_tree(journal.head) if journal.head is not None else None
    with project.workers.one(tree) as worker:
        finished = finish_half_step(project, worker, journal, run_options)
        amended = _look_for_the_new_form(project, worker, journal, run_options)
        worker.migrate(look, lambda: False, wait=run_options.wait, operation=journal.operation)
    (done,) = found
    if rows := journal.rows if done.forward else journal.rows[: done.applied or 0]:
        append_missing(project.notes(), rows)
        pin_rows(project.git, project.directory, journal.files, rows)
    remove_journal(project.notes())
    project.forget()
    return done if finished is None else replace(done, notes=(finished, *done.notes))


def _look_for_the_new_form(
    project: Project, worker: Worker, journal: Journal, run_options: RunOptions
) -> bool | None:
    """Whether the database has the new form of what was undone and done again; None if nothing shows it."""
    if journal.stage is not Stage.MOVING or not (redoes_draft(journal) or redoes_others(journal)):
        return None
    # A killed worker may still be committing: wait for it before anything is looked at.
    worker.migrate(lambda facts: None, lambda: False, wait=run_options.wait)
    look = has_amended_form if redoes_draft(journal) else has_the_others
    return look(project, worker, journal)


class _Settling:
    """Files, draft, index and commit follow the database, which is locked."""

    def __init__(
        self,
        project: Project,
        journal: Journal,
        database: DatabaseFacts,
        facts: Facts,
        run_options: RunOptions,
    ):
        self._project = project
        self._journal = journal
        self._database = database
        self._facts = facts
        self._run_options = run_options

    def done(self) -> Recovered:
        """Settle all of it."""
        journal, project = self._journal, self._project
        came_to = verdict(journal, self._facts, project.graph())
        remove_stale_lock(project.git)
        remove_stale_ref_locks(project.git)
        forward, left = self._files(came_to == After())
        notes: tuple[str, ...] = ()
        if is_unsure(journal, self._facts):
            notes = ("nothing shows which form of the revision the database has: compare it with the script",)
        if journal.draft is not None:
            left += tuple(map(project.shown, settle_draft(project, journal.draft, forward=forward)))
        applied = came_to.applied if isinstance(came_to, Between) else None
        if applied is not None:
            notes += self._follow(applied)
        if came_to != After():
            notes += self._half_done(applied or 0)
        complete = None
        if forward and journal.commit is not None:
            complete, more = settle_commit(project, journal, journal.commit)
            left += more
        return Recovered(
            command=journal.command,
            forward=forward,
            database=self._database.database,
            heads=self._facts.heads,
            left=left,
            backup=journal.backup,
            complete=complete,
            notes=notes,
            applied=len(journal.revisions) if forward and journal.cut else applied,
            planned=journal.cut or len(journal.revisions),
        )

    def _files(self, forward: bool) -> tuple[bool, tuple[str, ...]]:
        """Bring files and HEAD to the database's side; to HEAD's if the database had nothing to do."""
        journal, git = self._journal, self._project.git
        switch = journal.switch
        if switch is None:
            return forward, settle_files(git, journal.old, journal.new, forward=forward)
        if not journal.revisions:
            forward = head_state(git) == switch.after
        left = settle_switch(git, switch, forward=forward)
        if not forward:
            ours = {*journal.old, *journal.new}
            left = tuple(path for path in left if path not in ours)
            left = (*left, *settle_files(git, journal.old, journal.new, forward=False))
        return forward, left

    def _follow(self, applied: int) -> tuple[str, ...]:
        """The models to where the database was left between two steps. Returns what kept them from it."""
        project, journal = self._project, self._journal
        heads = journal.rows[applied - 1].heads
        if not journal.follows or heads is None or set(heads) != set(self._facts.heads):
            return ()
        project.forget()
        try:
            following = models_between(project, journal.command, heads)
            if following is None:
                return ()
            if following.question and not self._run_options.prompter.agreed:
                raise Refused(following.question)
            restoration = following.restoration
            check(project.git, restoration)
            write_journal(project.notes(), journal.first(applied, restoration.old, restoration.new))
            apply(project.git, restoration)
            failpoint("models-followed")
        except GitmigError as obstacle:
            return (f"the models stay as they are: {obstacle.message}",)
        return ()

    def _half_done(self, applied: int) -> tuple[str, ...]:
        """A warning if the database may have kept a part of the step that was running."""
        journal = self._journal
        if journal.stage is not Stage.MOVING or self._database.transactional or not journal.revisions:
            return ()
        revision = journal.revisions[applied]
        if not may_be_half_done(self._project, revision):
            return ()
        return (f"{revision} may be done in part: look at what it changes",)
