"""Models that come to say what old revisions made long ago."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gitmig.core.revisions.graph import Graph
from gitmig.core.schema.facets import FacetChange, FacetKey
from gitmig.facts.schemas import Schemas
from gitmig.git.trees import Tree
from gitmig.judging.proof import Case, prove
from gitmig.project.project import Project
from gitmig.wire.values import RevisionId


def made_already(
    project: Project,
    graph: Graph,
    heads: Sequence[RevisionId],
    tree: Tree,
    changes: Sequence[FacetChange],
    schemas: Schemas,
) -> tuple[FacetChange, ...]:
    """Those of the changes to the models of ``tree`` that the scripts of a state, run from base, do make.

    It is not tried with what they do not name, nor with the loss of what they name.
    """
    steps = graph.topological(graph.ancestors(heads))
    texts = tree.read_all([graph.scripts[revision].path for revision in steps] if changes else []).values()
    words = [_words(text.decode("utf-8", "replace")) for text in texts]
    likely = [each for each in changes if _is_named(each.key, words) is (each.after is not None)]
    if not likely:
        return ()
    case = Case(old=None, new=tree, start=(), graph=graph, steps=steps)
    verdict = prove(project, case, schemas, believing=not schemas.fresh)
    left = {each.key for each in verdict.changes}
    return tuple(each for each in likely if each.key not in left) if verdict.reason is None else ()


def _is_named(key: FacetKey, scripts: Sequence[frozenset[str]]) -> bool:
    """Whether one of the scripts, each given as its words, has all words of a facet's name."""
    own = _words(f"{key.table} {key.name}")
    return any(own <= words for words in scripts)


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))
