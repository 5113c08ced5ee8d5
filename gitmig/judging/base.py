"""The schema that a state of the database was made for: what the next change is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gitmig.core.revisions.graph import Graph, in_repository
from gitmig.core.revisions.header import Header
from gitmig.core.schema.facets import FacetChange, Schema, applied, difference, digest, undone
from gitmig.core.ties import Tie, TieState
from gitmig.errors import ProjectCodeError, WorkerCrashed
from gitmig.facts.schemas import Schemas
from gitmig.facts.ties import Ties, models_digest
from gitmig.git.trees import Tree
from gitmig.judging.catching_up import made_already
from gitmig.judging.proof import Case, prove
from gitmig.judging.subject import Subject
from gitmig.project.project import Project
from gitmig.wire.values import CommitId, RevisionId, named

Heads = tuple[RevisionId, ...]

_STEPS = 10
"""As often is gone down from a state for which no record speaks, to find models that are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseSchema:
    """The schema of a state."""

    schema: Schema
    doubt: str | None = None
    """Why nothing proves that it is what the scripts lead to; None if a record or a proof says so."""
    cut_off: bool = False
    """Whether the doubt is that a shallow clone does not have the commit that brought the state."""


def base_schema(
    project: Project,
    graph: Graph,
    heads: Heads,
    *,
    like: Schema,
    at: CommitId | None = None,
    schemas: Schemas | None = None,
) -> Schema:
    """The schema of :func:`base_of`."""
    return base_of(project, graph, heads, like=like, at=at, schemas=schemas).schema


def base_of(
    project: Project,
    graph: Graph,
    heads: Heads,
    *,
    like: Schema,
    at: CommitId | None = None,
    schemas: Schemas | None = None,
) -> BaseSchema:
    """What a state was made for, under the dialect and SQLAlchemy of ``like``.

    By a record; else by the models of the commits that are at it. Somebody may have committed half of a
    change with a revision that has no record, or lost a side's models in a merge: then it is what the scripts
    lead to, on a scratch database. Models may also be committed that say at last what old revisions made:
    then the state has it too.
    ``at`` is the commit that ``graph`` is of; by default it is the work tree's. Raises ProjectCodeError if
    the state is in no commit, or its models do not import.
    """
    heads = in_repository(graph, heads)
    if not heads:
        return BaseSchema(schema=Schema(like.dialect, like.sqlalchemy, {}))
    schemas = schemas or Schemas(project=project)
    ties = Ties(project=project, at=at)
    for head in heads:
        stored = _stored(schemas, graph.scripts[head].header, like)
        # A record that its own commit does not bear out may have been carried onto another parent.
        if stored is None or not ties.speaks_for(head, heads):
            continue
        tie = ties.of(heads)
        borne_out = tie.state is not TieState.APPROXIMATE and not tie.re_parented
        if borne_out or not ties.is_record_committed(head):
            return BaseSchema(schema=stored)
    base = _committed(schemas, ties, graph, heads, like)
    return base if base.doubt is not None else _caught_up(schemas, ties, graph, heads, base, like)


def _caught_up(
    schemas: Schemas, ties: Ties, graph: Graph, heads: Heads, base: BaseSchema, like: Schema
) -> BaseSchema:
    """A state for which no record speaks, with what the models of the commit have, and its revisions made."""
    changes, commit = difference(base.schema, like), ties.at or ties.project.git.head()
    if not changes or commit is None or not _unspoken(ties, graph, heads):
        return base
    tree = ties.project.commit_tree(commit)
    try:
        committed = schemas.of(tree).facets
    except (ProjectCodeError, WorkerCrashed):
        return base  # which the work tree may be about to mend
    since = [each for each in changes if committed.get(each.key) == each.after]
    made = made_already(ties.project, graph, heads, tree, since, schemas)
    return replace(base, schema=applied(base.schema, made)) if made else base


def only_catches_up(subject: Subject, changes: Sequence[FacetChange], schemas: Schemas) -> bool:
    """Whether models change to what the scripts have made all along, and no record says what they are for."""
    project, graph = subject.project, subject.graph
    ties = Ties(project=project, at=subject.head)
    if not graph.heads or subject.head is None or not _unspoken(ties, graph, graph.heads):
        return False
    return set(made_already(project, graph, graph.heads, subject.tree, changes, schemas)) == set(changes)


def _stored(schemas: Schemas, header: Header, like: Schema) -> Schema | None:
    """The schema that a record names, if it is one that can be compared and is in the cache."""
    if header.schema is None or (header.dialect, header.sqlalchemy) != (like.dialect, like.sqlalchemy):
        return None
    return schemas.cache.schema(header.schema)


def _committed(schemas: Schemas, ties: Ties, graph: Graph, heads: Heads, like: Schema) -> BaseSchema:
    tie = ties.of(heads)
    if tie.state is TieState.APPROXIMATE:
        tie = ties.settled(heads)
    commit = tie.models_commit or ties.at or ties.project.git.head()
    if commit is None or tie.state is TieState.UNCOMMITTED:
        raise ProjectCodeError(f"the models of {named(heads)} are in no commit", hint="gitmig status")
    schema = schemas.of(ties.project.commit_tree(commit))
    if schema.dialect != like.dialect:
        return _in_dialect(schemas, ties, commit, schema, like)
    if _is_cut_off(ties, heads):
        return _in_shallow(schemas, ties, graph, heads, commit, schema)
    if tie.state is TieState.VERIFIED or not _unspoken(ties, graph, heads):
        return BaseSchema(schema=schema)
    return _by_scripts(schemas, ties, graph, heads, commit, schema)


