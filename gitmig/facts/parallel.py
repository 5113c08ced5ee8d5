"""Two lines of revisions that began at one place: which they are, and which of them others have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gitmig.core.findings import graph_findings
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.numbering import apart
from gitmig.core.revisions.scripts import Script
from gitmig.core.revisions.sides import Circumstances, Sides, sides, to_move, whole_lines
from gitmig.errors import Refused, UnknownRevision
from gitmig.facts.side_trees import (
    arrived,
    code_of,
    fork_of,
    revisions_in,
    stands_alone,
    tree_before,
    trees_of,
)
from gitmig.git import commits as git_commits
from gitmig.git import publication
from gitmig.git.trees import CommitTree, Tree
from gitmig.project.project import Project
from gitmig.wire.values import CommitId, RevisionId

_DEFAULTS = ("main", "master")
"""The branch that others build on, where no remote says which it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """Two sides, and the trees of code that they are known in."""

    sides: Sides
    graph: Graph
    """The revisions of both, as they are now."""
    code: Tree
    """The files of both."""
    fork: Tree | None
    """The models that both began with; None if there were none, or if they are in no commit."""
    ours: Tree | None
    """The models of ours without theirs, where a commit has them."""
    theirs: Tree | None
    as_written: Mapping[RevisionId, Script] = field(default_factory=dict)
    """What the files say of those of ours whose number the other side took as well, by their new ids."""

    @property
    def alone(self) -> bool:
        """Whether no permanent branch lies beside the two: then a revision's record is of all models."""
        return stands_alone(self.graph, self.sides)


def parallel_here(
    project: Project,
    *,
    named: Collection[RevisionId] = (),
    onto: CommitId | None = None,
    asked: bool = False,
) -> Parallel | None:
    """The two sides in the work tree; None if it has but one.

    ``named`` go on top; or whatever the commit ``onto`` does not have; or what git and history say. Raises
    Refused if neither side may move, or if the other has several heads and it is not only ``asked``.
    """
    graph, git = project.graph(), project.git
    head = git.head()
    if head is None or not graph.scripts:
        return None
    _require_whole(graph)
    merged = _merged(project, head)
    as_written: Mapping[RevisionId, Script] = {}
    if graph.duplicates:
        graph, as_written = apart(graph, _others_paths(project, merged, onto or _rebased_onto(project)))
    facts = _circumstances(project, head, merged, onto)
    if named:
        chosen = whole_lines(graph, named)
    else:
        # Permanent branches have heads of their own.
        crowded = graph.ancestors(head for heads in graph.crowded for head in heads)
        chosen = to_move(graph, facts) & crowded if crowded else frozenset()
    came = arrived(project, head)
    published = facts.published if not onto else ()
    found = sides(graph, chosen, published=published, arrived=came, several=asked)
    if found is None:
        return None
    return replace(_known(project, head, found, graph, merged, onto), as_written=as_written)


def _require_whole(graph: Graph) -> None:
    """Every file can be read and every parent is there: else the two sides are not what they seem."""
    for finding in graph_findings(graph):
        if finding.code in ("GM005", "GM006"):
            raise Refused(f"{finding.code}: {finding.message}", hint=finding.hint)


def conflicting_files(project: Project, merged: Graph, ours: CommitId, theirs: CommitId) -> tuple[str, ...]:
    """The revision files of a merge, ``merged``, that git leaves with conflict marks."""
    if not merged.unreadable:
        return ()
    conflicts = project.git.merge_conflicts(theirs, ours)
    return tuple(problem.path for problem in merged.unreadable if problem.path in conflicts)


def _others_paths(project: Project, merged: tuple[CommitId, ...], onto: CommitId | None) -> frozenset[str]:
    """The files of the side that stays, as far as git says which that is."""
    commits: Sequence[CommitId] = (onto,) if onto is not None else ()
    if not commits and merged:
        commits = merged[:1] if project.git.branch() in _DEFAULTS else merged[1:]
    if not commits:
        commits = publication.tips(project.git, project.settings.published)
    trees = [project.commit_tree(commit) for commit in commits]
    return frozenset(path for tree in trees for v in project.configuration.versions for path in tree.ids(v))


def parallel_heads(project: Project, heads: tuple[RevisionId, RevisionId]) -> Parallel:
    """The two lines that end in these heads of the work tree, whoever has them; the second goes on top."""
    git = project.git
    head = git.head()
    assert head is not None
    whole = project.graph()
    graph = Graph.of(whole.scripts[revision] for revision in whole.ancestors(heads))
    found = sides(graph, graph.ancestors(heads[1:]) - graph.ancestors(heads[:1]))
    if found is None:
        raise Refused(f"{heads[1]} follows {heads[0]}: there is nothing to merge", hint="gitmig log")
    return _known(project, head, found, graph, _merged(project, head), None)


def _known(
    project: Project,
    head: CommitId,
    found: Sides,
    graph: Graph,
    merged: tuple[CommitId, ...],
    onto: CommitId | None,
) -> Parallel:
    """The trees of the two sides."""
    onto = onto or _rebased_onto(project)
    here, there = trees_of(project, found, merged) if onto is None else (None, project.commit_tree(onto))
    theirs = there or tree_before(project, found, head)
    return Parallel(
        sides=found,
        graph=graph,
        code=code_of(project, graph),
        fork=fork_of(project, graph, found, head, (here, theirs)),
        ours=here,
        theirs=theirs,
    )


