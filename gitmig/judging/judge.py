"""What a commit does to the schema, and whether the revisions that come with it cover that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gitmig.core.codes import Finding, Severity
from gitmig.core.findings import (
    deleted,
    graph_findings,
    new_heads,
    rewritten,
    rolled_back,
    unproven,
    unrevised,
    unrevised_before,
)
from gitmig.core.locations import Place, place_of
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.programs import idle
from gitmig.core.revisions.scripts import Script
from gitmig.core.schema.facets import FacetChange, Schema, change_digest, difference, digest
from gitmig.errors import ProjectCodeError, WorkerCrashed, WorkTreeRead
from gitmig.facts.schemas import Schemas
from gitmig.facts.ties import Ties, models_digest
from gitmig.git import commits
from gitmig.git.flat_trees import IndexTree
from gitmig.git.trees import Tree
from gitmig.judging.base import base_schema, only_catches_up
from gitmig.judging.cases import proven
from gitmig.judging.subject import Subject, added_revisions, parents_of, same
from gitmig.project.graphs import read_graph
from gitmig.project.head_file import head_file_findings
from gitmig.project.project import Project
from gitmig.wire.values import CommitId, RevisionId, short

_COMPUTED = 6
"""Commits whose models are imported to find out which of them brought a difference: each costs a worker."""


def judge(subject: Subject) -> tuple[Finding, ...]:
    """What the models change beyond the revisions that come along. Needs no database.

    What was so in a parent already is a warning. Raises ProjectCodeError if the models do not import.
    """
    known = Schemas(project=subject.project)
    if known.cached(subject.tree) is None and not added_revisions(subject):
        # This is likely to be blocked: both sides are computed at once, side by side.
        for parent in subject.trees:
            known.cached(parent)
        known = known.afresh()
    findings = _judged(subject, known)
    if findings and not known.fresh:
        # Nothing is blocked because of what was remembered.
        findings = _judged(subject, known.afresh())
    return (*graph_judged(subject), *findings)


def graph_judged(subject: Subject) -> tuple[Finding, ...]:
    """What is wrong with the revisions; a warning where a parent has it too."""
    known = [{_what(finding) for finding in graph_findings(graph)} for graph in subject.before]
    added = new_heads(subject.graph, subject.before)
    judged = tuple(
        replace(finding, severity=Severity.WARNING, earlier=True)
        if (finding not in added if finding.code == "GM002" else any(_what(finding) in old for old in known))
        else finding
        for finding in graph_findings(subject.graph)
    )
    return (*judged, *head_file_findings(subject.project, subject.tree, subject.graph))


def edited(subject: Subject) -> Iterator[Finding]:
    """GM003 for the revisions of the first parent that were edited, re-parented or deleted."""
    before, now, old, new = subject.before[0], subject.graph, subject.trees[0], subject.tree
    for revision, script in before.scripts.items():
        other = now.scripts.get(revision)
        if other is None:
            yield deleted(script)
        elif parents_of(script) != parents_of(other):
            yield rewritten(other, "re-parented")
        elif old.blob(script.path) != new.blob(other.path) and not same(script, other, old, new):
            yield rewritten(other, "edited")


def _what(finding: Finding) -> tuple[str, str]:
    return finding.code, finding.message


def _judged(subject: Subject, schemas: Schemas) -> list[Finding]:
    now, olds = _schemas(subject, schemas)
    findings = _commit_findings(subject, schemas, now, olds)
    return findings or _left_over(subject, schemas, now, olds)


def _left_out(subject: Subject) -> str | None:
    """What to do if ``git commit PATH`` commits the models and leaves a staged revision behind."""
    tree, project = subject.tree, subject.project
    if not isinstance(tree, IndexTree) or not tree.partial:
        return None
    scripts = read_graph(IndexTree(project.git), project.configuration).scripts
    left = next((script.path for name, script in scripts.items() if name not in subject.graph.scripts), None)
    return f"git commit without paths: {left} is staged too" if left else None


def _commit_findings(
    subject: Subject, schemas: Schemas, now: Schema, olds: Sequence[Schema | None]
) -> list[Finding]:
    project, graph = subject.project, subject.graph
    if recorded(graph, now):
        return []
    if None in olds:
        # What the commit changes cannot be said: the models that it starts from do not import.
        reason = "the models before it do not import, or are another kind of database's"
        return [unproven(graph.scripts[head], reason) for head in graph.heads]
    changes = common_changes([old for old in olds if old is not None], now)
    before = subject.before
    added = added_revisions(subject)
    removed = frozenset.intersection(*(frozenset(old.scripts) for old in before)) if before else frozenset()
    removed -= frozenset(graph.scripts)
    if not (changes or removed) or _made_for(subject, schemas, now):
        return []
    owner = _put_back(subject)
    if not added and owner:
        return [rolled_back(owner, committing=True)]
    if not added and changes and not removed and only_catches_up(subject, changes, schemas):
        return []
    if not added:
        changes = changes or _undone(project, before[0], removed)
        finding, hint = unrevised(changes, place=where(project, subject.tree, changes)), _left_out(subject)
        return [replace(finding, hint=hint) if hint else finding]
    if any(_covers(script, changes, now) for script in added):
        return []
    unsettled = [script for script in added if not _comparable(script, now)]
    # `git rebase` puts others below a record: it says what its revision changes, and not where that leads.
    if not unsettled and (len(added) == 1 or _by_trying(subject, added)):
        left = _left(project, added, changes, now)
        place = where(project, subject.tree, left)
        return [unrevised(left, hint="gitmig revise --amend", place=place)]
    texts = subject.tree.read_all([script.path for script in added]).values()
    if changes and all(idle(text.decode("utf-8", "replace")) for text in texts):
        return [unrevised(changes, place=where(project, subject.tree, changes))]
    return _by_trying(subject, unsettled) if unsettled else []


def _by_trying(subject: Subject, unsettled: Sequence[Script]) -> list[Finding]:
    """What a scratch database says of the added revisions, and GM007 for these where there is none."""
    known = subject.before[0].scripts if subject.before else {}
    return proven(
        subject.project,
        subject.tree,
        subject.head,
        unsettled=unsettled,
        redone=frozenset(script.revision for script in added_revisions(subject) if script.revision in known),
    )


def _left_over(
    subject: Subject, schemas: Schemas, now: Schema, olds: Sequence[Schema | None]
) -> list[Finding]:
    """A warning for what the models had beyond their revisions before this commit, and still have."""
    old, graph = olds[0] if olds else None, subject.graph
    if old is None or graph.crowded or recorded(graph, now) or _made_for(subject, schemas, now):
        return []
    before = subject.before[0]
    if not before.heads or before.crowded or recorded(before, old):
        return []
    try:
        base = base_schema(subject.project, before, before.heads, like=now, at=subject.head, schemas=schemas)
    except ProjectCodeError:
        return []
    left = tuple(change for change in difference(base, old) if now.facets.get(change.key) == change.after)
    if not left:
        return []
    commit = _origin(subject, schemas, before.heads, left)
    origin = None
    if commit is not None:
        origin = f"{short(commit)} {commits.info_of(subject.project.git, commit).subject}"
    return [unrevised_before(left, origin, place=where(subject.project, subject.tree, left))]


def _origin(
    subject: Subject, schemas: Schemas, heads: tuple[RevisionId, ...], left: Sequence[FacetChange]
) -> CommitId | None:
    """The first commit after the models of a state that has one of these changes, if it is found."""
    ties = Ties(project=subject.project, at=subject.head)
    tie = ties.of(heads)
    candidates = ties.models_changed_since(tie.models_commit) if tie.models_commit else ()
    for commit in candidates[-_COMPUTED:]:
        then = _if_it_imports(schemas, subject.project.commit_tree(commit))
        if then is not None and any(then.facets.get(change.key) == change.after for change in left):
            return commit
    return None


def _schemas(subject: Subject, known: Schemas) -> tuple[Schema, list[Schema | None]]:
    """The tree's schema and its parents'; None for a parent whose models do not import.

    A parent without the Alembic configuration cannot be asked. If its models are the tree's, so is
    its schema; else nothing of them is covered by a revision yet.
    """
    project, parents = subject.project, subject.trees
    files = project.configuration.files
    asked = [tree for tree in parents if all(tree.exists(path) for path in files)]
    now, found = _importable(known, subject.tree, asked)
    schemas: dict[str, Schema | None] = dict(zip((tree.label for tree in asked), found, strict=True))
    models = models_digest(project, subject.tree)
    # A commit that names another kind of database changes nothing, if its models are its parent's.
    others = [tree for tree in asked if (old := schemas[tree.label]) and old.dialect != now.dialect]
    schemas |= {t.label: now if models_digest(project, t) == models else None for t in others}
    olds = [
        schemas[tree.label]
        if tree.label in schemas
        else now
        if models is not None and models_digest(project, tree) == models
        else Schema(now.dialect, now.sqlalchemy, {})
        for tree in parents
    ]
    return now, olds


def _importable(
    known: Schemas, tree: Tree, parents: Sequence[Tree]
) -> tuple[Schema, Sequence[Schema | None]]:
    try:
        now, *found = known.all_of([tree, *parents])
        return now, found
    except WorkTreeRead:
        raise  # what differs there may be just what the commit changes
    except (ProjectCodeError, WorkerCrashed):
        return known.of(tree), [_if_it_imports(known, parent) for parent in parents]


def _if_it_imports(known: Schemas, tree: Tree) -> Schema | None:
    try:
        return known.of(tree)
    except (ProjectCodeError, WorkerCrashed):
        return None


def common_changes(olds: Sequence[Schema], now: Schema) -> tuple[FacetChange, ...]:
    """The facets in which a schema differs from all of the parents' (from nothing if there is none)."""
    if not olds:
        return difference(Schema(now.dialect, now.sqlalchemy, {}), now)
    first, *others = [difference(old, now) for old in olds]
    keys = [{change.key for change in changes} for changes in others]
    return tuple(change for change in first if all(change.key in known for known in keys))


