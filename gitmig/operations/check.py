"""``check``: findings for the work tree, for what is being committed, or for a commit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from gitmig.checks import (
    graph_findings,
    has_errors,
    in_progress,
    rolled_back,
    unproven,
    unrevised,
    with_severities,
)
from gitmig.errors import ProjectCodeError
from gitmig.git.trees import Tree, content_digest
from gitmig.graph import Graph
from gitmig.model import CommitId, FacetChange, Finding, RevisionId, Schema, Script, Severity
from gitmig.operations.drafting import base_schema
from gitmig.project import Project
from gitmig.schema import change_digest, difference, digest
from gitmig.schemas import Schemas
from gitmig.scripts import idle
from gitmig.tied import Ties


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The findings, and what was judged."""

    findings: tuple[Finding, ...]
    subject: str

    @property
    def failed(self) -> bool:
        """Whether a finding of severity error is among them."""
        return has_errors(self.findings)


def check_staged(project: Project) -> CheckResult:
    """Judge exactly what is being committed, against the commit's parents. Needs no database."""
    index, parents = project.index, _parents(project)
    changed = _changed(project, index, parents)
    if not any(_relevant(project, path) for path in changed):
        return CheckResult(findings=(), subject="nothing relevant is staged")
    graph = project.graph(index)
    schemas = Schemas(project=project)
    findings = _commit_findings(project, graph, index, parents, schemas)
    if findings and schemas.remembered:
        # Nothing is blocked because of what was remembered.
        findings = _commit_findings(project, graph, index, parents, schemas.afresh())
    findings = [*graph_findings(graph), *findings]
    return CheckResult(findings=_settled(project, findings), subject="what is being committed")


def check_tree(project: Project, ref: str | None) -> CheckResult:
    """Judge the work tree, or the commit that ``ref`` names."""
    tree = project.work_tree if ref is None else project.commit_tree(project.git.resolve(ref))
    graph = project.graph(tree)
    findings = list(graph_findings(graph))
    if not findings and project.repository is not None:
        schemas = Schemas(project=project)
        found = _models_findings(project, graph, tree, schemas)
        if found and schemas.remembered:
            found = _models_findings(project, graph, tree, schemas.afresh())
        findings += found
    if ref is None:
        project.require_models_found()
        operation = project.repository.operation() if project.repository is not None else None
        # A warning: `git rebase --exec "gitmig check"` asks about the files, in the middle of a rebase.
        findings += in_progress(operation, Severity.WARNING)
    return CheckResult(findings=_settled(project, findings), subject=ref or "the work tree")


def _models_findings(project: Project, graph: Graph, tree: Tree, schemas: Schemas) -> list[Finding]:
    now = schemas.of(tree)
    base = graph.heads[0] if graph.heads else None
    try:
        changes = difference(
            base_schema(project, graph, base, like=now, at=tree.commit, schemas=schemas), now
        )
    except ProjectCodeError:
        # The head revision is not committed yet, or its models do not import any more.
        return [] if base is None or _recorded(graph, now) else [unproven(graph.scripts[base])]
    if not changes:
        return []
    if not project.models:
        return [unrevised(changes, hint="gitmig init")]
    return [unrevised(changes, path=_first_model(project))]


