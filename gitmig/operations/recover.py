"""``recover``: settle an interrupted command, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gitmig.errors import Refused
from gitmig.execute import Manner, command_lock
from gitmig.git.settle import settle_files
from gitmig.graph import Graph
from gitmig.journal import Journal, read_journal, remove_journal
from gitmig.model import RevisionId
from gitmig.project import Project
from gitmig.record import append_missing
from gitmig.worker_client import Ground, Moves


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What was settled."""

    command: str
    """The command that was interrupted."""
    forward: bool
    """Whether everything is as after it; else it is as before it."""
    heads: tuple[RevisionId, ...]
    left: tuple[str, ...] = ()
    """Files that hold bytes which the command did not write: left as they are."""
    backup: str | None = None

    @property
    def side(self) -> str:
        """``after`` or ``before``."""
        return "after" if self.forward else "before"


def recover(project: Project, manner: Manner) -> Recovered | None:
    """Bring database and files to one side of the command that was interrupted; None where there is none.

    The database's lock is held until the files are settled: the worker of a killed command may still be
    committing. Whether it committed is read from the ledger, where the database has one, else from the
    version table.
    """
    if project.repository is None or read_journal(project.repository.private()) is None:
        return None
    with command_lock(project.repository, manner.wait):
        journal = read_journal(project.repository.private())
        return None if journal is None else _settle(project, journal, manner)


@contextmanager
def changing(project: Project, manner: Manner) -> Iterator[None]:
    """One changing command at a time in this work tree, on facts that are read from here on.

    What an earlier command left is settled first, and then this one stops, so that nothing runs twice:
    raises Refused. Raises LockTimeout where another command is at work.
    """
    with command_lock(project.repository, manner.wait):
        project.forget()
        _require_settled(project, manner)
        yield


def _require_settled(project: Project, manner: Manner) -> None:
    journal = read_journal(project.repository.private()) if project.repository is not None else None
    if journal is None:
        return
    if manner.dry_run:
        raise Refused(f"GM014: `gitmig {journal.command}` was interrupted", hint="gitmig recover")
    done = _settle(project, journal, manner)
    raise Refused(
        f"an interrupted `gitmig {done.command}` was settled first: everything is as {done.side} it",
        hint="look at it with gitmig status, then run the command again",
    )


def _settle(project: Project, journal: Journal, manner: Manner) -> Recovered:
    found: list[Recovered] = []

    def look(ground: Ground) -> Moves | None:
        forward = _by_ledger(journal, ground)
        if forward is None:
            forward = committed(journal, ground.heads, project.graph())
        left = settle_files(project.git, journal.old, journal.new, forward=forward)
        found.append(
            Recovered(
                command=journal.command, forward=forward, heads=ground.heads, left=left, backup=journal.backup
            )
        )
        return None

    # env.py would not import while models.py is half written: the code comes from the commit.
    tree = project.commit_tree(journal.head) if journal.head is not None else None
    with project.worker(tree) as worker:
        worker.migrate(look, lambda: False, wait=manner.wait, operation=journal.operation)
    if found[0].forward:
        append_missing(project.git.private(), journal.rows)
    remove_journal(project.git.private())
    project.forget()
    return found[0]


def _by_ledger(journal: Journal, ground: Ground) -> bool | None:
    """Whether the ledger has the journal's operation, all its steps; None where it cannot tell."""
    steps = len(journal.ups) + len(journal.downs)
    if not journal.ledger or ground.recorded is None or not steps:
        return None
    return ground.recorded == steps


def committed(journal: Journal, heads: tuple[RevisionId, ...], graph: Graph) -> bool:
    """Whether the database took the journal's moves, also where somebody has moved it since."""
    if set(heads) == set(journal.after):
        return True
    if set(heads) == set(journal.before):
        return False
    applied = graph.applied([head for head in heads if head in graph.scripts]) | set(heads)
    if journal.ups:
        return journal.ups[-1] in applied
    return not any(revision in applied for revision in journal.downs)
