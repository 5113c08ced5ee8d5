"""``log``: the revisions with their commits, newest first. Runs none of the project's code."""

from __future__ import annotations

from dataclasses import dataclass

from gitmig.core.codes import Finding, Severity
from gitmig.core.database_findings import in_progress, unknown_heads
from gitmig.core.findings import graph_findings, with_severities
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.core.ties import Tie, TieState
from gitmig.facts.ties import Ties
from gitmig.git import commits as git_commits
from gitmig.git.commits import Commit
from gitmig.hooks.notes import seen_key
from gitmig.project.project import Project
from gitmig.state.last_seen import Seen, last_seen
from gitmig.wire.values import CommitId, RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One revision."""

    script: Script
    tie: Tie | None
    """None without a repository, or without models that it could be tied to."""
    applied: bool | None
    """Whether the database has it; None if nobody can say: this clone has never seen the database,
    or it is at a revision that no file has."""
    head: bool
    models_commit: Commit | None = None
    introduced: Commit | None = None
    labels: tuple[str, ...] = ()
    """The branch labels of its line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What ``log`` says, newest revision first."""

    lines: tuple[Line, ...]
    seen: Seen | None
    commit: CommitId | None
    """What is checked out; without a repository what ``GITMIG_COMMIT`` says."""
    repository: bool
    findings: tuple[Finding, ...]
    shallow: bool = False
    """Whether this clone lacks commits, and the commits of a revision may be among them."""


def log(project: Project) -> Log:
    """Read the revision files and the history of the checked out branch. Changes nothing."""
    graph = project.graph()
    ties = Ties(project=project).all() if project.repository is not None else {}
    seen = None
    if project.repository is not None:
        seen = last_seen(project.repository.private(), seen_key(project), project.directory)
    heads = seen.heads if seen is not None else ()
    applied = graph.applied([head for head in heads if head in graph.scripts])
    sure = seen is not None and all(head in graph.scripts for head in heads)
    wanted = {c for tie in ties.values() for c in (tie.models_commit, tie.introduced) if c is not None}
    commits = (
        git_commits.info(project.repository, wanted) if project.repository is not None and wanted else {}
    )

    def line(revision: RevisionId) -> Line:
        tie = None
        if project.repository is not None:
            tie = ties.get(revision) or Tie(revision=revision, state=TieState.UNCOMMITTED)
        return Line(
            script=graph.scripts[revision],
            tie=tie if project.models and not graph.scripts[revision].outside else None,
            applied=revision in applied if sure or revision in applied else None,
            head=revision in graph.heads,
            models_commit=commits.get(tie.models_commit)
            if project.models and tie and tie.models_commit
            else None,
            introduced=commits.get(tie.introduced) if tie and tie.introduced else None,
            labels=graph.labelled.get(revision, ()),
        )

    untied = any(tie.state in (TieState.UNTIED, TieState.APPROXIMATE) for tie in ties.values())
    return Log(
        lines=tuple(line(revision) for revision in reversed(graph.topological())),
        shallow=untied and project.repository is not None and project.repository.is_shallow(),
        seen=seen,
        commit=project.commit,
        repository=project.repository is not None,
        findings=with_severities(_findings(project, graph, seen), project.settings.severity),
    )


def _findings(project: Project, graph: Graph, seen: Seen | None) -> tuple[Finding, ...]:
    operation = project.repository.operation() if project.repository is not None else None
    return (
        *graph_findings(graph),
        *in_progress(operation, Severity.WARNING),
        # Whether git has its script takes a look at the database's name, which `status` has.
        *(unknown_heads(seen.heads, graph, hint="gitmig status") if seen is not None else ()),
    )
