"""Noting where the database was seen, for commands and hooks that may not ask it."""

from __future__ import annotations

from gitmig.core.configuration import read_configuration
from gitmig.errors import GitmigError
from gitmig.hooks.advice import fingerprint
from gitmig.project.project import Project
from gitmig.project.unlinked import unlinked
from gitmig.state.last_seen import AdviceContext, remember
from gitmig.wire.values import RevisionId


def note_seen(project: Project, database: str, heads: tuple[RevisionId, ...]) -> None:
    """Note what was just read from the database, with the branch and the messages that go with it."""
    if project.repository is None:
        return
    scripts, configuration = project.graph().scripts, project.configuration
    known = all(head in scripts for head in heads)
    commit = project.repository.head()
    around = AdviceContext(
        config=configuration.path,
        section=configuration.section,
        branch=(project.repository.branch() or (commit and commit[:8])) if known else None,
        messages={head: scripts[head].title for head in heads if head in scripts},
        x=project.options.x,
        layout=_layout(project),
        environment=None if project.environment.alone else project.name,
    )
    remember(
        project.repository.private(),
        seen_key(project),
        database,
        heads,
        around if _is_own(project) else None,
    )


def _layout(project: Project) -> tuple[int | None, tuple[str, ...], bool] | None:
    """Where the revisions are by the configuration on disk, which a switch may just have changed."""
    path, top = project.configuration.path, str(project.top)
    try:
        now = read_configuration(project.configuration.source, project.work_tree, top)
    except GitmigError:
        return None
    if now is None:
        return None
    now = unlinked(now, project.top)
    return fingerprint(path, top), now.versions, now.recursive


def seen_key(project: Project) -> str:
    """What the note of this environment and database goes by."""
    source, options = project.configuration.source, project.options
    environment = source.key or source.section
    return environment if _is_own(project) else "\0".join((environment, options.url_env or "", *options.x))


def _is_own(project: Project) -> bool:
    """Whether the database is the one that env.py takes unasked."""
    return project.options.url_env is None and project.options.x in ((), project.hook_x)
