"""The executor: carries a plan out. Besides it only ``init``, ``hooks`` and the cache write anything.

The order is that of the design: the database is prepared under its lock, the files are written, the
database is committed, and only then git commits, when no migration transaction is open any more.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gitmig.errors import (
    CommitFailed,
    Declined,
    GitmigError,
    Interrupted,
    LockTimeout,
    MigrationFailed,
    Refused,
    WorkerCrashed,
)
from gitmig.foresight import drops_of, stops, told
from gitmig.git.repository import Repository
from gitmig.git.restore import Restoration, apply, check
from gitmig.git.settle import drop_backup, keep_backup, settle_files
from gitmig.journal import Journal, remove_journal, write_journal
from gitmig.model import Action, CommitId, Plan, RevisionId
from gitmig.person import Person
from gitmig.recording import Recording, applied_by_others
from gitmig.seam import point
from gitmig.worker_client import Ground, Json, Loss, Moves, Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """The models of where a failure left the database, and what a person has to have agreed to first."""

    restoration: Restoration
    question: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A plan, with what it takes to carry it out."""

    plan: Plan
    moves: Moves
    restoration: Restoration | None = None
    question: str | None = None
    """What a person has to agree to first, or None."""
    details: tuple[str, ...] = ()
    follow: Callable[[int], Following | None] = lambda committed: None
    """The files that match the database after so many steps: a failure may leave it between two revisions."""


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


_HOLDER = "GITMIG_COMMAND_LOCK"
"""Tells the children of a command which work tree's lock it holds."""


@contextlib.contextmanager
def command_lock(repository: Repository | None, wait: float) -> Iterator[None]:
    """One changing command at a time in one work tree. Raises LockTimeout after ``wait`` seconds.

    A command that a hook or an editor of another one starts would wait for a command that waits for it:
    it is told so at once.
    """
    if repository is None:
        yield
        return
    from filelock import FileLock, Timeout

    folder = repository.private()
    if os.environ.get(_HOLDER) == str(folder):
        raise LockTimeout(
            "another gitmig command runs this one, in a hook or an editor, and waits for it",
            hint="run it when that command has ended",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "lock")
        lock.acquire(timeout=wait)
    except Timeout:
        raise LockTimeout(
            "another gitmig command is at work in this work tree",
            hint="wait for it, or give it longer with --wait SECONDS",
        ) from None
    except OSError as error:
        raise Refused(
            f"the repository cannot be written to: {error.strerror or error}",
            hint=f"make {folder.parent} writable",
        ) from None
    os.environ[_HOLDER] = str(folder)
    try:
        yield
    finally:
        os.environ.pop(_HOLDER, None)
        lock.release()


