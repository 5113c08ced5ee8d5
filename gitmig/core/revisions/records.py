"""The records of revisions that follow others than they were made on. Pure: schemas in, records out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import Header
from gitmig.core.schema.facets import Schema, applied, change_digest, difference, digest
from gitmig.wire.values import RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class RebasedSchemas:
    """Revisions with the schemas that they are known to lead to, on top of another schema."""

    graph: Graph
    """As they were made."""
    ours: Sequence[RevisionId]
    """Oldest first."""
    known: Mapping[RevisionId, Schema]
    """The schema of each, and of what they follow, as they were made."""
    start: Schema | None
    """What the first of them follows where they were made; None: what ``known`` says of its parent."""


def schemas_on_top(moved: RebasedSchemas, base: Schema) -> Mapping[RevisionId, Schema] | None:
    """The schema that each leads to if the first follows ``base``: the same changes, made to another schema.

    None if one of them is not known, or if they are no chain.
    """
    found: dict[RevisionId, Schema] = {}
    below, now = moved.start, base
    previous: RevisionId | None = None
    for revision in moved.ours:
        parents = moved.graph.line_parents[revision]
        if previous is not None and parents != (previous,):
            return None
        if previous is None and below is None:
            below = moved.known.get(parents[0]) if len(parents) == 1 else None
        after = moved.known.get(revision)
        if below is None or after is None:
            return None
        now = found[revision] = applied(now, difference(below, after))
        below, previous = after, revision
    return found


def records_on_top(
    headers: Mapping[RevisionId, Header],
    schemas: Mapping[RevisionId, Schema],
    base: Schema,
    models: str | None,
) -> dict[RevisionId, Header]:
    """The record of each revision of a chain, whose ``schemas`` stand oldest first.

    ``models`` is the content digest of the models that all of them together lead to. Of the older ones no
    commit may have the models, so that nothing is recorded of their files.
    """
    found: dict[RevisionId, Header] = {}
    below, last = base, tuple(schemas)[-1:]
    for revision, after in schemas.items():
        found[revision] = replace(
            headers[revision],
            models=models if (revision,) == last else None,
            dialect=after.dialect,
            sqlalchemy=after.sqlalchemy,
            schema=digest(after),
            change=change_digest(difference(below, after)),
        )
        below = after
    return found
