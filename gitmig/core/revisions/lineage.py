"""Who follows whom among revisions: the structure below :mod:`gitmig.core.revisions.graph`.

Pure. A lineage never refuses: what is wrong with a set of scripts (two with one id, a parent that no
file has, a cycle) is among its facts, and every question is answered as far as the scripts go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from gitmig.core.revisions.scripts import Script, Unreadable
from gitmig.wire.values import RevisionId

Edges = Mapping[RevisionId, tuple[RevisionId, ...]]


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """Revisions with their parents. Two kinds of parent count: ``down_revision`` and ``depends_on``.

    A *line* follows ``down_revision`` alone: what a branch label and a relative target go along.
    """

    scripts: Mapping[RevisionId, Script]
    duplicates: tuple[tuple[Script, Script], ...]
    """Two scripts with one id; the first is the one in ``scripts``."""
    missing: tuple[tuple[Script, RevisionId], ...]
    """A script and a parent of it that no script is."""
    unreadable: tuple[Unreadable, ...]
    labels: Mapping[str, RevisionId]
    """Branch label to the revision whose script has it."""
    label_clashes: tuple[tuple[str, Script, Script], ...]
    """A label that two scripts have, or that is another's id; Alembic refuses the whole folder."""
    heads: tuple[RevisionId, ...]
    """What the version table holds when everything is applied: the revisions that none follows or
    depends on, sorted."""
    bases: tuple[RevisionId, ...]
    """The revisions without a ``down_revision``, sorted."""
    cycle: tuple[RevisionId, ...]
    """Revisions each of which follows the next, and the last the first; empty in a sound graph."""
    line_heads: tuple[RevisionId, ...]
    """What Alembic calls heads: no ``down_revision`` names them. ``heads`` is a part of these."""
    order: tuple[RevisionId, ...] = field(repr=False)
    parents: Edges = field(repr=False)
    line_parents: Edges = field(repr=False)
    all_children: Edges = field(repr=False)
    line_children: Edges = field(repr=False)

    @classmethod
    def of(cls, scripts: Iterable[Script], unreadable: Iterable[Unreadable] = ()) -> Self:
        """The lineage of these scripts. Their order does not matter: paths and ids decide."""
        found = sorted(scripts, key=lambda script: (script.path, script.revision))
        known: dict[RevisionId, Script] = {}
        duplicates = [
            (known[script.revision], script)
            for script in found
            if known.setdefault(script.revision, script) is not script
        ]
        labels, label_clashes = _labels(known)
        lines, parents, missing = _parents(known, labels)
        line_children, children = _children(lines), _children(parents)
        heads = tuple(sorted(rev for rev in known if not children[rev]))
        order, cycle = _oldest_first(parents, [*heads, *sorted(known)])
        return cls(
            scripts=known,
            duplicates=tuple(duplicates),
            missing=tuple(missing),
            unreadable=tuple(sorted(unreadable, key=lambda problem: problem.path)),
            labels=labels,
            label_clashes=tuple(label_clashes),
            heads=heads,
            bases=tuple(sorted(rev for rev, script in known.items() if not script.down_revisions)),
            cycle=cycle,
            line_heads=tuple(sorted(rev for rev in known if not line_children[rev])),
            order=order,
            parents=parents,
            line_parents=lines,
            all_children=children,
            line_children=line_children,
        )

    def ancestors(self, revs: Iterable[RevisionId]) -> frozenset[RevisionId]:
        """``revs`` and all that they follow or depend on. Ids that no script has are left out."""
        return self._reach(revs, self.parents)

    def descendants(self, revs: Iterable[RevisionId]) -> frozenset[RevisionId]:
        """``revs`` and all that follow them or depend on them. Ids that no script has are left out."""
        return self._reach(revs, self.all_children)

    def children(self, rev: RevisionId) -> tuple[RevisionId, ...]:
        """The revisions that name ``rev`` as ``down_revision`` or in ``depends_on``, sorted."""
        return self.all_children.get(rev, ())

    def topological(self, revs: Collection[RevisionId] | None = None) -> tuple[RevisionId, ...]:
        """All revisions, or those of ``revs``, oldest first: parents before children, one branch after
        the other, the same for the same scripts."""
        if revs is None:
            return self.order
        chosen = frozenset(revs)
        return tuple(rev for rev in self.order if rev in chosen)

    def unknown(self, revs: Iterable[RevisionId]) -> tuple[RevisionId, ...]:
        """Those of ``revs`` that no script has, in their order."""
        return tuple(rev for rev in revs if rev not in self.scripts)

    def tips(self, revs: Collection[RevisionId]) -> tuple[RevisionId, ...]:
        """Those of ``revs`` that no other of them follows or depends on, directly or not; sorted."""
        below = self._reach((parent for rev in revs for parent in self.parents.get(rev, ())), self.parents)
        return tuple(sorted(rev for rev in set(revs) if rev in self.scripts and rev not in below))

    def ends(self, revs: Collection[RevisionId]) -> tuple[RevisionId, ...]:
        """As :meth:`tips` of revisions that are there with all that they follow: faster."""
        there = frozenset(revs)
        return tuple(sorted(rev for rev in there if there.isdisjoint(self.all_children[rev])))

    def line_of(self, rev: RevisionId) -> frozenset[RevisionId]:
        """``rev`` with all above and below it, by ``down_revision`` alone: the members of its branch."""
        return self.line_below(rev) | self._reach((rev,), self.line_children)

    def origins(self, head: RevisionId) -> frozenset[RevisionId]:
        """What names the lines that a head is on: the nearest revisions below it with a branch label.

        Where none has one on the way down, the base.
        """
        found, seen, todo = set(), {head}, [head]
        while todo:
            rev = todo.pop()
            below = self.line_parents[rev]
            script = self.scripts[rev]
            if script.branch_labels or script.nameless_branch or not below:
                found.add(rev)
                continue
            todo += [parent for parent in below if parent not in seen]
            seen.update(below)
        return frozenset(found)

    @cached_property
    def crowded(self) -> tuple[tuple[RevisionId, ...], ...]:
        """The heads of each line that has more than one.

        A labelled branch is a line of its own, and so is each base: branches that are never merged are
        no fault. Heads that a merge brought together share a line.
        """
        if len(self.heads) < 2:
            return ()
        lines: list[tuple[frozenset[RevisionId], tuple[RevisionId, ...]]] = []
        for head in self.heads:
            origins = self.origins(head)
            shared = [line for line in lines if line[0] & origins]
            lines = [line for line in lines if line not in shared]
            heads = (*(other for line in shared for other in line[1]), head)
            lines.append((origins.union(*(line[0] for line in shared)), heads))
        return tuple(tuple(sorted(heads)) for _, heads in lines if len(heads) > 1)

    @cached_property
    def labelled(self) -> Mapping[RevisionId, tuple[str, ...]]:
        """The branch labels of the revisions that have one, or follow one that has, sorted."""
        found: dict[RevisionId, tuple[str, ...]] = {}
        for label in sorted(self.labels):
            for rev in self._reach((self.labels[label],), self.line_children):
                found[rev] = (*found.get(rev, ()), label)
        return found

    def line_below(self, rev: RevisionId) -> frozenset[RevisionId]:
        """``rev`` and all below it, by ``down_revision`` alone."""
        return self._reach((rev,), self.line_parents)

    def _reach(self, revs: Iterable[RevisionId], edges: Edges) -> frozenset[RevisionId]:
        todo = [rev for rev in revs if rev in self.scripts]
        seen = set(todo)
        while todo:
            for other in edges[todo.pop()]:
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
        return frozenset(seen)


