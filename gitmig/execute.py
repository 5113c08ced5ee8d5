"""The executor: carries a plan out. Besides it only ``init``, ``hooks`` and the cache write anything.

The order is that of the design: the database is prepared under its lock, the files are written, the
database is committed, and only then git commits, when no migration transaction is open any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gitmig.commit import begin_commit
from gitmig.errors import (
    Declined,
    GitmigError,
    MigrationFailed,
    Refused,
    WorkerCrashed,
)
from gitmig.foresight import drops_of, stops, told
from gitmig.git.repository import Repository
from gitmig.git.restore import Restoration, apply, check
from gitmig.git.settle import drop_backup, keep_backup, settle_files
from gitmig.git.switching import Switch, apply_switch, settle_switch
from gitmig.journal import CommitNote, Logbook, Stage
from gitmig.messages import Ground, Json, Loss, Moves
from gitmig.model import Action, CommitId, Plan, RevisionId
from gitmig.person import Person
from gitmig.recording import Recording, applied_by_others
from gitmig.seam import point
from gitmig.worker_client import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """The models of where a failure left the database, and what a person has to have agreed to first."""

    restoration: Restoration
    question: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """A script that was fetched from somebody else and is about to be run."""

    revision: RevisionId
    text: str
    look: str
    """The command that shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A plan, with what it takes to carry it out."""

    plan: Plan
    moves: Moves
    restoration: Restoration | None = None
    question: str | None = None
    """What a person has to agree to first, or None."""
    details: tuple[str, ...] = ()
    commit: CommitNote | None = None
    """The commit that the command makes when everything has moved."""
    follow: Callable[[int], Following | None] = lambda committed: None
    """The files that match the database after so many steps: a failure may leave it between two revisions."""
    scripts_of: CommitId | None = None
    """The commit whose scripts are applied; None: those on disk."""
    switch: Switch | None = None
    """What git does between the database's preparing and its commit."""
    strangers: tuple[Stranger, ...] = ()
    """Scripts that nobody here has run yet: a person reads them first, also with ``--yes``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What happened. ``done`` is False for a dry run."""

    plan: Plan
    database: str
    heads: tuple[RevisionId, ...]
    done: bool
    before: tuple[RevisionId, ...] = ()
    commit: CommitId | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a plan is to be carried out."""

    person: Person
    dry_run: bool = False
    wait: float = 60.0
    ddl_lock_timeout: float | None = None
    """How many seconds a statement may wait for another session; None is the database's default."""


def move(
    repository: Repository | None,
    worker: Worker,
    build: Callable[[Ground], Prepared],
    manner: Manner,
    log: Logbook,
    *,
    folders: Sequence[str] = (),
) -> Outcome:
    """Make the plan under the database's lock and carry it out.

    A question to a person releases the lock; afterwards the plan is made again, and a plan that
    differs from the one agreed to is refused. Raises what ``build`` raises, Declined, and the worker's
    errors; then database and files are as they were. Whatever kills the process instead is settled by the
    next command, out of the journal in ``log``. A journal that tells of a draft, a stash or a commit too is
    left to the caller, who has still to settle those. ``folders`` are kept with each script that is applied,
    so that it can be undone when no branch has it any more.
    """
    agreed: Plan | None = None
    while True:
        recording = Recording(repository, folders, worker.options.directory)
        attempt = _Attempt(repository, build, manner, agreed, log, recording)
        try:
            moved = worker.migrate(
                attempt.plan,
                attempt.write_files,
                wait=manner.wait,
                ddl_lock_timeout=manner.ddl_lock_timeout,
                losses=attempt.losses,
                note=attempt.note,
            )
        except GitmigError as error:
            attempt.take_back(error)
            raise
        prepared = attempt.prepared
        assert prepared is not None
        if attempt.asks is None:
            done = moved.committed or (
                not manner.dry_run and not prepared.plan.of(Action.UPGRADE, Action.DOWNGRADE)
            )
            if done and not moved.committed:
                attempt.write_files_alone()
            if done:
                attempt.finish(moved.committed)
            return Outcome(
                plan=prepared.plan,
                database=moved.database,
                heads=moved.heads,
                done=done,
                before=attempt.before,
                notes=attempt.notes,
            )
        if not manner.person.present:
            raise Refused(
                _unasked(attempt.asks),
                hint="look at the plan with --dry-run, then give --yes",
                detail="\n".join(attempt.details) or None,
            )
        for stranger in prepared.strangers:
            manner.person.show(f"{stranger.revision}, which nobody here has run yet:", stranger.text)
        if not manner.person.confirm(attempt.asks, plan=prepared.plan, details=attempt.details):
            raise Declined("nothing was changed")
        # Estimates of rows are part of what was shown, not of what was agreed to.
        agreed = replace(prepared.plan, warnings=attempt.warnings)


