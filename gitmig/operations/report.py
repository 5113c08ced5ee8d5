"""``report``: all that a page needs to show the schema over time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gitmig.core.blame import Blamed, BlamedName, blame
from gitmig.core.revisions.scripts import Script
from gitmig.core.schema.facets import FacetChange, FacetKey, Schema, difference
from gitmig.core.ties import Tie
from gitmig.core.timeline import Node, timeline
from gitmig.facts.applied_where import left_at
from gitmig.facts.schema_history import SchemaHistory
from gitmig.facts.tags import tags
from gitmig.facts.ties import Ties
from gitmig.git import commits as git_commits
from gitmig.git.commits import Author, Commit, authors
from gitmig.project.project import Project
from gitmig.state.history import read_rows
from gitmig.wire.values import CommitId, LedgerRow, RevisionId

_AT_ONCE = 4
"""Commits that are learned between two steps of the progress bar."""
_MOVES = 200
"""Moves of one database that are shown, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point of the timeline: a revision (``script``), a commit (``commit`` alone), or the work tree."""

    script: Script | None
    tie: Tie | None
    commit: Commit | None
    """The commit itself, or the one that brought the revision."""
    author: Author | None
    parents: tuple[int, ...]
    """What it stands on, by its place among the points."""
    schema: Schema | None
    changes: tuple[FacetChange, ...] | None
    """What it changes; None where nobody knows."""
    reason: str | None
    """Why nobody knows the one or the other."""
    tags: tuple[str, ...] = ()
    is_head: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """What this clone knows of a database."""

    name: str
    time: int
    """When it was so."""
    heads: tuple[RevisionId, ...]
    schema: Schema | None
    """That of the models of these heads; None where nobody knows."""
    moves: tuple[LedgerRow, ...]
    """What this clone moved it by, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the page shows."""

    name: str
    time: int
    branch: str | None
    commit: CommitId | None
    points: tuple[Point, ...]
    """Oldest first."""
    databases: tuple[Database, ...]
    histories: tuple[tuple[BlamedName, tuple[Blamed, ...]], ...]
    """Each table and column that there ever was, by name, and what made it so, newest first."""

    @property
    def unknown(self) -> tuple[Point, ...]:
        """The points whose tables nobody knows."""
        return tuple(point for point in self.points if point.schema is None)


def report(
    project: Project,
    *,
    begun: Callable[[int], None] = lambda count: None,
    step: Callable[[], None] = lambda: None,
) -> Report:
    """Gather the revisions of the work tree, the commits of their models, and the databases of this clone.

    Changes nothing, and asks no database. Old models are imported once in a clone, then they are known;
    ``begun`` is called with how many there are to look at, ``step`` after each. Raises NoRepository, and what
    a graph with faults raises.
    """
    repository = project.git
    graph = project.graph()
    graph.require_sound(frozenset(graph.scripts))
    history = SchemaHistory(project, graph)
    line = Ties(project=project).line() if repository.head() is not None else ()
    commits = _further(history, line)
    _learn(history, [*_tied(history), *(commit for _, commit in commits)], begun, step)
    ahead = history.ahead()
    places = _places(history, line)
    nodes = timeline(
        {revision: graph.line_parents[revision] for revision in graph.topological()},
        places,
        commits,
        ahead=graph.heads if ahead else None,
    )
    points = _Points(project, history, nodes, _labels(project, line, places, commits)).all()
    return Report(
        name=project.top.name,
        time=int(time.time()),
        branch=repository.branch(),
        commit=repository.head(),
        points=points,
        databases=_databases(project, history),
        histories=_histories(points),
    )


def _tied(history: SchemaHistory) -> list[CommitId]:
    commits = (history.commit_of(revision) for revision in reversed(history.graph.topological()))
    return [commit for commit in commits if commit is not None]


def _further(
    history: SchemaHistory, line: Sequence[tuple[CommitId, bool]]
) -> tuple[tuple[int, CommitId], ...]:
    """The commits that change the models and bring no revision, with their places on the line."""
    taken = {tie.introduced for tie in history.ties.values()}
    return tuple(
        (place, commit) for place, (commit, changed) in enumerate(line) if changed and commit not in taken
    )


def _places(history: SchemaHistory, line: Sequence[tuple[CommitId, bool]]) -> Mapping[RevisionId, int]:
    at = {commit: place for place, (commit, _) in enumerate(line)}
    ties = history.ties.values()
    return {tie.revision: at[tie.introduced] for tie in ties if tie.introduced in at}


def _learn(
    history: SchemaHistory,
    commits: Sequence[CommitId],
    begun: Callable[[int], None],
    step: Callable[[], None],
) -> None:
    commits = list(dict.fromkeys(commits))
    begun(len(commits))
    for place in range(0, len(commits), _AT_ONCE):
        some = commits[place : place + _AT_ONCE]
        history.learn_commits(some)
        for _ in some:
            step()


def _labels(
    project: Project,
    line: Sequence[tuple[CommitId, bool]],
    places: Mapping[RevisionId, int],
    commits: Sequence[tuple[int, CommitId]],
) -> Mapping[str, tuple[str, ...]]:
    """By revision or commit: the tags at which it is the newest point."""
    by_place: dict[int, str] = {place: commit for place, commit in commits}
    by_place |= {place: revision for revision, place in places.items()}
    at = {commit: place for place, (commit, _) in enumerate(line)}
    found: dict[str, tuple[str, ...]] = {}
    for tag, commit in tags(project.git, list(at)):
        below = [place for place in by_place if place <= at[commit]]
        if below:
            name = by_place[max(below)]
            found[name] = (*found.get(name, ()), tag)
    return found


@dataclass(frozen=True, slots=True)
class _Points:
    project: Project
    history: SchemaHistory
    nodes: Sequence[Node]
    labels: Mapping[str, tuple[str, ...]]

    def all(self) -> tuple[Point, ...]:
        ties = [self.history.ties.get(node.revision) for node in self.nodes if node.revision is not None]
        ids = [tie.introduced for tie in ties if tie is not None and tie.introduced is not None]
        ids += [node.commit for node in self.nodes if node.commit is not None]
        commits = git_commits.info(self.project.git, ids) if ids else {}
        wrote = authors(self.project.git, ids)
        points: list[Point] = []
        for node in self.nodes:
            tie = self.history.ties.get(node.revision) if node.revision is not None else None
            commit = node.commit or (tie.introduced if tie is not None else None)
            points.append(self._point(node, tie, points, commits, wrote, commit))
        return tuple(points)

    def _point(
        self,
        node: Node,
        tie: Tie | None,
        before: Sequence[Point],
        commits: Mapping[CommitId, Commit],
        wrote: Mapping[CommitId, Author],
        commit: CommitId | None,
    ) -> Point:
        history, revision = self.history, node.revision
        if revision is not None:
            schema, changes = history.of_revision(revision), history.change(revision)
            reason = history.why_unknown(revision) or "its models, or those before it, are in no commit"
        else:
            schema = history.of_commit(node.commit) if node.commit is not None else history.of_work_tree()
            changes = _since([before[place] for place in node.parents], schema)
            failed = history.failed.get(node.commit) if node.commit is not None else None
            reason = f"its models do not import: {failed}" if failed else "what came before is not known"
        return Point(
            script=history.graph.scripts[revision] if revision is not None else None,
            tie=tie,
            commit=commits.get(commit) if commit is not None else None,
            author=wrote.get(commit) if commit is not None else None,
            parents=node.parents,
            schema=schema,
            changes=changes,
            reason=reason if schema is None or changes is None else None,
            tags=self.labels.get(revision or node.commit or "", ()),
            is_head=revision in history.graph.heads,
        )


def _since(parents: Sequence[Point], schema: Schema | None) -> tuple[FacetChange, ...] | None:
    """How a schema differs from that of the point below it, if there is one."""
    if schema is None or len(parents) > 1:
        return None
    before = parents[0].schema if parents else Schema(schema.dialect, schema.sqlalchemy, {})
    if before is None or before.dialect != schema.dialect:
        return None
    return difference(before, schema)


def _databases(project: Project, history: SchemaHistory) -> tuple[Database, ...]:
    rows = read_rows(project.git.private())
    return tuple(
        Database(
            name=name,
            time=seen,
            heads=heads,
            schema=_schema_at(project, history, heads),
            moves=tuple(row for row in reversed(rows) if row.database == name)[:_MOVES],
        )
        for name, (seen, heads) in sorted(left_at(project).items())
    )


def _schema_at(project: Project, history: SchemaHistory, heads: tuple[RevisionId, ...]) -> Schema | None:
    if not heads or any(head not in history.graph.scripts for head in heads):
        return None
    if len(heads) == 1:
        return history.of_revision(heads[0])
    commit = Ties(project=project).of(heads).models_commit
    if commit is not None:
        history.learn_commits([commit])
    return history.of_commit(commit) if commit is not None else None


def _histories(points: Sequence[Point]) -> tuple[tuple[BlamedName, tuple[Blamed, ...]], ...]:
    keys: set[FacetKey] = set()
    for point in points:
        keys.update(point.schema.facets if point.schema is not None else ())
    changes = [
        (point.script.revision if point.script is not None else None, point.changes)
        for point in reversed(points)
        if point.changes and (point.script is not None or point.commit is None)
    ]
    subjects = {BlamedName(table=key.table) for key in keys if key.kind == "table"}
    subjects |= {BlamedName(table=key.table, column=key.name) for key in keys if key.kind == "column"}
    ordered = sorted(subjects, key=lambda subject: (subject.table, subject.column or ""))
    return tuple((subject, blame(subject, changes)) for subject in ordered)
