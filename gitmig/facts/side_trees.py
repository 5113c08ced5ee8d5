"""The trees that hold the models of two lines of revisions: of each side, of both, and of their fork."""

from __future__ import annotations

from collections.abc import Sequence

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.sides import Sides
from gitmig.facts.ties import Ties
from gitmig.git import commits as git_commits
from gitmig.git.commits import first_parents
from gitmig.git.trees import Tree
from gitmig.project.project import Project
from gitmig.wire.values import CommitId, RevisionId


def code_of(project: Project, graph: Graph) -> Tree:
    """The files that hold both sides: the index of a merge in progress, else HEAD.

    The files on disk, if a revision is another there.
    """
    git = project.git
    head = git.head()
    tree: Tree | None = project.commit_tree(head) if head is not None else None
    if git.merge_heads():
        tree = None if git.unmerged() else project.index
    if tree is not None:
        here = project.work_tree
        if all(tree.blob(script.path) == here.blob(script.path) for script in graph.scripts.values()):
            return tree
    return project.work_tree


def trees_of(project: Project, found: Sides, merged: Sequence[CommitId]) -> tuple[Tree | None, Tree | None]:
    """Of the commits that were merged, the one that has all of ours alone, and the one with theirs alone."""
    ours, theirs = frozenset(found.ours), frozenset(found.theirs)
    here = there = None
    for commit in merged:
        has = revisions_in(project, commit)
        if has >= ours and not has & theirs:
            here = project.commit_tree(commit)
        elif has >= theirs and not has & ours:
            there = project.commit_tree(commit)
    return here, there


def tree_before(project: Project, found: Sides, head: CommitId) -> Tree | None:
    """The commit before the first of ours came, if it has all of theirs: so it is after ``git rebase``."""
    ties, ours = Ties(project=project).all(), frozenset(found.ours)
    first = next((ties[r].introduced for r in arrived(project, head) if r in ours), None)
    if first is None:
        # Ours are in no commit yet.
        return project.commit_tree(head) if revisions_in(project, head) >= frozenset(found.theirs) else None
    parents = git_commits.info_of(project.git, first).parents
    if not parents or not revisions_in(project, parents[0]) >= frozenset(found.theirs):
        return None
    return project.commit_tree(parents[0])


def fork_of(
    project: Project, graph: Graph, found: Sides, at: CommitId, both: Sequence[Tree | None]
) -> Tree | None:
    """The models of what both sides began with."""
    if not found.forks:
        return None
    if not stands_alone(graph, found):
        # The commit that both come from has what the permanent branches beside them had then.
        one, other = (tree.commit if tree is not None else None for tree in both)
        base = project.git.merge_base(one, other) if one is not None and other is not None else None
        if base is None or revisions_in(project, base) & {*found.ours, *found.theirs}:
            return None
        return project.commit_tree(base)
    tie = Ties(project=project, at=at).of(found.forks)
    return project.commit_tree(tie.models_commit) if tie.models_commit is not None else None


def stands_alone(graph: Graph, found: Sides) -> bool:
    """Whether no permanent branch lies beside the two."""
    common = frozenset(graph.scripts).difference(found.ours, found.theirs)
    return set(graph.tips(common)) <= set(found.forks)


def arrived(project: Project, head: CommitId) -> list[RevisionId]:
    """The revisions in the order in which the first-parent line of HEAD got them."""
    order = {commit.id: place for place, commit in enumerate(first_parents(project.git, head))}
    came = {
        revision: order[tie.introduced]
        for revision, tie in Ties(project=project).all().items()
        if tie.introduced in order
    }
    return sorted(came, key=lambda revision: (came[revision], revision))


def revisions_in(project: Project, commit: CommitId) -> frozenset[RevisionId]:
    """The revisions that a commit has."""
    return frozenset(project.graph(project.commit_tree(commit)).scripts)
