"""What a revision is drafted from: the models now, and the models that the head revision was made for."""

from __future__ import annotations

import posixpath
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gitmig.core.configuration import holds_password
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import Header
from gitmig.core.schema.facets import FacetChange, Schema, change_digest, difference, digest
from gitmig.core.script_folders import upwards
from gitmig.errors import ProjectCodeError
from gitmig.facts.schemas import Schemas, TreeSchema
from gitmig.facts.ties import models_digest
from gitmig.git.contents import contents
from gitmig.git.flat_trees import IndexTree
from gitmig.git.trees import Tree
from gitmig.judging.base import base_schema
from gitmig.project.project import Project
from gitmig.rpc.client import Worker
from gitmig.wire.values import Manifest, RevisionId, named


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What the draft is made of."""

    tree: Tree
    new: TreeSchema
    base: Schema | None
    """The schema of the head revision's models; None if it could not be computed."""
    changes: tuple[FacetChange, ...]
    paths: tuple[str, ...]
    """The files of the models that differ from HEAD: they are committed with the revision."""
    warnings: tuple[str, ...] = ()

    @property
    def staged(self) -> bool:
        """Whether the models are meant as they are in the index."""
        return isinstance(self.tree, IndexTree)


def gather(project: Project, worker: Worker, tree: Tree, graph: Graph) -> Material:
    """Compute both sides and their difference. ``worker`` imports from ``tree``; ``graph`` is that before.

    Raises ProjectCodeError if the models of ``tree`` do not import; where those of the base do
    not, the difference is left to the database and a warning says so.
    """
    schemas = Schemas(project=project)
    new = schemas.with_worker(worker, tree)
    warnings: list[str] = []
    try:
        old = base_schema(project, graph, graph.heads, like=new.schema)
    except ProjectCodeError as error:
        old = None
        warnings.append(
            f"the models of {named(graph.heads)} do not import ({error.message}): "
            "drafted against the database alone"
        )
    return Material(
        tree=tree,
        new=new,
        base=old,
        changes=difference(old, new.schema) if old is not None else (),
        paths=changed_paths(project, tree, new.manifest),
        warnings=tuple(warnings),
    )


def changed_paths(project: Project, tree: Tree, manifest: Manifest) -> tuple[str, ...]:
    """The files that decide the schema and differ from HEAD.

    That is: what the models' import read, what HEAD still has where the import looked in vain, and all
    below the models paths.
    """
    head = project.git.head()
    committed = contents(project.commit_tree(head)) if head is not None else {}
    now = contents(tree)
    models = project.models
    paths = {path for path in manifest.files if path in now and _is_code(path)}
    paths |= _asked_for(project, manifest, committed)
    paths |= {m for m in tree.modules() if any(path.startswith(f"{m}/") for path in manifest.files)}
    paths |= {path for path in _gone(manifest, committed) if path not in now}
    paths |= {
        path for path in (*committed, *now) if any(path == m or path.startswith(m + "/") for m in models)
    }
    paths |= {path for path in _set_up(project) if path in now and path not in committed}
    holds = project.configuration.holds
    return tuple(sorted(path for path in paths if committed.get(path) != now.get(path) and not holds(path)))


def _asked_for(project: Project, manifest: Manifest, committed: Mapping[str, str]) -> set[str]:
    """What is staged to come or to go at paths that the import may have asked for, and below them."""
    if not manifest.asked:
        return set()
    changed = committed.keys() ^ project.index.ids().keys()
    asked = manifest.asked.keys()
    return {path for path in changed if _is_code(path) and not asked.isdisjoint(upwards(path))}


def _gone(manifest: Manifest, committed: Mapping[str, str]) -> Iterator[str]:
    """The modules of HEAD in the places where the import looked for them."""
    for name in manifest.lookups:
        yield from (path for path in (f"{name}.py", f"{name}/__init__.py") if path in committed)
    for path in committed if manifest.listings else ():
        if path.endswith(".py") and posixpath.dirname(path) in manifest.listings:
            yield path


def _set_up(project: Project) -> tuple[str, ...]:
    """The environment's own files: while they are new, the models' commit cannot be judged without them."""
    configuration = project.configuration
    return (
        *(() if configuration.ini is None or holds_password(configuration.url) else (configuration.ini,)),
        f"{configuration.script_location}/script.py.mako",
        project.environment.settings_file,
    )


def _is_code(path: str) -> bool:
    # Configuration is read by the import too, and asked for is a database, but both are nobody's models; dot
    # files may hold secrets.
    name = posixpath.basename(path)
    return not name.startswith(".") and not name.endswith(_NO_CODE)


_NO_CODE = (".ini", ".toml", ".cfg", ".env", ".db", ".sqlite", ".sqlite3")


def header_of(project: Project, material: Material) -> Header:
    """The record for a revision that takes the database to the material's schema.

    Where it is not known what the revision changes, only the models are recorded.
    """
    models = models_digest(project, material.tree) if project.models else None
    if material.base is None:
        return Header(models=models)
    return Header(
        models=models,
        dialect=material.new.schema.dialect,
        schema=digest(material.new.schema),
        change=change_digest(material.changes),
        sqlalchemy=material.new.schema.sqlalchemy,
    )


def new_id(graph: Graph) -> RevisionId:
    """A revision id as Alembic makes them, which no file has yet."""
    while True:
        revision = RevisionId(uuid.uuid4().hex[-12:])
        if revision not in graph.scripts:
            return revision