def _unasked(question: str) -> str:
    """What a question is about, for where nobody is there to answer it."""
    return question.rpartition(". ")[0] if question.endswith("?") and ". " in question else question


class _Attempt:
    """One run of the worker's ``migrate``: what it asked and what was answered."""

    def __init__(
        self,
        repository: Repository | None,
        build: Callable[[Ground], Prepared],
        manner: Manner,
        agreed: Plan | None,
        log: Logbook,
        recording: Recording,
    ):
        self._repository = repository
        self._build = build
        self._manner = manner
        self._agreed = agreed
        self._log = log
        self._written = False
        self._transactional = True
        self._ledger = False
        self._recording = recording
        self.notes: tuple[str, ...] = ()
        self.prepared: Prepared | None = None
        self.before: tuple[RevisionId, ...] = ()
        self.asks: str | None = None
        self.details: tuple[str, ...] = ()
        self.warnings: tuple[str, ...] = ()

    def plan(self, ground: Ground) -> Moves | None:
        self.before = ground.heads
        self._transactional = ground.transactional
        self._ledger = ground.ledger is not None
        prepared = self._build(ground)
        foreign = applied_by_others(self._repository, ground, prepared.plan.steps)
        warnings = (*prepared.plan.warnings, *stops(prepared.moves, ground), *foreign)
        plan = replace(prepared.plan, warnings=warnings)
        self.prepared = replace(prepared, plan=plan)
        self.warnings, self.details = plan.warnings, self.prepared.details
        if self._agreed is not None and plan != self._agreed:
            raise Refused(
                "things moved while the plan was being read; nothing was changed",
                hint="run the command again",
            )
        # An empty stand-in holds no rows.
        losses = () if ground.provisional else drops_of(self.prepared.moves)
        moves = replace(self.prepared.moves, losses=losses)
        if self._manner.dry_run:
            return moves if moves.losses else None
        if self._agreed is None and (foreign or prepared.strangers):
            self._ask_in_person(foreign, prepared.strangers)
            return None
        if self._agreed is None and self.prepared.question and not self._manner.person.agreed:
            self.asks = self.prepared.question
            return None
        if self.prepared.restoration is not None and self._repository is not None:
            check(self._repository, self.prepared.restoration)
        moves = self._recording.announced(moves, ground)
        if not moves.losses and not ground.provisional:
            self._write_down(self.prepared)
        return moves

    def _ask_in_person(self, foreign: tuple[str, ...], strangers: tuple[Stranger, ...]) -> None:
        """What somebody else applied or wrote is asked of a person who knows, and never by ``--yes``."""
        if foreign and not self._manner.person.present:
            raise Refused(
                f"{'; '.join(foreign)}: that is not undone without a question",
                hint="answer it on a terminal, without --yes",
            )
        for one in strangers if not self._manner.person.present else ():
            raise Refused(
                f"the script of {one.revision} was only fetched: it is not run without a question",
                hint=f"{one.look}; then answer on a terminal, without --yes",
            )
        assert self.prepared is not None
        fetched = tuple(f"the script of {one.revision} was only fetched" for one in strangers)
        self.asks = f"{'; '.join((*foreign, *fetched))}. {self.prepared.question or 'Go on?'}"

    def losses(self, found: tuple[Loss, ...]) -> bool:
        """GM020 for what holds rows; whether to go on all the same."""
        assert self.prepared is not None
        lost = tuple(told(loss) for loss in found)
        if lost:
            plan = self.prepared.plan
            self.prepared = replace(self.prepared, plan=replace(plan, warnings=(*plan.warnings, *lost)))
        if self._manner.dry_run:
            return False
        if lost and self._agreed is None and not self._manner.person.agreed:
            self.asks = f"{'; '.join(lost)}. Go on?" if self._manner.person.present else "; ".join(lost)
            return False
        self._write_down(self.prepared)
        return True

    def _write_down(self, prepared: Prepared) -> None:
        repository, restoration = self._repository, prepared.restoration
        moves = prepared.plan.of(Action.UPGRADE, Action.DOWNGRADE)
        files = prepared.switch is not None or (restoration is not None and restoration.paths)
        if repository is None or not (moves or files):
            return
        journal, backup = replace(self._log.journal, operation=self._recording.id), None
        if restoration is not None and restoration.paths:
            why = f"Before gitmig {journal.command}"
            backup = keep_backup(repository, restoration, journal.operation, why)
        self._written = True
        self._recording.hold(prepared.scripts_of)
        self._log.write(
            replace(
                journal,
                stage=Stage.MOVING,
                before=self.before,
                after=prepared.plan.heads,
                ups=_revisions(prepared.plan, Action.UPGRADE),
                downs=_revisions(prepared.plan, Action.DOWNGRADE),
                old=restoration.old if restoration is not None else {},
                new=restoration.new if restoration is not None else {},
                backup=backup,
                commit=prepared.commit,
                ledger=self._ledger,
                rows=self._recording.planned,
                files=self._recording.files,
                switch=prepared.switch,
            )
        )
        point("journal-written")
        if backup is not None:
            self.notes = (f"what was replaced can be had again: git show {backup}:PATH",)

    def take_back(self, error: GitmigError) -> None:
        """The worker rolled back: so do the files. Where it vanished it may have committed: recovery asks."""
        if isinstance(error, MigrationFailed):
            self._tell_kept(error)
        if not self._written or self._repository is None or isinstance(error, WorkerCrashed):
            return
        journal = self._log.journal
        if journal.switch is not None:
            settle_switch(self._repository, journal.switch, forward=False)
        left = settle_files(self._repository, journal.old, journal.new, forward=False)
        if journal.backup is not None and not left:
            drop_backup(self._repository, journal.backup)
        if isinstance(error, MigrationFailed) and error.committed:
            self._follow(error)
        self._record(error.committed if isinstance(error, MigrationFailed) else 0)
        if journal.draft is None and journal.stash is None:
            self._log.remove()

    def _tell_kept(self, error: MigrationFailed) -> None:
        """What of the plan the database has kept comes first in the message."""
        if self.prepared is None or not (error.committed or error.partial):
            return
        kept = f"{error.committed} of {len(self.prepared.moves.steps)} applied"
        if error.partial:
            maybe = "" if self._transactional else "perhaps "
            kept += f", {error.partial} {maybe}in part"
            error.hint = f"look at what {error.partial} has done already; {error.hint}"
        error.message = f"{kept}, then: {error.message}"

    def _follow(self, error: MigrationFailed) -> None:
        """The files to where the database was left."""
        assert self.prepared is not None
        assert self._repository is not None
        try:
            following = self.prepared.follow(error.committed)
            if following is None:
                return
            if following.question and self._agreed is None and not self._manner.person.agreed:
                raise Refused(following.question)
            apply(self._repository, following.restoration)
        except GitmigError as obstacle:
            error.detail = "\n".join(
                filter(None, (error.detail, f"the models stay as they are: {obstacle.message}"))
            )

    def finish(self, moved: bool) -> None:
        """Database and files have moved, if they had to; what is left is the commit."""
        point("database-committed")
        self._record(None if moved else 0)
        if self.prepared is not None and self.prepared.commit is not None:
            begin_commit(self._log, self.prepared.commit)
        elif self._written:
            self._log.remove()
            point("journal-removed")

    def _record(self, committed: int | None) -> None:
        """How many steps the database has kept, None for all of them."""
        failure = self._recording.keep(committed)
        if failure is not None:
            self.notes = (*self.notes, failure)

    def write_files_alone(self) -> None:
        """Where the database has nothing to do. Raises as :meth:`write_files` does, with nothing changed."""
        try:
            self.write_files()
        except GitmigError as error:
            self.take_back(error)
            raise

    def write_files(self) -> bool:
        point("database-prepared")
        if (
            self.prepared is not None
            and self.prepared.restoration is not None
            and self._repository is not None
        ):
            apply(self._repository, self.prepared.restoration)
        if self.prepared is not None and self.prepared.switch is not None and self._repository is not None:
            point("models-restored")
            apply_switch(self._repository, self.prepared.switch)
        point("files-written")
        return True

    def note(self, note: Json) -> None:
        tell_waiting(self._manner.person, note)
        if note.get("note") == "step":
            self._recording.note(note)
            arrow = "▲" if note["action"] == "upgrade" else "▼"
            self._manner.person.tell(f"{arrow} {note['action']} {note['revision']}")


def tell_waiting(person: Person, note: Json) -> None:
    """Tell whom the worker waits for, where the note is about that."""
    if note.get("note") == "waiting":
        person.tell(f"Waiting for {note['holder']}")
    if note.get("note") == "blocked":
        person.tell(f"Waiting for a lock of {note['holder']}")


def _revisions(plan: Plan, action: Action) -> tuple[RevisionId, ...]:
    return tuple(step.revision for step in plan.of(action) if step.revision is not None)
