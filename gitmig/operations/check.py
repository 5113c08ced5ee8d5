"""``check``: findings for the work tree, for what is being committed, or for a commit."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gitmig.core.codes import Finding, Severity
from gitmig.core.database_findings import in_progress
from gitmig.core.findings import (
    graph_findings,
    has_errors,
    not_in_this_clone,
    unjudged,
    unproven,
    unrevised,
    with_severities,
)
from gitmig.core.revisions.graph import Graph
from gitmig.core.schema.facets import Schema, difference, digest
from gitmig.core.ties import TieState
from gitmig.errors import (
    GitmigError,
    NoInterpreter,
    ProjectCodeError,
    SettingsError,
    WorkerCrashed,
    WorkTreeRead,
)
from gitmig.facts.cache import parts_of, reads
from gitmig.facts.schemas import Schemas
from gitmig.facts.ties import Ties
from gitmig.git import publication
from gitmig.git.contents import contents
from gitmig.git.index_lines import IndexLines
from gitmig.git.trees import Tree
from gitmig.hooks import relevance
from gitmig.judging.base import BaseSchema, base_of
from gitmig.judging.configured import missing_paths
from gitmig.judging.judge import edited, graph_judged, judge, models_of_state, recorded, where
from gitmig.judging.subject import Subject, is_redone
from gitmig.project.head_file import head_file_findings
from gitmig.project.project import Project
from gitmig.state.command_lock import HOLDER
from gitmig.wire.values import CommitId, Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The findings, and what was judged."""

    findings: tuple[Finding, ...]
    subject: str
    problem: GitmigError | None = None
    """Why not all of it could be judged: the findings are what is known without."""

    @property
    def failed(self) -> bool:
        """Whether a finding of severity error is among them."""
        return has_errors(self.findings)


def check_staged(project: Project) -> CheckResult:
    """Judge exactly what is being committed, against the commit's parents. Needs no database."""
    operation = project.git.operation()
    if operation is not None and (unmerged := project.git.unmerged()):
        # git would not commit it: what is in conflict is not in the index as it will be.
        found = in_progress(operation, unmerged=unmerged)
        return CheckResult(findings=settled(project, found), subject="what is being committed")
    index, parents = project.index, _parents(project)
    changed = _changed(project, parents)
    if not changed and "PRE_COMMIT" in os.environ and "GIT_INDEX_FILE" not in os.environ:
        # `pre-commit run --all-files`, outside of a commit.
        return check_tree(project, "HEAD")
    if not _any_relevant(project, index, changed):
        return CheckResult(findings=(), subject="nothing relevant is staged")
    subject = Subject(project=project, tree=index, parents=parents)
    missing = tuple(missing_paths(project, index, subject.trees))
    if os.environ.get(HOLDER):
        # The commit of a rollback may take away what a later revision brought.
        missing = tuple(finding.at(Severity.WARNING) for finding in missing)
    try:
        findings = (*missing, *judge(subject), *_published_edited(subject))
    except NoInterpreter as error:
        return _without_interpreter(subject, error)
    except (ProjectCodeError, SettingsError) as error:
        if any(finding.severity is Severity.ERROR for finding in missing):
            # Which may be why.
            return CheckResult(findings=settled(project, missing), subject="what is being committed")
        if project.models:
            raise
        findings = (*graph_judged(subject), *_published_edited(subject), unjudged(error.message, error.hint))
    return CheckResult(findings=settled(project, findings), subject="what is being committed")


def _without_interpreter(subject: Subject, error: NoInterpreter) -> CheckResult:
    """The revisions can be judged all the same; that the models cannot is never passed over in silence."""
    project = subject.project
    findings = [*graph_judged(subject), *_published_edited(subject)]
    warned = project.git.config("gitmig.noInterpreter") == "warn"
    if warned:
        findings.append(unjudged(error.message, error.hint))
    return CheckResult(
        findings=settled(project, findings),
        subject="what is being committed",
        problem=None if warned else error,
    )


