"""What is recorded of one run of a command: its id, and a row for each step that moved the database."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from gitmig.core.plan import Step
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.programs import program_digest
from gitmig.errors import GitError
from gitmig.git.folder_tree import blob_id
from gitmig.git.repository import Repository
from gitmig.project.origin import commit_of, who
from gitmig.rpc.protocol import DatabaseFacts, Json, MigrationRequest
from gitmig.state.history import append_rows
from gitmig.state.pins import Pin, change_pins, files_tree, pin_key
from gitmig.wire.values import Action, BlobId, CommitId, LedgerRow, Operation, RevisionId, ScriptOf


class MoveRecorder:
    """One attempt to move a database.

    Attributes:
        id: the operation's id, which the journal and the ledger's rows have too: 32 hex digits.
        planned: the rows of what is going to happen, for whoever has to settle it after a crash.
        files: the tree that the scripts are applied from; None if none are, or without git.
    """

    def __init__(
        self, repository: Repository | None, notes: Path | None, folders: Sequence[str], directory: Path
    ):
        """``notes`` is the folder of the local record; without a repository there is none."""
        self.id = uuid.uuid4().hex
        self.planned: tuple[LedgerRow, ...] = ()
        self.files: str | None = None
        self._folders = folders
        self._directory = directory
        self._repository = repository
        self._notes = notes
        self._done: list[LedgerRow] = []

    def announced(
        self,
        moves: MigrationRequest,
        facts: DatabaseFacts,
        *,
        scripts_of: CommitId | None = None,
        branch: str | None = None,
        stopping: bool = False,
    ) -> MigrationRequest:
        """The moves with what the worker is to write into a ledger.

        ``scripts_of`` is the commit whose scripts are applied, None for those on disk, ``branch`` the branch
        that is checked out in the end.
        ``stopping``: they may stop half-way, so that each row says where it leaves the database.
        """
        if not moves.steps:
            return moves
        repository = self._repository
        operation = Operation(
            id=self.id,
            commit=scripts_of or commit_of(repository),
            who=who(repository),
            scripts=_scripts(repository, moves),
        )
        # On a stand-in nothing is done: the plan is asked for again.
        if not facts.provisional:
            heads = _heads(moves, facts) if stopping else None
            rows = _planned(operation, moves, facts, heads)
            self.planned = (*self.planned, *(replace(row, branch=branch) for row in rows))
        return replace(moves, operation=operation)

    def hold(self, commit: CommitId | None) -> None:
        """Write the scripts that are about to be applied into git: those on disk, or a commit's."""
        if self._repository is not None and any(row.direction is Action.UPGRADE for row in self.planned):
            self.files = files_tree(self._repository, self._folders, commit)

    def note(self, note: Json) -> None:
        """A step was applied; whether it stays is known later."""
        self._done.append(
            replace(
                self.planned[len(self._done)],
                time=int(time.time()),
                seconds=float(str(note["seconds"])),
                heads=tuple(RevisionId(str(head)) for head in cast("list[object]", note["heads"])),
            )
        )

    def keep(self, committed: int | None = None) -> str | None:
        """Write the steps that the database has kept (all: None) into the local record; pin their scripts.

        Returns what to tell where that failed: what has happened has happened.
        """
        if self._repository is None or self._notes is None:
            return None
        kept = self._done[:committed]
        try:
            append_rows(self._notes, kept)
            pin_rows(self._repository, self._directory, self.files, kept)
        except OSError as error:
            return f"this move could not be recorded: {error.strerror or error}"
        except GitError as error:
            return f"the scripts of this move could not be pinned: {error.message}"
        return None


def pin_rows(repository: Repository, directory: Path, files: str | None, rows: Sequence[LedgerRow]) -> None:
    """Pin the scripts that these rows applied, out of the tree ``files``, and let go of what they undid.

    ``directory`` is the folder of alembic.ini. Raises GitError.
    """
    changes: dict[str, list[tuple[RevisionId, Pin | None]]] = {}
    for row in rows:
        up = row.direction is Action.UPGRADE
        pin = Pin(script=row.script, files=files) if up and row.script and files else None
        changes.setdefault(pin_key(repository, row.environment, row.database, directory), []).append(
            (row.revision, pin)
        )
    for key, those in changes.items():
        change_pins(repository, key, those)


def applied_by_others(
    repository: Repository | None, facts: DatabaseFacts, steps: Sequence[Step]
) -> tuple[LedgerRow, ...]:
    """The rows of the revisions that are taken down and that somebody else applied, as the ledger tells."""
    downs = {step.revision for step in steps if step.action is Action.DOWNGRADE}
    rows = [row for row in facts.ledger or () if row.revision in downs and row.direction is Action.UPGRADE]
    me = who(repository) if rows else None
    return tuple(row for row in rows if row.who not in (None, me))


def _planned(
    operation: Operation,
    moves: MigrationRequest,
    facts: DatabaseFacts,
    heads: Sequence[tuple[RevisionId, ...]] | None,
) -> tuple[LedgerRow, ...]:
    steps = [(step.action, step.revision) for step, _ in moves.steps if step.revision is not None]
    after: list[tuple[RevisionId, ...] | None] = [*heads] if heads else [None] * len(steps)
    after[-1:] = [moves.expect]
    return tuple(
        LedgerRow(
            database=facts.database,
            environment=facts.environment,
            operation=operation.id,
            revision=revision,
            direction=action,
            commit=operation.commit,
            script=script.blob,
            program=script.program,
            who=operation.who,
            time=int(time.time()),
            seconds=None,
            heads=left,
        )
        for (action, revision), script, left in zip(steps, operation.scripts, after, strict=True)
    )


def _heads(moves: MigrationRequest, facts: DatabaseFacts) -> tuple[tuple[RevisionId, ...], ...]:
    """Where each step leaves the database."""
    graphs = [Graph.of(graph) for graph in moves.graphs]
    heads, after = facts.heads, []
    for step, graph in moves.steps:
        if step.revision is not None:
            one = (step.revision,)
            downs, ups = (one, ()) if step.action is Action.DOWNGRADE else ((), one)
            heads = graphs[graph].after(heads, downs, ups)
            after.append(heads)
    return tuple(after)


def _scripts(repository: Repository | None, moves: MigrationRequest) -> tuple[ScriptOf, ...]:
    """The script of each step, as it is about to be run."""
    paths = [{script.revision: script.path for script in graph} for graph in moves.graphs]
    files = [moves.roots[graph] / paths[graph][step.revision] for step, graph in moves.steps if step.revision]
    contents = {file: _read(file) for file in files}
    blobs = _blobs(repository, {file: data for file, data in contents.items() if data is not None})
    return tuple(
        ScriptOf(blob=blobs.get(file), program=program_digest(contents[file] or b"")) for file in files
    )


def _blobs(repository: Repository | None, contents: dict[Path, bytes]) -> dict[Path, BlobId]:
    if repository is None:
        return {file: blob_id(data) for file, data in contents.items()}
    return dict(zip(contents, repository.blobs([str(file) for file in contents]), strict=True))


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None  # the worker says what is wrong with it
