"""A database at head to copy for tests: made once for the scripts and the models as they are, then kept."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gitmig.core.schema.facets import digest
from gitmig.errors import MigrationFailed
from gitmig.facts.schemas import Schemas, TreeSchema
from gitmig.judging.proof import upgrade_data
from gitmig.project.project import Project
from gitmig.rpc.client import Worker
from gitmig.rpc.protocol import Json, an_object

_KEPT = 4
"""Template files that stay: those of the branches somebody switches between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSource:
    """What a template is made of; another ``key`` is another template."""

    project: Project
    dialect: str
    key: str
    folder: Path
    """Where templates and their locks are."""
    owner: str
    """Tells the templates of this clone from those of others on one server."""


def source(project: Project) -> TemplateSource:
    """What a template of the work tree is made of. Imports the models. Raises ProjectCodeError.

    The key digests the revisions and what lies beside env.py, the models' schema and the files that it was
    read from, and the circumstances: interpreter, installed packages, settings, environment.
    """
    graph = project.graph()
    graph.require_sound(frozenset(graph.scripts))
    schemas = Schemas(project=project)
    found = schemas.computed(project.work_tree)
    folder = schemas.cache.folder.parent / "templates"
    parts = [
        found.schema.dialect,
        found.schema.sqlalchemy,
        digest(found.schema),
        sorted(_files(project, found).items()),
        list(graph.heads),
        schemas.circumstances(),
    ]
    return TemplateSource(
        project=project,
        dialect=found.schema.dialect,
        key=_hashed(parts),
        folder=folder,
        owner=_hashed([str(project.top), project.configuration.path])[:8],
    )


def _files(project: Project, found: TreeSchema) -> dict[str, str]:
    configuration = project.configuration
    beside = f"{configuration.script_location}/"
    ids = project.work_tree.ids()
    chosen = {p: str(b) for p, b in ids.items() if configuration.holds(p) or p.startswith(beside)}
    return chosen | dict(found.manifest.files)


def _hashed(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


@contextmanager
def one_at_a_time(folder: Path, name: str) -> Iterator[None]:
    """Whoever else makes the same template waits; several test processes may begin at once."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"{name}.lock", "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sqlite_file(source: TemplateSource) -> Path:
    """The template as an SQLite file, made if it is not there yet. Raises as :func:`upgrade_to_head`."""
    path = source.folder / f"{source.key}.db"
    if path.exists():
        return path
    with one_at_a_time(source.folder, source.key):
        if not path.exists():
            temporary = source.folder / f".{source.key}.{os.getpid()}.db"
            temporary.unlink(missing_ok=True)
            try:
                upgrade_to_head(source, f"sqlite:///{temporary.as_posix()}")
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
            _prune(source.folder, path)
    return path


def upgrade_to_head(source: TemplateSource, url: str) -> None:
    """Upgrade an empty scratch database to head. Raises MigrationFailed, and as the worker."""
    with source.project.workers.one() as worker:
        _upgrade(source, worker, url)


def _upgrade(source: TemplateSource, worker: Worker, url: str) -> None:
    graph = source.project.graph()
    data = upgrade_data(graph.scripts.values(), (), ())
    data["steps"] = [{"revision": revision, "how": "apply"} for revision in graph.topological()]

    def no_models(ask: Json) -> Json:
        return {}

    answer = worker.replay(url, no_models, lambda note: None, **data)
    if answer["failed"] is not None:
        failed = an_object(answer["failed"])
        raise MigrationFailed(
            f"the upgrade of {failed['revision']} fails: {failed['message']}",
            hint="gitmig verify",
        )


def _prune(folder: Path, newest: Path) -> None:
    files = sorted(folder.glob("*.db"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in [path for path in files if path != newest and not path.name.startswith(".")][_KEPT - 1 :]:
        old.unlink(missing_ok=True)
        old.with_suffix(".lock").unlink(missing_ok=True)