def _labels(
    known: Mapping[RevisionId, Script],
) -> tuple[dict[str, RevisionId], list[tuple[str, Script, Script]]]:
    labels: dict[str, RevisionId] = {}
    clashes: list[tuple[str, Script, Script]] = []
    for rev, script in known.items():
        for label in script.branch_labels:
            other = known.get(RevisionId(label)) or known[labels.setdefault(label, rev)]
            if other is not script:
                clashes.append((label, other, script))
    return labels, clashes


def _parents(
    known: Mapping[RevisionId, Script], labels: Mapping[str, RevisionId]
) -> tuple[Edges, Edges, list[tuple[Script, RevisionId]]]:
    lines: dict[RevisionId, tuple[RevisionId, ...]] = {}
    parents: dict[RevisionId, tuple[RevisionId, ...]] = {}
    missing: list[tuple[Script, RevisionId]] = []
    for rev, script in known.items():
        # Only depends_on may name a branch label; the label stands for the script that has it.
        needed = [RevisionId(labels.get(name, name)) for name in script.depends_on]
        named = dict.fromkeys([*script.down_revisions, *needed])
        missing += [(script, parent) for parent in named if parent not in known]
        lines[rev] = tuple(dict.fromkeys(parent for parent in script.down_revisions if parent in known))
        parents[rev] = tuple(parent for parent in named if parent in known)
    return lines, parents, missing


def _children(parents: Edges) -> Edges:
    children: dict[RevisionId, list[RevisionId]] = {rev: [] for rev in parents}
    for rev in sorted(parents):
        for parent in parents[rev]:
            children[parent].append(rev)
    return {rev: tuple(found) for rev, found in children.items()}


def _oldest_first(
    parents: Edges, starts: Iterable[RevisionId]
) -> tuple[tuple[RevisionId, ...], tuple[RevisionId, ...]]:
    """Everything below ``starts`` with parents first, and the first cycle met on the way."""
    order: list[RevisionId] = []
    cycle: tuple[RevisionId, ...] = ()
    finished: dict[RevisionId, bool] = {}
    for start in starts:
        if start in finished:
            continue
        finished[start] = False
        path, pending = [start], [iter(parents[start])]
        while path:
            for parent in pending[-1]:
                if parent not in finished:
                    finished[parent] = False
                    path.append(parent)
                    pending.append(iter(parents[parent]))
                    break
                if not finished[parent] and not cycle:
                    cycle = tuple(path[path.index(parent) :])
            else:
                finished[path[-1]] = True
                order.append(path.pop())
                pending.pop()
    return tuple(order), cycle
