"""What is wrong with where a database stands. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gitmig.core.codes import Finding, Severity
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.wire.values import DatabaseState, RevisionId


def database_findings(state: DatabaseState, graph: Graph) -> tuple[Finding, ...]:
    """GM010, GM011 and GM017: where a database stands beside the checkout's graph."""
    if any(head not in graph.scripts for head in state.heads):
        return unknown_heads(state.heads, graph)
    if state.models_tables and not state.versioned:
        return (
            Finding(
                code="GM017",
                severity=Severity.ERROR,
                message=not_under_alembic(state.models_tables),
                hint=stamp(graph),
            ),
        )
    behind = graph.ancestors(graph.heads) - graph.applied(state.heads)
    if not behind:
        return ()
    count = f"{len(behind)} revision{'s' if len(behind) > 1 else ''}"
    return (
        Finding(
            code="GM011",
            severity=Severity.ERROR,
            message=f"the database is {count} behind the checkout",
            # `upgrade` must know which head is meant.
            hint="gitmig sync" if graph.crowded else "gitmig upgrade",
        ),
    )


def unknown_heads(
    heads: Sequence[RevisionId],
    graph: Graph,
    hint: str = "check out the branch that has it, or bring its file back",
) -> tuple[Finding, ...]:
    """GM010 for a database at revisions that no file has.

    Nothing while a file cannot be read (GM006): it may be the one that is missed.
    """
    unknown = [head for head in heads if head not in graph.scripts]
    if not unknown or graph.unreadable:
        return ()
    return (
        Finding(
            code="GM010",
            severity=Severity.ERROR,
            message=f"the database is at {', '.join(unknown)}, which no file of the checkout has",
            hint=hint,
        ),
    )


def not_under_alembic(models_tables: int) -> str:
    """What is wrong with a database that has tables of the models and no version table."""
    tables = "1 table" if models_tables == 1 else f"{models_tables} tables"
    return f"the database has {tables} of the models and is not under Alembic"


def stamp(graph: Graph) -> str:
    """How such a database comes under Alembic."""
    if graph.heads:
        return "alembic stamp REVISION  (the one that matches its tables)"
    return 'gitmig revise --draft -m "Baseline" && alembic stamp head'


def in_progress(
    operation: str | None, severity: Severity = Severity.ERROR, *, unmerged: Sequence[str] = ()
) -> tuple[Finding, ...]:
    """GM016 while git is in the middle of a merge, rebase, cherry-pick or revert, or files are unmerged."""
    if operation is None and not unmerged:
        return ()
    message, hint = "files are in conflict", "resolve them, then git add them"
    if operation is not None:
        message, hint = f"a {operation} is in progress", f"git {operation} --continue"
    details = tuple(f"in conflict: {path}" for path in unmerged)
    return (Finding(code="GM016", severity=severity, message=message, hint=hint, details=details),)


def interrupted(command: str) -> Finding:
    """GM014 where a command left a journal behind."""
    return Finding(
        code="GM014",
        severity=Severity.ERROR,
        message=f"`gitmig {command}` was interrupted",
        hint="gitmig recover",
    )


def uncommitted(revisions: Sequence[RevisionId]) -> tuple[Finding, ...]:
    """GM018 for revisions that the database has and no commit of the checkout."""
    if not revisions:
        return ()
    return (
        Finding(
            code="GM018",
            severity=Severity.ERROR,
            message=f"applied, not committed: {', '.join(revisions)}",
            hint="gitmig upgrade --commit",
        ),
    )


def edited(script: Script, why: str | None) -> Finding:
    """GM019 for a script that is another program than the one that was applied.

    An error where it is known in what the database differs for it.
    """
    if why is not None:
        return Finding(
            code="GM019",
            severity=Severity.ERROR,
            message=f"the database has {script.revision} as it was applied, {why}",
            hint="gitmig sync",
            path=script.path,
        )
    return Finding(
        code="GM019",
        severity=Severity.WARNING,
        message=f"the script of {script.revision} was edited after it was applied; the database has what was",
        hint=f"git log -p -- {script.path}",
        path=script.path,
    )


def redone(revisions: Sequence[RevisionId]) -> tuple[Finding, ...]:
    """GM018 for revisions whose amended form is applied, while the commit has the old one."""
    if not revisions:
        return ()
    return (
        Finding(
            code="GM018",
            severity=Severity.ERROR,
            message=f"amended and applied, not committed: {', '.join(revisions)}",
            hint="git commit --amend",
        ),
    )
