"""Where the models in the work tree stand: whose they are, and what of them differs from HEAD."""

from __future__ import annotations

from dataclasses import dataclass

from gitmig.git.trees import content_digest
from gitmig.graph import Graph
from gitmig.model import RevisionId
from gitmig.project import Project
from gitmig.tied import Ties


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsPlace:
    """The models in the work tree."""

    revision: RevisionId | None
    """Whose models these are, where their content is known to be some revision's."""
    modified: tuple[str, ...]
    """The models files that differ from HEAD."""
    rolled_back_to: RevisionId | None
    """The revision whose models a rollback put here; None where HEAD's own models are here, or edits."""


def models_place(project: Project, graph: Graph) -> ModelsPlace:
    """Compare the content of the models with HEAD's and with those of every tie; nothing is imported."""
    head = project.git.head()
    now = project.work_tree
    committed = project.commit_tree(head) if head is not None else None
    modified = []
    for models in project.models:
        new, old = now.ids(models), committed.ids(models) if committed is not None else {}
        modified += [path for path in {**old, **new} if old.get(path) != new.get(path)]
    if committed is None:
        return ModelsPlace(revision=None, modified=tuple(sorted(modified)), rolled_back_to=None)
    owners = Ties(project=project).owners(content_digest(now, project.models))
    revision = owners[0] if owners else None
    rolled_back = revision if modified and revision not in graph.heads else None
    return ModelsPlace(revision=revision, modified=tuple(sorted(modified)), rolled_back_to=rolled_back)
