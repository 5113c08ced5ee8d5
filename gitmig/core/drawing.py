"""A revision graph drawn with characters, as ``git log --graph`` draws commits. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gitmig.wire.values import RevisionId

Drawn = tuple[str, RevisionId | None]
"""A line of the drawing, and the revision that stands on it, if one does."""


def draw(
    order: Sequence[RevisionId], parents: Mapping[RevisionId, Sequence[RevisionId]]
) -> tuple[Drawn, ...]:
    """The lines for revisions, children before parents; parents that are not among them are left out."""
    return tuple(_Drawing(frozenset(order), parents).lines(order))


class _Drawing:
    def __init__(self, known: frozenset[RevisionId], parents: Mapping[RevisionId, Sequence[RevisionId]]):
        self._parents = {rev: [p for p in parents.get(rev, ()) if p in known] for rev in known}
        self._columns: list[RevisionId] = []
        """For each line of the drawing that goes down, the revision that it leads to."""

    def lines(self, order: Sequence[RevisionId]) -> Iterator[Drawn]:
        for revision in order:
            yield from self._joined(revision)
            if revision not in self._columns:
                self._columns.append(revision)
            place = self._columns.index(revision)
            marks = ["*" if column == place else "|" for column in range(len(self._columns))]
            yield " ".join(marks), revision
            yield from self._parted(place, self._parents[revision])

    def _joined(self, revision: RevisionId) -> Iterator[Drawn]:
        """Lines that lead to one revision come together, the last one first."""
        while self._columns.count(revision) > 1:
            first, last = [at for at, one in enumerate(self._columns) if one == revision][-2:]
            cells = ["|", " "] * len(self._columns)
            for gap in range(2 * first + 1, 2 * last - 1):
                cells[gap] = "_" if gap % 2 else cells[gap]
            for column in range(last, len(self._columns)):
                cells[2 * column - 1 : 2 * column + 1] = ["/", " "]
            yield "".join(cells).rstrip(), None
            del self._columns[last]

    def _parted(self, place: int, parents: Sequence[RevisionId]) -> Iterator[Drawn]:
        """The line of a revision goes on to its first parent; others get one of their own beside it."""
        if not parents:
            del self._columns[place]
            if place < len(self._columns):
                cells = ["|", " "] * place + [" ", "/"] * (len(self._columns) - place)
                yield "".join(cells).rstrip(), None
            return
        self._columns[place] = parents[0]
        for parent in parents[1:]:
            after = len(self._columns) - place - 1
            self._columns.insert(place + 1, parent)
            yield "".join(["|", " "] * place + ["|", "\\"] + [" ", "\\"] * after), None
