"""Whether one revision does what a chain of them does: both are run on scratch databases with rows."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.core.schema.facets import difference, render
from gitmig.facts.schemas import Schemas
from gitmig.git.trees import Tree
from gitmig.judging.orders import end_of, rows_differing
from gitmig.judging.proof import scratch_database
from gitmig.judging.scratch import scratch
from gitmig.project.project import Project
from gitmig.wire.values import RevisionId


def squash_differs(
    project: Project,
    graph: Graph,
    line: tuple[RevisionId, ...],
    squash: Script,
    text: str,
    start: Tree | None,
) -> tuple[str, ...]:
    """In what the databases differ that the chain ``line`` and the squash leave.

    Both begin with the models of ``start`` and rows in their tables, or with nothing. Raises Unproven, and
    what the scripts raise.
    """
    like = Schemas(project=project).of(project.work_tree)
    below = graph.line_parents[line[0]]
    with scratch(project, like.dialect) as place, ExitStack() as stack:
        file = place.folder / "squash.py"
        file.write_text(text, "utf-8")
        one = {r: s for r, s in graph.scripts.items() if r not in line}
        one[squash.revision] = replace(squash, path=str(file))
        workers = project.workers.start_all([None] if start is None else [None, start])
        for worker in workers:
            stack.callback(worker.close)
        ends = []
        for number, (scripts, steps) in enumerate(((graph.scripts, line), (one, (squash.revision,)))):
            url = stack.enter_context(scratch_database(place, workers, f"squash{number}"))
            ends.append(end_of(workers, url, scripts, below, steps, like))
    (chained, rows), (squashed, other) = ends
    return (*(render(change) for change in difference(chained, squashed)), *rows_differing(rows, other))
