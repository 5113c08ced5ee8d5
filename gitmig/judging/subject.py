"""What is judged, and the revisions that it brings: new ones, and heads that were edited in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import Header
from gitmig.core.revisions.programs import same_program
from gitmig.core.revisions.scripts import Script
from gitmig.git.trees import Tree
from gitmig.project.project import Project
from gitmig.wire.values import CommitId, RevisionId

Pairs = Sequence[tuple[Graph, Tree]]
"""The parents' revisions and files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is judged: a tree, against the parents that the commit has or would have."""

    project: Project
    tree: Tree
    parents: tuple[CommitId, ...]

    @property
    def graph(self) -> Graph:
        """The revisions of the tree."""
        return self.project.graph(self.tree)

    @property
    def trees(self) -> tuple[Tree, ...]:
        """The parents' files."""
        return tuple(self.project.commit_tree(parent) for parent in self.parents)

    @property
    def before(self) -> tuple[Graph, ...]:
        """The parents' revisions."""
        return tuple(self.project.graph(tree) for tree in self.trees)

    @property
    def head(self) -> CommitId | None:
        """The first parent, whose history the ties are derived from."""
        return self.parents[0] if self.parents else None


def added_revisions(subject: Subject) -> list[Script]:
    """The revisions that no parent has, or none has like this: with another record, or redone by hand.

    The record of what was redone by hand is that of what it was, and is left out.
    """
    found, pairs = [], _pairs(subject)
    for script in subject.graph.scripts.values():
        if all(before.header != script.header for before, _ in _known(pairs, script.revision)):
            found.append(script)
        elif _by_hand(subject, script, pairs):
            found.append(replace(script, header=Header()))
    return found


def is_redone(subject: Subject) -> bool:
    """Whether a head that the parents have was edited in place, and its record was not."""
    heads = [subject.graph.scripts[head] for head in subject.graph.heads]
    return any(_by_hand(subject, script, _pairs(subject)) for script in heads)


def _by_hand(subject: Subject, now: Script, pairs: Pairs) -> bool:
    """Whether a head was edited in place: amending a commit looks like a commit on top of it."""
    known = _known(pairs, now.revision) if now.revision in subject.graph.heads else []
    return bool(known) and all(
        parents_of(before) != parents_of(now) or not same(before, now, old, subject.tree)
        for before, old in known
    )


def _pairs(subject: Subject) -> Pairs:
    return list(zip(subject.before, subject.trees, strict=True))


def _known(pairs: Pairs, revision: RevisionId) -> list[tuple[Script, Tree]]:
    """A revision as the parents have it."""
    return [(old.scripts[revision], tree) for old, tree in pairs if revision in old.scripts]


def parents_of(script: Script) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a revision stands on."""
    return script.down_revisions, script.depends_on


def same(before: Script, now: Script, old: Tree, new: Tree) -> bool:
    """Whether a revision does what it did, however it is formatted."""
    texts = (old.read(before.path), new.read(now.path))
    one, two = ((text or b"").decode("utf-8", "replace") for text in texts)
    return one == two or same_program(one, two)
