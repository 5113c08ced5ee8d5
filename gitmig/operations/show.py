"""``show``: what a revision changes, its statements, its commits, and where it is applied."""

from __future__ import annotations

from dataclasses import dataclass

from gitmig.core.differences import TableChanges, by_table
from gitmig.core.revisions.scripts import Script
from gitmig.core.schema.facets import FacetChange
from gitmig.core.ties import Tie
from gitmig.errors import Refused
from gitmig.facts.applied_where import KnownDatabase, applied_where
from gitmig.facts.schema_history import SchemaHistory
from gitmig.git import commits as git_commits
from gitmig.git.commits import Author, Commit, authors
from gitmig.judging.statements import Statements, statements_of
from gitmig.project.project import Project
from gitmig.wire.values import CommitId


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowResult:
    """What ``show`` says."""

    script: Script
    tie: Tie | None
    """None without a repository."""
    introduced: Commit | None
    author: Author | None
    """Who wrote the commit that brought it."""
    models_commit: Commit | None
    changes: tuple[FacetChange, ...] | None
    """How its models differ from its parents'; None if nobody can say."""
    tables: tuple[TableChanges, ...]
    reason: str | None
    """Why nobody can say."""
    statements: Statements
    applied: tuple[KnownDatabase, ...]


def show(project: Project, target: str) -> ShowResult:
    """Look at one revision of the work tree. Changes nothing, and asks no database but a scratch one.

    Raises UnknownRevision, AmbiguousRevision, Refused for what is not one revision.
    """
    graph = project.graph()
    found = graph.resolve(target)
    if len(found) != 1:
        raise Refused(f"{target} is not one revision", hint="name one: gitmig log")
    (revision,) = found
    graph.require_sound(graph.ancestors([revision]))
    history = SchemaHistory(project, graph)
    tie = history.ties.get(revision)
    changes = history.change(revision)
    ids = [c for c in (tie.introduced, tie.models_commit) if c is not None] if tie is not None else []
    commits = git_commits.info(project.git, ids) if ids else {}
    introduced = commits.get(tie.introduced) if tie is not None and tie.introduced is not None else None
    wrote = authors(project.git, [introduced.id]) if introduced is not None else {}
    return ShowResult(
        script=graph.scripts[revision],
        tie=tie,
        introduced=introduced,
        author=wrote.get(introduced.id) if introduced is not None else None,
        models_commit=commits.get(tie.models_commit) if tie is not None and tie.models_commit else None,
        changes=changes,
        tables=by_table(changes or ()),
        reason=None if changes is not None else _reason(history, tie),
        statements=statements_of(project, graph, revision),
        applied=applied_where(project, graph, revision),
    )


def _reason(history: SchemaHistory, tie: Tie | None) -> str:
    commit: CommitId | None = tie.models_commit if tie is not None else None
    if commit is not None and commit in history.failed:
        return f"the models of {commit[:8]} do not import: {history.failed[commit]}"
    if history.failed:
        failed, why = next(iter(history.failed.items()))
        return f"the models of {failed[:8]} do not import: {why}"
    return "its models, or those of the revision before it, are in no commit"