def _published_edited(subject: Subject) -> Iterator[Finding]:
    """GM003 as a warning: whoever edits a published revision may know why. ``--base`` makes it an error."""
    project = subject.project
    found = list(edited(subject)) if subject.parents else []
    ties = Ties(project=project, at=subject.head).all() if found else {}
    paths = {script.path: revision for revision, script in subject.before[0].scripts.items()} if found else {}
    paths |= {script.path: revision for revision, script in subject.graph.scripts.items()} if found else {}
    for finding in found:
        tie = ties.get(paths[finding.path or ""])
        if (
            tie
            and tie.introduced
            and publication.is_published(project.git, tie.introduced, project.settings.published)
        ):
            yield finding.at(Severity.WARNING)


def remember_passed(projects: Sequence[Project]) -> None:
    """Let the next commit that has nothing to do with any of this pass without a closer look.

    Noted is what all environments of the repository depend on together: what passes has to pass for each.
    """
    try:
        found = [_depends(project) for project in projects]
    except NoInterpreter:
        return
    if not found or any(one is None for one in found):
        return
    manifests = [one[0] for one in found if one is not None]
    watched = [path for one in found if one is not None for path in one[1]]
    index = projects[0].index
    with contextlib.suppress(OSError):
        relevance.remember(
            str(Schemas(project=projects[0]).cache.folder),
            relevance.StagedPaths(IndexLines.of(index.ids()), modules=index.modules()),
            _together(manifests),
            dict.fromkeys(watched),
            relevance.circumstances(),
        )


def _together(manifests: Sequence[Manifest]) -> dict[str, dict[str, str]]:
    together: dict[str, dict[str, str]] = {}
    for manifest in manifests:
        for name, part in parts_of(manifest).items():
            together.setdefault(name, {}).update(part)
    return together


def _depends(project: Project) -> tuple[Manifest, tuple[str, ...]] | None:
    """What the schema of the index depends on, and the other paths that count; None if it is not in step."""
    schemas = Schemas(project=project)
    graph = project.graph(project.index)
    now = schemas.cached(project.index)
    manifest = schemas.manifest(project.index)
    if now is None or manifest is None or graph_findings(graph):
        return None
    if not (recorded(graph, now) or _known_as_made_for(project, schemas, now)):
        return None
    configuration = project.configuration
    return manifest, (*configuration.versions, *configuration.files, project.environment.settings_file)


def _known_as_made_for(project: Project, schemas: Schemas, now: Schema) -> bool:
    """Whether the commit of the heads, which may have no records, is known to have this schema."""
    tree = models_of_state(Subject(project=project, tree=project.index, parents=_parents(project)))
    then = schemas.cached(tree) if tree is not None else None
    return then is not None and digest(then) == digest(now)


def check_tree(project: Project, ref: str | None) -> CheckResult:
    """Judge the work tree, or the commit that ``ref`` names."""
    tree = project.work_tree if ref is None else project.commit_tree(project.git.resolve(ref))
    findings = list(tree_findings(project, tree))
    if ref is None:
        project.require_models_found()
        operation = project.repository.operation() if project.repository is not None else None
        # A warning: `git rebase --exec "gitmig check"` asks about the files, in the middle of a rebase.
        findings += in_progress(operation, Severity.WARNING)
    return CheckResult(findings=settled(project, findings), subject=ref or "the work tree")


def tree_findings(project: Project, tree: Tree) -> tuple[Finding, ...]:
    """What is wrong with the revisions of a tree, or with its models beside them."""
    graph = project.graph(tree)
    findings = (*graph_findings(graph), *head_file_findings(project, tree, graph))
    if findings or project.repository is None:
        return findings
    missing = () if tree is project.work_tree else tuple(missing_paths(project, tree))
    if missing:
        return missing
    schemas = Schemas(project=project)
    try:
        found = _models_findings(project, graph, tree, schemas)
        if found:
            # What the cache knows of schemas and proofs is no reason to stop anybody.
            found = _models_findings(project, graph, tree, schemas.afresh())
    except (ProjectCodeError, NoInterpreter, SettingsError) as error:
        if project.models:
            raise
        # An environment whose models are not configured has its revisions.
        found = [unjudged(error.message, error.hint)]
    return tuple(found)


