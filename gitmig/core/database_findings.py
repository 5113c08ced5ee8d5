"""What is wrong with where a database stands. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gitmig.core.codes import Finding, Severity
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.wire.values import DatabaseState, RevisionId


def database_findings(state: DatabaseState, graph: Graph) -> tuple[Finding, ...]:
    """GM010, GM011, GM017 and GM025: where a database stands beside the checkout's graph."""
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
    found = overlapping(state.heads, graph)
    doubled = (found,) if found is not None else ()
    behind = graph.ancestors(graph.heads) - graph.applied(state.heads)
    if not behind:
        return doubled
    count = f"{len(behind)} revision{'s' if len(behind) > 1 else ''}"
    return (
        *doubled,
        Finding(
            code="GM011",
            severity=Severity.ERROR,
            message=f"the database is {count} behind the checkout{_by_line(behind, graph)}",
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


def other_findings(state: DatabaseState, graph: Graph) -> tuple[Finding, ...]:
    """What is wrong with the further databases of an env.py that stand elsewhere than the first."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for other in state.others:
        if set(other.heads) != set(state.heads):
            for one in database_findings(other, graph):
                found.setdefault((one.code, one.message), []).append(one)
    every = len(state.others) + 1
    return tuple(
        each[0].saying(f"{len(each)} of the {every} databases or schemas that env.py goes through: {message}")
        for (_, message), each in found.items()
    )


def _by_line(behind: Collection[RevisionId], graph: Graph) -> str:
    """How many of them are on each labelled line."""
    counts: dict[str, int] = {}
    for revision in behind:
        for label in graph.labelled.get(revision, ()):
            counts[label] = counts.get(label, 0) + 1
    return f" ({', '.join(f'{label} {counts[label]}' for label in sorted(counts))})" if counts else ""


def overlapping(heads: Sequence[RevisionId], graph: Graph) -> Finding | None:
    """GM025 for a version table with a revision and one below it, which Alembic cannot go down from.

    Those that merely depend on each other do not count: Alembic itself writes both.
    """
    for head in heads:
        below = [other for other in heads if other != head and other in graph.line_below(head)]
        if below:
            return Finding(
                code="GM025",
                severity=Severity.ERROR,
                message=f"the version table names {head}, and {', '.join(below)} below it",
                hint=f"alembic stamp --purge {' '.join(graph.tips(graph.applied(heads)))}",
            )
    return None


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
