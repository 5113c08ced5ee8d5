"""A revision that the database holds and whose script is nowhere: what is known of it, and what to fetch."""

from __future__ import annotations

import time
from collections.abc import Sequence

from gitmig.applied.elsewhere import find_scripts
from gitmig.errors import Refused
from gitmig.project.project import Project
from gitmig.rpc.protocol import DatabaseFacts
from gitmig.state.pins import pin_key, read_pins
from gitmig.wire.values import Action, LedgerRow, RevisionId


def has_scripts(project: Project, environment: str, database: str, revisions: Sequence[RevisionId]) -> bool:
    """Whether git has a script of each of these revisions, which the checkout does not have."""
    if project.repository is None:
        return False
    git, versions = project.repository, project.configuration.versions
    pins = read_pins(git, pin_key(git, environment, database, project.directory))
    unpinned = [revision for revision in revisions if revision not in pins]
    found = find_scripts(git, unpinned, versions)
    return found.keys() >= set(unpinned)


def nowhere(project: Project, facts: DatabaseFacts, revision: RevisionId, row: LedgerRow | None) -> Refused:
    """The refusal: which revision, when and by whom it was applied and from which commit, and a way on."""
    known = _known(row) if row is not None and row.direction is Action.UPGRADE else ""
    return Refused(
        f"the database {facts.database} holds {revision}{known}, and no script of it is here",
        hint=_hint(project, revision, row),
    )


def _known(row: LedgerRow) -> str:
    moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.time))
    by = f" by {row.who}" if row.who else ""
    commit = f" from commit {row.commit[:8]}" if row.commit else ""
    branch = f" of {row.branch}" if row.branch else ""
    return f", applied {moment}{by}{commit}{branch}"


def _hint(project: Project, revision: RevisionId, row: LedgerRow | None) -> str:
    git = project.git
    remotes = git.git("remote").decode("utf-8", "replace").split()
    if not remotes:
        return f"bring the file of {revision} back, then: gitmig sync"
    if row is not None and row.commit and git.objects.find(row.commit) is None:
        return f"git fetch {remotes[0]} {row.commit}, or ask whoever applied it; then: gitmig sync"
    if row is not None and row.branch:
        return f"git fetch {remotes[0]} {row.branch}, or git fetch --all; then: gitmig sync"
    return "git fetch --all, then: gitmig sync"
