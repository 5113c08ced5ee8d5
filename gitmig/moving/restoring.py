"""Putting a revision's models back: which commit, which files, and whether the result is right."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from gitmig.core.plan import Step, restores
from gitmig.core.schema.facets import difference, digest, render
from gitmig.core.ties import Tie, TieState
from gitmig.errors import ProjectCodeError
from gitmig.facts.models_state import models_place
from gitmig.facts.schemas import Schemas
from gitmig.facts.ties import Ties, models_digest
from gitmig.git import commits as git_commits
from gitmig.git.restore import Restoration, plan_restoration
from gitmig.git.trees import Tree
from gitmig.project.project import Project
from gitmig.wire.values import CommitId, RevisionId, named, short

_LISTED = 10
"""As many lines name what leaves the work tree: a rollback of an old revision takes many commits back."""

_SUBJECT = 39
"""As many characters of a commit's subject fit into such a line of 80 columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsRestore:
    """Models on their way from a commit into the work tree."""

    commit: CommitId
    restoration: Restoration
    question: str | None = None
    """What a person has to agree to first: the commit may not be the right one."""
    details: tuple[str, ...] = ()
    """What the question is about: the schema difference that the files make."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """One for each file."""
        return restores(self.restoration.paths, self.restoration.removed, self.commit)


def put_back(project: Project, tie: Tie, heads: tuple[RevisionId, ...]) -> ModelsRestore | None:
    """The models of a state, by its tie; None if it has none. Raises Refused for edits git does not hold."""
    if tie.models_commit is None:
        return None
    found = put_back_from(project, tie.models_commit)
    if tie.state is TieState.VERIFIED or not found.restoration.paths:
        return found
    commit = short(found.commit)
    return ModelsRestore(
        commit=found.commit,
        restoration=found.restoration,
        question=_question(heads, commit),
        details=_difference(project, found.commit),
    )


def _question(heads: tuple[RevisionId, ...], commit: str) -> str:
    return f"not sure which commit has the models of {named(heads)}; best guess: {commit}. Restore them?"


def put_back_from(project: Project, commit: CommitId) -> ModelsRestore:
    """The models of a commit, whichever revision they are of. Raises Refused as above.

    If they lay elsewhere then, they go back there, and leave the place where they are now.
    """
    ties = Ties(project=project)
    trees = (project.commit_tree(commit), project.work_tree)
    paths = tuple(dict.fromkeys(path for tree in trees for path in ties.models_in(tree)))
    return ModelsRestore(commit=commit, restoration=plan_restoration(project.git, commit, paths))


def rolled_back_models(project: Project) -> ModelsRestore | None:
    """HEAD's models, where those in the work tree were put there by a rollback; None mostly."""
    head = project.git.head()
    if head is None or not project.models or not models_place(project, project.graph()).rolled_back_to:
        return None
    return put_back_from(project, head)


def _difference(project: Project, commit: CommitId) -> tuple[str, ...]:
    trees = (project.work_tree, project.commit_tree(commit))
    try:
        changes = difference(*Schemas(project=project).all_of(trees))
    except ProjectCodeError as error:
        return (f"what they change in the schema is not known: {error.message}",)
    return tuple(render(change) for change in changes) or ("the schema stays as it is",)


def leaving(project: Project, found: ModelsRestore) -> tuple[str, ...]:
    """The commits whose changes to the models are in the work tree now and will not be, newest first."""
    current = _current(project)
    if current is None or not found.restoration.paths:
        return ()
    ties = Ties(project=project)
    trees = (project.commit_tree(found.commit), project.commit_tree(current))
    paths = tuple(dict.fromkeys(path for tree in trees for path in ties.models_in(tree)))
    commits = git_commits.between(project.git, found.commit, current, paths)
    lines = [f"no longer in the work tree: {short(c.id)} {_cut(c.subject)}" for c in commits]
    if len(lines) > _LISTED:
        all_of_them = f"git log {short(found.commit)}..{short(current)} -- {shlex.join(paths)}"
        lines[_LISTED - 1 :] = [f"and {len(lines) - _LISTED + 1} earlier commits: {all_of_them}"]
    return tuple(lines)


def _cut(subject: str) -> str:
    """The start of a subject, so that the warning fits into 80 columns."""
    return subject if len(subject) <= _SUBJECT else f"{subject[: _SUBJECT - 1].rstrip()}…"


def _current(project: Project) -> CommitId | None:
    """The commit whose models are in the work tree: HEAD, or where an earlier rollback took them from."""
    head = project.git.head()
    content = models_digest(project, project.work_tree)
    if head is None or models_digest(project, project.commit_tree(head)) == content:
        return head
    ties = Ties(project=project)
    owners = ties.owners(content)
    return ties.of(owners[0]).models_commit if owners else head


def remaining(project: Project, commit: CommitId) -> tuple[str, ...]:
    """What the schema of the work tree still has other than that of ``commit``, after a restore.

    Names the files of the import that differ from the commit's: a mixin outside the models paths, say.
    """
    schemas = Schemas(project=project)
    project.forget()
    trees = project.work_tree, project.commit_tree(commit)
    try:
        now, then = schemas.all_of(trees)
    except ProjectCodeError as error:
        if schemas.cached(project.work_tree) is None:
            return (f"the models that were put back do not import: {error.message}",)
        return (f"not compared with {short(commit)}: its own models do not import today: {error.message}",)
    changes = difference(then, now)
    if not changes:
        return ()
    manifests = [schemas.cache.manifest(digest(schema)) for schema in (then, now)]
    read = {path for manifest in manifests if manifest is not None for path in manifest.files}
    suspects = _differing(read, *trees)
    lines = "; ".join(render(change) for change in changes)
    return (
        f"the models still differ from those of {short(commit)}: {lines}",
        *((f"because of {', '.join(suspects)}: name such files in `models`",) if suspects else ()),
    )


def _differing(paths: Iterable[str], old: Tree, new: Tree) -> list[str]:
    before, after = old.ids(), new.ids()
    return sorted(path for path in paths if before.get(path) != after.get(path))
