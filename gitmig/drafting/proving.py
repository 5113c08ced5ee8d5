"""Whether a draft does what it says: up, down and up again on a scratch database, as it describes itself."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum, auto

from gitmig.core.schema.facets import FacetChange, FacetKey, Schema, difference, render
from gitmig.drafting.old_models import OldModels
from gitmig.errors import DatabaseUnreachable, GitmigError, ProjectCodeError, Unproven
from gitmig.facts.schemas import Schemas
from gitmig.judging.base import footing
from gitmig.judging.proof import Case, created, described, scratch_database, upgrade_data, upgrade_request
from gitmig.judging.scratch import scratch
from gitmig.rpc.client import Worker


class ProofOutcome(Enum):
    """What came out of a proof."""

    PROVEN = auto()
    DISPROVEN = auto()
    """The draft does something else, or does not run."""
    UNTRIED = auto()
    """There is no scratch database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The outcome, in words and with what differs."""

    outcome: ProofOutcome
    reason: str | None = None
    changes: tuple[FacetChange, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether the draft gets a record."""
        return self.outcome is ProofOutcome.PROVEN

    @property
    def lines(self) -> tuple[str, ...]:
        """What differs, a line each."""
        return tuple(render(change) for change in self.changes)


def prove_draft(worker: Worker, old: OldModels, case: Case, new: Schema, base: Schema) -> Proof:
    """Prove the steps of ``case`` in the worker of the new models. Nothing but scratch databases is written.

    ``old`` makes the tables that it starts from, ``base`` is their schema.
    """
    try:
        return _proven(worker, old, case, new, base)
    except Unproven as error:
        outcome = ProofOutcome.DISPROVEN if error.failed else ProofOutcome.UNTRIED
        return Proof(outcome=outcome, reason=error.message)
    except (DatabaseUnreachable, ProjectCodeError) as error:
        # It reads a table of the real database, say, or needs what only the project's own code gives it.
        reason = f"env.py fails on a scratch database: {error.message}"
        return Proof(outcome=ProofOutcome.UNTRIED, reason=reason)


def _proven(worker: Worker, old: OldModels, case: Case, new: Schema, base: Schema) -> Proof:
    project, named = old.project, _named(base)
    with scratch(project, new.dialect) as place, ExitStack() as stack:
        one, two = (
            stack.enter_context(scratch_database(place, [worker], name)) for name in ("revised", "models")
        )
        excluded = created(worker, two)
        stamped = False
        if old.base:
            more, stamped = _start(old, one, worker, case, base)
            excluded += more
        request = upgrade_request(project, case)
        reached_heads = list(case.graph.after(case.start, (), case.steps))

        def look(url: str) -> Schema:
            return described(worker, url, excluded, new, named)

        start, wanted = look(one), look(two)
        worker.prove("upgrade", one, **request | {"stamp": not stamped})
        if changes := difference(look(one), wanted):
            return _disproven("the draft leads elsewhere", changes)
        back = request | {"down": True, "stamp": False, "start": reached_heads}
        worker.prove("upgrade", one, **back | {"steps": list(reversed(case.steps))})
        if changes := difference(look(one), start):
            return _disproven("its downgrade does not lead back", changes)
        worker.prove("upgrade", one, **request | {"stamp": False})
        if changes := difference(look(one), wanted):
            return _disproven("applied once more, after its downgrade, the draft leads elsewhere", changes)
    return Proof(outcome=ProofOutcome.PROVEN)


def _start(old: OldModels, url: str, worker: Worker, case: Case, base: Schema) -> tuple[list[str], bool]:
    """Make the parent's tables. Returns what is excluded, and whether there is a version table already.

    Raises Unproven if that cannot be done.
    """
    try:
        if not difference(Schemas(project=old.project).of(old.tree()), base):
            return created(old.worker(), url), False
        return _start_by_scripts(old, url, worker, case), True
    except Unproven:
        raise
    except GitmigError as error:
        raise Unproven(error.message) from None


def _start_by_scripts(old: OldModels, url: str, worker: Worker, case: Case) -> list[str]:
    """Make the tables where the commit's models have more or less than its revisions make."""
    project, graph = old.project, case.graph
    below, commit = footing(project, graph, old.base)
    excluded: list[str] = []
    if commit is not None:
        with project.workers.one(project.commit_tree(commit)) as known:
            excluded = created(known, url)
    steps = graph.topological(graph.ancestors(old.base) - graph.ancestors(below))
    worker.prove("upgrade", url, **upgrade_data(graph.scripts.values(), below, steps))
    return excluded


def _disproven(reason: str, changes: tuple[FacetChange, ...]) -> Proof:
    return Proof(outcome=ProofOutcome.DISPROVEN, reason=reason, changes=changes)


def _named(schema: Schema) -> list[FacetKey]:
    """The constraints to which the models gave a name."""
    found = []
    for key, ddl in schema.facets.items():
        match = re.match(r'CONSTRAINT ("(?:[^"]|"")+"|`[^`]+`|\S+) ', ddl)
        if match is not None:
            found.append(FacetKey(key.kind, key.table, match.group(1).strip('"`')))
    return found
