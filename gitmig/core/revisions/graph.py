"""The revision graph of a tree: targets in Alembic's words, and the paths between places.

Pure. Raises for what a person typed or a database holds; flaws of the files are facts of the graph,
and only a path that would lead across one is refused.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from gitmig.core.revisions.lineage import Lineage
from gitmig.errors import AmbiguousRevision, Refused, UnknownRevision
from gitmig.wire.values import RevisionId

_RELATIVE = re.compile(r"(?:(?P<label>.+?)@)?(?P<symbol>\w+)?(?P<steps>[+-]\d+)")
# Alembic completes to ids and labels longer than this only.
_SHORTEST = 3


@dataclass(frozen=True, slots=True)
class _Down:
    """Where a downgrade goes: to ``target`` (None: base), on the branch of ``line`` only."""

    target: RevisionId | None
    line: RevisionId | None = None
    merge: RevisionId | None = None
    """The merge that is undone alone: its parents stay, and there is no one target."""


@dataclass(frozen=True, kw_only=True)
class Graph(Lineage):
    """The revisions of a tree. ``Graph.of(scripts, unreadable)`` makes one."""

    def applied(self, heads: Iterable[RevisionId]) -> frozenset[RevisionId]:
        """All that a database at these heads has. Heads that no file has are left out (GM010)."""
        return self.ancestors(heads)

    def resolve(self, target: str, heads: Sequence[RevisionId] = ()) -> tuple[RevisionId, ...]:
        """The revisions that a target means; none for ``base``.

        ``target`` is an id, a unique beginning of one, a branch label, ``head``, ``heads``, ``base``,
        ``current``, any of these after ``label@``, ``+N`` and ``-N`` from ``heads`` (where the database
        is), or ``id+N`` and ``id-N``. Raises UnknownRevision, AmbiguousRevision, and Refused if a
        relative target leads out of the graph.
        """
        relative = _RELATIVE.fullmatch(target)
        if relative is None:
            label, _, symbol = target.rpartition("@")
            return self._named(symbol, label or None, heads)
        label, symbol, steps = relative["label"], relative["symbol"], int(relative["steps"])
        if symbol is None and steps < 0:
            down = self._down(target, heads)
            if down.merge is not None:
                return self.line_parents[down.merge]
            return () if down.target is None else (down.target,)
        line = None if label is None else self._find(label)
        if symbol is None:
            start = self._upgrade_start(target, label, line, heads)
        else:
            start = self._one(self._named(symbol, label, heads), target)
        if steps < 0 and start is None:
            raise _overrun(target)
        end = self._up(start, steps, line, target) if steps > 0 else self._descend(start, -steps, target)
        return () if end is None else (end,)

    def upgrade_path(
        self, applied_heads: Iterable[RevisionId], targets: Iterable[RevisionId]
    ) -> tuple[RevisionId, ...]:
        """What to upgrade, oldest first, so that a database at ``applied_heads`` has ``targets`` too.

        Raises UnknownRevision for ids that no file has, Refused if the files on the way are flawed.
        """
        heads, targets = tuple(applied_heads), tuple(targets)
        self.require_known(heads, targets)
        path = self.topological(self.ancestors(targets) - self.applied(heads))
        self.require_sound(path)
        return path

    def downgrade_path(self, applied_heads: Sequence[RevisionId], target: str) -> tuple[RevisionId, ...]:
        """What to downgrade, newest first, to take a database at ``applied_heads`` to ``target``.

        As Alembic: to ``base`` everything goes, to an id what follows it, by ``-N`` and ``label@…``
        only the one branch; and with each revision those that depend on it. ``-1`` from a merge undoes the
        merge alone, whichever parent is meant. Refused (AmbiguousRevision) where ``-N`` goes on below a
        merge or starts at several heads. Raises Refused for a target that is not
        applied, and UnknownRevision.
        """
        self.require_known(applied_heads)
        down = self._down(target, applied_heads)
        applied = self.applied(applied_heads)
        if down.merge is not None:
            path = self.topological(self.descendants((down.merge,)) & applied)[::-1]
            self.require_sound(path)
            return path
        roots = self.bases if down.target is None else self.line_children[down.target]
        if down.line is not None and len(roots) > 1:
            below = self.line_below(down.line)
            roots = tuple(root for root in roots if root in below)
        path = self.topological(self.descendants(roots) & applied)[::-1]
        if down.target is not None and not path and down.target not in applied_heads:
            raise self._nothing_to_undo(down.target, applied)
        self.require_sound(path)
        return path

    def after(
        self,
        applied_heads: Iterable[RevisionId],
        downs: Iterable[RevisionId],
        ups: Iterable[RevisionId],
    ) -> tuple[RevisionId, ...]:
        """The heads that the version table holds when ``downs`` are undone and then ``ups`` are done.

        Sorted, none an ancestor of another. Alembic itself can leave an ancestor behind where a
        revision depends on one that is below it anyway and other branches are applied.
        """
        heads, undone, done = tuple(applied_heads), frozenset(downs), frozenset(ups)
        self.require_known(heads, undone, done)
        return self.tips((self.applied(heads) - undone) | done)

    def _named(self, symbol: str, label: str | None, heads: Sequence[RevisionId]) -> tuple[RevisionId, ...]:
        if symbol in ("head", "heads"):
            found = self.heads if label is None else self._members(self.line_heads, self._find(label))
            if symbol == "head" and len(found) > 1:
                raise AmbiguousRevision(
                    f"there is more than one head: {', '.join(found)}",
                    hint="name one of them, or heads for all; `gitmig rebase` makes one of them",
                )
            return found
        if symbol == "base":
            return ()
        if symbol == "current" and symbol not in self.scripts and symbol not in self.labels:
            return tuple(heads) if label is None else self._members(heads, self._find(label))
        return (self._find(symbol, None if label is None else self._find(label)),)

    def _find(self, name: str, line: RevisionId | None = None) -> RevisionId:
        """The revision of an id, a label or a unique beginning of one, on the branch of ``line``."""
        members = None if line is None else self.line_of(line)
        exact = self.labels.get(name, RevisionId(name))
        if exact not in self.scripts:
            begun = self._begun(name)
            found = sorted(begun if members is None else begun & members)
            if not found:
                raise self._no_such(name)
            if len(found) > 1:
                listed = ", ".join(found[:3]) + (", …" if len(found) > 3 else "")
                raise AmbiguousRevision(
                    f"{len(found)} revisions begin with {name}: {listed}", hint="write more of the id"
                )
            exact = found[0]
        if members is not None and exact not in members:
            raise UnknownRevision(f"{exact} is not on the branch of {line}", hint=f"name it alone: {exact}")
        return exact

    def _begun(self, name: str) -> set[RevisionId]:
        if not name:
            return set()
        ids = {rev for rev in self.scripts if len(rev) > _SHORTEST and rev.startswith(name)}
        labels = (label for label in self.labels if len(label) > _SHORTEST and label.startswith(name))
        return ids | {self.labels[label] for label in labels}

    def _no_such(self, name: str) -> UnknownRevision:
        words = ["head", "heads", "base", "current", *self.labels, *self.scripts]
        close = difflib.get_close_matches(name, words, n=1, cutoff=0.6)
        hint = "`gitmig log` lists the revisions"
        if close:
            script = self.scripts.get(RevisionId(close[0]))
            hint = f"did you mean {close[0]}" + (
                f" ({script.message})?" if script and script.message else "?"
            )
        return UnknownRevision(f"no file has a revision {name!r}", hint=hint)

    def _members(self, revs: Iterable[RevisionId], line: RevisionId) -> tuple[RevisionId, ...]:
        members = self.line_of(line)
        return tuple(rev for rev in revs if rev in members)

    def _one(self, revs: tuple[RevisionId, ...], target: str) -> RevisionId | None:
        if len(revs) > 1:
            raise AmbiguousRevision(
                f"{target} could start from each of {', '.join(revs)}", hint="name one of them"
            )
        return revs[0] if revs else None

    def _upgrade_start(
        self, target: str, label: str | None, line: RevisionId | None, heads: Sequence[RevisionId]
    ) -> RevisionId | None:
        self.require_known(heads)
        starts = tuple(dict.fromkeys(heads))
        if line is not None:
            # Where no head is on the branch, it goes on from the newest applied revision that is.
            applied = self.applied(heads) & self.line_of(line)
            starts = self._members(starts, line) or self.tips(applied)
        if len(starts) > 1:
            raise AmbiguousRevision(
                f"{target} could start from each of {', '.join(starts)}, where the database is",
                hint="name the revision to upgrade to",
            )
        return starts[0] if starts else None

    def _up(
        self, start: RevisionId | None, steps: int, line: RevisionId | None, target: str
    ) -> RevisionId | None:
        members = None if line is None else self.line_of(line)
        for _ in range(steps):
            above = self.bases if start is None else self.line_children[start]
            above = tuple(rev for rev in above if members is None or rev in members)
            if not above:
                raise _overrun(target)
            if len(above) > 1:
                raise AmbiguousRevision(
                    f"{target} is ambiguous: {', '.join(above)} all follow {start or 'base'}",
                    hint="name the revision to upgrade to",
                )
            start = above[0]
        return start

    def _descend(self, start: RevisionId | None, steps: int, target: str) -> RevisionId | None:
        for _ in range(steps):
            if start is None:
                raise _overrun(target)
            below = self.line_parents[start]
            if len(below) > 1:
                raise AmbiguousRevision(
                    f"{target} is ambiguous: it crosses {start}, which merges {', '.join(below)}",
                    hint=f"name the revision to go back to, such as {below[0]}",
                )
            start = below[0] if below else None
        return start

    def _down(self, target: str, heads: Sequence[RevisionId]) -> _Down:
        relative = _RELATIVE.fullmatch(target)
        if relative is None:
            label, _, symbol = target.rpartition("@")
            found = self._one(self._named(symbol, label or None, heads), target)
            return _Down(found, self._find(label) if label else None)
        label, symbol, steps = relative["label"], relative["symbol"], int(relative["steps"])
        line = None if label is None else self._find(label)
        if symbol is None:
            if steps >= 0:
                raise Refused(f"{target} leads up, not down", hint=f"gitmig upgrade {target}")
            current = self._downgrade_start(target, label, line, heads)
            last = self._descend(current, -steps - 1, target)
            if last is not None and len(self.line_parents[last]) > 1:
                return _Down(None, line or current, merge=last)
            return _Down(self._descend(current, -steps, target), line or current)
        start = self._one(self._named(symbol, label, heads), target)
        if steps >= 0:
            return _Down(self._up(start, steps, line, target), line)
        return _Down(self._descend(start, -steps, target), line)

    def _downgrade_start(
        self, target: str, label: str | None, line: RevisionId | None, heads: Sequence[RevisionId]
    ) -> RevisionId:
        self.require_known(heads)
        starts = tuple(dict.fromkeys(heads))
        if line is not None:
            starts = self._members(starts, line)
            if not starts:
                starts = self._members(self._line_tips(self.applied(heads)), line)
        if not starts:
            place = "at base" if label is None else f"at no revision of {label}"
            raise Refused(f"nothing to undo: the database is {place}", hint="gitmig status")
        if len(starts) > 1:
            raise AmbiguousRevision(
                f"{target} could start from each of {', '.join(starts)}, where the database is",
                hint=f"name the one to undo: {starts[0]}@{target.rpartition('@')[2]}",
            )
        return starts[0]

    def _nothing_to_undo(self, target: RevisionId, applied: frozenset[RevisionId]) -> Refused:
        if target not in applied:
            return Refused(
                f"nothing to undo: {target} is not below where the database is",
                hint=f"gitmig upgrade {target}",
            )
        # As Alembic: going to a revision undoes what follows it, not what merely depends on it.
        others = ", ".join(rev for rev in self.children(target) if rev in applied)
        return Refused(
            f"nothing to undo: none follows {target}; {others} only depends on it",
            hint="name a revision to go back to on that branch",
        )

    def _line_tips(self, revs: frozenset[RevisionId]) -> tuple[RevisionId, ...]:
        return tuple(sorted(rev for rev in revs if not revs.intersection(self.line_children[rev])))

    def require_known(self, *several: Iterable[RevisionId]) -> None:
        """Raise UnknownRevision for an id that no script has."""
        for revs in several:
            for rev in self.unknown(revs):
                raise UnknownRevision(
                    f"no file has the revision {rev}",
                    hint="check out the branch that has it, or bring its file back",
                )

    def require_sound(self, path: Collection[RevisionId]) -> None:
        """Raise Refused if the files of a path are flawed: one id twice, a missing parent, a circle."""
        concerned = frozenset(path)
        for first, second in self.duplicates:
            if first.revision in concerned:
                raise Refused(
                    f"{first.path} and {second.path} have one revision id: {first.revision}",
                    hint="give one of them an id of its own",
                )
        for script, parent in self.missing:
            if script.revision in concerned:
                raise Refused(
                    f"{script.revision} follows {parent}, which no file has",
                    hint=f"bring the file of {parent} back, or correct {script.path}",
                )
        if concerned.intersection(self.cycle):
            raise Refused(
                f"revisions follow each other in a circle: {' -> '.join([*self.cycle, self.cycle[0]])}",
                hint=f"correct down_revision or depends_on in {self.scripts[self.cycle[0]].path}",
            )


def _overrun(target: str) -> Refused:
    return Refused(f"{target} leads out of the graph: there are not so many revisions", hint="gitmig log")


def in_repository(graph: Graph, heads: Iterable[RevisionId]) -> tuple[RevisionId, ...]:
    """The heads without those of installed packages: for each of these the nearest below it, if there is any.

    A package's revisions make none of the models here.
    """
    found: dict[RevisionId, None] = {}
    for head in heads:
        waiting = [head]
        while waiting:
            revision = waiting.pop(0)
            script = graph.scripts.get(revision)
            if script is not None and script.outside:
                waiting += script.down_revisions
            else:
                found[revision] = None
    return tuple(found)
