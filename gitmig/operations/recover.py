"""``recover``: settle an interrupted command, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from gitmig.core.revisions.graph import Graph
from gitmig.errors import GitmigError, Interrupted, Refused
from gitmig.failpoints import failpoint
from gitmig.git.real_index import remove_stale_lock
from gitmig.git.ref_locks import remove_stale_ref_locks
from gitmig.git.restore import apply, check
from gitmig.git.settle import settle_files
from gitmig.git.switch import head_state, settle_switch
from gitmig.git.temporary import delete_abandoned
from gitmig.moving.following import models_between
from gitmig.moving.plans import RunOptions
from gitmig.moving.recorder import pin_rows
from gitmig.project.project import Project
from gitmig.recovery.half_step import finish_half_step, may_be_half_done
from gitmig.recovery.redone import has_amended_form, has_the_others, is_undecided, same_heads
from gitmig.recovery.settle import settle_commit, settle_draft
from gitmig.rpc.protocol import DatabaseFacts, MigrationRequest
from gitmig.state.command_lock import command_lock
from gitmig.state.history import append_missing
from gitmig.state.journal import Journal, Stage
from gitmig.state.logbook import (
    Logbook,
    has_journal,
    read_journal,
    remove_half_written,
    remove_journal,
    write_journal,
)
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
    """The command that makes the commit, where that alone is missing."""
    notes: tuple[str, ...] = ()
    applied: int | None = None
    """How many steps the database has kept, where it was left between two of them."""
    planned: int = 0
    """How many steps there were."""

    @property
    def side(self) -> str:
        """``after``, ``before`` or ``between``."""
        if self.applied is not None:
            return "between"
        return "after" if self.forward else "before"

    @property
    def told(self) -> str:
        """The same in words."""
        if self.applied is not None:
            return f"{self.applied} of {self.planned} applied"
        return f"everything is as {self.side} it"


def is_interrupted(project: Project) -> bool:
    """Whether a command in this environment was interrupted, and is not settled yet."""
    return project.repository is not None and has_journal(project.notes())


def recover(project: Project, run_options: RunOptions) -> Recovered | None:
    """Bring database and files to one side of the command that was interrupted; None where there is none.

    Where its steps were several transactions, the files go where the database was left between them.
    The database's lock is held until the files are settled: the worker of a killed command may still be
    committing. Whether it committed is read from the ledger, where the database has one, else from the
    version table.
    """
    if project.repository is None:
        return None
    folder = project.notes()
    delete_abandoned(project.repository.private())
    if not has_journal(folder):
        return None
    with command_lock(project.repository, run_options.wait):
        remove_half_written(folder)
        journal = read_journal(folder)
        return None if journal is None else _settle(project, journal, run_options)


@contextmanager
def command_session(project: Project, run_options: RunOptions, command: str) -> Iterator[Logbook]:
    """One changing command at a time in this work tree, on facts that are read from here on.

    Gives the command's own journal, not written yet. What an earlier command left is settled first, and
    then this one stops, so that nothing runs twice: raises Refused. Raises LockTimeout where another
    command is at work, and Interrupted, which says what is so, for Ctrl-C.
    """
    with command_lock(project.repository, run_options.wait):
        project.forget()
        _require_settled(project, run_options)
        repository = project.repository
        head = repository.head() if repository is not None else None
        folder = project.notes() if repository is not None else None
        try:
            yield Logbook(folder, Journal.blank(command, project.configuration.section, head))
        except KeyboardInterrupt:
            if folder is not None and read_journal(folder) is not None:
                raise Interrupted("interrupted half-way", hint="gitmig recover") from None
            raise Interrupted("interrupted; everything is as before") from None


def _require_settled(project: Project, run_options: RunOptions) -> None:
    if project.repository is None:
        return
    remove_half_written(project.notes())
    journal = read_journal(project.notes())
    if journal is None:
        return
    if run_options.dry_run:
        raise Refused(f"GM014: `gitmig {journal.command}` was interrupted", hint="gitmig recover")
    done = _settle(project, journal, run_options)
    if done.complete is not None:
        raise Refused(
            f"an interrupted `gitmig {done.command}` was settled first: all of it is done but for the commit",
            hint=done.complete,
        )
    raise Refused(
        f"an interrupted `gitmig {done.command}` was settled first: {done.told}",
        hint="look at it with gitmig status, then run the command again",
    )


def _settle(project: Project, journal: Journal, run_options: RunOptions) -> Recovered:
    found: list[Recovered] = []
    anew: bool | None = None

    def look(facts: DatabaseFacts) -> MigrationRequest | None:
        found.append(_brought_to_a_side(project, journal, facts, anew, run_options))
        return None

    # env.py would not import while models.py is half written: the code comes from the commit.
    tree = project.commit_tree(journal.head) if journal.head is not None else None
    with project.worker(tree) as worker:
        finished = finish_half_step(project, worker, journal, run_options)
        if journal.stage is Stage.MOVING and (same_heads(journal) or is_undecided(journal)):
            # A killed worker may still be committing: it is waited for before anything is looked at.
            worker.migrate(lambda facts: None, lambda: False, wait=run_options.wait)
            look_at = has_amended_form if same_heads(journal) else has_the_others
            anew = look_at(project, worker, journal)
        worker.migrate(look, lambda: False, wait=run_options.wait, operation=journal.operation)
    if rows := journal.rows if found[0].forward else journal.rows[: found[0].applied or 0]:
        append_missing(project.notes(), rows)
        pin_rows(project.git, project.directory, journal.files, rows)
    remove_journal(project.notes())
    project.forget()
    return found[0] if finished is None else replace(found[0], notes=(finished, *found[0].notes))


def _settle_files(project: Project, journal: Journal, forward: bool) -> tuple[bool, tuple[str, ...]]:
    """Bring files and HEAD to the database's side. Where the database had nothing to do, to HEAD's."""
    switch, git = journal.switch, project.git
    if switch is None:
        return forward, settle_files(git, journal.old, journal.new, forward=forward)
    if not (journal.ups or journal.downs):
        forward = head_state(git) == switch.after
    left = settle_switch(git, switch, forward=forward)
    if not forward:
        ours = {*journal.old, *journal.new}
        left = tuple(path for path in left if path not in ours)
        left = (*left, *settle_files(git, journal.old, journal.new, forward=False))
    return forward, left


def _by_ledger(journal: Journal, facts: DatabaseFacts) -> bool | None:
    """Whether the ledger has the journal's operation, all its steps; None where it cannot tell."""
    steps = len(journal.ups) + len(journal.downs)
    if not journal.ledger or facts.recorded is None or not steps:
        return None
    return facts.recorded == steps


