"""Whether revisions take a database to the models: tried on scratch databases, as the database tells it."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass, replace

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script
from gitmig.core.schema.facets import FacetChange, FacetKey, Schema, difference, digest
from gitmig.errors import DatabaseUnreachable, GitmigError, ProjectCodeError, Unproven, WorkerCrashed
from gitmig.facts.schemas import Schemas
from gitmig.facts.ties import Ties, models_digest
from gitmig.git.trees import CommitTree, Tree
from gitmig.judging.scratch import Scratch, scratch, scratch_name
from gitmig.project.project import Project
from gitmig.rpc.client import Worker
from gitmig.wire.values import CommitId, RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is to be proven: that ``steps`` take a database with the models of ``old`` to those of ``new``."""

    old: Tree | None
    """None: an empty database."""
    new: Tree
    start: tuple[RevisionId, ...]
    """The heads of the old database."""
    graph: Graph
    steps: tuple[RevisionId, ...]
    """Oldest first."""
    script: Script | None = None
    """One of the steps, whose file is taken from the work tree."""
    idle: tuple[RevisionId, ...] = ()
    """The steps that are marked as applied, and run nothing."""

    @classmethod
    def beyond(cls, had: frozenset[RevisionId], *, old: Tree | None, new: Tree, graph: Graph) -> Case:
        """The case of all that ``graph`` has beyond the revisions of the old database."""
        steps = graph.topological(frozenset(graph.scripts) - had)
        return cls(old=old, new=new, start=graph.tips(had), graph=graph, steps=steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came out of it."""

    changes: tuple[FacetChange, ...] = ()
    """What it would still take from the database that the revisions leave to that of the models."""
    reason: str | None = None
    """Why nothing could be proven."""
    crash: WorkerCrashed | None = None
    """What ended the try before it could say anything: another one may prove it."""
    lasting: bool = False
    """Whether the reason lies in the models and the scripts, and not in where they were tried."""

    @property
    def proven(self) -> bool:
        """Whether both databases describe themselves alike."""
        return self.reason is None and not self.changes


def cases_of(
    project: Project,
    *,
    new: Tree,
    parent: CommitId | None,
    graph: Graph,
    redone: frozenset[RevisionId] = frozenset(),
    script: Script | None = None,
) -> tuple[Case, ...]:
    """The cases of the revisions that ``graph`` has beyond the commit ``parent``, and of those ``redone``.

    They start from the models of that commit; but also, since models may have been committed ahead of their
    revision, from those that the last common revision was made for. One of them has to be proven.
    Raises Unproven where there is none.
    """
    tree = project.commit_tree(parent) if parent is not None else None
    before = project.graph(tree).scripts if tree is not None else {}
    missing = [r for r in graph.scripts if r not in before or r in redone]
    common = frozenset(graph.scripts) - graph.descendants(missing)
    start = graph.tips(common)
    olds: list[Tree | None] = [None]
    # What the models had before the first revision is in no database that Alembic knows of.
    if common:
        olds = [tree] if len(common) == len(before) else []
        tie = Ties(project=project, at=parent).of(start) if parent is not None else None
        if tie is not None and tie.models_commit is not None:
            olds.append(project.commit_tree(tie.models_commit))
    if not olds:
        raise Unproven(f"the models of {', '.join(start)} are in no commit")
    case = replace(Case.beyond(common, old=None, new=new, graph=graph), script=script)
    distinct = {models_digest(project, old) if old is not None else None: old for old in reversed(olds)}
    return tuple(replace(case, old=old) for old in reversed(distinct.values()))


def prove_one(project: Project, cases: Sequence[Case]) -> tuple[Case, Verdict]:
    """The first case that is proven; else the first that was tried to the end, or the first of all."""
    tried: list[tuple[Case, Verdict]] = []
    for case in cases:
        tried.append((case, prove(project, case, Schemas(project=project))))
        if tried[-1][1].proven:
            return tried[-1]
    return next((one for one in tried if one[1].changes), tried[0])


def prove(project: Project, case: Case, schemas: Schemas, *, believing: bool = False) -> Verdict:
    """Try it, unless it is known to be so. Nothing but scratch databases and the cache is written.

    If ``believing``, it is not tried again either if the cache knows that it failed, or where it led to.
    """
    memory = project.memory.setdefault("proofs", {})
    assert isinstance(memory, dict)
    try:
        now = schemas.of(case.new)
        key = _key(project, case, schemas, now)
        known = _verdict(schemas.cache.proof(key))
        if known is not None and (known.proven or believing):
            return known
    except WorkerCrashed as error:
        return Verdict(reason=error.message, crash=error)
    except GitmigError as error:
        return Verdict(reason=error.message)
    if key not in memory:
        memory[key] = _tried(project, case, now)
    verdict: Verdict = memory[key]
    if verdict.reason is None or verdict.lasting:
        schemas.cache.store_proof(key, _stored(verdict))
    return verdict


def _stored(verdict: Verdict) -> object:
    """What the cache keeps of a verdict: the reason, or the changes."""
    changes = [[*astuple(each.key), each.before, each.after] for each in verdict.changes]
    return changes if verdict.reason is None else verdict.reason


def _verdict(stored: object) -> Verdict | None:
    if isinstance(stored, str):
        return Verdict(reason=stored, lasting=True)
    if isinstance(stored, list):
        return Verdict(changes=tuple(FacetChange(FacetKey(*row[:3]), *row[3:]) for row in stored))
    return None


def _tried(project: Project, case: Case, now: Schema) -> Verdict:
    try:
        return _compared(project, case, now)
    except WorkerCrashed as error:
        return Verdict(reason=error.message, crash=error)
    except GitmigError as error:
        return Verdict(reason=error.message)


def _key(project: Project, case: Case, schemas: Schemas, now: Schema) -> str:
    old = digest(schemas.of(case.old)) if case.old is not None else None
    held = sorted({case.graph.scripts[revision].path for revision in case.steps})
    parts = [
        old,
        digest(now),
        list(case.start),
        [*case.steps, *(f"idle {revision}" for revision in case.idle)],
        [[path, case.new.blob(path)] for path in held],
        _code(project, case.new),
        (project.top / case.script.path).read_bytes().hex() if case.script is not None else None,
        schemas.circumstances(),
        scratch_name(project, now.dialect),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _code(project: Project, tree: Tree) -> str:
    """A digest of what an upgrade can depend on beside its own files: env.py and its folder, any module."""
    configuration, facts = project.configuration, project.facts
    key = None
    if isinstance(tree, CommitTree) and facts is not None and (root := tree.root_id()) is not None:
        key = json.dumps([root, configuration.folders, configuration.recursive])
        if known := facts.find(_CODE, key):
            return known.decode()
    files = {**tree.ids_ending((".py", ".sql")), **tree.ids(configuration.script_location)}
    code = sorted((path, blob) for path, blob in files.items() if not configuration.holds(path))
    found = hashlib.sha256(json.dumps(code).encode()).hexdigest()[:32]
    if key is not None and facts is not None:
        facts.store(_CODE, {key: found.encode()})
    return found


_CODE = "code"


def _compared(project: Project, case: Case, now: Schema) -> Verdict:
    with scratch(project, now.dialect) as place, ExitStack() as stack:
        sides = [case.new] if case.old is None else [case.new, case.old]
        workers = project.workers.start_all([None if tree is project.work_tree else tree for tree in sides])
        for worker in workers:
            stack.callback(worker.close)
        one, two = (
            stack.enter_context(scratch_database(place, workers, name)) for name in ("revised", "models")
        )
        new = workers[0]
        try:
            excluded = created(new, two)
            if case.old is not None:
                excluded += created(workers[1], one)
            new.prove("upgrade", one, **upgrade_request(project, case))
        except (Unproven, ProjectCodeError, DatabaseUnreachable) as error:
            return Verdict(reason=error.message, lasting=True)
        found, wanted = (described(new, url, excluded, now) for url in (one, two))
    return Verdict(changes=difference(found, wanted))


def upgrade_request(project: Project, case: Case) -> dict[str, object]:
    """What the worker's ``upgrade`` takes to apply the steps of a case."""
    scripts = dict(case.graph.scripts)
    if case.script is not None:
        own = case.script
        scripts[own.revision] = replace(own, path=str(project.top / own.path))
    return upgrade_data(scripts.values(), case.start, case.steps) | {"idle": list(case.idle)}


def upgrade_data(
    scripts: Iterable[Script], start: Sequence[RevisionId], steps: Sequence[RevisionId]
) -> dict[str, object]:
    """What the worker's ``upgrade`` takes: the graph, and which of it is applied from where."""
    return {
        "start": list(start),
        "steps": list(steps),
        "graph": [
            {
                "revision": script.revision,
                "down_revisions": list(script.down_revisions),
                "depends_on": list(script.depends_on),
                "branch_labels": list(script.branch_labels),
                "path": script.path,
                "step": script.revision in steps,
            }
            for script in scripts
        ],
    }


@contextmanager
def scratch_database(place: Scratch, workers: Sequence[Worker], name: str) -> Iterator[str]:
    """The URL of an empty database, which is dropped in the end."""
    if place.server is None:
        yield place.file(name)
        return
    own = f"gitmig_scratch_{int(time.time())}_{uuid.uuid4().hex[:12]}"
    url = str(workers[0].prove("make", place.server, name=own)["url"])
    try:
        yield url
    finally:
        for worker in workers:
            try:
                worker.prove("drop", place.server, name=own)
                break
            except GitmigError:  # one that has crashed: the other may still answer
                continue


def created(worker: Worker, url: str) -> list[str]:
    """Make the models' tables of the worker's tree there; the names of those that take no part."""
    excluded = worker.prove("create", url)["excluded"]
    assert isinstance(excluded, list)
    return excluded


def described(
    worker: Worker, url: str, excluded: list[str], like: Schema, named: Sequence[FacetKey] = ()
) -> Schema:
    """What the database says of itself, without the tables ``excluded``.

    Constraints that the models name, or ``named`` has, are compared by name.
    """
    more = [[key.kind, key.table, key.name] for key in named]
    rows = worker.prove("describe", url, excluded=excluded, named=more)["facets"]
    assert isinstance(rows, list)
    return Schema(like.dialect, like.sqlalchemy, {FacetKey(*row[:3]): row[3] for row in rows})
