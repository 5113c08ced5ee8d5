"""A copy of a revision for another line, under an id of its own. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import Header, with_header
from gitmig.core.revisions.rewriting import Identity, rewritten
from gitmig.core.revisions.scripts import Script
from gitmig.core.schema.facets import FacetChange, FacetKey, Schema
from gitmig.errors import Refused
from gitmig.wire.values import RevisionId

_REVISES = re.compile(r"(?m)^([ \t]*)Revises:[^\r\n]*")


def heads_to_follow(script: Script, graph: Graph, theirs: Graph) -> tuple[RevisionId, ...]:
    """The head of ``graph`` that the copy follows; of permanent branches, that of its own.

    ``theirs`` is the graph that the original is in. Raises Refused if the two have nothing in common that
    tells which.
    """
    if len(graph.heads) < 2:
        return graph.heads
    known = theirs.ancestors(script.down_revisions) & frozenset(graph.scripts)
    found = tuple(head for head in graph.heads if known & graph.line_below(head))
    if not found:
        raise Refused(
            f"{script.revision} follows none of the lines here, which end in {', '.join(graph.heads)}",
            hint=f"write a revision of its own: gitmig revise -m {script.message!r} --head {graph.heads[0]}",
        )
    return found


def copied(
    script: Script, data: bytes, revision: RevisionId, graph: Graph, parents: tuple[RevisionId, ...]
) -> bytes:
    """The bytes of the copy, which follows ``parents``.

    Raises Refused if it depends on what the graph does not have, or if its identifiers are not spelled out.
    """
    missing = [name for name in script.depends_on if name not in graph.scripts and name not in graph.labels]
    if missing:
        raise Refused(
            f"{script.revision} depends on {', '.join(missing)}, which this line does not have",
            hint=f"gitmig backport {missing[0]}",
        )
    identity = Identity(revision=revision, parents=parents, depends_on=script.depends_on)
    text = rewritten(script, data, identity, Header()).decode("utf-8")
    line = f"Backport-of: {script.revision}"
    if _REVISES.search(text) is None:
        raise Refused(
            f"the docstring of {script.path} has no line Revises:, beside which a backport is named",
            hint=f"write one into {script.path}",
        )
    return _REVISES.sub(lambda found: f"{found[0]}\n{found[1]}{line}", text, count=1).encode("utf-8")


def recorded(data: bytes, header: Header) -> bytes:
    """The copy with its record."""
    return with_header(data.decode("utf-8"), header).encode("utf-8")


def copy_path(script: Script, revision: RevisionId, folder: str) -> str:
    """Where the copy lies: the name of the original, with the new id in it."""
    name = posixpath.basename(script.path)
    named = name.replace(script.revision, revision) if script.revision in name else f"{revision}_{name}"
    return posixpath.join(folder, named)


def missing_for(changes: Sequence[FacetChange], schema: Schema) -> tuple[FacetKey, ...]:
    """The tables and columns that some changes need, and that neither they nor the schema have."""
    made = {change.key for change in changes if change.before is None}
    needed: dict[FacetKey, None] = {}
    for change in changes:
        table = FacetKey("table", change.key.table, "")
        if change.key.table and table not in made and table not in schema.facets:
            needed[table] = None
        elif change.before is not None and change.key not in schema.facets:
            needed[change.key] = None
    return tuple(needed)