def _applied(journal: Journal, facts: DatabaseFacts) -> int | None:
    """How many steps the database has kept; None where it is none, all, or not to be told."""
    steps = len(journal.revisions)
    if journal.stage is not Stage.MOVING or len(journal.rows) != steps:
        return None
    if journal.ledger and facts.recorded is not None:
        return facts.recorded if 0 < facts.recorded < steps else None
    left = [None if row.heads is None else set(row.heads) for row in journal.rows]
    found = [count for count, heads in enumerate(left[:-1], start=1) if heads == set(facts.heads)]
    if len(found) != 1 or set(facts.heads) in (set(journal.before), set(journal.after)):
        return None
    return found[0]


def _follow(
    project: Project, journal: Journal, facts: DatabaseFacts, applied: int, run_options: RunOptions
) -> tuple[str, ...]:
    """The models to where the database was left between two steps. Returns what kept them from it."""
    heads = journal.rows[applied - 1].heads
    if not journal.follows or heads is None or set(heads) != set(facts.heads):
        return ()
    project.forget()
    try:
        following = models_between(project, journal.command, heads)
        if following is None:
            return ()
        if following.question and not run_options.prompter.agreed:
            raise Refused(following.question)
        restoration = following.restoration
        check(project.git, restoration)
        write_journal(project.notes(), journal.first(applied, restoration.old, restoration.new))
        apply(project.git, restoration)
        failpoint("models-followed")
    except GitmigError as obstacle:
        return (f"the models stay as they are: {obstacle.message}",)
    return ()


def _brought_to_a_side(
    project: Project, journal: Journal, facts: DatabaseFacts, anew: bool | None, run_options: RunOptions
) -> Recovered:
    """Files, draft and index follow the database, which is locked."""
    applied = _applied(journal, facts)
    forward = applied is None and _forward(project, journal, facts, anew)
    remove_stale_lock(project.git)
    remove_stale_ref_locks(project.git)
    forward, settled = _settle_files(project, journal, forward)
    left = list(settled)
    notes: list[str] = []
    unknown = anew is None and _by_ledger(journal, facts) is None
    if journal.stage is Stage.MOVING and (same_heads(journal) or is_undecided(journal)) and unknown:
        notes.append("nothing shows whether the database took the revision anew: compare it with the script")
    if journal.draft is not None:
        left += [project.shown(kept) for kept in settle_draft(project, journal.draft, forward=forward)]
    if applied is not None:
        notes += _follow(project, journal, facts, applied, run_options)
    if journal.stage is Stage.MOVING and not (forward or facts.transactional) and journal.revisions:
        revision = journal.revisions[applied or 0]
        if may_be_half_done(project, revision):
            notes.append(f"{revision} may be done in part: look at what it changes")
    complete = None
    if forward and journal.commit is not None:
        complete, more = settle_commit(project, journal, journal.commit)
        left += more
    return Recovered(
        command=journal.command,
        forward=forward,
        database=facts.database,
        heads=facts.heads,
        left=tuple(left),
        backup=journal.backup,
        complete=complete,
        notes=tuple(notes),
        applied=len(journal.revisions) if forward and journal.cut else applied,
        planned=journal.cut or len(journal.revisions),
    )


def _forward(project: Project, journal: Journal, facts: DatabaseFacts, anew: bool | None) -> bool:
    match journal.stage:
        case Stage.PREPARING:
            return False
        case Stage.MOVING:
            known = _by_ledger(journal, facts)
            if known is not None:
                return known
            if same_heads(journal) and set(facts.heads) == set(journal.after):
                return bool(anew)
            if is_undecided(journal):
                return bool(anew)
            return committed(journal, facts.heads, project.graph())
        case Stage.COMMITTING:
            return True


def committed(journal: Journal, heads: tuple[RevisionId, ...], graph: Graph) -> bool:
    """Whether the database took the journal's moves, also where somebody has moved it since."""
    if set(heads) == set(journal.after):
        return True
    if set(heads) == set(journal.before):
        return False
    if any(head not in graph.scripts for head in heads):
        return False  # whatever lies below it: the files stay as they were
    applied = graph.applied(heads)
    if journal.ups:
        return journal.ups[-1] in applied
    return not any(revision in applied for revision in journal.downs)
