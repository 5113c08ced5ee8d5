"""``rebase --check``: would the revisions of both sides commute?"""

from __future__ import annotations

from dataclasses import dataclass

from gitmig.core.codes import Finding
from gitmig.core.findings import do_not_commute, has_errors, may_not_commute
from gitmig.errors import UsageError
from gitmig.facts.parallel import Parallel, common_commit, parallel_here, parallel_refs
from gitmig.judging.orders import Commuting, judge_parallel
from gitmig.operations.check import settled
from gitmig.project.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class RebaseCheck:
    """What became of it; ``commuting`` is None if there is but one side."""

    commuting: Commuting | None
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        """Whether they do not commute."""
        return has_errors(self.findings)


def rebase_check(project: Project, refs: tuple[str, ...], onto: str | None) -> RebaseCheck:
    """Judge the two sides of the work tree, of HEAD and ``onto``, or of a ref and ``onto``.

    Nothing is changed but the cache. Raises UnknownRef, and what reading the models raises.
    """
    if len(refs) > 1 or (refs and onto is None):
        raise UsageError(
            "--check takes two refs: one as its argument, the other with --onto",
            hint="gitmig rebase --check feature --onto main",
        )
    parallel = _parallel(project, refs[0] if refs else None, onto)
    if parallel is None:
        return RebaseCheck(commuting=None, findings=())
    commuting = judge_parallel(project, parallel)
    return RebaseCheck(
        commuting=commuting, findings=settled(project, commuting_findings(parallel, commuting))
    )


def commuting_findings(parallel: Parallel, commuting: Commuting) -> tuple[Finding, ...]:
    """GM009 where the two do not commute, GM007 where nothing tells."""
    found = parallel.sides
    script = parallel.graph.scripts[found.ours[0]]
    if commuting.commute is None:
        return (may_not_commute(script, found.ours, found.theirs, commuting.reason),)
    if not commuting.commute:
        lines, hint = commuting.lines, commuting.hint
        return (do_not_commute(script, found.ours, found.theirs, lines, hint),)
    return ()


def _parallel(project: Project, ref: str | None, onto: str | None) -> Parallel | None:
    git = project.git
    if onto is None:
        return parallel_here(project, asked=True)
    ours, theirs = git.resolve(ref or "HEAD"), git.resolve(onto)
    common_commit(project, onto, ref or "HEAD")
    if ref is None and not git.commits_not_in(theirs, ours):
        # It is merged, or this branch lies on top of it.
        return parallel_here(project, onto=theirs, asked=True)
    return parallel_refs(project, ours, theirs)
