"""Findings out of facts. Pure: whoever calls has asked git, the worker and the database before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gitmig.core.codes import Finding, Severity
from gitmig.core.locations import Place
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.core.schema.facets import FacetChange, render
from gitmig.wire.values import RevisionId, named


def graph_findings(graph: Graph) -> tuple[Finding, ...]:
    """GM002, GM004, GM005 and GM006 of one revision graph."""
    return (*_unreadable(graph), *_duplicates(graph), *_missing(graph), *_heads(graph))


def _unreadable(graph: Graph) -> Iterable[Finding]:
    for problem in graph.unreadable:
        yield Finding(
            code="GM006",
            severity=Severity.ERROR,
            message=f"the revision identifiers of {problem.path} cannot be read: {problem.reason}"
            + (f" (line {problem.line})" if problem.line else ""),
            hint=f"correct {problem.path}",
            path=problem.path,
            line=problem.line,
        )


def _duplicates(graph: Graph) -> Iterable[Finding]:
    for first, second in graph.duplicates:
        yield Finding(
            code="GM004",
            severity=Severity.ERROR,
            message=f"{first.path} and {second.path} have one revision id: {first.revision}",
            hint="give one of them an id of its own",
            path=second.path,
            line=second.revision_line,
        )


def _missing(graph: Graph) -> Iterable[Finding]:
    for script, parent in graph.missing:
        yield Finding(
            code="GM005",
            severity=Severity.ERROR,
            message=f"{script.revision} follows {parent}, which no file has",
            hint=f"bring the file of {parent} back, or correct down_revision in {script.path}",
            path=script.path,
            line=script.parents_line,
        )


def _heads(graph: Graph) -> Iterable[Finding]:
    for heads in graph.crowded:
        last = graph.scripts[heads[-1]]
        yield Finding(
            code="GM002",
            severity=Severity.ERROR,
            message=f"{len(heads)} heads: {', '.join(heads)}",
            hint="gitmig rebase",
            path=last.path,
            line=last.parents_line,
        )


def new_heads(graph: Graph, before: Iterable[Graph]) -> tuple[Finding, ...]:
    """The GM002 of lines to which heads were added: which have more of them than in each graph before."""
    olds = [old.crowded for old in before]
    found = []
    for finding, heads in zip(_heads(graph), graph.crowded, strict=True):
        below = graph.ancestors(heads)
        if not any(len(line) >= len(heads) and below.intersection(line) for old in olds for line in old):
            found.append(finding)
    return tuple(found)


def head_file_differs(path: str, named: Sequence[str] | None, heads: Sequence[RevisionId]) -> Finding:
    """GM002 for a head file that names others than the heads; None: it has a conflict in it."""
    says = "has a conflict in it" if named is None else f"names {', '.join(named) or 'no head'}"
    several = len(heads) > 1
    are = f"{'heads are' if several else 'head is'} {', '.join(heads) or 'none'}"
    return Finding(
        code="GM002",
        severity=Severity.ERROR,
        message=f"{path} {says}, and the {are}",
        hint="gitmig rebase" if several else f"gitmig init --head-file && git add {path}",
        path=path,
        line=1,
    )


def unproven(script: Script, reason: str | None = None) -> Finding:
    """GM007 for a revision that comes with a change of the models and has no record of it."""
    because = f": {reason}" if reason else ""
    return Finding(
        code="GM007",
        severity=Severity.WARNING,
        message=f"nothing proves that {script.revision} takes the database to these models{because}",
        hint=f"compare {script.path} with the models, then: gitmig tie {script.revision} --trust"
        if reason
        else f"gitmig tie {script.revision}",
        path=script.path,
        line=script.revision_line,
    )


def not_in_this_clone(script: Script, reason: str | None) -> Finding:
    """GM007 for a revision whose commit a shallow clone does not have, if nothing else proves it."""
    because = f": {reason}" if reason else ""
    return Finding(
        code="GM007",
        severity=Severity.WARNING,
        message=f"the commit that brought {script.revision} is not in this clone, and nothing proves that "
        f"the revisions lead to these models{because}",
        hint="git fetch --unshallow  (in CI: fetch the whole history)",
        path=script.path,
        line=script.revision_line,
    )


def disproven(script: Script, changes: Sequence[FacetChange]) -> Finding:
    """GM001 for a revision that leaves a database which describes itself otherwise than the models'."""
    return Finding(
        code="GM001",
        severity=Severity.ERROR,
        message=f"the revision {script.revision} does not take the database to these models",
        hint=f"correct {script.path}",
        path=script.path,
        line=script.revision_line,
        details=tuple(render(change) for change in changes),
    )


def missing_models(path: str, file: str, line: int | None) -> Finding:
    """GM008 for a configured models path that is not there; ``file`` and ``line`` configure it."""
    where = f"line {line} of {file}" if line is not None else file
    return Finding(
        code="GM008",
        severity=Severity.ERROR,
        message=f"{path} is configured as a models path, and is not there",
        hint=f"change models in {where}; gitmig init finds where the models are now",
        path=file,
        line=line,
    )


def unjudged(reason: str, hint: str | None) -> Finding:
    """GM007 for models that nothing could import here."""
    return Finding(
        code="GM007", severity=Severity.WARNING, message=f"the models were not judged: {reason}", hint=hint
    )


def unrevised(
    changes: Sequence[FacetChange], *, hint: str = 'gitmig revise -m "…"', place: Place | None = None
) -> Finding:
    """GM001 for models that changed without a revision."""
    return Finding(
        code="GM001",
        severity=Severity.ERROR,
        message="the models change without a revision that takes the database there",
        hint=hint,
        path=place[0] if place else None,
        line=place[1] if place else None,
        details=tuple(render(change) for change in changes),
    )


