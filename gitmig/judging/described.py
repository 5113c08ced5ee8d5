"""Schemas as a database itself describes them: of models, made on scratch, and of the live database."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitmig.core.revisions.graph import Graph
from gitmig.core.schema.facets import FacetKey, Schema
from gitmig.errors import GitmigError
from gitmig.git.trees import Tree
from gitmig.judging.proof import scratch_database, upgrade_data
from gitmig.judging.scratch import scratch
from gitmig.project.project import Project
from gitmig.rpc.client import Worker
from gitmig.rpc.protocol import Json, lists_of_texts
from gitmig.wire.codec import built
from gitmig.wire.values import RevisionId

Rows = list[list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A live database and what it is compared with, in the words of one kind of database."""

    wanted: Schema
    found: Schema
    replayed: Schema | None = None
    """What the revisions lead to, if that was asked, is of interest, and can be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The tables of some models in a scratch database."""

    url: str
    excluded: tuple[str, ...]
    like: Rows
    """The models' facets: what they name is called by its name in a description."""


def live_beside(
    project: Project,
    tree: Tree | None,
    live: Worker,
    replay: tuple[Graph, tuple[RevisionId, ...]] | None = None,
) -> Compared:
    """The live database and the models of ``tree`` (None: nothing), as the database describes both.

    ``live`` is a worker of the work tree, which was asked for no proof yet. The live database is only read.
    If the two differ, what the scripts of a graph lead to up to these heads is described besides. Raises
    Unproven where no scratch database can be had, ProjectCodeError if the models do not import.
    """
    if tree is None:
        dialect = live.schema().schema.dialect
        return Compared(wanted=schema_of(dialect, []), found=schema_of(dialect, live.live([], [])))
    with project.workers.one(None if tree is project.work_tree else tree) as models:
        dialect = models.schema().schema.dialect
        with scratch(project, dialect) as place, scratch_database(place, [models], "models") as url:
            made = make(models, url)
            # The live database first: after its first proof a worker knows scratch databases only.
            found = schema_of(dialect, live.live(made.excluded, made.like))
            wanted = schema_of(dialect, describe(live, made))
            replayed = None
            if replay is not None and wanted != found:
                with scratch_database(place, [models], "replayed") as other:
                    replayed = _replayed(live, replace(made, url=other), *replay, dialect)
    return Compared(wanted=wanted, found=found, replayed=replayed)


def live_beside_scripts(
    project: Project, live: Worker, graph: Graph, heads: tuple[RevisionId, ...]
) -> Compared:
    """The same with what the scripts lead to, for revisions whose models nobody knows."""
    answer = live.schema().schema
    like = [[key.kind, key.table, key.name, ddl] for key, ddl in answer.facets.items()]
    found = schema_of(answer.dialect, live.live([], like))
    with scratch(project, answer.dialect) as place, scratch_database(place, [live], "replayed") as url:
        made = Made(url=url, excluded=(), like=like)
        _upgrade(live, made, graph, heads)
        wanted = schema_of(answer.dialect, describe(live, made))
    return Compared(wanted=wanted, found=found)


def _replayed(
    worker: Worker, made: Made, graph: Graph, heads: tuple[RevisionId, ...], dialect: str
) -> Schema | None:
    try:
        _upgrade(worker, made, graph, heads)
        return schema_of(dialect, describe(worker, made))
    except GitmigError:
        return None  # old scripts often do not run any more


def _upgrade(worker: Worker, made: Made, graph: Graph, heads: tuple[RevisionId, ...]) -> None:
    steps = graph.topological(graph.ancestors(heads))
    worker.prove("upgrade", made.url, **upgrade_data(graph.scripts.values(), (), steps))


def make(worker: Worker, url: str) -> Made:
    """Make the tables of a worker's models in an empty scratch database."""
    answer: Json = worker.prove("create", url)
    return Made(
        url=url, excluded=built(tuple[str, ...], answer["excluded"]), like=lists_of_texts(answer["like"])
    )


def describe(worker: Worker, made: Made) -> Rows:
    """The facets of a scratch database, by the filters of the worker's env.py."""
    answer = worker.prove("describe", made.url, excluded=list(made.excluded), like=made.like)
    return lists_of_texts(answer["facets"])


def schema_of(dialect: str, rows: Rows) -> Schema:
    """The facets of a description as a schema; comparable with others of the same kind only."""
    return Schema(dialect, "", {FacetKey(*row[:3]): row[3] for row in rows})