def _models_findings(project: Project, graph: Graph, tree: Tree, schemas: Schemas) -> list[Finding]:
    now = schemas.of(tree)
    heads = graph.heads
    try:
        base = base_of(project, graph, heads, like=now, at=tree.commit, schemas=schemas)
    except WorkTreeRead:
        raise
    except ProjectCodeError as error:
        if not heads or recorded(graph, now):
            return []
        tie = Ties(project=project, at=tree.commit).of(heads)
        if tree is project.work_tree and tie.state is TieState.UNCOMMITTED:
            # The next commit is to bring the head revision: what the hook will say of it.
            return list(judge(Subject(project=project, tree=tree, parents=_parents(project))))
        return [
            unproven(graph.scripts[heads[-1]], f"the models of its commit do not import: {error.message}")
        ]
    return models_compared(project, graph, tree, base, now)


def models_compared(
    project: Project, graph: Graph, tree: Tree, base: BaseSchema, now: Schema
) -> list[Finding]:
    """GM001 for what the models of a tree have beyond the state that its heads were made for.

    Without a difference GM007, if nothing proves that state.
    """
    changes = difference(base.schema, now)
    if changes and not project.models:
        return [unrevised(changes, hint="gitmig init")]
    if changes and tree is project.work_tree:
        committing = Subject(project=project, tree=tree, parents=_parents(project))
        if is_redone(committing):
            # The record is that of what the head was; what the hook will say of it.
            return list(judge(committing))
    if changes:
        return [unrevised(changes, place=where(project, tree, changes))]
    if base.doubt is None:
        return []
    doubted = not_in_this_clone if base.cut_off else unproven
    return [doubted(graph.scripts[graph.heads[-1]], base.doubt)]


def settled(
    project: Project, findings: Iterable[Finding], allowed: Sequence[str] = ()
) -> tuple[Finding, ...]:
    """The findings with the severities that the settings, the environment and ``allowed`` codes leave."""
    let = os.environ.get("GITMIG_ALLOW", "").replace(",", " ").split()
    return with_severities(findings, project.settings.severity, (*let, *allowed))


def _parents(project: Project) -> tuple[CommitId, ...]:
    head = project.git.head()
    return () if head is None else (head, *project.git.merge_heads())


def _changed(project: Project, parents: Sequence[CommitId]) -> list[str]:
    """The paths in which the index differs from every parent, as in a combined diff."""
    if not parents:
        return sorted(contents(project.index))
    return sorted(set.intersection(*(project.index.changed_from(parent) for parent in parents)))


def _any_relevant(project: Project, index: Tree, changed: Sequence[str]) -> bool:
    """Whether a changed file can matter: code, or what the models read.

    Nothing but an import of what is staged says that, unless it is known from before.
    """
    if any(_is_code(project, path) for path in changed):
        return True
    schemas = Schemas(project=project)
    data = [path for path in changed if not path.endswith(relevance.HARMLESS) or schemas.cache.reads(path)]
    try:
        if data:
            schemas.of(index)
    except WorkTreeRead:
        return True
    except (GitmigError, WorkerCrashed):
        # No file of the project's code is changed, and this may be no machine to run it on.
        return any(schemas.cache.reads(path) for path in data)
    manifest = schemas.manifest(index) if data else None
    return any(manifest is None or reads(manifest, path) for path in data)


def _is_code(project: Project, path: str) -> bool:
    """Whether a changed file is code, configuration, or lies where the revisions do."""
    configuration = project.configuration
    if path.endswith((".py", "pyproject.toml")) or path in configuration.files:
        return True
    return any(path.startswith(f"{folder}/") for folder in configuration.versions)