def common_commit(project: Project, base: str, head: str) -> CommitId:
    """The best commit that two refs have in common. Raises UnknownRef, and Refused if there is none here."""
    git = project.git
    found = git.merge_base(git.resolve(base), git.resolve(head))
    if found is None:
        hint = "git fetch --unshallow" if git.is_shallow() else f"name a branch that {head} comes from"
        raise Refused(f"{base} and {head} have no common commit here", hint=hint)
    return found


def parallel_refs(
    project: Project, ours: CommitId, theirs: CommitId, *, onto: str | None = None
) -> Parallel | None:
    """The two sides that merging two commits would give: what ``ours`` has goes on top.

    None if the merge has but one side. ``onto`` is what a person calls ``theirs``, if that is to be done and
    not only asked about: then Refused is raised if it has several heads. Raises GitError if git is older than
    2.38.
    """
    git = project.git
    code = CommitTree(git, git.merged_tree(theirs, ours))
    graph = project.graph(code)
    if held := conflicting_files(project, graph, ours, theirs):
        raise Refused(f"merging conflicts in {', '.join(held)}", hint="git merge, and resolve it")
    _require_whole(graph)
    one, other = (project.commit_tree(commit) for commit in (ours, theirs))
    chosen = frozenset(project.graph(one).scripts) - frozenset(project.graph(other).scripts)
    try:
        found = sides(graph, chosen & frozenset(graph.scripts), several=onto is None)
    except Refused as refusal:
        # What its hint names is not all here yet.
        raise Refused(refusal.message, hint=f"git merge {onto}, then: {refusal.hint}") from None
    if found is None:
        return None
    alone: Tree | None = one
    if revisions_in(project, ours) & frozenset(found.theirs):
        # It was merged, or rebased: of a merge, one of the parents may have ours alone.
        alone, _ = trees_of(project, found, git_commits.info_of(git, ours).parents)
    return Parallel(
        sides=found,
        graph=graph,
        code=code,
        fork=fork_of(project, graph, found, theirs, (alone, other)),
        ours=alone,
        theirs=other,
    )


def with_two_sides(
    projects: Sequence[Project], named: Collection[str] = (), ours: str | None = None, onto: str | None = None
) -> tuple[Project, ...]:
    """Those of several environments that joining two sides is about.

    They have the revisions that are ``named``; or two sides, now or after ``ours`` and ``onto`` are merged.
    """
    return tuple(project for project in projects if _is_meant(project, named, ours, onto))


def _is_meant(project: Project, named: Collection[str], ours: str | None, onto: str | None) -> bool:
    graph, git = project.graph(), project.git
    try:
        if named:
            return all(graph.resolve(one) for one in named)
        if onto is not None:
            return parallel_refs(project, git.resolve(ours or "HEAD"), git.resolve(onto)) is not None
    except UnknownRevision:
        return False
    except Refused:
        return True
    return any((graph.crowded, graph.duplicates, graph.unreadable, graph.missing))


def published_revisions(project: Project) -> frozenset[RevisionId]:
    """The revisions that others have, as far as this clone knows."""
    tips = project.git.independent(publication.tips(project.git, project.settings.published))
    return frozenset(r for tip in tips for r in project.graph(project.commit_tree(tip)).scripts)


def _circumstances(
    project: Project, head: CommitId, merged: tuple[CommitId, ...], onto: CommitId | None
) -> Circumstances:
    if onto is None:
        onto = _rebased_onto(project)
    published = published_revisions(project)
    if onto is not None:
        return Circumstances(published=published, base=revisions_in(project, onto))
    on_default = project.git.branch() in _DEFAULTS
    known = Circumstances(
        published=published,
        on_default=on_default,
        default=frozenset() if on_default else _default(project),
    )
    if not merged:
        return known
    here, *there = merged
    return replace(
        known,
        here=revisions_in(project, here),
        there=frozenset(r for commit in there for r in revisions_in(project, commit)),
    )


def _default(project: Project) -> frozenset[RevisionId]:
    """The revisions of the local branch that others build on."""
    for name in _DEFAULTS:
        found = project.git.objects.find(f"refs/heads/{name}^{{commit}}")
        if found is not None:
            return revisions_in(project, CommitId(found.id))
    return frozenset()


def _merged(project: Project, head: CommitId) -> tuple[CommitId, ...]:
    """The parents of the merge that HEAD is, or that is in progress; none if there is none."""
    others = project.git.merge_heads()
    if others:
        return (head, *others)
    parents = git_commits.info_of(project.git, head).parents
    return parents if len(parents) > 1 else ()


def _rebased_onto(project: Project) -> CommitId | None:
    """The commit that ``git rebase`` is putting commits on, where it is in the middle of that."""
    for folder in ("rebase-merge", "rebase-apply"):
        try:
            return CommitId((project.git.git_dir / folder / "onto").read_text("ascii").strip())
        except OSError:
            continue
    return None
