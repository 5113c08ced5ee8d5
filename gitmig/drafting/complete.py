"""Revisions that are in no commit yet, and the models that are committed with them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.header import Header
from gitmig.core.revisions.programs import idle
from gitmig.core.revisions.scripts import Script
from gitmig.core.schema.facets import change_digest, difference, digest, render
from gitmig.drafting.commit import TRAILER, models_recorder, record_models, subject_of
from gitmig.drafting.material import changed_paths
from gitmig.errors import Refused, Unproven
from gitmig.facts.schemas import Schemas, TreeSchema
from gitmig.git.trees import Tree
from gitmig.judging.cases import cases_for, header_of
from gitmig.judging.proof import prove_one
from gitmig.moving.commit import begin_commit, commit_paths
from gitmig.moving.plans import MoveResult, RunOptions
from gitmig.moving.preconditions import require_committable
from gitmig.project.head_file import headed
from gitmig.project.project import Project
from gitmig.project.staging import chosen_tree, partly_staged
from gitmig.rpc.client import Worker
from gitmig.state.journal import CommitNote, Logbook
from gitmig.wire.values import RevisionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Revisions that wait for their commit, oldest first."""

    scripts: tuple[Script, ...]
    models: tuple[str, ...]
    """The files that are committed with them."""
    staged: bool
    """Whether the models are meant as they are in the index."""
    header: Header
    """The record that the last of them is committed with."""
    notes: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Everything that is committed."""
        return (*self.models, *(script.path for script in self.scripts))

    @property
    def note(self) -> CommitNote:
        """What is staged for the commit."""
        paths = tuple(script.path for script in self.scripts) if self.staged else self.paths
        return CommitNote(paths=paths, complete="git commit  (or: gitmig upgrade --commit)", removed={})


def uncommitted(project: Project, graph: Graph, heads: tuple[RevisionId, ...]) -> tuple[Script, ...]:
    """The revisions below ``heads`` that HEAD does not have, oldest first."""
    if project.repository is None:
        return ()
    head = project.git.head()
    held = project.graph(project.commit_tree(head)).scripts if head is not None else {}
    applied = graph.applied(heads)
    return tuple(graph.scripts[r] for r in graph.topological() if r in applied and r not in held)


def require_doing(project: Project, scripts: tuple[Script, ...]) -> None:
    """None of the revisions says that it changes something, and does nothing. Raises Refused."""
    for script in scripts:
        if script.header.change in (None, change_digest(())):
            continue
        if idle((project.top / script.path).read_text("utf-8", errors="replace")):
            raise Refused(
                f"upgrade() of {script.path} does nothing, and its models change",
                hint="write it, or draft it again: gitmig revise --amend",
            )


def waiting(
    project: Project, worker: Worker, run_options: RunOptions, scripts: tuple[Script, ...]
) -> Waiting:
    """What committing ``scripts`` takes. ``worker`` imports from the work tree.

    The last of them is proven where it has no record, and gets one. Raises Refused if the models are not
    those that it was made for or leads to, where git would not commit a file, and where one is staged in part
    and nobody is there to say which version is meant.
    """
    project.require_models()
    project.git.require_author()
    schemas = Schemas(project=project)
    now = schemas.with_worker(worker, project.work_tree)
    models = changed_paths(project, project.work_tree, now.manifest)
    if partly_staged(project, (*project.models, *models)):
        staged = schemas.computed(project.index)
        if _recorded(scripts[-1], staged) or (
            not _recorded(scripts[-1], now)
            and chosen_tree(project, run_options.prompter, (*project.models, *models)) is project.index
        ):
            _require_same(project, scripts[-1], staged)
            paths = changed_paths(project, project.index, staged.manifest)
            return _waiting(project, scripts, paths, staged=True)
    _require_same(project, scripts[-1], now)
    return _waiting(project, scripts, models, staged=False)


def _waiting(
    project: Project, scripts: tuple[Script, ...], models: tuple[str, ...], *, staged: bool
) -> Waiting:
    require_committable(project, (*models, *(script.path for script in scripts)))
    header, notes = _record(project, scripts[-1], project.index if staged else project.work_tree)
    return Waiting(scripts=scripts, models=models, staged=staged, header=header, notes=notes)


def _record(project: Project, script: Script, tree: Tree) -> tuple[Header, tuple[str, ...]]:
    """A revision's record, and what there is to say of it. Raises Refused if it leads elsewhere."""
    if script.header.schema is not None or script.open_lines:
        return script.header, ()
    try:
        case, verdict = prove_one(project, cases_for(project, script, tree, project.git.head()))
    except Unproven as error:
        return script.header, (_doubt(script, error.message),)
    if verdict.changes:
        raise Refused(
            f"the revision {script.revision} does not take the database to its models",
            hint=f"correct {script.path}, or draft it again: gitmig revise --amend",
            detail="\n".join(render(change) for change in verdict.changes),
        )
    if verdict.crash is not None:
        raise Refused(
            f"the proof that {script.revision} takes the database to its models did not come to an end: "
            f"{verdict.crash.message}",
            hint=verdict.crash.hint,
            detail=verdict.crash.detail,
        )
    if verdict.reason is not None:
        return script.header, (_doubt(script, verdict.reason),)
    return header_of(project, case), ()


def _doubt(script: Script, reason: str) -> str:
    return f"nothing proves that {script.revision} takes the database to its models: {reason}"


def complete(project: Project, log: Logbook, wait: Waiting, result: MoveResult) -> MoveResult:
    """Commit them. Raises CommitFailed, Interrupted."""
    last = wait.scripts[-1]
    project.forget()
    begin_commit(log, wait.note)
    record_models(project, last.path, wait.header, project.index if wait.staged else project.work_tree)
    commit = commit_paths(
        project.git,
        log,
        subject_of(project, last.message),
        headed(project, wait.note.paths),
        trailers={TRAILER: last.revision},
        staged=wait.models if wait.staged else (),
        refresh=models_recorder(project, last.path, wait.header),
    )
    project.forget()
    notes = (*result.notes, *wait.notes)
    return replace(result, commit=commit, revision=last.revision, path=last.path, notes=notes)


def _comparable(script: Script, now: TreeSchema) -> bool:
    header, schema = script.header, now.schema
    return header.schema is not None and (header.dialect, header.sqlalchemy) == (
        schema.dialect,
        schema.sqlalchemy,
    )


def _recorded(script: Script, now: TreeSchema) -> bool:
    return _comparable(script, now) and script.header.schema == digest(now.schema)


def _require_same(project: Project, script: Script, now: TreeSchema) -> None:
    if not _comparable(script, now) or _recorded(script, now):
        return
    drafted = Schemas(project=project).cache.schema(script.header.schema or "")
    changes = difference(drafted, now.schema) if drafted is not None else ()
    raise Refused(
        f"the models have changed since {script.revision} was drafted",
        hint="gitmig revise --amend",
        detail="\n".join(render(change) for change in changes) or None,
    )
