"""What every command that moves something asks first. Each function raises Refused, or returns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from gitmig.applied.missing import has_scripts
from gitmig.core.codes import Severity
from gitmig.core.database_findings import not_under_alembic, overlapping, stamp
from gitmig.core.findings import graph_findings, with_severities
from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.programs import DOES_NOTHING, irreversible
from gitmig.errors import Refused
from gitmig.git import obstacles
from gitmig.git.modules import EDITED
from gitmig.project.project import Project
from gitmig.rpc.protocol import DatabaseFacts
from gitmig.wire.values import RevisionId


def require_quiet(project: Project) -> None:
    """No merge, rebase, cherry-pick or revert is in progress, and nothing is unmerged."""
    if project.repository is None:
        return
    operation = project.repository.operation()
    if operation is not None:
        raise Refused(
            f"a {operation} is in progress", hint=f"git {operation} --continue, or git {operation} --abort"
        )
    unmerged = project.repository.unmerged()
    if unmerged:
        raise Refused(f"unmerged files: {', '.join(unmerged)}", hint="resolve them, then git add them")


def require_committable(project: Project, paths: Sequence[str]) -> None:
    """git would commit these files, some of which may be not there yet.

    Asked before the database moves: else it would be ahead of what git can take.
    """
    modules = project.work_tree.modules()
    edited = next((path for path in paths if EDITED in modules.get(path, "")), None)
    if edited is not None:
        raise Refused(
            f"the submodule {edited} has changes that none of its commits has",
            hint=f"git -C {obstacles.quoted(edited)} commit --all, then run the command again",
        )
    linked = [path for path in project.models if (project.top / path).is_symlink()]
    obstacles.require_committable(project.git, [*paths, *(f"{path}/" for path in linked)])


def require_sound(project: Project, graph: Graph) -> None:
    """No line of the graph has two heads, and nothing makes a path through it doubtful.

    What the settings' ``severity`` makes less than an error does not count.
    """
    for finding in with_severities(graph_findings(graph), project.settings.severity):
        if finding.severity is Severity.ERROR:
            raise Refused(f"{finding.code}: {finding.message}", hint=finding.hint)


def require_under_alembic(facts: DatabaseFacts, graph: Graph) -> None:
    """The database is empty or has a version table: else every CREATE TABLE would fail on what is there."""
    if not facts.versioned and facts.models_tables:
        raise Refused(f"GM017: {not_under_alembic(facts.models_tables)}", hint=stamp(graph))


def require_apart(facts: DatabaseFacts, graph: Graph) -> None:
    """The version table names no revision that is below another one in it (GM025)."""
    if (found := overlapping(facts.heads, graph)) is not None:
        raise Refused(f"{found.code}: {found.message}", hint="gitmig status")


def require_known(project: Project, graph: Graph, facts: DatabaseFacts) -> None:
    """Every revision that the database holds has a file in the checkout (GM010)."""
    unknown = [head for head in facts.heads if head not in graph.scripts]
    if unknown:
        names = ", ".join(unknown)
        held = has_scripts(project, facts.environment, facts.database, unknown)
        raise Refused(
            f"GM010: the database {facts.database} is at {names}, which no file of the checkout has",
            hint="gitmig sync" if held else "check out the branch that has it, or bring its file back",
        )


def require_target(graph: Graph, target: str) -> None:
    """A target that does not depend on where the database is names revisions of the graph.

    Asked before the database is: what is not there can be said without it.
    """
    if target != "current" and not re.search(r"[+-]\d+$", target):
        graph.resolve(target)


def require_written(graph: Graph, revisions: Sequence[RevisionId]) -> None:
    """None of the revisions has an open line ``# gitmig: write by hand``."""
    for revision in revisions:
        script = graph.scripts[revision]
        if script.open_lines:
            raise Refused(
                f"{script.path} line {script.open_lines[0]} is still to be written by hand",
                hint="write it (and remove the comment), then run the command again",
            )


STAY = "stay on a side that has it, or move the database by hand"


def require_reversible(
    scripts: Iterable[tuple[RevisionId, str]], hint: Callable[[RevisionId], str] = lambda revision: STAY
) -> tuple[str, ...]:
    """What to say of downgrades that merely do nothing; ``scripts`` are texts, newest first.

    Raises Refused for the first revision that cannot be undone, with the ``hint`` for going as far as there
    if that is any way at all.
    """
    idle = []
    for number, (revision, text) in enumerate(scripts):
        reason = irreversible(text)
        if reason == DOES_NOTHING:
            idle.append(f"{revision} is undone by a downgrade() that does nothing")
        elif reason is not None:
            way = hint(revision) if number else STAY
            raise Refused(f"{revision} cannot be undone: {reason}", hint=way)
    return tuple(idle)
