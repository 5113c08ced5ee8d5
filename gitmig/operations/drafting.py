"""What a revision is drafted from: the models now, and the models that the head revision was made for."""

from __future__ import annotations

import posixpath
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gitmig.configuration import holds_password
from gitmig.errors import ProjectCodeError
from gitmig.facts.ties import Ties, models_digest
from gitmig.git.trees import IndexTree, Tree
from gitmig.graph import Graph
from gitmig.model import BlobId, CommitId, FacetChange, Header, Manifest, RevisionId, Schema, TieState
from gitmig.project import Project
from gitmig.schema import change_digest, difference, digest
from gitmig.schemas import Schemas, TreeSchema
from gitmig.worker_client import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What the draft is made of."""

    tree: Tree
    new: TreeSchema
    base: Schema | None
    """The schema of the head revision's models; None where it could not be computed."""
    changes: tuple[FacetChange, ...]
    paths: tuple[str, ...]
    """The files of the models that differ from HEAD: they are committed with the revision."""
    warnings: tuple[str, ...] = ()

    @property
    def staged(self) -> bool:
        """Whether the models are meant as they are in the index."""
        return isinstance(self.tree, IndexTree)


def gather(project: Project, worker: Worker, tree: Tree, graph: Graph, base: RevisionId | None) -> Material:
    """Compute both sides and their difference. ``worker`` imports from ``tree``.

    Raises ProjectCodeError where the models of ``tree`` do not import; where those of the base do
    not, the difference is left to the database and a warning says so.
    """
    schemas = Schemas(project=project)
    new = schemas.with_worker(worker, tree)
    warnings: list[str] = []
    try:
        old = base_schema(project, graph, base, like=new.schema)
    except ProjectCodeError as error:
        old = None
        warnings.append(
            f"the models of {base} do not import ({error.message}): drafted against the database alone"
        )
    return Material(
        tree=tree,
        new=new,
        base=old,
        changes=difference(old, new.schema) if old is not None else (),
        paths=changed_paths(project, tree, new.manifest),
        warnings=tuple(warnings),
    )


def base_schema(
    project: Project,
    graph: Graph,
    base: RevisionId | None,
    *,
    like: Schema,
    at: CommitId | None = None,
    schemas: Schemas | None = None,
) -> Schema:
    """The schema that ``base`` was made for, under the dialect and SQLAlchemy of ``like``.

    ``at`` is the commit that ``graph`` is of; by default it is the work tree's.
    """
    if base is None:
        return Schema(like.dialect, like.sqlalchemy, {})
    schemas = schemas or Schemas(project=project)
    stored = _stored(schemas, graph.scripts[base].header, like)
    if stored is None:
        return _committed(project, schemas, base, at)
    if digest(stored) == digest(like):
        return stored
    return _re_parented(project, schemas, graph, base, at) or stored


def _stored(schemas: Schemas, header: Header, like: Schema) -> Schema | None:
    """The schema that a record names, if it is one that can be compared and is in the cache."""
    if header.schema is None or (header.dialect, header.sqlalchemy) != (like.dialect, like.sqlalchemy):
        return None
    return schemas.cache.schema(header.schema)


def _committed(project: Project, schemas: Schemas, base: RevisionId, at: CommitId | None) -> Schema:
    head = at or project.git.head()
    tie = Ties(project=project, at=at).all().get(base)
    commit = tie.models_commit if tie is not None and tie.models_commit is not None else head
    if commit is None or (tie is not None and tie.state is TieState.UNCOMMITTED):
        raise ProjectCodeError(f"the models of {base} are in no commit", hint="gitmig status")
    return schemas.of(project.commit_tree(commit))


def _re_parented(
    project: Project, schemas: Schemas, graph: Graph, base: RevisionId, at: CommitId | None
) -> Schema | None:
    """The schema of the commit that holds ``base``, where the record tells of other revisions below it.

    Who puts a revision on top of another one edits its parent, and not its record. What it changes is the
    same: the record's change, from the models of the parent that it has now.
    """
    script, tie = graph.scripts[base], Ties(project=project, at=at).all().get(base)
    doubtful = tie is not None and (tie.state is TieState.APPROXIMATE or tie.re_parented)
    if not doubtful or len(script.down_revisions) != 1:
        return None
    try:
        below = _committed(project, schemas, script.down_revisions[0], at)
        committed = _committed(project, schemas, base, at)
    except ProjectCodeError:
        return None
    return committed if change_digest(difference(below, committed)) == script.header.change else None


def changed_paths(project: Project, tree: Tree, manifest: Manifest) -> tuple[str, ...]:
    """The files that decide the schema and differ from HEAD.

    That is: what the models' import read, what HEAD still has where the import looked in vain, and all
    below the models paths.
    """
    head = project.git.head()
    committed = project.commit_tree(head).ids() if head is not None else {}
    now = tree.ids()
    models = project.models
    paths = {path for path in manifest.files if path in now and _is_code(path)}
    paths |= {path for path in _gone(manifest, committed) if path not in now}
    paths |= {
        path for path in (*committed, *now) if any(path == m or path.startswith(m + "/") for m in models)
    }
    paths |= {path for path in _set_up(project) if path in now and path not in committed}
    holds = project.configuration.holds
    return tuple(sorted(path for path in paths if committed.get(path) != now.get(path) and not holds(path)))


def _gone(manifest: Manifest, committed: Mapping[str, BlobId]) -> Iterator[str]:
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
    # Configuration is read by the import too, but is nobody's models; dot files may hold secrets.
    return not path.endswith((".ini", ".toml", ".cfg", ".env")) and not posixpath.basename(path).startswith(
        "."
    )


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
