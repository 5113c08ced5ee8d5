"""``drift``: the live database beside the models of the revision that it says it is at. Only reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gitmig.core.codes import Finding, Severity
from gitmig.core.database_findings import not_under_alembic, stamp
from gitmig.core.drifting import (
    Drifted,
    DriftOrigin,
    Kind,
    candidates,
    drifted,
    finding,
    inside,
    origin_of,
    unknown_tables,
)
from gitmig.core.findings import with_severities
from gitmig.core.revisions.graph import Graph
from gitmig.core.schema.facets import FacetChange, FacetKey
from gitmig.core.ties import TieState
from gitmig.errors import GitmigError, Refused
from gitmig.facts.schema_history import SchemaHistory
from gitmig.facts.sides import ComparedSide, of_revision
from gitmig.facts.ties import Ties
from gitmig.hooks.notes import note_seen
from gitmig.judging.described import Compared, live_beside, live_beside_scripts
from gitmig.project.project import Project
from gitmig.rpc.client import Worker
from gitmig.wire.values import CommitId, DatabaseState, RevisionId

_TRIED = 3
"""Revisions that are tried as what the database may really be at: each takes a scratch database."""
_COMMITS = 8
"""Commits whose models are looked at for what no revision has made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What ``drift`` says."""

    database: str
    heads: tuple[RevisionId, ...]
    commit: CommitId | None
    """Whose models it was compared with; None if it was compared with what the revisions make."""
    lines: tuple[Drifted, ...]
    made_so: tuple[FacetChange, ...]
    """What differs from the models because the revisions lead elsewhere: the database is as they make it."""
    unknown_tables: tuple[str, ...]
    like: RevisionId | None
    """The revision whose schema the database has, if that is not the one it says."""
    messages: Mapping[RevisionId, str]
    warnings: tuple[str, ...]
    findings: tuple[Finding, ...]

    def of(self, kind: Kind) -> tuple[Drifted, ...]:
        """The lines of one kind."""
        return tuple(line for line in self.lines if line.kind is kind)

    @property
    def failed(self) -> bool:
        """Whether a finding of severity error is among them."""
        return any(found.severity is Severity.ERROR for found in self.findings)


def drift(project: Project) -> Drift:
    """Compare the live database with the models of its revision, as the database describes both.

    Takes no lock, needs no right but to read, and changes nothing. Raises Refused if the database is at
    nothing that the checkout has, Unproven where no scratch database can be had, DatabaseUnreachable,
    ProjectCodeError.
    """
    graph = project.graph()
    graph.require_sound(frozenset(graph.scripts))
    with project.workers.one() as worker:
        state = worker.heads()
        note_seen(project, state.name, state.heads)
        _require_comparable(graph, state)
        side, compared = _compared(project, graph, state, worker)
    found = _Found(
        project=project,
        graph=graph,
        state=state,
        side=side,
        compared=compared,
        history=SchemaHistory(project, graph),
    )
    lines, made_so, unknown = found.sorted_out()
    like = found.like(lines) if lines else None
    return Drift(
        database=state.name,
        heads=state.heads,
        commit=side.commit if side is not None else None,
        lines=lines,
        made_so=made_so,
        unknown_tables=unknown,
        like=like,
        messages={revision: script.title for revision, script in graph.scripts.items()},
        warnings=(side.warning,) if side is not None and side.warning and (lines or made_so) else (),
        findings=with_severities(_findings(state, lines, like), project.settings.severity),
    )


def _require_comparable(graph: Graph, state: DatabaseState) -> None:
    if not state.exists:
        raise Refused(f"there is no database yet: {state.name}", hint="gitmig upgrade")
    unknown = [head for head in state.heads if head not in graph.scripts]
    if unknown:
        raise Refused(
            f"the database is at {', '.join(unknown)}, which no file of the checkout has",
            hint="gitmig status",
        )
    if state.models_tables and not state.versioned:
        raise Refused(not_under_alembic(state.models_tables), hint=stamp(graph))


def _compared(
    project: Project, graph: Graph, state: DatabaseState, worker: Worker
) -> tuple[ComparedSide | None, Compared]:
    """The database beside the models of its one revision; where nobody has them, beside its scripts."""
    if not state.heads:
        return None, live_beside(project, None, worker)
    side = _side(project, graph, state.heads)
    if side is None or side.tree is None:
        return None, live_beside_scripts(project, worker, graph, state.heads)
    return side, live_beside(project, side.tree, worker, replay=(graph, state.heads))


def _side(project: Project, graph: Graph, heads: tuple[RevisionId, ...]) -> ComparedSide | None:
    if len(heads) > 1:
        tie = Ties(project=project).settled(heads) if project.repository is not None else None
        if tie is None or tie.models_commit is None or tie.state is not TieState.VERIFIED:
            return None
        commit = tie.models_commit
        label = " and ".join(heads)
        return ComparedSide(word=label, label=label, tree=project.commit_tree(commit), commit=commit)
    try:
        return of_revision(project, graph, heads[0])
    except Refused:
        return None


def _findings(state: DatabaseState, lines: Sequence[Drifted], like: RevisionId | None) -> Iterator[Finding]:
    if lines:
        place = ", ".join(state.heads) or "base"
        to = f"alembic stamp {like}" if like else f"gitmig diff db {place} --sql"
        yield finding("the database", place, lines, like, to)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What was found, while it is sorted out where it comes from."""

    project: Project
    graph: Graph
    state: DatabaseState
    side: ComparedSide | None
    compared: Compared
    history: SchemaHistory

    def sorted_out(self) -> tuple[tuple[Drifted, ...], tuple[FacetChange, ...], tuple[str, ...]]:
        """The lines with where they come from, what the revisions made so, and tables nobody knows."""
        wanted, found = self.compared.wanted, self.compared.found
        changes, unknown = list(drifted(wanted, found)), []
        for table in unknown_tables(wanted, found):
            within = inside(table, wanted, found)
            if self._origin(within[0]) is not None:
                changes += within
            else:
                unknown.append(table)
        made_so = tuple(change for change in changes if self._is_made_so(change))
        lines = tuple(
            Drifted(change=change, origin=self._origin(change)) for change in changes if change not in made_so
        )
        return lines, made_so, tuple(unknown)

    def like(self, lines: Sequence[Drifted]) -> RevisionId | None:
        """The revision whose models the database has to the last facet."""
        if len(self.state.heads) > 1:
            return None
        at = self.state.heads[0] if self.state.heads else None
        for revision in candidates(lines, at, self.graph)[:_TRIED]:
            try:
                side = of_revision(self.project, self.graph, revision)
                if side.tree is None:
                    continue
                with self.project.workers.one() as worker:
                    compared = live_beside(self.project, side.tree, worker)
            except GitmigError:
                continue  # its models do not import any more
            if not drifted(compared.wanted, compared.found):
                return revision
        return None

    def _is_made_so(self, change: FacetChange) -> bool:
        """Whether the revisions themselves lead to what was found, whatever the models say."""
        replayed, key = self.compared.replayed, change.key
        return replayed is not None and replayed.facets.get(key) == change.after

    def _origin(self, change: FacetChange) -> DriftOrigin | None:
        found = origin_of(change, self.state.heads, self.graph, self.history.change)
        return found or (self._of_commit(change.key) if change.sign == "+" else None)

    def _of_commit(self, key: FacetKey) -> DriftOrigin | None:
        """The commit that brought it into the models without a revision."""
        if self.side is None or self.side.commit is None:
            return None
        commits = Ties(project=self.project).models_changed_since(self.side.commit)[:_COMMITS]
        self.history.learn_commits(commits)
        for commit in commits:
            schema = self.history.of_commit(commit)
            if schema is not None and key in schema.facets:
                return DriftOrigin(commit=commit)
        return None
