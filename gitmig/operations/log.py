"""``log``: the revisions with their commits, newest first. Runs none of the project's code."""

from __future__ import annotations

from dataclasses import dataclass

from gitmig.checks import graph_findings
from gitmig.model import Commit, Finding, RevisionId, Script, Tie, TieState
from gitmig.project import Project
from gitmig.seen import Seen, last_seen
from gitmig.tied import Ties


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One revision."""

    script: Script
    tie: Tie
    applied: bool | None
    """Whether the database has it; None where this clone has never seen the database."""
    head: bool
    models_commit: Commit | None = None
    introduced: Commit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What ``log`` says, newest revision first."""

    lines: tuple[Line, ...]
    seen: Seen | None
    findings: tuple[Finding, ...]


def log(project: Project) -> Log:
    """Read the revision files and the history of the checked out branch. Changes nothing."""
    graph = project.graph()
    ties = Ties(project=project).all() if project.repository is not None else {}
    seen = None
    if project.repository is not None:
        seen = last_seen(project.repository.private(), project.configuration.section, project.directory)
    applied = graph.applied([h for h in seen.heads if h in graph.scripts]) if seen is not None else None
    wanted = {c for tie in ties.values() for c in (tie.models_commit, tie.introduced) if c is not None}
    commits = project.repository.commit_infos(wanted) if project.repository is not None and wanted else {}

    def line(revision: RevisionId) -> Line:
        tie = ties.get(revision) or Tie(revision=revision, state=TieState.UNCOMMITTED)
        return Line(
            script=graph.scripts[revision],
            tie=tie,
            applied=None if applied is None else revision in applied,
            head=revision in graph.heads,
            models_commit=commits.get(tie.models_commit) if tie.models_commit else None,
            introduced=commits.get(tie.introduced) if tie.introduced else None,
        )

    return Log(
        lines=tuple(line(revision) for revision in reversed(graph.topological())),
        seen=seen,
        findings=graph_findings(graph),
    )
