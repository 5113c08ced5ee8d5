"""Which revisions made a table or a column what it is. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gitmig.core.differences import renames
from gitmig.core.schema.facets import FacetChange, FacetKey
from gitmig.wire.values import RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class BlamedName:
    """A table, or a column of one; ``table`` is written as the schema has it."""

    table: str
    column: str | None = None

    @property
    def name(self) -> str:
        """As a person writes it."""
        return self.table if self.column is None else f"{self.table}.{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blamed:
    """A revision (None: the models beyond the last one) that changed the subject."""

    revision: RevisionId | None
    subject: BlamedName
    """What it was called after the revision."""
    changes: tuple[FacetChange, ...]
    renamed_from: BlamedName | None = None
    """What it may have been called before."""


def subjects(word: str, keys: Iterable[FacetKey]) -> tuple[BlamedName, ...]:
    """What a word may mean among all facets there ever were: a table of that name first, then a column."""
    keys = list(keys)
    tables = {key.table for key in keys if key.kind == "table"}
    columns = {(key.table, key.name) for key in keys if key.kind == "column"}
    table, _, column = word.rpartition(".")
    found = [BlamedName(table=word)] if word in tables else []
    if (table, column) in columns:
        found.append(BlamedName(table=table, column=column))
    if not found:
        # A schema that is not said: the one table of that name.
        found = [BlamedName(table=t) for t in sorted(tables) if t.rpartition(".")[2] == word]
        found += [
            BlamedName(table=t, column=c)
            for t, c in sorted(columns)
            if c == column and t.rpartition(".")[2] == table and table
        ]
    return tuple(found)


def similar(word: str, keys: Iterable[FacetKey]) -> str | None:
    """What may have been meant."""
    names = {key.table for key in keys if key.kind == "table"}
    names |= {f"{key.table}.{key.name}" for key in keys if key.kind == "column"}
    close = difflib.get_close_matches(word, sorted(names), n=1, cutoff=0.5)
    return close[0] if close else None


def blame(
    subject: BlamedName, changes: Sequence[tuple[RevisionId | None, Sequence[FacetChange]]]
) -> tuple[Blamed, ...]:
    """The revisions that changed it, of ``changes`` (newest first). A likely rename is followed."""
    return tuple(_blamed(subject, changes))


def _blamed(
    subject: BlamedName, changes: Sequence[tuple[RevisionId | None, Sequence[FacetChange]]]
) -> Iterator[Blamed]:
    for revision, several in changes:
        about = tuple(change for change in several if _is_about(change, subject))
        if not about:
            continue
        before = _renamed_from(subject, several)
        if before is not None:
            about += tuple(c for c in several if c not in about and _is_about(c, before) and c.after is None)
        yield Blamed(revision=revision, subject=subject, changes=about, renamed_from=before)
        subject = before or subject


def _renamed_from(subject: BlamedName, changes: Sequence[FacetChange]) -> BlamedName | None:
    for rename in renames(changes):
        if subject.column is None and not rename.table and rename.new == subject.table:
            return BlamedName(table=rename.old)
        if subject.column is not None and not rename.table and rename.new == subject.table:
            return BlamedName(table=rename.old, column=subject.column)
        if (rename.table, rename.new) == (subject.table, subject.column):
            return BlamedName(table=rename.table, column=rename.old)
    return None


def _is_about(change: FacetChange, subject: BlamedName) -> bool:
    if change.key.table != subject.table:
        return False
    if subject.column is None:
        return True
    if change.key.kind == "table":
        return False
    if change.key.kind in ("column", "comment"):
        return change.key.name == subject.column
    return any(_names(subject.column, ddl) for ddl in (change.before, change.after) if ddl)


def _names(column: str, ddl: str) -> bool:
    """Whether the definition of an index or a constraint has the column in its parentheses."""
    _, _, inside = ddl.partition("(")
    return re.search(rf"(?<![\w$]){re.escape(column)}(?![\w$])", inside) is not None
