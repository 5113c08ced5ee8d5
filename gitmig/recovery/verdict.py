"""Which side of an interrupted command a database is on. Pure: facts in, a verdict out."""

from __future__ import annotations

from dataclasses import dataclass

from gitmig.core.revisions.graph import Graph
from gitmig.state.journal import Journal, Stage
from gitmig.wire.values import RevisionId


@dataclass(frozen=True, slots=True)
class Before:
    """Nothing of the command is to stay."""


@dataclass(frozen=True, slots=True)
class After:
    """The database took all of it: so do the files."""


@dataclass(frozen=True, slots=True)
class Between:
    """The database has kept the first ``applied`` steps, and no more."""

    applied: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was found, under the database's lock."""

    heads: tuple[RevisionId, ...]
    recorded: int | None = None
    """How many steps of the command the ledger has; None without a ledger."""
    amended: bool | None = None
    """Whether the database shows the new form of a revision that was undone and done again; None: unknown."""

    def by_ledger(self, journal: Journal) -> bool | None:
        """Whether the ledger has all steps of the command; None if it cannot say."""
        if not journal.ledger or self.recorded is None or not journal.revisions:
            return None
        return self.recorded == len(journal.revisions)


def verdict(journal: Journal, facts: Facts, graph: Graph) -> Before | After | Between:
    """What an interrupted command came to, so that files and commit follow it."""
    if journal.stage is Stage.PREPARING:
        return Before()
    if journal.stage is Stage.COMMITTING:
        return After()
    applied = _steps_kept(journal, facts)
    if applied is not None:
        return Between(applied)
    known = facts.by_ledger(journal)
    if known is None:
        known = _by_version_table(journal, facts, graph)
    return After() if known else Before()


def is_unsure(journal: Journal, facts: Facts) -> bool:
    """Whether nothing shows which form of a revision the database has, so that a person must look."""
    asked = journal.stage is Stage.MOVING and (redoes_draft(journal) or redoes_others(journal))
    return asked and facts.amended is None and facts.by_ledger(journal) is None


def redoes_draft(journal: Journal) -> bool:
    """Whether the version table cannot tell if the database moved: a draft is taken down and up again."""
    return _ends_where_it_began(journal) and journal.draft is not None


def redoes_others(journal: Journal) -> bool:
    """Whether neither the version table nor a draft can tell: an edited revision was undone and redone."""
    return _ends_where_it_began(journal) and journal.draft is None


def _ends_where_it_began(journal: Journal) -> bool:
    return bool(journal.downs) and set(journal.before) == set(journal.after)


def _steps_kept(journal: Journal, facts: Facts) -> int | None:
    """How many steps the database has kept; None if it is none, all, or unknown."""
    steps, heads = len(journal.revisions), set(facts.heads)
    if len(journal.rows) != steps:
        return None
    if journal.ledger and facts.recorded is not None:
        return facts.recorded if 0 < facts.recorded < steps else None
    if heads in (set(journal.before), set(journal.after)):
        return None
    left = [None if row.heads is None else set(row.heads) for row in journal.rows[:-1]]
    return left.index(heads) + 1 if left.count(heads) == 1 else None


def _by_version_table(journal: Journal, facts: Facts, graph: Graph) -> bool:
    if redoes_others(journal) or (redoes_draft(journal) and set(facts.heads) == set(journal.after)):
        return bool(facts.amended)
    if set(facts.heads) == set(journal.after):
        return True
    if set(facts.heads) == set(journal.before) or any(head not in graph.scripts for head in facts.heads):
        return False  # if a head is unknown, so is what lies below it: the files stay as they were
    applied = graph.applied(facts.heads)
    if journal.ups:
        return journal.ups[-1] in applied
    return not any(revision in applied for revision in journal.downs)
