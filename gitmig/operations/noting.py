"""Noting where the database was seen, for commands and hooks that may not ask it."""

from __future__ import annotations

from gitmig.model import RevisionId
from gitmig.project import Project
from gitmig.seen import Surroundings, remember


def note_seen(project: Project, database: str, heads: tuple[RevisionId, ...]) -> None:
    """Note what was just read from the database, with the branch and the messages that go with it."""
    if project.repository is None:
        return
    scripts = project.graph().scripts
    known = all(head in scripts for head in heads)
    commit = project.repository.head()
    around = Surroundings(
        config=project.configuration.path,
        section=project.configuration.section,
        branch=(project.repository.branch() or (commit and commit[:8])) if known else None,
        messages={head: scripts[head].message for head in heads if head in scripts},
    )
    remember(
        project.repository.private(),
        seen_key(project),
        database,
        heads,
        around if _is_own(project) else None,
    )


def seen_key(project: Project) -> str:
    """What the note of this environment and database goes by."""
    section, options = project.configuration.section, project.options
    return section if _is_own(project) else "\0".join((section, options.url_env or "", *options.x))


def _is_own(project: Project) -> bool:
    """Whether the database is the one that env.py takes unasked."""
    return project.options.url_env is None and not project.options.x