def move(
    repository: Repository | None,
    worker: Worker,
    build: Callable[[Ground], Prepared],
    manner: Manner,
    *,
    command: str,
) -> Outcome:
    """Make the plan under the database's lock and carry it out.

    A question to a person releases the lock; afterwards the plan is made again, and a plan that
    differs from the one agreed to is refused. ``command`` is what the journal calls it. Raises what
    ``build`` raises, Declined, and the worker's errors; then database and files are as they were.
    Whatever kills the process instead is settled by the next command, out of the journal.
    """
    agreed: Plan | None = None
    while True:
        attempt = _Attempt(repository, build, manner, agreed, command, worker.options.section)
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
                attempt.write_files()
            attempt.finish(None if moved.committed else 0)
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
        command: str,
        section: str,
    ):
        self._repository = repository
        self._build = build
        self._manner = manner
        self._agreed = agreed
        self._command = command
        self._section = section
        self._journal: Journal | None = None
        self._transactional = True
        self._ledger = False
        self._recording = Recording(repository)
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
        if self._agreed is None and foreign:
            self._ask_about_others("; ".join(foreign))
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

    def _ask_about_others(self, foreign: str) -> None:
        """What somebody else applied is undone by a person who was told so, and never by ``--yes``."""
        if not self._manner.person.present:
            raise Refused(
                f"{foreign}: that is not undone without a question",
                hint="answer it on a terminal, without --yes",
            )
        assert self.prepared is not None
        question = self.prepared.question
        self.asks = f"{foreign}. {question or 'Go on?'}"

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
        if repository is None or not (moves or (restoration is not None and restoration.paths)):
            return
        operation, backup = self._recording.id, None
        if restoration is not None and restoration.paths:
            backup = keep_backup(repository, restoration, operation, f"Before gitmig {self._command}")
        self._journal = Journal(
            operation=operation,
            command=self._command,
            started=int(time.time()),
            section=self._section,
            before=self.before,
            after=prepared.plan.heads,
            ups=_revisions(prepared.plan, Action.UPGRADE),
            downs=_revisions(prepared.plan, Action.DOWNGRADE),
            head=repository.head(),
            old=restoration.old if restoration is not None else {},
            new=restoration.new if restoration is not None else {},
            backup=backup,
            ledger=self._ledger,
            rows=self._recording.planned,
        )
        write_journal(repository.private(), self._journal)
        point("journal-written")
        if backup is not None:
            self.notes = (f"what was replaced can be had again: git show {backup}:PATH",)

    def take_back(self, error: GitmigError) -> None:
        """The worker rolled back: so do the files. Where it vanished it may have committed: recovery asks."""
        if isinstance(error, MigrationFailed):
            self._tell_kept(error)
        if self._journal is None or self._repository is None or isinstance(error, WorkerCrashed):
            return
        left = settle_files(self._repository, self._journal.old, self._journal.new, forward=False)
        if self._journal.backup is not None and not left:
            drop_backup(self._repository, self._journal.backup)
        if isinstance(error, MigrationFailed) and error.committed:
            self._follow(error)
        self.finish(error.committed if isinstance(error, MigrationFailed) else 0)

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

    def finish(self, committed: int | None) -> None:
        """Everything in the journal has happened, or nothing of it.

        ``committed`` is how many steps the database has kept, None for all of them.
        """
        point("database-committed")
        failure = self._recording.keep(committed)
        if failure is not None:
            self.notes = (*self.notes, failure)
        if self._journal is not None and self._repository is not None:
            remove_journal(self._repository.private())
        point("journal-removed")

    def write_files(self) -> bool:
        point("database-prepared")
        if (
            self.prepared is not None
            and self.prepared.restoration is not None
            and self._repository is not None
        ):
            apply(self._repository, self.prepared.restoration)
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


def commit_paths(
    repository: Repository,
    message: str | None,
    paths: Sequence[str],
    *,
    trailers: Mapping[str, str],
    amend: bool = False,
    staged: Sequence[str] = (),
    refresh: Callable[[], None] = lambda: None,
    state: str = "the revision is applied, not committed, and its files are in place and staged",
    complete: str = "git commit  (or: gitmig upgrade --commit)",
) -> CommitId:
    """Commit these paths as they are in the work tree; everything else that is staged stays staged.

    ``staged`` are committed as they are in the index instead. Without a message an amended commit
    keeps its own.

    Hooks that reformat just these paths are given one more try, after ``refresh`` (which may rewrite
    the record in the revision). Raises CommitFailed, or Interrupted, which tell the ``state`` and how to
    ``complete`` it; the paths are then staged, so that a plain ``git commit`` does.
    """
    before = repository.hash_worktree(paths)
    try:
        return repository.commit(message, paths, trailers=trailers, amend=amend, staged=staged)
    except CommitFailed as error:
        if staged or error.interrupted or repository.hash_worktree(paths) == before:
            raise _left(error, state, complete) from None
    refresh()
    try:
        return repository.commit(message, paths, trailers=trailers, amend=amend)
    except CommitFailed as error:
        raise _left(error, state, complete) from None


def _left(error: CommitFailed, state: str, complete: str) -> GitmigError:
    if error.interrupted:
        return Interrupted(f"git commit was interrupted; {state}", hint=complete)
    return CommitFailed(
        f"git did not commit (its output above says why); {state}",
        hint=f"correct that, then: {complete}",
        detail=error.detail,
    )


def write_text(path: Path, text: str) -> None:
    """Write a file that must not be there yet, or replace one of ours, in one step."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """The same for bytes; a file that is replaced keeps its mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.gitmig")
    try:
        temporary.write_bytes(data)
        if path.exists():
            temporary.chmod(stat.S_IMODE(path.stat().st_mode))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
