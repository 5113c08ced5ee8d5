"""The statements of a revision, as a database is given them: heard while it runs on a scratch database."""

from __future__ import annotations

from dataclasses import dataclass

from gitmig.core.revisions.graph import Graph
from gitmig.errors import GitmigError
from gitmig.facts.schema_history import SchemaHistory
from gitmig.facts.schemas import Schemas
from gitmig.judging.models import ModelsOnDemand
from gitmig.judging.proof import scratch_database, upgrade_data
from gitmig.judging.scratch import scratch
from gitmig.project.project import Project
from gitmig.rpc.protocol import Json, a_text, an_object
from gitmig.wire.codec import built
from gitmig.wire.values import RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """What a revision has the database do."""

    up: tuple[str, ...] = ()
    down: tuple[str, ...] = ()
    reason: str | None = None
    """Why they are not known, or not all of them."""


def statements_of(project: Project, graph: Graph, revision: RevisionId) -> Statements:
    """Run a revision up and down on a scratch database. Raises nothing: what fails is the ``reason``."""
    try:
        dialect = Schemas(project=project).of(project.work_tree).dialect
        return _heard(project, graph, revision, dialect)
    except GitmigError as error:
        return Statements(reason=error.message)


def _heard(project: Project, graph: Graph, revision: RevisionId, dialect: str) -> Statements:
    before = graph.topological(graph.ancestors([revision]) - {revision})
    heads = graph.tips(frozenset(before))
    found: list[Json] = []
    with scratch(project, dialect) as place, project.workers.one() as mother:
        models = ModelsOnDemand(project, graph, place, mother, SchemaHistory(project, graph))
        for by_models in (True, False):
            with (
                project.workers.start_like(mother, None) as worker,
                scratch_database(place, [worker], f"shown-{by_models}") as url,
            ):
                if by_models and (len(heads) != 1 or not models.start(heads[0], url)):
                    continue
                steps = [*(() if by_models else before), revision]
                data = upgrade_data(graph.scripts.values(), heads if by_models else (), ())
                data["steps"] = [
                    {"revision": one, "how": "show" if one == revision else "apply"} for one in steps
                ]
                answer = worker.replay(url, lambda ask: {}, found.append, **data)
                return _statements(found, answer)
    raise AssertionError("one of the two ways is always tried")


def _statements(found: list[Json], answer: Json) -> Statements:
    shown = next((note for note in found if note.get("how") == "show"), None)
    if shown is None:
        failed = an_object(answer["failed"])
        return Statements(reason=f"the upgrade of {failed['revision']} fails: {failed['message']}")
    reason = f"its downgrade fails: {a_text(shown['failed'])}" if shown["failed"] is not None else None
    return Statements(
        up=built(tuple[str, ...], shown["up"]), down=built(tuple[str, ...], shown["down"]), reason=reason
    )