def _comparable(script: Script, now: Schema) -> bool:
    header = script.header
    return header.schema is not None and (header.dialect, header.sqlalchemy) == (now.dialect, now.sqlalchemy)


def recorded(graph: Graph, now: Schema) -> bool:
    """Whether the only head was made for just this schema."""
    if len(graph.heads) != 1:
        return False
    head = graph.scripts[graph.heads[0]]
    return _comparable(head, now) and head.header.schema == digest(now)


def _made_for(subject: Subject, schemas: Schemas, now: Schema) -> bool:
    """Whether the state has a commit with just this schema, whatever its records say."""
    tree = models_of_state(subject)
    if tree is None:
        return False
    # Both sides are computed; a third time is no surer, if the cache was right about what was before.
    then = schemas.confirmed(tree, subject.trees) or _if_it_imports(schemas, tree)
    return then is not None and digest(then) == digest(now)


def models_of_state(subject: Subject) -> Tree | None:
    """The commit that has the models of the heads; None if a head is not committed, or is not tied."""
    heads, project = subject.graph.heads, subject.project
    if not heads or subject.head is None:
        return None
    ties = Ties(project=project, at=subject.head)
    known = project.graph(project.commit_tree(subject.head)).scripts.keys()
    tie = ties.of(heads) if known >= set(heads) else None
    return project.commit_tree(tie.models_commit) if tie and tie.models_commit else None