def _in_dialect(schemas: Schemas, ties: Ties, commit: CommitId, schema: Schema, like: Schema) -> BaseSchema:
    """The same models under a configuration that has named another kind of database since."""
    project = ties.project
    content = models_digest(project, project.commit_tree(commit))
    head = ties.at or project.git.head()
    if head is not None and models_digest(project, project.commit_tree(head)) == content:
        now = schemas.of(project.commit_tree(head))
        if now.dialect == like.dialect:
            return BaseSchema(schema=now)
    if ties.at is None and models_digest(project, project.work_tree) == content:
        return BaseSchema(schema=like)
    return BaseSchema(schema=like, doubt=f"its models are known for {schema.dialect} alone")


def as_configured(project: Project, graph: Graph, heads: Heads, tree: Tree) -> Tree:
    """HEAD's tree instead of ``tree``, which has the models of a state, if it has them for the database now.

    That is so if the records of the state are of another kind of database.
    """
    now = Schemas(project=project).cached(project.work_tree)
    written = {graph.scripts[head].header.dialect for head in heads if head in graph.scripts}
    head = project.git.head()
    if now is None or head is None or written <= {None, now.dialect}:
        return tree
    committed = project.commit_tree(head)
    return committed if models_digest(project, committed) == models_digest(project, tree) else tree


def _is_cut_off(ties: Ties, heads: Heads) -> bool:
    """Whether a shallow clone begins at the commits that brought a state, or after them."""
    repository = ties.project.repository
    beginnings = repository.shallow() if repository is not None else frozenset()
    if not beginnings:
        return False
    known = ties.all()
    brought = [known[last].introduced for last in ties.last(heads) if last in known]
    return any(commit is None or commit in beginnings for commit in brought)


def _in_shallow(
    schemas: Schemas, ties: Ties, graph: Graph, heads: Heads, commit: CommitId, schema: Schema
) -> BaseSchema:
    """What the scripts lead to from nothing: the first commit of the clone may have later models."""
    headers = [graph.scripts[head].header for head in heads]
    if any(
        header.schema == digest(schema)
        and (header.dialect, header.sqlalchemy) == (schema.dialect, schema.sqlalchemy)
        for header in headers
    ):
        return BaseSchema(schema=schema)
    steps = graph.topological(graph.ancestors(heads))
    tree = ties.project.commit_tree(commit)
    case = Case(old=None, new=tree, start=(), graph=graph, steps=steps)
    verdict = prove(ties.project, case, schemas, believing=not schemas.fresh)
    if verdict.reason is not None:
        return BaseSchema(schema=schema, doubt=verdict.reason, cut_off=True)
    return BaseSchema(schema=undone(schema, verdict.changes))


def _by_scripts(
    schemas: Schemas, ties: Ties, graph: Graph, heads: Heads, commit: CommitId, schema: Schema
) -> BaseSchema:
    """What the scripts above the last known models lead to, as its difference from a commit's models."""
    project = ties.project
    below, known = _footing(ties, graph, heads)
    old = known.models_commit if known is not None else None
    # A merge that does nothing may have come after these models: the commit's own scripts are what there is.
    then = project.graph(project.commit_tree(commit))
    if below and (old is None or not then.scripts.keys() >= set(below)):
        return BaseSchema(schema=schema, doubt=f"the models of {named(below)} are in no commit")
    case = Case(
        old=project.commit_tree(old) if old is not None else None,
        new=project.commit_tree(commit),
        start=below,
        graph=then,
        steps=then.topological(then.ancestors(then.heads) - then.ancestors(below)),
    )
    verdict = prove(project, case, schemas, believing=not schemas.fresh)
    if verdict.reason is not None:
        return BaseSchema(schema=schema, doubt=verdict.reason)
    return BaseSchema(schema=undone(schema, verdict.changes))


def footing(project: Project, graph: Graph, heads: Heads) -> tuple[Heads, CommitId | None]:
    """The nearest state below whose models are known, and their commit; base, if there is none."""
    below, tie = _footing(Ties(project=project), graph, heads)
    commit = tie.models_commit if tie is not None else None
    return (below, commit) if commit is not None else ((), None)


def _footing(ties: Ties, graph: Graph, heads: Heads) -> tuple[Heads, Tie | None]:
    """The nearest state below that is known, or for which a record speaks; base has no tie."""
    there, first = graph.ancestors(heads), None
    for _ in range(_STEPS):
        there -= graph.descendants(_unspoken(ties, graph, graph.ends(there)))
        below = graph.ends(there)
        if not below:
            return (), None
        tie = ties.of(below)
        if tie.state is TieState.VERIFIED or not _unspoken(ties, graph, below):
            return below, tie
        first = first or (below, tie)
    assert first is not None
    return first


def _unspoken(ties: Ties, graph: Graph, heads: Heads) -> frozenset[RevisionId]:
    """The revisions that end a state, if none has a record for it; merges that do nothing are passed over."""
    last = ties.last(heads)
    scripts = [graph.scripts[revision] for revision in last]
    if any(one.header.schema is not None and ties.speaks_for(one.revision, last) for one in scripts):
        return frozenset()
    return frozenset(last)
