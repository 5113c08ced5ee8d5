"""Schemas as a database itself describes them: of models, made on scratch, and of the live database."""

from __future__ import annotations

from dataclasses import dataclass

from gitmig.git.trees import Tree
from gitmig.messages import Json, lists_of_texts, texts
from gitmig.model import FacetKey, Schema
from gitmig.project import Project
from gitmig.proof import scratch_database
from gitmig.scratch import scratch
from gitmig.worker_client import Worker

Rows = list[list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A live database and what it is compared with, in the words of one kind of database."""

    wanted: Schema
    found: Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The tables of some models in a scratch database."""

    url: str
    excluded: tuple[str, ...]
    like: Rows
    """The models' facets: what they name is called by its name in a description."""


def live_beside(project: Project, tree: Tree | None, live: Worker) -> Compared:
    """The live database and the models of ``tree`` (None: nothing), as the database describes both.

    ``live`` is a worker of the work tree, which was asked for no proof yet. The live database is only read.
    Raises Unproven where no scratch database can be had, ProjectCodeError where the models do not import.
    """
    if tree is None:
        dialect = live.schema().schema.dialect
        return Compared(wanted=schema_of(dialect, []), found=schema_of(dialect, live.live([], [])))
    with project.worker(None if tree is project.work_tree else tree) as models:
        dialect = models.schema().schema.dialect
        with scratch(project, dialect) as place, scratch_database(place, [models], "models") as url:
            made = make(models, url)
            # The live database first: after its first proof a worker knows scratch databases only.
            found = live.live(made.excluded, made.like)
            wanted = describe(live, made)
    return Compared(wanted=schema_of(dialect, wanted), found=schema_of(dialect, found))


def make(worker: Worker, url: str) -> Made:
    """Make the tables of a worker's models in an empty scratch database."""
    answer: Json = worker.prove("create", url)
    return Made(url=url, excluded=texts(answer["excluded"]), like=lists_of_texts(answer["like"]))


def describe(worker: Worker, made: Made) -> Rows:
    """The facets of a scratch database, by the filters of the worker's env.py."""
    answer = worker.prove("describe", made.url, excluded=list(made.excluded), like=made.like)
    return lists_of_texts(answer["facets"])


def schema_of(dialect: str, rows: Rows) -> Schema:
    """The facets of a description as a schema; comparable with others of the same kind only."""
    return Schema(dialect, "", {FacetKey(*row[:3]): row[3] for row in rows})
