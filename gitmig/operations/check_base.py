"""``check --base``: what a branch changes, and what merging it would leave. Looks at no work tree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gitmig.core.codes import Finding, Severity
from gitmig.core.findings import base_moved, conflicting, graph_findings, new_heads, no_preview
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.errors import GitError, GitmigError, Refused
from gitmig.facts.parallel import common_commit, conflicting_files, parallel_refs
from gitmig.git import commits as git_commits
from gitmig.git.trees import CommitTree
from gitmig.judging.judge import edited, judge
from gitmig.judging.orders import judge_parallel
from gitmig.judging.subject import Subject
from gitmig.operations.check import CheckResult, settled, tree_findings
from gitmig.operations.diff import Diff, diff
from gitmig.operations.rebase_check import commuting_findings
from gitmig.project.project import Project
from gitmig.wire.values import CommitId, RevisionId, short

_ALLOWED = re.compile(r"^Gitmig-allow:\s*(GM\d{3})\b", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a pull request does to a database of its base."""

    added: tuple[Script, ...]
    """The revisions that it adds, in the order in which they are applied."""
    diff: Diff | None
    """The schema difference since it left its base; None if the models of one side do not import."""
    reason: str = ""


def review_of(project: Project, base: str, head: str = "HEAD") -> Review:
    """The revisions and the schema that ``head`` adds to ``base``. Raises as :func:`check_base`."""
    ours, fork = project.git.resolve(head), common_commit(project, base, head)
    before, graph = (project.graph(project.commit_tree(commit)) for commit in (fork, ours))
    added = [graph.scripts[one] for one in graph.topological(graph.scripts) if one not in before.scripts]
    compared, reason = None, ""
    try:
        compared = diff(project, fork, ours)
    except GitmigError as error:
        reason = error.message
    return Review(added=tuple(added), diff=compared, reason=reason)


def check_base(project: Project, base: str, head: str = "HEAD", *, each_commit: bool = False) -> CheckResult:
    """The findings of a pull request: the commits that ``head`` has and ``base`` has not.

    Judged is their net change, or with ``each_commit`` every commit by itself; then what merging would leave:
    the heads of the revisions, and published revisions that were edited. Raises UnknownRef, Refused if the
    two have no common history here, and ProjectCodeError if the models of ``head`` do not import.
    """
    git = project.git
    ours, theirs = git.resolve(head), git.resolve(base)
    fork = common_commit(project, base, head)
    commits = git.commits_not_in(ours, theirs)
    findings = list(_changes(project, ours, fork, commits if each_commit else ()))
    findings += edited(Subject(project=project, tree=project.commit_tree(ours), parents=(fork,)))
    findings += _merged(project, base, theirs, ours, fork)
    allowed = [code.upper() for message in git.messages(commits) for code in _ALLOWED.findall(message)]
    return CheckResult(findings=settled(project, _once(findings), allowed), subject=f"{base}...{head}")


def _changes(
    project: Project, ours: CommitId, fork: CommitId, commits: Sequence[CommitId]
) -> Iterator[Finding]:
    for commit in commits:
        parents = git_commits.info_of(project.git, commit).parents
        subject = Subject(project=project, tree=project.commit_tree(commit), parents=parents)
        for finding in judge(subject):
            if finding.severity is Severity.ERROR:
                yield finding.saying(f"{short(commit)}: {finding.message}")
    if commits:
        return
    found = judge(Subject(project=project, tree=project.commit_tree(ours), parents=(fork,)))
    errors = [finding for finding in found if finding.severity is Severity.ERROR]
    # What was so before the branch is an error here: nobody is held up in the middle of a commit.
    yield from errors or (f for f in found if not f.earlier)
    if not errors:
        yield from tree_findings(project, project.commit_tree(ours))


def _merged(
    project: Project, base: str, theirs: CommitId, ours: CommitId, fork: CommitId
) -> Iterator[Finding]:
    """What is wrong with the revisions that the merge would have and neither side has now."""
    base_graph, head_graph = (project.graph(project.commit_tree(commit)) for commit in (theirs, ours))
    try:
        merged = project.git.merged_tree(theirs, ours)
    except GitError as error:
        yield no_preview(error.message)
        return
    graph = project.graph(CommitTree(project.git, merged))
    if held := conflicting_files(project, graph, ours, theirs):
        yield from (conflicting(path, base) for path in held)
        return
    known = {f.message for side in (base_graph, head_graph) for f in graph_findings(side)}
    added = [r for r in head_graph.scripts if r not in project.graph(project.commit_tree(fork)).scripts]
    moved = tuple(_moved(base_graph, graph, added))
    for script, parent in moved:
        heads = [head for head in base_graph.heads if parent in base_graph.line_below(head)]
        yield base_moved(script, parent, base, heads, merged=fork == theirs)
    if moved:
        yield from _commuting(project, ours, theirs)
    split = new_heads(graph, (base_graph, head_graph))
    for finding in graph_findings(graph):
        if finding in split if finding.code == "GM002" else finding.message not in known:
            yield from () if moved and finding.code == "GM002" else (finding,)


def _commuting(project: Project, ours: CommitId, theirs: CommitId) -> Iterator[Finding]:
    """GM009 for what both sides change, and GM007 where nothing tells."""
    try:
        parallel = parallel_refs(project, ours, theirs)
        if parallel is not None:
            yield from commuting_findings(parallel, judge_parallel(project, parallel))
    except Refused as refusal:
        # Which of several lines goes on top is a question of its own.
        yield no_preview(refusal.message, refusal.hint)


def _moved(base: Graph, merged: Graph, added: Iterable[RevisionId]) -> Iterator[tuple[Script, RevisionId]]:
    """The added revisions whose parent was the base's head once and is not any more."""
    crowded = merged.ancestors(head for heads in merged.crowded for head in heads)
    for revision in (revision for revision in added if revision in crowded):
        script = merged.scripts.get(revision)
        for parent in script.down_revisions if script is not None else ():
            if script is not None and parent in base.scripts and parent not in base.heads:
                yield script, parent


def _once(findings: Iterable[Finding]) -> list[Finding]:
    return list({(f.code, f.message, f.path): f for f in findings}.values())
