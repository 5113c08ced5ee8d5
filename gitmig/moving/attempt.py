"""One run of the worker's ``migrate``: what it asks, what it is answered, and what is asked of a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from gitmig.core.prompter import Prompter
from gitmig.errors import GitmigError, Interrupted, MigrationFailed, Refused, WorkerCrashed
from gitmig.failpoints import failpoint
from gitmig.git.repository import Repository
from gitmig.git.restore import apply, check
from gitmig.git.switch import apply_switch
from gitmig.moving.consent import (
    asked_in_person,
    describe_others_work,
    not_run_yet,
    protection,
    require_harmless,
)
from gitmig.moving.foresight import describe_loss, drops_of, rows_of, stops
from gitmig.moving.move_journal import MoveJournal
from gitmig.moving.parking import park_order, why_not
from gitmig.moving.plans import Agreed, ModelsFollow, PlannedMove, RunOptions
from gitmig.moving.recorder import MoveRecorder, applied_by_others
from gitmig.rpc.protocol import AnnouncedDrop, AnnouncedLoss, DatabaseFacts, Json, MigrationRequest
from gitmig.state.journal import Logbook
from gitmig.wire.values import Action, LedgerRow, RevisionId


class Attempt:
    """One attempt to carry a plan out.

    Attributes:
        prepared: the plan, once the worker asked for it.
        before: the heads under the lock.
        asks: what a person has to agree to before the next attempt; None if nothing is open.
        found: what holds rows and is dropped, as far as that was asked.
        details: what is shown with it.
        warnings: those of the plan that are agreed to; estimates of rows are not among them.
    """

    def __init__(
        self,
        repository: Repository | None,
        build: Callable[[DatabaseFacts], PlannedMove],
        run_options: RunOptions,
        agreed: Agreed | None,
        log: Logbook,
        recording: MoveRecorder,
        directory: Path,
        unannounced: tuple[AnnouncedLoss, ...] = (),
    ):
        """``unannounced`` is what the attempt before lost, and its scripts did not say."""
        self._repository = repository
        self._directory = directory
        self._unannounced = unannounced
        self._command = log.journal.command
        self._step_log = log.step_log
        self._build = build
        self._run_options = run_options
        self._agreed = agreed
        self._facts: DatabaseFacts | None = None
        self._recording = recording
        self._books = MoveJournal(repository, log, recording)
        self._halts = False
        self._applied = 0
        self._planned = 0
        self._word_given = False
        self.prepared: PlannedMove | None = None
        self.before: tuple[RevisionId, ...] = ()
        self.asks: str | None = None
        self.details: tuple[str, ...] = ()
        self.warnings: tuple[str, ...] = ()
        self.found: tuple[AnnouncedLoss, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What to tell in the end."""
        return self._books.notes

    def plan(self, facts: DatabaseFacts) -> MigrationRequest | None:
        """Answers ``plan``: None releases the lock. Raises Refused."""
        self.before, self._facts = facts.heads, facts
        others = self._prepare(facts)
        assert self.prepared is not None
        moves = self._with_losses(self.prepared, facts)
        # An env.py for several databases has a plan made for each.
        self._planned += 0 if facts.provisional else len(moves.steps)
        if not self._run_options.dry_run:
            self.asks = self._question(others)
        if self._run_options.dry_run or self.asks:
            # Which rows are lost is part of the plan that is shown.
            return moves if moves.losses else None
        return self._ready(self.prepared, moves, facts)

    def _prepare(self, facts: DatabaseFacts) -> Sequence[LedgerRow]:
        """Make the plan, with its warnings. Returns the steps that others applied."""
        prepared, options = self._build(facts), self._run_options
        others = applied_by_others(self._repository, facts, prepared.plan.steps)
        protected = protection(
            self._repository, self._directory, options, self._command, facts.database, prepared.plan
        )
        require_harmless(options, prepared)
        halts = stops(prepared.moves, facts)
        self._halts = bool(halts)
        unreviewed = map(not_run_yet, prepared.unreviewed_scripts) if options.dry_run else ()
        shared = map(describe_others_work, others)
        warnings = (*prepared.plan.warnings, *halts, *shared, *unreviewed, *protected)
        plan = replace(prepared.plan, warnings=warnings)
        self.prepared = replace(prepared, plan=plan)
        self.warnings, self.details = plan.warnings, self.prepared.details
        if self._agreed is not None and plan != self._agreed.plan:
            raise Refused(
                "the database or the files changed while you reviewed the plan; nothing was changed",
                hint="run the command again",
            )
        return others

    def _with_losses(self, prepared: PlannedMove, facts: DatabaseFacts) -> MigrationRequest:
        """What is to be done, with what it drops and what becomes of those rows."""
        wanted = self._run_options.park and bool(prepared.plan.of(Action.DOWNGRADE))
        losses = self._dropped(prepared.moves, facts, parking=wanted)
        order = park_order(self._repository, self._directory, facts, wanted=wanted)
        if order is not None:
            order = replace(order, rows_of=rows_of(prepared.moves))
        return replace(prepared.moves, losses=losses, parking=order)

    def _ready(
        self, prepared: PlannedMove, moves: MigrationRequest, facts: DatabaseFacts
    ) -> MigrationRequest:
        """The same, checked and written down: from here on the database may move. Raises Refused."""
        if prepared.restoration is not None and self._repository is not None:
            check(self._repository, prepared.restoration)
        moves = self._recording.announced(
            moves,
            facts,
            scripts_of=prepared.scripts_of,
            branch=self._branch(prepared),
            stopping=self._halts,
        )
        if not facts.transactional:
            moves = replace(moves, step_log=self._step_log)
        if not moves.losses and not facts.provisional:
            self._books.write_down(prepared, facts)
        return moves

    def _dropped(
        self, moves: MigrationRequest, facts: DatabaseFacts, *, parking: bool
    ) -> tuple[AnnouncedDrop, ...]:
        """What the scripts say that they drop, and what they dropped in the attempt before."""
        # An empty stand-in holds no rows.
        said = () if facts.provisional else drops_of(moves, facts.database)
        if parking and why_not(self._repository, self._directory, facts) is None:
            # What the text does not name is found when it goes, and parked.
            said = tuple(each for each in said if each.drop.table is not None or not each.down)
        return (
            *said,
            *(AnnouncedDrop(drop=each.drop, down=each.down, known=True) for each in self._unannounced),
        )

    def _question(self, others: Sequence[LedgerRow]) -> str | None:
        """What a person is asked, whatever rows it may cost. Raises Refused if nobody is there."""
        assert self.prepared is not None
        if self._agreed is None:
            asked = asked_in_person(
                self._run_options, self._command, others, self.prepared.unreviewed_scripts
            )
            if asked:
                return f"{'; '.join(asked)}. {self.prepared.question or 'Go on?'}"
        return self.prepared.question if not self._is_agreed else None

    def _branch(self, prepared: PlannedMove) -> str | None:
        """The branch that is checked out when all is done; None if it has nothing to do with the move."""
        if prepared.switch is not None:
            return prepared.switch.after.branch
        if self._repository is None or prepared.scripts_of is not None:
            return None
        return self._repository.branch()

    @property
    def _is_agreed(self) -> bool:
        return self._agreed is not None or self._run_options.prompter.agreed

    def losses(self, found: tuple[AnnouncedLoss, ...]) -> bool:
        """Answers ``losses``: GM020 for what holds rows; whether to go on all the same."""
        assert self.prepared is not None
        assert self._facts is not None
        why = why_not(self._repository, self._directory, self._facts) if self._run_options.park else None
        known = {loss.drop for loss in self._unannounced}
        found = (*(loss for loss in found if loss.drop not in known), *self._unannounced)
        lost = tuple(describe_loss(loss, why) for loss in found)
        if lost:
            plan = self.prepared.plan
            self.prepared = replace(self.prepared, plan=replace(plan, warnings=(*plan.warnings, *lost)))
        self.found = found
        if self._run_options.dry_run:
            return False
        seen = self._agreed.losses if self._agreed is not None else frozenset()
        if not self._run_options.prompter.agreed and not {loss.drop for loss in found} <= seen:
            self.asks = f"{'; '.join(lost)}. {self.asks or 'Go on?'}"
        if self.asks:
            return False
        self._books.write_down(self.prepared, self._facts)
        return True

    def write_files(self) -> bool:
        """Answers ``commit``: the database is prepared, and the files are written before it commits."""
        failpoint("database-prepared")
        if (
            self.prepared is not None
            and self.prepared.restoration is not None
            and self._repository is not None
        ):
            apply(self._repository, self.prepared.restoration)
        if self.prepared is not None and self.prepared.switch is not None and self._repository is not None:
            failpoint("models-restored")
            apply_switch(self._repository, self.prepared.switch)
        failpoint("files-written")
        self._word_given = True
        return True

    def write_files_alone(self) -> None:
        """Where the database has nothing to do. Raises as :meth:`write_files` does, with nothing changed."""
        try:
            self.write_files()
        except GitmigError as error:
            self.take_back(error)
            raise

    def note(self, note: Json) -> None:
        """Hears a note of the worker's."""
        tell_waiting(self._run_options.prompter, note)
        if note.get("note") == "step":
            self._recording.note(note)
            self._applied += 1
            arrow = "▲" if note["action"] == "upgrade" else "▼"
            took = f"  {seconds:.1f} s" if (seconds := float(str(note["seconds"]))) >= 1 else ""
            self._run_options.prompter.tell(f"{arrow} {note['action']} {note['revision']}{took}")

    def take_back(self, error: GitmigError) -> None:
        """It failed: the files go back, or follow the database as far as that has gone."""
        self._describe(error)
        self._books.take_back(error, self._follow)

    def finish(self, moved: bool) -> None:
        """Database and files have moved, if they had to."""
        assert self.prepared is not None
        self._books.finish(self.prepared, moved)

    def _follow(self, committed: int) -> ModelsFollow | None:
        """The files of where the database was left; with a question only if nobody agreed to it."""
        assert self.prepared is not None
        following = self.prepared.follow(committed) if self.prepared.follow is not None else None
        return replace(following, question=None) if following is not None and self._is_agreed else following

    def _describe(self, error: GitmigError) -> None:
        """What became of the database is part of the message."""
        if self.prepared is None:
            if isinstance(error, Interrupted):
                error.message = "interrupted; everything is as before"
            return
        failed = isinstance(error, MigrationFailed)
        cut_off = error.partial is not None and not failed and self._can_be_finished
        error.unsettled = error.unsettled or cut_off
        if isinstance(error, WorkerCrashed):
            error.exit_code = MigrationFailed.exit_code
        if error.unsettled:
            if self._books.written:
                error.message, error.hint = f"{error.message} {self._while()}", "gitmig recover"
        elif error.committed or error.partial:
            self._tell_kept(error)
        elif failed and self._applied:
            # The steps before were shown, and the database took them back with the one that failed.
            error.message = f"none of {self._planned} applied: {error.message}"
        elif isinstance(error, Interrupted):
            error.message = "interrupted; everything is as before"

    @property
    def _can_be_finished(self) -> bool:
        """Whether recovery can finish a step that was cut off."""
        name = self._facts.database if self._facts is not None else ""
        return self._books.written and name.startswith(("mysql", "mariadb"))

    def _while(self) -> str:
        """What was going on when the worker's end came, and what the database makes of that."""
        assert self.prepared is not None
        assert self._facts is not None
        steps = self.prepared.moves.steps
        if self._word_given:
            return "while the database was committing"
        step, _ = steps[min(self._applied, len(steps) - 1)]
        describe_loss = f"during the {step.action} of {step.revision}"
        if self._halts or not self._facts.transactional:
            return f"{describe_loss}, after {self._applied} of {len(steps)}"
        return f"{describe_loss}; the database keeps nothing of it"

    def _tell_kept(self, error: GitmigError) -> None:
        """What of the plan the database has kept comes first in the message."""
        kept = f"{error.committed} of {self._planned} applied"
        if error.partial:
            maybe = "" if self._facts is None or self._facts.transactional else "perhaps "
            kept += f", {error.partial} {maybe}in part"
            look = f"look at what {error.partial} has done already"
            error.hint = f"{look}; {error.hint}" if error.hint else look
        elif not isinstance(error, MigrationFailed):
            error.hint = "gitmig sync"
        error.message = f"{kept}, then: {error.message}"


def tell_waiting(prompter: Prompter, note: Json) -> None:
    """Tell whom the worker waits for, where the note is about that."""
    if note.get("note") == "waiting":
        prompter.tell(f"Waiting for {note['holder']}")
    if note.get("note") == "blocked":
        prompter.tell(f"Waiting for a lock of {note['holder']}")