def unrevised_before(changes: Sequence[FacetChange], origin: str | None, *, place: Place | None) -> Finding:
    """GM001 as a warning, for what a commit finds and does not do. ``origin`` names the commit that did."""
    since = f"since {origin}" if origin else "already in the commit before"
    return Finding(
        code="GM001",
        severity=Severity.WARNING,
        message=f"the models differ from their revisions, {since}",
        hint='gitmig revise -m "…"',
        path=place[0] if place else None,
        line=place[1] if place else None,
        details=tuple(render(change) for change in changes),
        earlier=True,
    )


def rewritten(script: Script, what: str) -> Finding:
    """GM003 for a published revision; ``what`` was done to it: "edited", "re-parented"."""
    return Finding(
        code="GM003",
        severity=Severity.ERROR,
        message=f"{script.revision} is published and was {what}: databases that have it keep the old one",
        hint="put it back, and write what is missing in a new revision",
        path=script.path,
        line=script.parents_line if what == "re-parented" else script.revision_line,
    )


def deleted(script: Script) -> Finding:
    """GM003 for a published revision that is gone."""
    return Finding(
        code="GM003",
        severity=Severity.ERROR,
        message=f"{script.revision} is published and was deleted: databases that have it cannot go on",
        hint=f"bring {script.path} back",
        path=script.path,
    )


def base_moved(
    script: Script, parent: RevisionId, base: str, heads: Sequence[RevisionId], *, merged: bool
) -> Finding:
    """GM002 for a revision that was the next one when it was made, and is not any more.

    ``merged``: all of ``base`` is in the branch, as after a rebase.
    """
    return Finding(
        code="GM002",
        severity=Severity.ERROR,
        message=f"{base} has moved: {script.revision} follows {parent}, which is no longer its head "
        f"({', '.join(heads)} {'is' if len(heads) == 1 else 'are'})",
        hint="gitmig rebase" if merged else f"git merge {base} && gitmig rebase",
        path=script.path,
        line=script.parents_line,
    )


def do_not_commute(
    script: Script,
    ours: Sequence[RevisionId],
    theirs: Sequence[RevisionId],
    lines: Sequence[str],
    hint: str | None = None,
) -> Finding:
    """GM009 for parallel revisions that lead elsewhere in the other order; ``lines`` say in what."""
    return Finding(
        code="GM009",
        severity=Severity.ERROR,
        message=f"{', '.join(ours)} and {', '.join(theirs)} do not commute",
        hint=hint or on_top_by_hand(script, ours, theirs),
        path=script.path,
        line=script.parents_line,
        details=tuple(lines),
    )


def on_top_by_hand(script: Script, ours: Sequence[RevisionId], theirs: Sequence[RevisionId]) -> str:
    """What a person does about revisions that do not commute."""
    return f"write {script.path} for what {theirs[-1]} leaves, then: gitmig rebase {ours[0]}"


def may_not_commute(
    script: Script, ours: Sequence[RevisionId], theirs: Sequence[RevisionId], reason: str | None
) -> Finding:
    """GM007 for parallel revisions of which nothing tells whether they commute."""
    return Finding(
        code="GM007",
        severity=Severity.WARNING,
        message=f"it is not known whether {', '.join(ours)} and {', '.join(theirs)} commute"
        + (f": {reason}" if reason else ""),
        hint=f"compare {script.path} with theirs, then: gitmig rebase",
        path=script.path,
        line=script.parents_line,
    )


def conflicting(path: str, base: str) -> Finding:
    """GM006 for a revision file in which merging ``base`` conflicts."""
    return Finding(
        code="GM006",
        severity=Severity.ERROR,
        message=f"merging {base} conflicts in {path}",
        hint=f"git merge {base}, and resolve it",
        path=path,
    )


def no_preview(reason: str, hint: str | None = "git 2.38 or newer can tell") -> Finding:
    """GM002 as a warning, where the merge could not be looked at."""
    return Finding(
        code="GM002",
        severity=Severity.WARNING,
        message=f"the heads after a merge are not known: {reason}",
        hint=hint,
    )


def rolled_back(heads: Sequence[RevisionId], *, committing: bool) -> Finding:
    """GM013, or GM001 when models that a rollback put there are about to be committed."""
    if not committing:
        return Finding(
            code="GM013",
            severity=Severity.WARNING,
            message=f"the models in the work tree are those of {named(heads)}, put there by a rollback",
            hint="gitmig upgrade",
        )
    return Finding(
        code="GM001",
        severity=Severity.ERROR,
        message=f"these are the models of {named(heads)}, as a rollback put them there "
        "(gitmig upgrade takes them forward again)",
        hint=f"gitmig rollback {heads[0]} --commit",
    )


def with_severities(
    findings: Iterable[Finding], severity: Mapping[str, Severity | None], allowed: Iterable[str] = ()
) -> tuple[Finding, ...]:
    """The findings after the settings' severities and the ways out (``GITMIG_ALLOW``) were applied."""
    let = frozenset(allowed)
    kept: list[Finding] = []
    for finding in findings:
        level = Severity.WARNING if finding.code in let else severity.get(finding.code, finding.severity)
        if level is not None:
            kept.append(finding.at(Severity.WARNING if finding.earlier else level))
    return tuple(kept)


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any of the findings decides the exit code."""
    return any(finding.severity is Severity.ERROR for finding in findings)
