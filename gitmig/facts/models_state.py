"""Where the models in the work tree stand: whose they are, and what of them differs from HEAD."""

from __future__ import annotations

from dataclasses import dataclass

from gitmig.core.revisions.graph import Graph
from gitmig.core.ties import TieState
from gitmig.facts.ties import Ties, models_digest
from gitmig.git.contents import contents
from gitmig.git.trees import Tree
from gitmig.project.project import Project
from gitmig.state.history import read_rows
from gitmig.wire.values import Action, RevisionId, named


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsPlace:
    """The models in the work tree."""

    heads: tuple[RevisionId, ...] = ()
    """Whose models these are, if their content is known to be that of some state of the database."""
    modified: tuple[str, ...] = ()
    """The models files that differ from HEAD."""
    rolled_back_to: tuple[RevisionId, ...] = ()
    """The state whose models a rollback put here; none if HEAD's own models are here, or edits."""

    @property
    def revision(self) -> str | None:
        """The same as a text."""
        return named(self.heads) or None


def models_place(project: Project, graph: Graph) -> ModelsPlace:
    """Compare the content of the models with HEAD's and with those of every tie; nothing is imported."""
    head = project.git.head()
    committed = project.commit_tree(head) if head is not None else None
    modified = models_changed(project, committed)
    if committed is None:
        return ModelsPlace(modified=modified)
    content = models_digest(project, project.work_tree)
    owners = Ties(project=project).owners(content)
    heads = owners[0] if owners else _undone_to(project, graph, content) if modified else ()
    return ModelsPlace(
        heads=heads, modified=modified, rolled_back_to=heads if modified and heads != graph.heads else ()
    )


def _undone_to(project: Project, graph: Graph, content: str | None) -> tuple[RevisionId, ...]:
    """The state that this clone's last step went down to, if these may be its models.

    Which commit has them may not be known without an import. No commit of the line has the models of a
    revision that was squashed with a later one.
    """
    assert project.repository is not None
    rows = read_rows(project.repository.private())
    last = graph.scripts.get(rows[-1].revision) if rows and rows[-1].direction is Action.DOWNGRADE else None
    heads = last.down_revisions if last is not None else ()
    ties = Ties(project=project)
    untied = bool(heads) and ties.of(heads).state is TieState.UNTIED
    found = ties.has_elsewhere if untied else ties.is_candidate
    return heads if heads and found(heads, content) else ()


def models_changed(project: Project, committed: Tree | None) -> tuple[str, ...]:
    """The models files of the work tree that differ from those of a commit, sorted."""
    ties, now = Ties(project=project), project.work_tree
    paths = (*ties.models_in(now), *(ties.models_in(committed) if committed is not None else ()))
    changed: set[str] = set()
    for models in dict.fromkeys(paths):
        new, old = contents(now, models), contents(committed, models) if committed is not None else {}
        changed |= {path for path in {**old, **new} if old.get(path) != new.get(path)}
    return tuple(sorted(changed))
