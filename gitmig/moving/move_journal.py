"""What one attempt to move writes down before it moves, and settles after: journal, backup and record."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace

from gitmig.errors import GitmigError, Refused
from gitmig.failpoints import failpoint
from gitmig.git.repository import Repository
from gitmig.git.restore import apply, drop_backup, keep_backup, settle_files
from gitmig.git.switch import settle_switch
from gitmig.moving.commit import begin_commit
from gitmig.moving.plans import ModelsFollow, PlannedMove
from gitmig.moving.recorder import MoveRecorder
from gitmig.rpc.protocol import DatabaseFacts
from gitmig.state.journal import Logbook, Stage
from gitmig.wire.values import Action


def _saved(backup: str, paths: Sequence[str]) -> str:
    """What a backup holds, with a command that shows the first of its files."""
    what = f"{paths[0]} is" if len(paths) == 1 else f"{len(paths)} files are"
    return f"the previous {what} saved: git show {shlex.quote(f'{backup}:{paths[0]}')}"


class MoveJournal:
    """The journal, backup and record of one attempt.

    Attributes:
        written: whether the journal holds the attempt.
        notes: what to say of it in the end.
    """

    def __init__(self, repository: Repository | None, log: Logbook, recording: MoveRecorder):
        self._repository = repository
        self._log = log
        self._recording = recording
        self.written = False
        self.notes: tuple[str, ...] = ()

    def write_down(self, prepared: PlannedMove, facts: DatabaseFacts) -> None:
        """Write down all that recovery needs after a crash; nothing if nothing is to move."""
        repository, restoration = self._repository, prepared.restoration
        moves = prepared.plan.of(Action.UPGRADE, Action.DOWNGRADE)
        files = prepared.switch is not None or (restoration is not None and restoration.paths)
        if repository is None or not (moves or files):
            return
        journal, backup = replace(self._log.journal, operation=self._recording.id), None
        if restoration is not None and restoration.paths:
            why = f"Before gitmig {journal.command}"
            backup = keep_backup(repository, restoration, journal.operation, why)
        self.written = True
        self._recording.hold(prepared.scripts_of)
        self._log.write(
            replace(
                journal,
                stage=Stage.MOVING,
                before=facts.heads,
                after=prepared.plan.heads,
                ups=prepared.plan.revisions(Action.UPGRADE),
                downs=prepared.plan.revisions(Action.DOWNGRADE),
                old=restoration.old if restoration is not None else {},
                new=restoration.new if restoration is not None else {},
                backup=backup,
                commit=prepared.commit,
                ledger=facts.ledger is not None,
                rows=self._recording.planned,
                files=self._recording.files,
                switch=prepared.switch,
                follows=prepared.follow is not None,
            )
        )
        failpoint("journal-written")
        if backup is not None:
            self.notes = (_saved(backup, sorted(self._log.journal.old)),)

    def take_back(self, error: GitmigError, follow: Callable[[int], ModelsFollow | None]) -> None:
        """The worker rolled back: so do the files. If it vanished it may have committed: recovery asks.

        ``follow`` are the files that match a database which has kept so many steps, agreed to; what keeps
        them from being written is added to the error's detail.
        """
        if not self.written or self._repository is None or error.unsettled:
            return
        journal = self._log.journal
        if journal.switch is not None:
            settle_switch(self._repository, journal.switch, forward=False)
        left = settle_files(self._repository, journal.old, journal.new, forward=False)
        if journal.backup is not None and not left:
            drop_backup(self._repository, journal.backup)
        if error.committed:
            self._follow(error, follow)
        self._record(error.committed)
        if journal.draft is None:
            self._log.remove()

    def _follow(self, error: GitmigError, follow: Callable[[int], ModelsFollow | None]) -> None:
        """The files to where the database was left."""
        assert self._repository is not None
        try:
            following = follow(error.committed)
            if following is None:
                return
            if following.question:
                raise Refused(following.question)
            apply(self._repository, following.restoration)
        except GitmigError as obstacle:
            error.detail = "\n".join(
                filter(None, (error.detail, f"the models stay as they are: {obstacle.message}"))
            )

    def finish(self, prepared: PlannedMove, moved: bool) -> None:
        """Database and files have moved, if they had to; what is left is the commit."""
        failpoint("database-committed")
        self._record(None if moved else 0)
        if prepared.commit is not None:
            begin_commit(self._log, prepared.commit)
        elif self.written:
            self._log.remove()
            failpoint("journal-removed")

    def _record(self, committed: int | None) -> None:
        """How many steps the database has kept, None for all of them."""
        failure = self._recording.keep(committed)
        if failure is not None:
            self.notes = (*self.notes, failure)