def _covers(script: Script, changes: Sequence[FacetChange], now: Schema) -> bool:
    if not _comparable(script, now):
        return False
    return script.header.schema == digest(now) or script.header.change == change_digest(tuple(changes))


def _left(
    project: Project, added: Sequence[Script], changes: tuple[FacetChange, ...], now: Schema
) -> tuple[FacetChange, ...]:
    """What the models have beyond the revisions that come with them, if that is known."""
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


def _put_back(subject: Subject) -> tuple[RevisionId, ...]:
    """The older state whose models this commit would bring back; none where they are no state's."""
    project, graph = subject.project, subject.graph
    if subject.head is None:
        return ()
    content = models_digest(project, subject.tree)
    if content == models_digest(project, project.commit_tree(subject.head)):
        return ()
    owners = Ties(project=project, at=subject.head).owners(content)
    older = (heads for heads in owners if heads != graph.heads and graph.scripts.keys() >= set(heads))
    return next(older, ())


def where(project: Project, tree: Tree, changes: Sequence[FacetChange]) -> Place | None:
    """Where in the models of a tree a finding about these changes points."""
    paths = [path for models in project.models for path in tree.ids(models)]
    texts = {path: data.decode("utf-8", "replace") for path, data in sorted(tree.read_all(paths).items())}
    return place_of(changes, texts)