def _settled(project: Project, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    allowed = os.environ.get("GITMIG_ALLOW", "").replace(",", " ").split()
    return with_severities(findings, project.settings.severity, allowed)


def _parents(project: Project) -> tuple[CommitId, ...]:
    head = project.git.head()
    return () if head is None else (head, *project.git.merge_heads())


def _changed(project: Project, index: Tree, parents: Sequence[CommitId]) -> list[str]:
    """The paths in which the index differs from every parent, as in a combined diff."""
    now = index.ids()
    olds = [project.commit_tree(parent).ids() for parent in parents] or [{}]
    paths = set(now).union(*olds)
    return sorted(path for path in paths if all(old.get(path) != now.get(path) for old in olds))


def _relevant(project: Project, path: str) -> bool:
    return path.endswith((".py", "pyproject.toml")) or path in project.configuration.files


def _commit_findings(
    project: Project, graph: Graph, index: Tree, parents: Sequence[CommitId], schemas: Schemas
) -> list[Finding]:
    trees = [project.commit_tree(parent) for parent in parents]
    now, olds = _schemas(project, schemas, index, trees)
    if _recorded(graph, now):
        return []
    if None in olds:
        # What the commit changes cannot be said: the models that it starts from do not import.
        return [unproven(graph.scripts[head]) for head in graph.heads]
    changes = common_changes([old for old in olds if old is not None], now)
    before = [project.graph(tree) for tree in trees]
    added = _added(graph, before)
    removed = frozenset.intersection(*(frozenset(old.scripts) for old in before)) if before else frozenset()
    removed -= frozenset(graph.scripts)
    if not (changes or removed):
        return []
    if _made_for(project, schemas, graph, now):
        return []
    owner = _put_back(project, graph, index)
    if not added and owner is not None:
        return [rolled_back(owner, committing=True)]
    if not added:
        return [unrevised(changes or _undone(project, before[0], removed), path=_first_model(project))]
    if any(_covers(script, changes, now) for script in added):
        return []
    if any(_comparable(script, now) for script in added):
        return [
            unrevised(
                _left(project, added, changes, now), hint="gitmig revise --amend", path=_first_model(project)
            )
        ]
    texts = index.read_all([script.path for script in added]).values()
    if changes and all(idle(text.decode("utf-8", "replace")) for text in texts):
        return [unrevised(changes, path=_first_model(project))]
    return [unproven(script) for script in added]


def _schemas(
    project: Project, known: Schemas, index: Tree, parents: Sequence[Tree]
) -> tuple[Schema, list[Schema | None]]:
    """The index's schema and its parents'; None for a parent whose models do not import.

    A parent without the Alembic configuration cannot be asked. Where its models are the index's, so is
    its schema; else nothing of them is covered by a revision yet.
    """
    files = project.configuration.files
    asked = [tree for tree in parents if all(tree.exists(path) for path in files)]
    now, found = _importable(known, index, asked)
    schemas: dict[str, Schema | None] = dict(zip((tree.label for tree in asked), found, strict=True))
    models = content_digest(index, project.models)
    olds = [
        schemas[tree.label]
        if tree.label in schemas
        else now
        if models is not None and content_digest(tree, project.models) == models
        else Schema(now.dialect, now.sqlalchemy, {})
        for tree in parents
    ]
    return now, olds


def _importable(
    known: Schemas, index: Tree, parents: Sequence[Tree]
) -> tuple[Schema, Sequence[Schema | None]]:
    try:
        now, *found = known.all_of([index, *parents])
        return now, found
    except ProjectCodeError:
        return known.of(index), [_if_it_imports(known, tree) for tree in parents]


def _if_it_imports(known: Schemas, tree: Tree) -> Schema | None:
    try:
        return known.of(tree)
    except ProjectCodeError:
        return None


def common_changes(olds: Sequence[Schema], now: Schema) -> tuple[FacetChange, ...]:
    """The facets in which a schema differs from all of the parents' (from nothing where there is none)."""
    if not olds:
        return difference(Schema(now.dialect, now.sqlalchemy, {}), now)
    first, *others = [difference(old, now) for old in olds]
    keys = [{change.key for change in changes} for changes in others]
    return tuple(change for change in first if all(change.key in known for known in keys))


def _added(graph: Graph, before: Sequence[Graph]) -> list[Script]:
    """The revisions that no parent has, or has with another record: a redone revision counts as added."""
    return [
        script
        for revision, script in graph.scripts.items()
        if all(revision not in old.scripts or old.scripts[revision].header != script.header for old in before)
    ]


def _comparable(script: Script, now: Schema) -> bool:
    header = script.header
    return header.schema is not None and (header.dialect, header.sqlalchemy) == (now.dialect, now.sqlalchemy)


def _recorded(graph: Graph, now: Schema) -> bool:
    """Whether the only head was made for just this schema."""
    if len(graph.heads) != 1:
        return False
    head = graph.scripts[graph.heads[0]]
    return _comparable(head, now) and head.header.schema == digest(now)


def _made_for(project: Project, schemas: Schemas, graph: Graph, now: Schema) -> bool:
    """Whether the only head has a commit with just this schema, whatever its record says."""
    head = project.git.head()
    if len(graph.heads) != 1 or head is None:
        return False
    tie = Ties(project=project, at=head).all().get(graph.heads[0])
    if tie is None or tie.models_commit is None:
        return False
    then = _if_it_imports(schemas, project.commit_tree(tie.models_commit))
    return then is not None and digest(then) == digest(now)


def _covers(script: Script, changes: Sequence[FacetChange], now: Schema) -> bool:
    if not _comparable(script, now):
        return False
    return script.header.schema == digest(now) or script.header.change == change_digest(tuple(changes))


def _left(
    project: Project, added: Sequence[Script], changes: tuple[FacetChange, ...], now: Schema
) -> tuple[FacetChange, ...]:
    """What the models have beyond the revisions that come with them, where that is known."""
    for script in added:
        stored = Schemas(project=project).cache.schema(script.header.schema or "")
        if stored is not None:
            return difference(stored, now)
    return changes


def _undone(project: Project, before: Graph, removed: frozenset[RevisionId]) -> tuple[FacetChange, ...]:
    """What the removed revisions did to the schema, as far as it is known."""
    schemas = Schemas(project=project)
    for revision in reversed(before.topological()):
        if revision in removed:
            after = schemas.cache.schema(before.scripts[revision].header.schema or "")
            parents = before.scripts[revision].down_revisions
            old = schemas.cache.schema(before.scripts[parents[0]].header.schema or "") if parents else None
            if after is not None:
                return difference(old or Schema(after.dialect, after.sqlalchemy, {}), after)
    return ()


def _put_back(project: Project, graph: Graph, index: Tree) -> RevisionId | None:
    """The older revision whose models this commit would bring back; None where they are no revision's."""
    head = project.git.head()
    if head is None:
        return None
    content = content_digest(index, project.models)
    if content == content_digest(project.commit_tree(head), project.models):
        return None
    owners = Ties(project=project, at=head).owners(content)
    return next((owner for owner in owners if owner in graph.scripts and owner not in graph.heads), None)


def _first_model(project: Project) -> str | None:
    return project.models[0] if project.models else None
